"""`/api/v1` of a whole process: who may what, what is seen of a real call, and what nobody ever sees."""

from __future__ import annotations

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from api_world import MASTER, OURS, PLANTED, SALES, asked, live_call, serving
from apis import EVERYTHING, SCOPES, Client, key_of
from offices import TOKEN
from telephony.cassette.replay import replay
from telephony.records import Termination
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.settings import ApiSettings, OutboundSettings
from telephony.store.sql import SqlStore

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]


# -- a call ----------------------------------------------------------------------------------------------------------


async def test_a_call_is_watched_spoken_into_and_ended_and_then_read_heard_and_replayed(tmp_path: Path) -> None:
    replies = [{"on": "greeting", "say": "Hello."}, {"on": "prompt", "say": "We close soon."}]
    async with serving(tmp_path, replies) as (made, client), asyncio.TaskGroup() as group:
        calling = group.create_task(made.call({"wait": "end"}), name="caller")
        call = await live_call(client)
        assert (await asked(client, f"/calls/{call['id']}"))[1]["state"] == "running"
        said = {"text": "We close soon.", "verbatim": False}
        assert (await asked(client, f"/live/{call['id']}/say", said))[0] == 202
        async with asyncio.timeout(10):
            while not any("close" in turn["heard"] for turn in (await live_call(client))["turns"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await asked(client, f"/live/{call['id']}/hang-up", {"reason": "closing time"}))[0] == 202
        outcome = await calling
        assert outcome.complaints == []
        record = await made.record(outcome)
        assert record.termination == Termination("completed", "operator", "closing time")

        _, page = await asked(client, "/calls?state=completed")
        assert [line["id"] for line in page["calls"]] == [record.id]
        _, kept = await asked(client, f"/calls/{outcome.call_sid}")
        assert (kept["id"], kept["termination"]["by"]) == (record.id, "operator")
        _, told = await asked(client, f"/calls/{record.id}/transcript")
        assert [turn["heard"] for turn in told["turns"]][:2] == ["Hello.", "We close soon."]

        _, _, sound = await client.ask(f"/calls/{record.id}/recording")
        with wave.open(io.BytesIO(sound)) as recording:
            assert (recording.getnchannels(), recording.getframerate()) == (2, 8000)
        status, _, head = await client.ask(f"/calls/{record.id}/recording", headers={"Range": "bytes=0-3"})
        assert (status, head) == (206, b"RIFF")
        _, _, cassette = await client.ask(f"/calls/{record.id}/cassette")
        (tmp_path / "fetched.jsonl").write_bytes(cassette)
        assert replay(open_cassette(tmp_path / "fetched.jsonl"), new_carrier).divergence is None


@pytest.mark.parametrize(("target", "status"), [("sales", 202), ("+15550188", 403), ("+19005550123", 403)])
async def test_an_operator_puts_a_caller_through_where_the_rules_allow_it_and_leaves_a_row(
    tmp_path: Path, target: str, status: int
) -> None:
    async with serving(tmp_path) as (made, client), asyncio.TaskGroup() as group:
        calling = group.create_task(made.call({"wait": "agent"}, {"wait": {"quiet": 3}}, "hang_up"), name="caller")
        call = await live_call(client)
        answered, body = await asked(client, f"/live/{call['id']}/transfer", {"target": target})
        assert answered == status, body
        outcome = await calling
        store = SqlStore(made.office.settings.database_url)
        await store.open()
        (row,) = await store.audits()
        await store.close()
        assert (row.call_id, row.use, row.target) == (outcome.call_sid, "transfer", target)
        assert (row.verdict, row.number) == (("allowed", SALES) if status == 202 else ("refused", ""))
        if status == 202:
            assert body == {"call": call["id"], "to": "sales"}
            assert [form["Twiml"] for *_, form in made.outside.rest.requests if SALES in form.get("Twiml", "")]
            record = await made.record(outcome)
            assert record.termination is not None


async def test_listeners_are_let_go_of_when_the_server_stops(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {key_of('live:read')}"}
    async with contextlib.AsyncExitStack() as stack:
        async with serving(tmp_path) as (_, client):
            session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
            stream = await stack.enter_async_context(session.get(f"{client.url}/live/events"))
            assert stream.status == 200
        assert await stream.content.read() == b""


# -- who may what ----------------------------------------------------------------------------------------------------


async def test_no_route_answers_without_its_scope(tmp_path: Path) -> None:
    """Whatever the server really serves below `/api/v1`, against every key."""
    async with serving(tmp_path) as (made, client):
        _, document = await asked(client, "/openapi.json")
        scopes = {
            (method.upper(), path): operation["security"][0]["key"]
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        routes = [
            (route.method, route.resource.canonical)
            for route in made.office.server._runner.app.router.routes()
            if route.resource is not None and route.resource.canonical.startswith("/api/v1")
        ]
        assert {route for route in routes if route[0] != "HEAD"} == set(scopes)
        assert [path for (_, path), scope in scopes.items() if not scope] == ["/api/v1/openapi.json"]
        assert {scope for found in scopes.values() for scope in found} == set(SCOPES)
        for method, path in routes:
            (needed,) = scopes["GET" if method == "HEAD" else method, path] or [None]
            assert await _status(client, method, path, "") == 401
            assert await _status(client, method, path, "wrong") == 401
            assert await _status(client, method, path, MASTER) == 401
            assert await _status(client, method, path, EVERYTHING) not in (401, 403)
            for scope in SCOPES:
                refused = needed is not None and scope != needed
                assert (await _status(client, method, path, key_of(scope)) == 403) is refused, (method, path, scope)
                others = key_of(*(other for other in SCOPES if other != scope))
                assert (await _status(client, method, path, others) == 403) is (scope == needed)
            ours = await _status(client, method, path, OURS)
            assert (ours == 403) is (needed not in (None, "calls:write"))


async def _status(client: Client, method: str, path: str, key: str) -> int:
    """How a request is answered; of an answer without end nothing but the beginning is awaited."""
    url = client.url.removesuffix("/api/v1") + path.replace("{call}", "CA1").replace("{order}", "o1")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
        return answer.status


async def test_without_a_key_in_the_configuration_there_is_no_api(tmp_path: Path) -> None:
    async with serving(tmp_path, api=ApiSettings(), outbound=OutboundSettings()) as (_, client):
        assert (await client.ask("/calls"))[0] == 404
        assert (await client.ask("/openapi.json", key=""))[0] == 404


# -- what nobody sees --------------------------------------------------------------------------------------------------


async def test_no_answer_holds_a_secret_of_the_configuration(tmp_path: Path) -> None:
    replies = [
        {"on": "greeting", "say": "Hello."},
        {"on": "speech", "call": {"name": "confess", "arguments": {"question": f"my token is {TOKEN}"}}},
        {"on": "tool", "say": f"It is {TOKEN}."},
    ]
    seen: list[bytes] = []
    async with serving(tmp_path, replies) as (made, client):
        headers = {"Authorization": f"Bearer {EVERYTHING}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{client.url}/live/events") as stream,
        ):
            steps = [{"wait": "agent"}, {"say": "Confess."}, {"wait": "agent"}, {"wait": {"quiet": 1}}, "hang_up"]
            outcome = await made.call(*steps)
            async with asyncio.timeout(10):
                while b"event: ended" not in (block := await stream.content.readuntil(b"\n\n")):
                    seen.append(block)
        record = await made.record(outcome)
        assert TOKEN in record.tools[0].output, "nothing was planted"
        assert b"confess" in b"".join(seen)
        seen += [body async for body in _everything(client, record.id)]
        assert len(seen) > 30
        found = [(secret, body[:300]) for body in seen for secret in PLANTED if secret.encode() in body]
        assert found == []


async def _everything(client: Client, call: str) -> AsyncIterator[bytes]:
    """What every route answers about a call, and what is said of requests that hold a secret themselves."""
    _, document = await asked(client, "/openapi.json")
    for path, methods in document["paths"].items():
        if "get" in methods and not path.endswith("/events"):
            told = path.removeprefix("/api/v1").replace("{call}", call).replace("{order}", OURS)
            yield (await client.ask(told))[2]
            yield (await client.ask(told, key=OURS))[2]
            yield (await client.ask(told, headers={"Accept": "text/plain"}))[2]
    yield (await client.ask(f"/{TOKEN}"))[2]
    for body in ({"to": TOKEN, "agent": OURS}, {TOKEN: MASTER}, {"text": TOKEN}):
        for path in ("/calls", f"/live/{TOKEN}/say"):
            yield (await client.ask(path, method="POST", json=body, headers={"Idempotency-Key": "1"}))[2]
