"""What becomes of calls before an agent speaks in them, over real sockets: each leaves one record and no complaint."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from offices import World, opened, outside, settings_for, stored_records, world
from telephony.agents.agent import Agent
from telephony.bridge import visits
from telephony.records import CallRecord
from telephony.server.reception import CLOSED, NOT_IN_SERVICE
from telephony.settings import Limits, Settings
from telephony.sim.caller import Observation
from telephony.simulate.caller import CallOutcome

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

DESK = Agent("frontdesk", greeting="Hello.", limits=Limits(dead_air=2))
GREETS = {"replies": [{"on": "greeting", "say": "Hello."}]}
PERSON = "+15550177"
LISTENS: list[Any] = [{"wait": "agent"}, "hang_up"]
NEVER = {"never": {"timezone": "Europe/Berlin"}}
"""Opening hours without an hour."""


@contextlib.asynccontextmanager
async def number(
    folder: Path, *agents: Agent, most: int | None = None, tariffs: str = "", **entry: Any
) -> AsyncIterator[World]:
    """A process with one number, whose `hours` are either `never` or `always`."""
    hours = {"never": {"timezone": "Europe/Berlin"}, "always": {"timezone": "Asia/Tokyo", "open": {"daily": "0-24"}}}
    values = Settings.model_validate({"numbers": {"*": {"agent": "frontdesk", **entry}}, "hours": hours})
    async with world(
        folder,
        GREETS,
        *(agents or (DESK,)),
        numbers=values.numbers,
        hours=values.hours,
        max_calls=most,
        tariffs=tariffs,
    ) as made:
        yield made


async def alone(made: World, outcome: CallOutcome) -> CallRecord:
    """The record of a call in which nobody complained."""
    assert outcome.complaints == []
    return await made.record(outcome)


def said(outcome: CallOutcome) -> list[str]:
    """What Twilio's own voice said."""
    return [seen.text for seen in outcome.observations if seen.kind == "carrier says" and seen.text]


def kept(path: str) -> bytes:
    """What is in a file."""
    return Path(path).read_bytes()


def ending(record: CallRecord) -> tuple[str, str, str]:
    assert record.termination is not None
    return record.termination.result, record.termination.by, record.termination.reason


async def test_a_number_that_is_open_is_answered_by_its_agent(tmp_path: Path) -> None:
    async with number(tmp_path, hours="always") as made:
        record = await alone(made, await made.call(*LISTENS))
    assert (record.agent, ending(record)) == ("frontdesk", ("completed", "caller", "caller hung up"))


async def test_a_caller_outside_the_opening_hours_is_told_so(tmp_path: Path) -> None:
    async with number(tmp_path, hours="never", closed="We are closed.") as made:
        outcome = await made.call({"wait": "end"})
        record = await alone(made, outcome)
    assert said(outcome) == ["We are closed."]
    assert outcome.stream_sids == ()
    assert ending(record) == ("completed", "server", "closed: outside opening hours")
    assert (record.direction, record.agent, record.turns) == ("inbound", "frontdesk", [])


async def test_a_caller_on_a_holiday_is_told_so(tmp_path: Path) -> None:
    today = datetime.now(ZoneInfo("Asia/Tokyo")).date()
    days = [(today + timedelta(days=more)).isoformat() for more in (0, 1)]  # midnight may come
    hours = {"always": {"timezone": "Asia/Tokyo", "open": {"daily": "0-24"}, "holidays": days}}
    values = Settings.model_validate(
        {"numbers": {"*": {"agent": "frontdesk", "hours": "always", "closed": "Happy holidays."}}, "hours": hours}
    )
    async with world(tmp_path, GREETS, DESK, numbers=values.numbers, hours=values.hours) as made:
        outcome = await made.call({"wait": "end"})
        record = await alone(made, outcome)
    assert said(outcome) == ["Happy holidays."]
    assert ending(record) == ("completed", "server", "closed: holiday")


async def test_another_agent_takes_the_call_outside_the_opening_hours(tmp_path: Path) -> None:
    night = Agent("night", greeting="Hello.", limits=Limits(dead_air=2))
    closed = {"agent": "night", "say": "You are being connected with our night desk."}
    async with number(tmp_path, DESK, night, hours="never", closed=closed) as made:
        outcome = await made.call(*LISTENS)
        record = await alone(made, outcome)
    assert said(outcome) == ["You are being connected with our night desk."]
    assert (record.agent, ending(record)[2]) == ("night", "caller hung up")


