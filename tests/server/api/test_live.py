"""Live calls over a socket: watched as server-sent events, and acted upon."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apis import Client, key_of, serving
from bridged import SOON, BridgedCall, House
from front_door import CALL
from telephony.bridge import switchboard
from telephony.links.wire import WireClosed
from telephony.server.api import live
from telephony.server.api.live import LiveApi
from telephony.server.api.requests import Answers
from telephony.tools import tool

SECRET = "hunter2hunter2"
PULSE = 0.05


@tool
async def look_up(order: str) -> str:
    """Look an order up.

    Args:
        order: Its number.
    """
    return f"{order}: {SECRET}"


@dataclass
class Watched:
    """A live call and the API."""

    house: House
    call: BridgedCall
    task: asyncio.Task[Any]
    client: Client

    async def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        method, key = ("GET", key_of("live:read")) if body is None else ("POST", key_of("live:write"))
        status, _, answer = await self.client.ask(f"/live{path}", method=method, key=key, json=body)
        return status, json.loads(answer)

    @contextlib.asynccontextmanager
    async def listening(self, path: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """The events of a stream; a sign of life is one without a name."""
        headers = {"Authorization": f"Bearer {key_of('live:read')}"}
        async with aiohttp.ClientSession() as session, session.get(self.client.url + path, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/event-stream"
            yield _events(answer.content)


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Any]]:
    while block := (await content.readuntil(b"\n\n")).decode():
        if block == ":\n\n":
            yield "", None
            continue
        name, data = block.rstrip().split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def until(events: AsyncIterator[tuple[str, Any]], wanted: str) -> Any:
    async with asyncio.timeout(SOON):
        async for name, data in events:
            if name == wanted:
                return data
    raise AssertionError(f"no {wanted}")


@pytest.fixture
async def watched(nothing_left_behind: None, tmp_path: Path) -> AsyncIterator[Watched]:
    async with asyncio.TaskGroup() as group:
        house = House(tmp_path, group)
        call = BridgedCall([look_up])
        task = house.take(call)
        await call.begin()
        board = house.calls.switchboard
        routes = LiveApi(board, Answers(lambda text: text.replace(SECRET, "***")), heartbeat=PULSE).routes()
        async with serving(routes, on_stop=board.close) as client:
            yield Watched(house, call, task, client)
        with contextlib.suppress(WireClosed):
            await call.phone.stop()
        await task
        await call.toolbox.close()
    house.calls.close()


async def test_live_calls_are_listed_and_shown_by_either_id(watched: Watched) -> None:
    status, listed = await watched.ask("")
    (call,) = listed["calls"]
    assert (status, call["carrier_call_id"], call["from"], call["to"]) == (200, CALL, "+15550142", "+15550100")
    for by in (CALL, call["id"]):
        status, shown = await watched.ask(f"/{by}")
        assert (status, shown["id"], shown["agent"]) == (200, call["id"], "frontdesk")
    assert (await watched.ask("/nobody"))[0] == 404


@pytest.mark.parametrize("path", ["/live/events", f"/live/{CALL}/events"])
async def test_a_call_is_told_as_it_happens(watched: Watched, path: str) -> None:
    call = watched.call
    async with watched.listening(path) as events:
        seen = await until(events, "call")
        assert seen["call"]["carrier_call_id"] == CALL
        await call.model.call("r1", "c1", "look_up", '{"order": "A-1"}')
        await call.model.done("r1")
        assert (await until(events, "note"))["text"] == "tool runs"
        while (told := await until(events, "tools"))["tools"][-1]["outcome"] == "running":
            pass
        assert told["tools"][0]["output"] == "A-1: ***"
        await call.model.speak("r2", "i2")
        said = {"response_id": "r2", "item_id": "i2", "transcript": "Here."}
        await call.model.send(type="response.output_audio_transcript.done", **said)
        assert (await until(events, "turns"))["turns"][-1]["speaker"] == "agent"
        await call.phone.stop()
        over = await until(events, "ended")
        assert over["termination"]["reason"] == "caller hung up"
        assert over["id"] == seen["call"]["id"]


async def test_one_calls_stream_ends_with_the_call_and_the_other_goes_on(watched: Watched) -> None:
    async with watched.listening("/live/events") as all_of_them, watched.listening(f"/live/{CALL}/events") as one:
        await watched.call.phone.stop()
        await until(one, "ended")
        assert [name async for name, _ in one if name] == []
        await until(all_of_them, "ended")
        await until(all_of_them, "")


async def test_a_stream_in_which_nothing_happens_shows_that_it_lives(watched: Watched) -> None:
    async with watched.listening(f"/live/{CALL}/events") as events:
        await until(events, "call")
        await until(events, "")
        await until(events, "")


async def test_there_is_no_stream_of_a_call_that_is_not_there_nor_for_one_listener_too_many(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await watched.ask("/nobody/events"))[0] == 404
    monkeypatch.setattr(switchboard, "LISTENERS", 0)
    assert (await watched.ask("/events"))[0] == 503


async def test_who_does_not_read_is_let_go_of(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STALLED", PULSE)
    host, port = watched.client.url.removeprefix("http://").removesuffix("/api/v1").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    request = f"GET /api/v1/live/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key_of('live:read')}\r\n\r\n"
    writer.write(request.encode())
    await reader.readuntil(b"\r\n\r\n")
    board = watched.house.calls.switchboard
    async with asyncio.timeout(SOON):
        while board._listeners:
            for listener in board._listeners:
                listener.tell(switchboard.Noted("1", CALL, 0.0, "info", "x" * 65_536, {}))
            await asyncio.sleep(0.01)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


# -- stepping in ---------------------------------------------------------------------------------------------------


async def test_an_operator_hangs_up(watched: Watched) -> None:
    assert await watched.ask(f"/{CALL}/hang-up", {"reason": "misuse"}) == (202, {"call": CALL, "to": None})
    await watched.call.phone.heard(await watched.call.phone.until("mark"))
    async with asyncio.timeout(SOON):
        while (CALL, "hanging up") not in watched.house.noted:  # noqa: ASYNC110  the carrier is asked by then
            await asyncio.sleep(0.01)
    await watched.call.phone.stop()
    record = await watched.task
    assert (record.termination.by, record.termination.reason) == ("operator", "misuse")
    assert (await watched.ask(f"/{CALL}/hang-up", {}))[0] == 404


@pytest.mark.parametrize("how", [{}, {"interruptible": False}])
async def test_an_operator_has_something_said_word_for_word(watched: Watched, how: dict[str, bool]) -> None:
    assert (await watched.ask(f"/{CALL}/say", {"text": "We close.", **how}))[0] == 202
    item = (await watched.call.model.until("conversation.item.create"))["item"]
    assert (item["content"][0]["text"], item["interruptible"]) == ("We close.", how.get("interruptible", True))


async def test_an_operator_tells_the_model_what_to_say(watched: Watched) -> None:
    assert (await watched.ask(f"/{CALL}/say", {"text": "Ask for the order number.", "verbatim": False}))[0] == 202
    asked = await watched.call.model.until("response.create")
    assert "Ask for the order number." in asked["response"]["instructions"]


async def test_who_takes_leave_is_not_spoken_to_any_more(watched: Watched) -> None:
    assert (await watched.ask(f"/{CALL}/hang-up", {}))[0] == 202
    assert (await watched.ask(f"/{CALL}/say", {"text": "Wait."}))[0] == 409
    assert (await watched.ask(f"/{CALL}/transfer", {"target": "billing"}))[0] == 409


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/nobody/hang-up", {}, 404),
        ("/nobody/say", {"text": "x"}, 404),
        ("/nobody/transfer", {"target": "x"}, 404),
        (f"/{CALL}/say", {"text": ""}, 400),
        (f"/{CALL}/say", {"text": "x" * 1001}, 400),
        (f"/{CALL}/say", {}, 400),
        (f"/{CALL}/hang-up", {"reason": "x" * 101}, 400),
        (f"/{CALL}/hang-up", {"cause": "x"}, 400),
        (f"/{CALL}/transfer", {"target": "x", "briefing": "x" * 601}, 400),
        (f"/{CALL}/transfer", {"target": "x"}, 403),
    ],
)
async def test_a_mistake_is_answered_with_a_problem(watched: Watched, path: str, body: Any, status: int) -> None:
    answered, details = await watched.ask(path, body)
    assert (answered, details["status"]) == (status, status)
    assert watched.house.calls.live[CALL].ending is None
