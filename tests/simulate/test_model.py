"""Simulated models on real sockets, with a real client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from telephony.sim.model_client import hum
from telephony.sim.model_script import decode_script
from telephony.sim.model_trouble import MALFORMED
from telephony.simulate.model import ModelSession, RunningModel, start_model

GREETING = {"on": "greeting", "say": "Hello."}
VAD = {"type": "server_vad", "create_response": True}


async def running(document: dict[str, Any], **options: Any) -> RunningModel:
    quick = {"latency_ms": 5, "ready_ms": 1, "speed": [200, 200]}
    return await start_model(decode_script({**quick, **document}), voice=hum, **options)


def dial(model: RunningModel, path: str = "/v1/realtime?model=m", **options: Any) -> connect:
    return connect(model.url + path, compression=None, proxy=None, max_size=None, **options)


async def until(client: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """Everything up to the first message of a kind."""
    messages: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not messages or messages[-1]["type"] != kind:
            messages.append(json.loads(await client.recv()))
    return messages


async def send(client: ClientConnection, kind: str, **fields: Any) -> None:
    await client.send(json.dumps({"type": kind, **fields}))


@pytest.mark.parametrize("path", ["/v1/realtime?model=m", "/realtime?model=m"])
async def test_whole_exchange_over_a_socket(path: str) -> None:
    async with await running({"replies": [GREETING]}) as model:
        async with dial(model, path) as client:
            await send(client, "session.update", session={"turn_detection": VAD})
            first = await until(client, "session.updated")
            await send(client, "response.create")
            reply = await until(client, "response.done")
        (session,) = model.sessions
        await session.ended.wait()
    assert [message["type"] for message in first][:3] == ["session.created", "conversation.created", "ping"]
    assert first[0]["session"]["model"] == session.model == "m"
    assert any(message["type"] == "response.output_audio.delta" for message in reply)
    assert session.core.faults == []
    assert session.core.unmet == []


async def test_sessions_run_at_once_and_each_begins_the_script_anew() -> None:
    async def call(model: RunningModel) -> str:
        async with dial(model) as client:
            await send(client, "session.update", session={"turn_detection": VAD})
            await until(client, "session.updated")
            await send(client, "response.create")
            done = (await until(client, "response.done"))[-1]
            return str(done["response"]["output"][0]["content"][0]["transcript"])

    async with await running({"replies": [GREETING]}) as model:
        assert await asyncio.gather(*(call(model) for _ in range(5))) == ["Hello."] * 5
        assert [session.number for session in model.sessions] == [0, 1, 2, 3, 4]
        assert len({session.core.session["model"] for session in model.sessions}) == 1
        await asyncio.gather(*(session.ended.wait() for session in model.sessions))
        assert all(session.core.unmet == [] for session in model.sessions)


async def test_sessions_one_after_another_can_share_the_script() -> None:
    replies = [GREETING, {"on": "greeting", "say": "Hello again."}]
    transcripts = []
    async with await running({"replies": replies, "sessions": "continue"}) as model:
        for _ in replies:
            async with dial(model) as client:
                await send(client, "session.update", session={"turn_detection": VAD})
                await send(client, "response.create")
                done = (await until(client, "response.done"))[-1]
                transcripts.append(done["response"]["output"][0]["content"][0]["transcript"])
        await asyncio.gather(*(session.ended.wait() for session in model.sessions))
        assert [session.core.unmet for session in model.sessions] == [[], []]
    assert transcripts == ["Hello.", "Hello again."]


async def test_events_are_shown_in_both_directions() -> None:
    seen: list[tuple[str, str]] = []

    def note(session: ModelSession, direction: str, message: str | bytes) -> None:
        seen.append((direction, json.loads(message)["type"]))

    async with await running({}, on_event=note) as model, dial(model) as client:
        await send(client, "session.update", session={"turn_detection": VAD})
        await until(client, "session.updated")
    assert seen == [
        ("out", "session.created"),
        ("out", "conversation.created"),
        ("out", "ping"),
        ("in", "session.update"),
        ("out", "session.updated"),
    ]


async def test_binary_and_bad_json_reach_the_core() -> None:
    async with await running({"profile": "openai"}) as model:
        async with dial(model) as client:
            await client.send(b"\x00\x01")
            await until(client, "error")
            await client.send("{")
            await until(client, "error")
        (session,) = model.sessions
    assert [fault.code for fault in session.core.faults] == ["binary_message", "bad_json"]


@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_handshake_can_be_refused(status: int) -> None:
    async with await running({"refuse": status}) as model:
        with pytest.raises(InvalidStatus) as caught:
            async with dial(model):
                pass
        assert caught.value.response.status_code == status
        assert not model.sessions


async def test_xai_refuses_a_wrong_key_at_the_handshake() -> None:
    async with await running({}, api_key="right") as model:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"}):
            with pytest.raises(InvalidStatus) as caught:
                async with dial(model, additional_headers=headers):
                    pass
            assert caught.value.response.status_code == 401
        async with dial(model, additional_headers={"Authorization": "Bearer right"}) as client:
            await until(client, "session.created")


@pytest.mark.parametrize(
    ("options", "headers", "code", "close"),
    [
        ({"api_key": "right"}, {"Authorization": "Bearer wrong"}, "invalid_api_key", 1008),
        ({}, {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled", 4000),
    ],
)
async def test_openai_opens_the_socket_and_then_refuses(
    options: dict[str, Any], headers: dict[str, str], code: str, close: int
) -> None:
    async with (
        await running({"profile": "openai"}, **options) as model,
        dial(model, additional_headers=headers) as client,
    ):
        (error,) = await until(client, "error")
        async with asyncio.timeout(10):
            await client.wait_closed()
    assert error["error"]["code"] == code
    assert client.close_code == close


async def test_scripted_close_reaches_the_client_with_its_code() -> None:
    async with await running({"replies": [{**GREETING, "close": 1011}]}) as model, dial(model) as client:
        await send(client, "session.update", session={"turn_detection": VAD})
        await send(client, "response.create")
        with pytest.raises(ConnectionClosed):
            await until(client, "response.done")
        assert client.close_code == 1011
        assert client.close_reason == "scripted close"


async def test_vanished_connection_ends_without_a_close_frame() -> None:
    async with await running({"replies": [{**GREETING, "vanish": True}]}) as model, dial(model) as client:
        await send(client, "session.update", session={"turn_detection": VAD})
        await send(client, "response.create")
        with pytest.raises(ConnectionClosedError) as caught:
            await until(client, "response.done")
        assert caught.value.rcvd is None
        await model.sessions[0].ended.wait()


async def test_frozen_session_answers_no_ping_and_no_close_and_ends_with_the_model() -> None:
    async with await running({"faults": [{"at_s": 0.05, "freeze": True}]}) as model:
        options = {"ping_interval": 0.2, "ping_timeout": 0.2, "close_timeout": 0.2}
        async with dial(model, **options) as client:
            async with asyncio.timeout(10):
                await client.wait_closed()
            given_up = client.protocol.close_sent
            assert given_up is not None
            assert given_up.reason == "keepalive ping timeout"
            assert client.protocol.close_rcvd is None
        (session,) = model.sessions
        assert session.core.frozen
        assert session.ended.is_set()
        async with asyncio.timeout(10):
            await model.close()


async def test_mute_session_still_answers_pings() -> None:
    async with await running({"faults": [{"at_s": 0, "mute": True}]}) as model, dial(model) as client:
        await send(client, "session.update", session={"turn_detection": VAD})
        async with asyncio.timeout(10):
            await (await client.ping())
        assert model.sessions[0].core.received == {"session.update": 1}


async def test_fifty_malformed_messages_reach_the_client() -> None:
    async with await running({"faults": [{"at_s": 0, "malformed": 50, "close": 1000}]}) as model, dial(model) as client:
        messages = [message async for message in client]
        assert len(messages) - messages.index(MALFORMED[0]) == 50
        await model.sessions[0].ended.wait()


async def test_lost_conversation_is_resumed_by_its_id() -> None:
    session = {"turn_detection": VAD, "resumption": {"enabled": True}}
    async with await running({"replies": [GREETING]}) as model:
        async with dial(model) as client:
            await send(client, "session.update", session=session)
            await send(client, "response.create")
            before = await until(client, "response.done")
            client.transport.abort()
        (created,) = [message for message in before if message["type"] == "conversation.created"]
        async with dial(model, f"/v1/realtime?model=m&conversation_id={created['conversation']['id']}") as client:
            await send(client, "session.update", session=session)
            after = await until(client, "session.updated")
        assert after[1]["conversation"] == created["conversation"]
        assert [message["type"] for message in after[2:]] == ["ping", "conversation.item.added", "session.updated"]
        assert after[3]["item"]["content"] == [{"type": "text", "text": "Hello."}]
        assert [item.source for item in model.sessions[1].core.items] == ["resumed"]


async def test_one_session_too_many_is_refused_until_another_ends() -> None:
    async with await running({"most_sessions": 1}) as model:
        async with dial(model) as client:
            await until(client, "ping")
            with pytest.raises(InvalidStatus) as caught:
                async with dial(model):
                    pass
            assert caught.value.response.status_code == 429
        await model.sessions[0].ended.wait()
        async with dial(model) as client:
            await until(client, "ping")
        assert len(model.sessions) == 2


async def test_connections_differ_and_refused_ones_count() -> None:
    script = {"connections": [{"faults": [{"at_s": 0, "close": 1013}]}, {"refuse": 503}, {}]}
    async with await running(script) as model:
        async with dial(model) as client, asyncio.timeout(10):
            await client.wait_closed()
        assert client.close_code == 1013
        with pytest.raises(InvalidStatus) as caught:
            async with dial(model):
                pass
        assert caught.value.response.status_code == 503
        async with dial(model) as client:
            await send(client, "session.update", session={"turn_detection": VAD})
            await until(client, "session.updated")
        assert [session.number for session in model.sessions] == [0, 2]


async def test_stopping_closes_every_connection() -> None:
    model = await running({})
    async with dial(model) as client, dial(model) as other:
        await until(client, "ping")
        await until(other, "ping")
        await model.close()
        await model.close()
        async with asyncio.timeout(10):
            await asyncio.gather(client.wait_closed(), other.wait_closed())
        assert (client.close_code, other.close_code) == (1001, 1001)
    assert all(session.ended.is_set() for session in model.sessions)


async def test_client_that_vanishes_ends_its_session() -> None:
    async with await running({}) as model:
        client = await dial(model)
        await until(client, "ping")
        client.transport.abort()
        async with asyncio.timeout(10):
            await model.sessions[0].ended.wait()
        await client.wait_closed()


async def test_taken_port_is_an_error() -> None:
    async with await running({}) as model:
        port = int(model.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            await running({}, port=port)
