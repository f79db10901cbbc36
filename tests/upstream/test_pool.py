"""Connections to servers on loopback that answer, refuse, keep silent or are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from telephony.errors import ConfigurationError, UpstreamError, UpstreamLost, UpstreamRefused
from telephony.settings import RouterSettings
from telephony.upstream import Failure, Upstream, resolve
from telephony.upstream.deployment import Deployment
from telephony.upstream.pool import Resumption

SESSIONS = {
    "openai": '{"type": "session.created", "session": {"type": "realtime", "audio": {}}}',
    "xai": '{"type": "session.created", "session": {"voice": "ara", "turn_detection": {"type": null}}}',
}


class Neighbourhood:
    """Servers on loopback, each of another temper."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.requests: list[Request] = []
        self.rings = asyncio.Event()
        """Set when somebody has reached the silent one."""

    async def friendly(self) -> str:
        return await self._serving(lambda *_: None)

    async def hesitant(self, status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR) -> str:
        """Fails once and is friendly ever after."""
        answers = iter([status])

        def answer(connection: ServerConnection, _: Request) -> Response | None:
            status = next(answers, None)
            return connection.respond(status, "no\n") if status else None

        return await self._serving(answer)

    async def _serving(self, answer: Callable[[ServerConnection, Request], Response | None]) -> str:
        async def talk(connection: ServerConnection) -> None:
            self.requests.append(connection.request)
            await connection.send('{"type": "session.created", "session": {}}')
            await connection.wait_closed()

        server = await self._stack.enter_async_context(serve(talk, "127.0.0.1", 0, process_request=answer))
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def refusing(self, status: HTTPStatus) -> str:
        def refuse(connection: ServerConnection, _: Request) -> Response:
            return connection.respond(status, "no\n")

        async def never(_: ServerConnection) -> None:
            raise AssertionError("a refused handshake must not become a connection")

        server = await self._stack.enter_async_context(serve(never, "127.0.0.1", 0, process_request=refuse))
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def proxy(self, *behind: str) -> str:
        """A LiteLLM proxy that takes its sessions to these providers, one after the other."""
        turns = iter(behind)

        async def talk(connection: ServerConnection) -> None:
            self.requests.append(connection.request)
            provider = next(turns)
            if provider == "openai" and "OpenAI-Beta" in connection.request.headers:
                await connection.send('{"type": "error", "error": {"code": "beta_api_shape_disabled"}}')
                await connection.close(4000)
            else:
                await connection.send(SESSIONS[provider])
                await connection.wait_closed()

        server = await self._stack.enter_async_context(serve(talk, "127.0.0.1", 0))
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def silent(self) -> str:
        """Accepts the TCP connection and never says a word."""

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.rings.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        self._stack.callback(server.close)
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def absent(self) -> str:
        """An address at which nobody listens any more."""
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return f"ws://127.0.0.1:{port}"


@pytest.fixture
async def nearby() -> AsyncIterator[Neighbourhood]:
    async with AsyncExitStack() as stack:
        yield Neighbourhood(stack)


@pytest.fixture
def upstream(entry):
    def make(*addresses: str) -> Upstream:
        return Upstream(resolve(entry("xai/grok", api_base=address, api_key="k"), {}) for address in addresses)

    return make


async def test_the_first_that_answers_is_connected_with_its_key_and_its_model(nearby, upstream):
    pool = upstream(await nearby.absent(), await nearby.friendly(), await nearby.friendly())
    async with await pool.connect("voice", budget=5) as session:
        assert session.deployment is pool.for_model("voice")[1]
    (request,) = nearby.requests
    assert request.path == "/v1/realtime?model=grok"
    assert request.headers["Authorization"] == "Bearer k"
    assert "OpenAI-Beta" not in request.headers


@pytest.mark.parametrize(
    ("behind", "dialled"),
    [
        (["openai"], [False]),
        (["xai", "xai"], [False, True]),
        (["xai", "openai", "openai"], [False, True, False]),
        (["xai", "openai", "xai"], [False, True, False]),
    ],
)
async def test_a_proxy_before_xai_is_asked_to_leave_our_updates_as_they_are(nearby, entry, behind, dialled):
    """And one before OpenAI is not, who would refuse; of two behind one name either may come at any time."""
    proxy = resolve(entry("litellm_proxy/voice", api_base=await nearby.proxy(*behind)), {})
    pool = Upstream([proxy])
    async with await pool.connect("voice", budget=5) as session:
        assert session.established
        assert pool.balancer.sessions(proxy) == 1
    assert ["OpenAI-Beta" in request.headers for request in nearby.requests] == dialled
    assert pool.balancer.sessions(proxy) == 0
    assert pool.balancer.resting(asyncio.get_running_loop().time()) == {}


async def test_whoever_says_what_is_behind_a_proxy_saves_a_connection(nearby, entry):
    proxy = entry("litellm_proxy/voice", api_base=await nearby.proxy("xai"), info={"dialect": "xai"})
    async with await Upstream([resolve(proxy, {})]).connect("voice", budget=5):
        pass
    assert ["OpenAI-Beta" in request.headers for request in nearby.requests] == [True]


async def test_a_client_behind_us_gets_a_proxys_events_as_they_are(nearby, entry):
    """The header would rename them."""
    proxy = resolve(entry("litellm_proxy/voice", api_base=await nearby.proxy("xai")), {})
    async with await Upstream([proxy]).connect("voice", budget=5, relayed={}):
        pass
    assert ["OpenAI-Beta" in request.headers for request in nearby.requests] == [False]


