"""Calls that another process has left: connected once, and ended where their caller has hung up instead."""

from __future__ import annotations

from telephony.bridge.away import Absent, Away
from telephony.bridge.bridge import Bridge
from telephony.bridge.journal import Journal, told
from telephony.bridge.moves import HUNG_UP, Moves
from telephony.records import CallRecord

CALL = "CA1"


class Shelf:
    """One journal that another process has left."""

    def __init__(self) -> None:
        self.left: tuple[str, bool] | None = (told(absent()), True)
        self.dropped: list[str] = []

    async def keep(self, call_id: str, record_id: str, journal: str, *, left: bool) -> None:
        raise AssertionError("nothing goes from here")

    async def take(self, call_id: str) -> tuple[str, bool] | None:
        found, self.left = self.left, None
        return found

    async def drop(self, call_id: str) -> None:
        self.dropped.append(call_id)


class Known:
    """A process that knows no call."""

    def __init__(self) -> None:
        self.live: dict[str, Bridge] = {}
        self.past: dict[str, bool] = {}
        self.records: list[CallRecord] = []
        self.away = Away(self.keep)

    async def keep(self, record: CallRecord) -> None:
        self.records.append(record)


def absent() -> Absent:
    return Absent(CallRecord("1", "twilio", CALL, "desk"), "desk", None, "+15550142", "+15550100")


async def test_a_call_that_was_left_is_connected_and_asking_twice_says_the_same() -> None:
    known = Known()
    moves = Moves(Journal(Shelf()), known)
    first = await moves.take_over(CALL, 60)
    assert first is not None
    assert await moves.take_over(CALL, 60) is first
    assert known.away.returned(CALL) is first
    await known.away.close()


async def test_a_caller_who_hangs_up_before_anybody_has_taken_the_call_ends_its_record() -> None:
    shelf, known = Shelf(), Known()
    moves = Moves(Journal(shelf), known)
    record = await moves.left(CALL)
    assert record is not None
    assert record.termination == HUNG_UP
    await moves.over(CALL)
    assert shelf.dropped == [CALL]
    assert await moves.left(CALL) is None


async def test_a_caller_who_hangs_up_on_the_way_here_was_not_being_put_through() -> None:
    known = Known()
    moves = Moves(Journal(Shelf()), known)
    await moves.take_over(CALL, 60)
    known.away.hung_up(CALL)
    await known.away.close()
    assert [record.termination for record in known.records] == [HUNG_UP]


async def test_a_call_that_is_known_here_is_nobodys_to_take() -> None:
    known = Known()
    known.past[CALL] = True
    moves = Moves(Journal(Shelf()), known)
    assert await moves.take_over(CALL, 60) is None
    assert await moves.left(CALL) is None
