"""The record of a call that has several streams: one after the other, on one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telephony.bridge.away import Absent
from telephony.bridge.scribe import SAID, Caller, Scribe, coming_back, context_of
from telephony.commands import Sending
from telephony.records import CallRecord, Termination, Turn
from telephony.settings import CallSettings, Limits, SessionConfig, Tariffs

CALLER = Caller("CA1", "frontdesk", "+15550142", "+15550100")


def absent(*turns: Turn, back: str = "busy") -> Absent:
    record = CallRecord(
        "20261128-1",
        "twilio",
        "CA1",
        "frontdesk",
        started_at=datetime.now(UTC) - timedelta(seconds=30),
        termination=Termination("completed", "agent", "transferred to billing"),
        turns=list(turns),
        recording="recordings/20261128-1.wav",
    )
    return Absent(record, "frontdesk", Sending("billing"), "+15550142", "+15550100", back=back)


def test_a_new_call_has_a_name_of_its_own() -> None:
    one, other = Scribe(CALLER, "twilio"), Scribe(CALLER, "twilio")
    assert one.name == one.record.id != other.record.id
    assert (one.part, one.record.termination) == (1, None)


def test_who_comes_back_is_in_the_same_call_with_files_of_their_own() -> None:
    scribe = Scribe(CALLER, "twilio", absent())
    assert (scribe.record.id, scribe.name, scribe.part) == ("20261128-1", "20261128-1-2", 2)
    assert scribe.record.termination is None, "it goes on"
    scribe.has_recording("recordings/20261128-1-2.wav")
    assert scribe.record.recording == "recordings/20261128-1.wav"


def test_the_agent_is_told_what_was_said_and_why_the_caller_is_back() -> None:
    before = absent(Turn("caller", "Billing, please."), Turn("agent", "One moment."), Turn("agent", "", "Unheard."))
    settings = coming_back(
        CallSettings("frontdesk", SessionConfig(), speaks_first=False, greeting="Hello."), before, 30
    )
    assert settings.prologue
    assert settings.prologue.said == "caller: Billing, please.\nagent: One moment."
    assert "billing, but the line was busy" in settings.prologue.news
    assert (settings.speaks_first, settings.greeting) == (True, None)


def test_what_the_call_has_cost_and_may_cost_goes_on_whoever_the_caller_comes_back_to() -> None:
    before = absent()
    before.record.cost, before.max_cost = 0.8, 1.0
    plain = CallSettings("frontdesk", SessionConfig(), limits=Limits(max_cost=5.0, dead_air=3))
    settings = coming_back(plain, before, 30)
    assert settings.prologue
    assert (settings.prologue.cost, settings.limits.max_cost, settings.limits.dead_air) == (0.8, 1.0, 3)


def test_the_tools_of_a_caller_who_is_back_find_what_they_kept_and_what_came_with_the_call() -> None:
    before = absent()
    before.state, before.metadata = {"tries": 1}, {"order": "A-1042", "agent": "frontdesk"}
    caller = Caller("CA1", "orders", "+15550142", "+15550100", {"agent": "orders"}, "outbound")
    context = context_of(caller, before)
    assert context.state is before.state
    assert context.metadata == {"order": "A-1042", "agent": "orders"}
    assert (context_of(caller, None).state, context_of(caller, None).metadata) == ({}, {"agent": "orders"})


def test_of_a_long_call_the_end_is_told() -> None:
    before = absent(*[Turn("caller", f"word {number}") for number in range(5000)], back="no-answer")
    prologue = coming_back(CallSettings("frontdesk", SessionConfig()), before, 30).prologue
    assert prologue
    assert len(prologue.said) == SAID
    assert prologue.said.endswith("word 4999")
    assert "nobody answered" in prologue.news


def test_what_was_spent_before_and_on_the_way_counts() -> None:
    before = absent()
    before.record.duration, before.record.cost = 12.0, 0.2
    settings = CallSettings("frontdesk", SessionConfig(), tariffs=Tariffs(carrier_minute=1.0))
    prologue = coming_back(settings, before, 30).prologue
    assert prologue
    assert (prologue.seconds, prologue.cost) == (30, pytest.approx(0.2 + 18 / 60))
