"""Calls that were: found page by page, read, and heard in part."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apis import Client, key_of, serving
from telephony.records import CallRecord, Finding, Termination, ToolUse, Turn
from telephony.server.api.calls import CallsApi
from telephony.server.api.requests import Answers
from telephony.store.base import CallStore
from telephony.store.sql import SqlStore

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
HUNG_UP = Termination("completed", "caller", "caller hung up")
SECRET = "hunter2hunter2"


def a_call(call: str = "call-1", **changes: Any) -> CallRecord:
    record = CallRecord(
        id=call,
        carrier="twilio",
        carrier_call_id=f"CA-{call}",
        agent="frontdesk",
        from_number="+15550123",
        to_number="+15550100",
        started_at=NOW,
        duration=12.5,
        model="xai/grok-voice-latest",
        termination=HUNG_UP,
        turns=[
            Turn("agent", heard="Thanks for\ncalling.", started_at=0.4, ended_at=1.6),
            Turn("caller", heard="Where is my order?", started_at=62.0, ended_at=63.1),
            Turn(
                "agent", heard="It is", unheard="on its way.", interrupted=True, started_at=64, speech_stopped_at=63.1
            ),
        ],
        tools=[ToolUse("fc_1", "lookup_order", '{"order": "A-1"}', f"the password is {SECRET}", "ok", 63.3, 63.9)],
        usage={"total_tokens": 812},
        findings=[Finding(3.1, 2.6, "pause", "response_slow", "silent 2.6 s")],
    )
    return msgspec.structs.replace(record, **changes)


@dataclass
class Library:
    """The API over a store with calls in it."""

    store: CallStore
    client: Client
    folder: Path

    async def get(self, path: str, **query: Any) -> tuple[int, Any]:
        status, _, body = await self.client.ask(path, key=key_of("calls:read"), params=query)
        return status, json.loads(body)


@pytest.fixture
async def library(nothing_left_behind: None, tmp_path: Path) -> AsyncIterator[Library]:
    store = SqlStore(f"sqlite:///{tmp_path / 'calls.db'}")
    await store.open()
    answers = Answers(lambda text: text.replace(SECRET, "***"))
    async with serving(CallsApi(store, answers).routes()) as client:
        yield Library(store, client, tmp_path)
    await store.close()


async def test_pages_hold_every_call_once_newest_first_whatever_comes_and_goes_meanwhile(library: Library) -> None:
    for minute in range(5):
        await library.store.finish(a_call(f"call-{minute}", started_at=NOW + timedelta(minutes=minute)))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        status, page = await library.get("/calls", limit=2, **cursor)
        assert status == 200
        seen += [call["id"] for call in page["calls"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await library.store.finish(a_call(f"later-{len(seen)}", started_at=NOW + timedelta(hours=1)))
    assert seen == ["call-4", "call-3", "call-2", "call-1", "call-0"]


async def test_a_line_is_the_call_without_its_contents(library: Library) -> None:
    await library.store.finish(a_call())
    _, page = await library.get("/calls")
    assert page["calls"] == [
        {
            "id": "call-1",
            "carrier": "twilio",
            "carrier_call_id": "CA-call-1",
            "agent": "frontdesk",
            "from": "+15550123",
            "to": "+15550100",
            "direction": "inbound",
            "started_at": "2026-11-22T12:00:00Z",
            "duration": 12.5,
            "model": "xai/grok-voice-latest",
            "state": "completed",
            "termination": {"result": "completed", "by": "caller", "reason": "caller hung up"},
            "turns": 3,
            "tools": 1,
            "findings": 1,
        }
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"in", "out", "old"}),
        ({"agent": "billing"}, {"out"}),
        ({"number": "+1 (555) 0177"}, {"out"}),
        ({"number": "15550177"}, {"out"}),
        ({"number": "client:bob"}, {"old"}),
        ({"direction": "outbound"}, {"out"}),
        ({"state": "running"}, {"in"}),
        ({"state": "failed"}, {"old"}),
        ({"since": "2026-11-22T12:00:00Z"}, {"in", "out"}),
        ({"since": "2026-11-22T13:00:00+01:00"}, {"in", "out"}),
        ({"until": "2026-11-22T12:00:00"}, {"old"}),
        ({"problems": "true"}, {"old"}),
        ({"agent": "nobody"}, set()),
    ],
)
async def test_a_list_can_be_of_some_calls(library: Library, query: dict[str, str], found: set[str]) -> None:
    await library.store.begin(a_call("in", findings=[]))
    out = {"agent": "billing", "direction": "outbound", "from_number": "+15550100", "to_number": "+15550177"}
    await library.store.finish(a_call("out", findings=[], **out))
    failed = Termination("failed", "model", "dead air")
    old = {"started_at": NOW - timedelta(days=1), "termination": failed, "from_number": "client:bob"}
    await library.store.finish(a_call("old", **old))
    status, page = await library.get("/calls", **query)
    assert (status, {call["id"] for call in page["calls"]}) == (200, found)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"state": "over"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+23:59"},
        {"cursor": "7b7d"},
        {"cursor": "not ours"},
        {"agent": "a\x00b"},
        {"agnet": "frontdesk"},
        {"problems": "perhaps"},
    ],
)
async def test_a_query_that_will_not_do_says_why(library: Library, query: dict[str, str]) -> None:
    status, details = await library.get("/calls", **query)
    assert status == 400
    assert len(details["detail"]) > 20


async def test_a_parameter_counts_once(library: Library) -> None:
    status, _, _ = await library.client.ask("/calls?agent=a&agent=b")
    assert status == 400


@pytest.mark.parametrize("by", ["call-1", "CA-call-1"])
async def test_a_call_is_shown_by_our_id_and_by_the_carriers(library: Library, by: str) -> None:
    await library.store.finish(a_call(recording=str(library.folder / "call-1.wav")))
    status, call = await library.get(f"/calls/{by}")
    assert (status, call["id"], call["state"]) == (200, "call-1", "completed")
    assert call["recording"] == "/api/v1/calls/call-1/recording"
    assert call["cassette"] is None
    assert [turn["latency"] for turn in call["turns"]] == [None, None, pytest.approx(0.9)]
    assert call["tools"][0]["output"] == "the password is ***"
    assert str(library.folder) not in json.dumps(call)


@pytest.mark.parametrize("by", ["call", "1", "nobody", "call%2D2", "a%00b", "%FF", "call-1%20"])
async def test_part_of_an_id_is_none(library: Library, by: str) -> None:
    for call in ("call-1", "call-11"):
        await library.store.finish(a_call(call))
    for path in ("", "/transcript", "/recording", "/cassette"):
        assert (await library.client.ask(f"/calls/{by}{path}"))[0] == 404


async def test_a_transcript_is_json_or_to_be_read(library: Library) -> None:
    await library.store.finish(a_call())
    status, told = await library.get("/calls/call-1/transcript")
    assert (status, told["id"], len(told["turns"])) == (200, "call-1", 3)
    _, headers, body = await library.client.ask("/calls/call-1/transcript", headers={"Accept": "text/plain"})
    assert headers["Content-Type"].startswith("text/plain")
    assert body.decode().splitlines() == [
        "00:00.4 agent: Thanks for calling.",
        "01:02.0 caller: Where is my order?",
        "01:04.0 agent: It is [not heard: on its way.]",
    ]
