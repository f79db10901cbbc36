"""What outlives a call's process: all that the next one must know, and nothing that is secret."""

from __future__ import annotations

import pytest

from telephony.bridge.away import BROKEN_OFF, MOVED, Absent
from telephony.bridge.journal import LOST, Journal, told
from telephony.errors import CallStays, StoreError
from telephony.records import CallRecord, Turn
from telephony.settings import Ran

CALL = "CA1"
NO_JSON = [{1: "a"}, ("a", "b"), {"a"}, object(), float("nan")]
ORDERED = Ran("c1", "order", '{"n": 1}', "Ordered.")


class Shelf:
    """Where journals are kept, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, bool]] = {}
        self.fails = False

    async def keep(self, call_id: str, record_id: str, journal: str, *, left: bool) -> None:
        if self.fails:
            raise StoreError("the disk is full", "full")
        self.kept[call_id] = journal, left

    async def take(self, call_id: str) -> tuple[str, bool] | None:
        if self.fails:
            raise StoreError("the disk is full", "full")
        return self.kept.pop(call_id, None)

    async def drop(self, call_id: str) -> None:
        self.kept.pop(call_id, None)


async def let_go(call_id: str) -> None:
    """Others are there."""


async def nobody(call_id: str) -> None:
    raise CallStays("there is no other process")


def absent(*functions: Ran, **state: object) -> Absent:
    record = CallRecord("1", "twilio", CALL, "desk", turns=[Turn("caller", heard="Ön the 5th.", started_at=1.0)])
    ends = "+15550142", "+15550100"
    return Absent(record, "billing", None, *ends, 2, state, functions, {"order": "A-1"}, 2.5, unrecorded=True)


async def test_what_is_left_is_taken_whole_and_once() -> None:
    journal = Journal(Shelf(), let_go)
    await journal.leave(CALL, absent(ORDERED, asked=["a", 1]))
    found = await journal.take(CALL)
    expected = absent(ORDERED, asked=["a", 1])
    expected.back, expected.record.termination = MOVED, LOST
    assert found == expected
    assert await journal.take(CALL) is None


async def test_one_that_was_not_left_on_purpose_was_broken_off() -> None:
    journal = Journal(Shelf(), let_go)
    await journal.keep(CALL, absent())
    found = await journal.take(CALL)
    assert found is not None
    assert found.back == BROKEN_OFF


async def test_a_call_that_is_over_leaves_nothing() -> None:
    shelf = Shelf()
    journal = Journal(shelf, let_go)
    await journal.keep(CALL, absent())
    await journal.drop(CALL)
    assert shelf.kept == {}


async def test_without_another_process_it_stays_and_is_nobodys_to_take() -> None:
    shelf = Shelf()
    with pytest.raises(CallStays, match="no other process"):
        await Journal(shelf, nobody).leave(CALL, absent())
    assert [left for _, left in shelf.kept.values()] == [False]
    with pytest.raises(CallStays):
        await Journal().leave(CALL, absent())


async def test_a_store_that_fails_keeps_the_call_here_and_fails_nothing_else() -> None:
    shelf = Shelf()
    shelf.fails = True
    journal = Journal(shelf, let_go)
    with pytest.raises(StoreError):
        await journal.leave(CALL, absent())
    await journal.keep(CALL, absent())
    assert await journal.take(CALL) is None


async def test_a_call_with_a_secret_stays() -> None:
    with pytest.raises(CallStays, match="secret"):
        told(absent(Ran("c1", "pay", '{"card": "4111"}', "ok", ("card",))))
    secret = absent()
    secret.hidden["4111"] = True
    with pytest.raises(CallStays, match="secret"):
        told(secret)


async def test_of_a_call_that_has_come_to_know_a_secret_nothing_is_left_that_knows_too_little() -> None:
    shelf = Shelf()
    journal = Journal(shelf, let_go)
    await journal.keep(CALL, absent())
    await journal.keep(CALL, absent(Ran("c1", "pay", '{"card": "4111"}', "ok", ("card",))))
    assert shelf.kept == {}


async def test_a_call_in_which_something_happens_while_it_is_written_down_stays_for_another_turn() -> None:
    shelf = Shelf()
    with pytest.raises(CallStays) as stays:
        await Journal(shelf, let_go).leave(CALL, absent(), lambda: False)
    assert stays.value.again
    assert [left for _, left in shelf.kept.values()] == [False]


@pytest.mark.parametrize(
    "state", [{1: "a"}, ("a", "b"), {"a"}, object(), float("nan")], ids=lambda state: type(state).__name__
)
async def test_a_call_whose_tools_keep_what_is_no_json_stays(state: object) -> None:
    with pytest.raises(CallStays, match="no JSON"):
        told(absent(kept=state))


async def test_what_another_version_wrote_and_this_one_cannot_read_is_left_alone() -> None:
    shelf = Shelf()
    shelf.kept[CALL] = '{"record": 7}', True
    assert await Journal(shelf, let_go).take(CALL) is None