async def test_a_blocked_caller_is_not_answered(tmp_path: Path) -> None:
    async with number(tmp_path, block=["+1900*", "anonymous"]) as made:
        for caller in ("+19005550123", "anonymous", "+266696687"):
            outcome = await made.call({"wait": "end"}, **{"from": caller})
            record = await alone(made, outcome)
            assert (outcome.status, said(outcome)) == ("failed", [])
            assert ending(record) == ("completed", "server", "the caller is blocked")
            assert record.from_number == caller
        assert ending(await alone(made, await made.call(*LISTENS)))[2] == "caller hung up"


async def test_a_number_that_nobody_answers_leaves_a_record_too(tmp_path: Path) -> None:
    async with world(tmp_path, GREETS, DESK, numbers={"+15550111": "frontdesk"}) as made:
        outcome = await made.call({"wait": "end"})
        record = await alone(made, outcome)
    assert said(outcome) == [NOT_IN_SERVICE]
    assert (record.agent, ending(record)) == ("", ("failed", "server", "no agent answers this number"))


@pytest.mark.parametrize("bound", ["number", "process"])
async def test_whoever_calls_while_all_lines_are_busy_hears_so(tmp_path: Path, bound: str) -> None:
    limit: dict[str, Any] = {"max_calls": 1} if bound == "number" else {"most": 1}
    async with number(tmp_path, overflow={"busy": True}, **limit) as made, asyncio.TaskGroup() as group:
        answered = asyncio.Event()
        steps = ({"wait": "agent"}, {"pause": 2}, "hang_up")
        first = group.create_task(made.call(*steps, observe=lambda seen: answered.set()), name="first")
        await answered.wait()
        outcome = await made.call({"wait": "end"})
        record = await alone(made, outcome)
        assert (outcome.status, said(outcome)) == ("busy", [])
        assert ending(record)[:2] == ("completed", "limit")
        assert "1 calls are going on" in ending(record)[2]
        await alone(made, await first)
        assert ending(await alone(made, await made.call(*LISTENS)))[2] == "caller hung up", "there is room again"


LEAVES_A_MESSAGE: list[Any] = [{"say": "Call me."}, {"press": "#"}]


@pytest.mark.parametrize(
    ("route", "steps", "becomes"),
    [
        ("All busy.", [{"wait": "end"}], "calls are going on"),
        ({"forward": PERSON}, [{"wait": "end"}], f"forwarded to {PERSON}"),
        ({"voicemail": True}, LEAVES_A_MESSAGE, "the caller left a message of"),
    ],
    ids=["words", "forward", "voicemail"],
)
async def test_whoever_calls_while_all_lines_are_busy_goes_another_way(
    tmp_path: Path, route: Any, steps: list[Any], becomes: str
) -> None:
    async with number(tmp_path, overflow=route, max_calls=1) as made, asyncio.TaskGroup() as group:
        answered = asyncio.Event()
        talks = ({"wait": "agent"}, {"pause": 3}, "hang_up")
        first = group.create_task(made.call(*talks, observe=lambda seen: answered.set()), name="first")
        await answered.wait()
        outcome = await made.call(*steps)
        record = await alone(made, outcome)
        assert becomes in ending(record)[2]
        assert outcome.stream_sids == ()
        assert outcome.dialled == ((PERSON,) if "forward" in route else ())
        assert bool(record.recording) == ("voicemail" in route)
        await first


async def test_while_the_process_stops_callers_take_the_way_of_an_outage(tmp_path: Path) -> None:
    async with number(tmp_path, outage="Please call our other office.") as made:
        made.office.calls.draining = True
        outcome = await made.call({"wait": "end"})
        record = await alone(made, outcome)
    assert said(outcome) == ["Please call our other office."]
    assert ending(record) == ("failed", "server", "outage: the server is stopping")


