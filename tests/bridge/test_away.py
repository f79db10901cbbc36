"""Calls whose caller was sent on: their record ends once, as it turns out, and whoever comes back finds it open."""

from __future__ import annotations

import asyncio

import pytest

from ringers import Clock, cycles
from telephony.bridge.away import SLACK, Absent, Away, sent_on
from telephony.commands import HangUp, Sending
from telephony.records import CallRecord, Termination

CALL = "CA1"
SENT = Termination("completed", "agent", "transferred to billing")
GONE = Termination("completed", "caller", "caller hung up while being put through")


class Records:
    def __init__(self) -> None:
        self.kept: list[CallRecord] = []
        self.away = Away(self.keep)

    async def keep(self, record: CallRecord) -> None:
        await asyncio.sleep(0)
        self.kept.append(record)

    def send(self, call: str = CALL) -> Absent:
        record = CallRecord("1", "twilio", call, "frontdesk", termination=SENT)
        absent = Absent(record, "frontdesk", Sending("billing", timeout=20), "+15550142", "+15550100")
        self.away.hold(call, absent)
        return absent


async def test_who_is_not_back_while_it_may_have_rung_speaks_with_somebody_and_the_record_ends() -> None:
    clock, records = Clock(), Records()
    records.send()
    await clock.forward(20 + SLACK - 0.1)
    await cycles()
    assert CALL in records.away
    await clock.forward(0.2)
    await cycles()
    assert [record.termination for record in records.kept] == [SENT]
    assert CALL not in records.away


async def test_who_was_not_taken_comes_back_to_an_open_record() -> None:
    clock, records = Clock(), Records()
    absent = records.send()
    assert records.away.expect(CALL, "busy", 60) is absent
    assert records.away.returned(CALL) is absent
    assert absent.back == "busy"
    await clock.forward(1000)
    await cycles()
    assert records.kept == []
    await records.away.close()
    assert records.kept == []


async def test_the_carriers_word_that_comes_twice_brings_nobody_back_twice() -> None:
    records = Records()
    records.send()
    assert records.away.expect(CALL, "busy", 60)
    assert records.away.expect(CALL, "busy", 60) is None


async def test_a_stream_of_a_caller_who_was_not_sent_back_finds_nothing() -> None:
    records = Records()
    records.send()
    assert records.away.returned(CALL) is None
    assert records.away.returned("CA2") is None
    await records.away.close()


async def test_who_does_not_arrive_is_not_waited_for() -> None:
    clock, records = Clock(), Records()
    records.send()
    records.away.expect(CALL, "no-answer", 60)
    await clock.forward(61)
    await cycles()
    assert [record.termination for record in records.kept] == [SENT]


async def test_who_hangs_up_meanwhile_has_ended_the_call() -> None:
    records = Records()
    records.send()
    records.away.over(CALL, GONE)
    records.away.over(CALL, SENT)
    await cycles()
    assert [record.termination for record in records.kept] == [GONE]


async def test_a_process_that_ends_keeps_the_records_of_all_who_are_away() -> None:
    records = Records()
    for call in ("CA1", "CA2", "CA3"):
        records.send(call)
    await records.away.close()
    assert len(records.kept) == 3


@pytest.mark.parametrize(
    ("command", "sending"),
    [
        (None, None),
        (HangUp(CALL, "bye"), None),
        (HangUp(CALL, "no model answers", "+15550177"), None),
        (HangUp(CALL, "transferred", "+15550177", Sending("billing")), Sending("billing")),
    ],
)
def test_only_whom_the_agent_has_sent_may_come_back(command: HangUp | None, sending: Sending | None) -> None:
    assert sent_on(command) == sending
