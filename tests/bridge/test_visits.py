"""Calls that no agent speaks in: one record each, whatever comes, comes twice, comes late or never comes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringers import Clock, cycles
from telephony.bridge.visits import LAST_WORD, Stage, Visit, Visits, began_at, new_record
from telephony.carriers.base import MessageTaken
from telephony.errors import CarrierError
from telephony.records import CallRecord
from telephony.settings import Tariffs

CALL = "CA1"
MESSAGE = MessageTaken(CALL, "RE1", 12.0)
NONE = MessageTaken(CALL)


class Books:
    """Where the records go, and a carrier that has messages."""

    def __init__(self, folder: Path, refusal: Exception | None = None) -> None:
        self.begun: list[CallRecord] = []
        self.kept: list[CallRecord] = []
        self.over: list[str] = []
        self.fetched: list[str] = []
        self.refusal = refusal
        self.there = asyncio.Event()
        self.there.set()
        prices = Tariffs(currency="EUR", carrier_minute=6)
        self.visits = Visits(self.begin, self.finish, self.over.append, folder, self.fetch, prices)

    async def begin(self, record: CallRecord) -> None:
        self.begun.append(record)

    async def finish(self, record: CallRecord) -> None:
        await asyncio.sleep(0)
        self.kept.append(record)

    async def fetch(self, recording: str, path: Path) -> Path:
        await self.there.wait()
        if self.refusal:
            raise self.refusal
        self.fetched.append(recording)
        return path

    def open(self, stage: Stage, seconds: float = 100) -> Visit:
        record = new_record("twilio", CALL, "desk", "+15550142", "+15550100")
        visit = self.visits.open(Visit(record, "closed", "completed", "server", stage), seconds)
        visit.stage = stage
        return visit

    @property
    def ends(self) -> list[tuple[str, str, str]]:
        ends = [record.termination for record in self.kept if record.termination]
        return [(end.result, end.by, end.reason) for end in ends]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


async def test_a_caller_who_is_turned_away_leaves_a_record_at_once(books: Books) -> None:
    record = new_record("twilio", CALL, "desk", "+15550142", "+15550100")
    books.visits.turn_away(Visit(record, "blocked", "completed", "server", "waiting"))
    assert books.over == [CALL], "a webhook that comes again finds the call over already"
    await cycles()
    assert (books.ends, books.begun) == ([("completed", "server", "blocked")], [])


async def test_a_stream_that_comes_takes_the_record_over(books: Books) -> None:
    clock = Clock()
    books.visits.expect(new_record("twilio", CALL, "desk", "", ""), 60)
    assert books.visits.waiting == [CALL]
    books.visits.connected(CALL)
    await clock.forward(100)
    assert (books.visits.waiting, books.ends) == ([], [])


async def test_a_stream_that_never_comes_leaves_a_record(books: Books) -> None:
    clock = Clock()
    books.visits.expect(new_record("twilio", CALL, "desk", "", ""), 60)
    await clock.forward(59)
    assert books.ends == []
    await clock.forward(2)
    await cycles()
    assert books.ends == [("failed", "carrier", "no media stream came")]


async def test_a_webhook_that_comes_again_opens_nothing_twice(books: Books) -> None:
    first = books.open("elsewhere")
    assert books.open("elsewhere") is first
    books.visits.end(CALL, "forwarded")
    books.visits.end(CALL, "forwarded")
    await cycles()
    assert (len(books.begun), books.ends) == (1, [("completed", "server", "closed, forwarded")])


@pytest.mark.parametrize("stage", ["elsewhere", "message"])
async def test_a_carrier_that_says_nothing_more_keeps_no_record_open(books: Books, stage: Stage) -> None:
    clock = Clock()
    books.open(stage, 100)
    await clock.forward(101)
    await cycles()
    ((_, _, reason),) = books.ends
    assert (
        reason
        == {
            "elsewhere": "closed, the carrier said nothing more",
            "message": "closed, the caller left no message",
        }[stage]
    )


async def test_a_message_is_fetched_once_however_often_it_is_told_of(books: Books, tmp_path: Path) -> None:
    visit = books.open("message")
    books.visits.message(MESSAGE)
    books.visits.message(MESSAGE)
    books.visits.hung_up(CALL)
    await cycles()
    books.visits.message(MESSAGE)
    await cycles()
    assert books.fetched == ["RE1"]
    assert books.ends == [("completed", "caller", "closed, the caller left a message of 12 s")]
    assert visit.record.recording == str(tmp_path / f"{visit.record.id}-message.wav")


async def test_a_message_may_come_after_the_word_that_the_caller_hung_up(books: Books) -> None:
    clock = Clock()
    books.open("message")
    books.visits.hung_up(CALL)
    await clock.forward(LAST_WORD - 1)
    books.visits.message(MESSAGE)
    await cycles()
    assert books.fetched == ["RE1"]


async def test_a_message_that_cannot_be_fetched_is_named_in_the_record(tmp_path: Path) -> None:
    books = Books(tmp_path, CarrierError("HTTP 404"))
    visit = books.open("message")
    books.visits.message(MESSAGE)
    await cycles()
    assert visit.record.recording == ""
    assert visit.record.notes == ["The carrier keeps the message as RE1", "It was not fetched: HTTP 404"]
    assert len(books.ends) == 1


async def test_the_end_of_the_process_waits_for_no_message(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.bridge.visits.CLOSING", 0.01)
    books.there.clear()
    visit = books.open("message")
    books.visits.message(MESSAGE)
    await cycles()
    await books.visits.close()
    assert visit.record.notes[1] == "It was not fetched: the server stopped"
    assert len(books.ends) == 1


async def test_the_end_of_the_process_leaves_open_what_the_next_one_is_told_of(books: Books) -> None:
    books.open("message")
    books.visits.expect(new_record("twilio", "CA2", "desk", "", ""), 60)
    await books.visits.close()
    assert [record.carrier_call_id for record in books.kept] == ["CA2"]


EVENTS = ("expect", "connected", "message", "no message", "hung up", "end", "time", "again")


@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.sampled_from(["elsewhere", "message"]))
def test_whatever_comes_in_whatever_order_a_call_has_one_end(events: list[str], stage: Stage) -> None:
    async def run() -> None:
        clock, books = Clock(), Books(Path("/nowhere"))
        books.open(stage)
        for event in events:
            match event:
                case "expect":
                    books.visits.expect(new_record("twilio", "CA2", "desk", "", ""), 60)
                case "connected":
                    books.visits.connected(CALL)
                case "message":
                    books.visits.message(MESSAGE)
                case "no message":
                    books.visits.message(NONE)
                case "hung up":
                    books.visits.hung_up(CALL)
                case "end":
                    books.visits.end(CALL, "over")
                case "time":
                    await clock.forward(20)
                case "again" if CALL not in books.over:
                    books.open(stage)
            await cycles()
        await clock.forward(1000)
        await cycles()
        assert [record.carrier_call_id for record in books.kept].count(CALL) == 1
        assert books.over.count(CALL) == 1

    asyncio.run(run())


def test_an_id_tells_when_its_call_began() -> None:
    record = new_record("twilio", CALL, "", "", "")
    began = began_at(record.id)
    assert record.started_at is not None
    assert began is not None
    assert abs((record.started_at - began).total_seconds()) < 1
    assert new_record("twilio", CALL, "", "", "", record.id).started_at == began
    assert began_at("nothing of ours") is None


async def test_the_carriers_time_is_priced_until_the_caller_was_gone(books: Books) -> None:
    visit = books.open("message")
    visit.record.started_at = datetime.now(UTC) - timedelta(seconds=30)
    books.there.clear()
    books.visits.message(MESSAGE)
    assert visit.gone
    visit.gone -= 10  # as if the fetching had taken so long
    books.there.set()
    await cycles()
    (record,) = books.kept
    assert record.duration == pytest.approx(20, abs=2)
    assert (record.cost, record.currency) == (pytest.approx(record.duration / 10, abs=1e-5), "EUR")


async def test_a_call_that_is_not_answered_costs_nothing(books: Books) -> None:
    record = new_record("twilio", CALL, "desk", "+15550142", "+15550100")
    books.visits.turn_away(Visit(record, "blocked", "completed", "server", "waiting"))
    await cycles()
    assert (record.cost, record.duration) == (0, 0)