async def test_while_the_process_stops_callers_are_asked_to_call_again(tmp_path: Path) -> None:
    async with number(tmp_path) as made:
        made.office.calls.draining = True
        outcome = await made.call({"wait": "end"})
        assert ending(await alone(made, outcome))[0] == "failed"
    assert said(outcome) == [CLOSED]


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
async def test_a_forwarded_caller_whom_nobody_takes_is_told_so(tmp_path: Path, status: str) -> None:
    closed = {"say": "One moment.", "forward": PERSON, "unanswered": "Nobody is there.", "caller_id": "+15550100"}
    async with number(tmp_path, hours="never", closed=closed) as made:
        outcome = await made.call({"wait": "end"}, dial_status=status)
        record = await alone(made, outcome)
    assert said(outcome) == ["One moment.", "Nobody is there."]
    assert outcome.dialled == (PERSON,)
    assert ending(record) == ("completed", "server", f"closed: outside opening hours, {PERSON}: {status}")


async def test_a_forwarded_caller_speaks_with_a_person(tmp_path: Path) -> None:
    async with number(tmp_path, hours="never", closed={"forward": PERSON}) as made:
        outcome = await made.call({"wait": "end"})
        record = await alone(made, outcome)
    assert said(outcome) == []
    assert ending(record) == ("completed", "server", f"closed: outside opening hours, forwarded to {PERSON}")


# -- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [{"press": "#"}, "hang_up"], ids=["by a key", "by hanging up"])
async def test_a_caller_leaves_a_message(tmp_path: Path, ends: Any) -> None:
    closed = {"say": "Please leave a message.", "voicemail": True}
    async with number(tmp_path, hours="never", closed=closed) as made:
        outcome = await made.call({"pause": 0.2}, {"say": "Call me back."}, {"pause": 0.6}, ends)
        record = await alone(made, outcome)
        (recording,) = made.outside.rest.board.recordings.values()
    assert said(outcome) == ["Please leave a message."]
    assert ending(record)[:2] == ("completed", "caller")
    assert ending(record)[2].startswith("closed: outside opening hours, the caller left a message of ")
    assert record.notes == [f"The carrier keeps the message as {recording.sid}"]
    assert kept(record.recording) == recording.audio
    with wave.open(record.recording) as file:
        assert file.getnframes() > 4000
    assert [path.name for path in (tmp_path / "recordings").glob("*.fetching")] == []


async def test_a_caller_who_says_nothing_leaves_no_message(tmp_path: Path) -> None:
    async with number(tmp_path, hours="never", closed={"voicemail": True}) as made:
        outcome = await made.call({"wait": "end"}, patience=20)
        record = await alone(made, outcome)
        assert made.outside.rest.board.recordings == {}
    assert ending(record) == ("completed", "caller", "closed: outside opening hours, the caller left no message")
    assert (record.recording, record.notes) == ("", [])


async def test_a_message_is_left_where_nobody_takes_a_forwarded_call(tmp_path: Path) -> None:
    closed = {"forward": PERSON, "voicemail": True, "unanswered": "Leave a message."}
    async with number(tmp_path, hours="never", closed=closed) as made:
        outcome = await made.call({"say": "Call me."}, {"press": "#"}, dial_status="no-answer")
        record = await alone(made, outcome)
    assert said(outcome) == ["Leave a message."]
    assert f"{PERSON}: no-answer, the caller left a message of" in ending(record)[2]
    assert kept(record.recording)


async def test_a_call_that_no_agent_takes_costs_the_carriers_time(tmp_path: Path) -> None:
    tariffs = tmp_path / "tariffs.yaml"
    tariffs.write_text("{currency: EUR, carrier_minute: 6}", encoding="utf-8")
    closed = {"voicemail": True}
    async with number(tmp_path, hours="never", closed=closed, tariffs=str(tariffs)) as made:
        outcome = await made.call({"say": "Call me."}, {"pause": 0.5}, {"press": "#"})
        record = await alone(made, outcome)
    assert 0.5 < record.duration <= outcome.duration + 5
    assert (record.cost, record.currency) == (pytest.approx(record.duration / 10, abs=1e-5), "EUR")