async def test_whoever_knows_the_conversation_is_asked_first_though_it_is_cooling_down(nearby, upstream):
    pool = upstream(await nearby.friendly(), await nearby.friendly())
    first, second = pool.for_model("voice")
    async with await pool.connect("voice", budget=5, resume=Resumption(second, "conv_1")) as session:
        session.failed(Failure("elsewhere", "it owed an answer"))
    assert str(second) in pool.balancer.resting(asyncio.get_running_loop().time())
    async with await pool.connect("voice", budget=5, resume=Resumption(second, "conv_1")) as session:
        assert session.deployment is second
    async with await pool.connect("voice", budget=5) as session:
        assert session.deployment is first
    assert [request.path.partition("&")[2] for request in nearby.requests] == ["conversation_id=conv_1"] * 2 + [""]


async def test_whoever_else_is_asked_begins_a_new_conversation(nearby, upstream):
    pool = upstream(await nearby.friendly(), await nearby.refusing(HTTPStatus.SERVICE_UNAVAILABLE))
    first, second = pool.for_model("voice")
    async with await pool.connect("voice", budget=5, resume=Resumption(second, "conv_1")) as session:
        assert session.deployment is first
    (request,) = nearby.requests
    assert "conversation_id" not in request.path


async def test_one_that_never_answers_leaves_time_for_the_next(nearby, upstream):
    pool = upstream(await nearby.silent(), await nearby.friendly())
    async with await pool.connect("voice", budget=1) as session:
        assert session.deployment is pool.for_model("voice")[1]


async def test_when_all_refuse_everybodys_reason_is_told(nearby, upstream):
    absent, refusing = await nearby.absent(), await nearby.refusing(HTTPStatus.UNAUTHORIZED)
    with pytest.raises(UpstreamRefused) as refusal:
        await upstream(absent, refusing).connect("voice", budget=5)
    assert refusal.value.status == 401
    assert f"xai/grok: {absent}/v1/realtime" in str(refusal.value)
    assert f"xai/grok: {refusing}/v1/realtime" in str(refusal.value)


async def test_when_the_last_is_not_there_the_model_is_lost(nearby, upstream):
    pool = upstream(await nearby.refusing(HTTPStatus.TOO_MANY_REQUESTS), await nearby.absent())
    with pytest.raises(UpstreamLost, match="429"):
        await pool.connect("voice", budget=5)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_one_that_failed_is_asked_again_while_there_is_time(nearby, upstream, status):
    pool = upstream(await nearby.hesitant(HTTPStatus(status)))
    async with await pool.connect("voice", budget=5) as session:
        assert session.established


async def test_it_is_not_asked_again_when_that_is_not_wanted(nearby, entry):
    hesitant = resolve(entry("xai/grok", api_base=await nearby.hesitant()), {})
    with pytest.raises(UpstreamRefused, match="HTTP 500"):
        await Upstream([hesitant], RouterSettings(num_retries=0)).connect("voice", budget=5)


async def test_whoever_gives_up_while_it_rings_leaves_no_place_taken(nearby, upstream):
    pool = upstream(await nearby.silent())
    (deployment,) = pool.for_model("voice")
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(pool.connect("voice", budget=5), name="connect")
        await nearby.rings.wait()
        assert pool.balancer.sessions(deployment) == 1
        asked.cancel()
    assert pool.balancer.sessions(deployment) == 0
    assert pool.balancer.resting(asyncio.get_running_loop().time()) == {}


def test_an_agent_that_names_no_model_gets_the_only_one(upstream):
    assert len(upstream("ws://127.0.0.1:1", "ws://127.0.0.1:2").for_model("")) == 2


def test_an_unknown_model_is_refused_with_the_nearest_there_is(entry):
    pool = Upstream(
        resolve(entry("xai/m", name=name, api_base="ws://127.0.0.1:1"), {}) for name in ("grok-voice", "gpt")
    )
    with pytest.raises(ConfigurationError, match=r"agents\.\*\.model: model_list has no 'grok-voise'.*grok-voice\?"):
        pool.for_model("grok-voise")
    with pytest.raises(ConfigurationError, match=r"several.*gpt, grok-voice"):
        pool.for_model("")


def test_an_empty_model_list_is_refused():
    with pytest.raises(ConfigurationError, match="model_list: it has no realtime model"):
        Upstream([]).for_model("")


class Counting:
    """Somebody who counts how it goes."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def asked(self, deployment: Deployment, seconds: float, error: UpstreamError | None) -> None:
        assert 0 <= seconds < 10
        self.told.append(("asked", type(error).__name__ if error else "ok"))

    def failed(self, deployment: Deployment, failure: Failure) -> None:
        self.told.append(("failed", failure.kind))

    def failed_over(self, deployment: Deployment) -> None:
        self.told.append(("failed over", deployment.model_name))


async def test_whoever_counts_is_told_of_each_attempt_and_of_who_stepped_in(nearby: Neighbourhood, entry) -> None:
    counting = Counting()
    refusing, answering = await nearby.refusing(HTTPStatus.UNAUTHORIZED), await nearby.friendly()
    broken = resolve(entry("xai/grok", name="first", api_base=refusing), {})
    friendly = resolve(entry("xai/grok", name="second", api_base=answering), {})
    upstream = Upstream([broken, friendly], RouterSettings(fallbacks=[{"first": ["second"]}]), watch=counting)
    async with await upstream.connect("first", budget=5):
        assert counting.told == [
            ("failed", "fatal"),
            ("asked", "UpstreamRefused"),
            ("asked", "ok"),
            ("failed over", "second"),
        ]
    counting.told.clear()
    async with await upstream.connect("second", budget=5):
        assert counting.told == [("asked", "ok")]