async def test_a_message_that_one_process_asked_for_is_fetched_by_the_next(tmp_path: Path) -> None:
    """The first one stops while the caller speaks; the second one has never heard of the call."""
    entry = {"agent": "frontdesk", "hours": "never", "closed": {"voicemail": True}}
    hours = {"never": {"timezone": "Europe/Berlin"}}
    values = Settings.model_validate({"numbers": {"*": entry}, "hours": hours})
    recording = asyncio.Event()

    def watch(seen: Observation) -> None:
        if seen.kind == "carrier records":
            recording.set()

    async with outside(GREETS) as around, asyncio.TaskGroup() as group:
        changes = {"numbers": values.numbers, "hours": values.hours}
        settings = settings_for(tmp_path, around.model.url, around.rest.base_url, **changes)
        async with opened(settings, around, DESK):
            steps = [{"say": "Call me."}, {"pause": 3}, {"press": "#"}]
            calling = group.create_task(around.call(settings.public_url, steps, observe=watch), name="call")
            await recording.wait()
        (left,) = await stored_records(settings)
        async with opened(settings, around, DESK) as second:
            outcome = await calling
            record = await second.record(outcome)
    assert outcome.complaints == []
    assert record.id == left.id
    assert "the caller left a message of" in ending(record)[2]
    assert kept(record.recording)


async def test_a_message_that_cannot_be_fetched_stays_with_the_carrier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "CLOSING", 0.2)
    async with number(tmp_path, hours="never", closed={"voicemail": True}) as made:
        made.outside.rest.account_sid = "AC" + "9" * 32  # from now on no recording is found
        outcome = await made.call({"say": "Call me."}, {"press": "#"})
        settings = made.office.settings
    (record,) = await stored_records(settings)
    assert "left a message" in ending(record)[2]
    assert record.recording == ""
    assert record.notes[1].startswith("It was not fetched")
    assert outcome.complaints == []


# -- consent -------------------------------------------------------------------------------------------------------


async def test_a_caller_is_told_of_the_recording_before_it_begins(tmp_path: Path) -> None:
    async with number(tmp_path, consent="This call is recorded.") as made:
        outcome = await made.call(*LISTENS)
        record = await alone(made, outcome)
    kinds = [seen.kind for seen in outcome.observations if seen.kind in ("carrier says", "stream opened")]
    assert kinds == ["carrier says", "stream opened"]
    assert said(outcome) == ["This call is recorded."]
    assert kept(record.recording)


@pytest.mark.parametrize("key", ["1", "2", ""], ids=["agrees", "refuses", "presses nothing"])
async def test_a_call_is_recorded_only_if_the_caller_agrees(tmp_path: Path, key: str) -> None:
    consent = {"say": "Press 1 to be recorded.", "key": "1"}
    async with number(tmp_path, consent=consent) as made:
        answers = [{"press": key}] if key else [{"pause": 6.8}]
        outcome = await made.call(*answers, *LISTENS)
        record = await alone(made, outcome)
    files = [*(tmp_path / "recordings").glob("*.wav"), *(tmp_path / "cassettes").glob("*")]
    assert len(outcome.stream_sids) == 1
    if key == "1":
        assert {Path(record.recording), Path(record.cassette)} <= set(files)
        assert record.notes == []
    else:
        assert (files, record.recording, record.cassette) == ([], "", "")
        assert record.notes == ["The caller did not agree to be recorded: there is neither recording nor cassette"]


async def test_a_caller_who_hangs_up_before_the_agent_answers_leaves_one_record(tmp_path: Path) -> None:
    async with number(tmp_path, consent={"say": "Press 1.", "key": "1"}) as made:
        outcome = await made.call("hang_up")
        record = await alone(made, outcome)
    assert ending(record) == ("completed", "caller", "the caller hung up before the agent answered")


# -- what it costs -------------------------------------------------------------------------------------------------


async def test_a_call_that_costs_too_much_ends_with_a_goodbye_and_its_cost_stands_in_the_record(tmp_path: Path) -> None:
    tariffs = tmp_path / "tariffs.yaml"
    tariffs.write_text("{currency: EUR, carrier_minute: 6, models: {'xai/*': {minute: 24}}}", encoding="utf-8")
    agent = Agent("frontdesk", greeting="Hello.", limits=Limits(dead_air=2, max_cost=1))
    model = {"replies": [{"on": "greeting", "say": "Hello."}, {"on": "prompt", "say": "Goodbye."}]}
    async with world(tmp_path, model, agent, tariffs=str(tariffs)) as made:
        record = await alone(made, await made.call({"wait": "end"}))
    assert ending(record) == ("completed", "limit", "maximum cost")
    assert record.currency == "EUR"
    assert 1 <= record.cost < 6
    assert [turn.heard for turn in record.turns if turn.speaker == "agent"] == ["Hello.", "Goodbye."]
