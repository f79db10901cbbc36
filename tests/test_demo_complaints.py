"""What the demo holds against a call: everything that was scripted and not seen on any of its sides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

import tapes
from telephony.demo import GREETING, Demo, _complaints
from telephony.records import CallRecord, Termination, ToolUse, Turn
from telephony.sim.caller_inbox import TwilioWarning
from telephony.sim.model import SimulatedModel
from telephony.sim.model_script import ModelScript, Reply
from telephony.simulate.caller import CallOutcome
from telephony.simulate.model import ModelSession, RunningModel
from telephony.simulate.voice import Voice

OUTCOME = CallOutcome(
    call_sid="CA1",
    stream_sids=("MZ1",),
    status="completed",
    ended_by="agent",
    warnings=(),
    unmet=(),
    observations=(),
    exchanges=(),
    dialled=(),
    said=b"",
    heard=b"",
    duration=21.0,
)


def model(*scripts: ModelScript) -> RunningModel:
    """A simulated model that had a session with each of *scripts*."""
    voice = Voice("agent", synthesis=False)
    running = RunningModel(ModelScript(), voice, 0, None, None)
    for number, script in enumerate(scripts):
        core = SimulatedModel(script, voice, 0, model="grok", epoch=0.0)
        running.sessions.append(ModelSession(number, core, web.WebSocketResponse(), "grok"))
    return running


@pytest.fixture
def record(tmp_path: Path) -> CallRecord:
    """A call with everything in it."""
    recording, cassette = tmp_path / "call.wav", tmp_path / "call.jsonl"
    recording.touch()
    cassette.write_bytes(b"".join(tapes.call()))
    return CallRecord(
        "20261122-120000-aaaaaa",
        "twilio",
        "CA1",
        "frontdesk",
        termination=Termination("completed", "agent", "agent hung up"),
        turns=[
            Turn("agent", GREETING),
            Turn("caller", "Hi."),
            Turn("agent", "Your order", "shipped.", interrupted=True),
        ],
        tools=[ToolUse("1", "lookup_order", "{}", outcome="ok"), ToolUse("2", "hang_up", "{}", outcome="ok")],
        recording=str(recording),
        cassette=str(cassette),
    )


def test_call_with_everything_in_it_passes(record: CallRecord) -> None:
    complaints = _complaints(OUTCOME, model(ModelScript()), record)
    assert complaints == []
    assert Demo(record, Path(record.recording), complaints).passed


Change = Callable[[CallRecord], None]


def without(name: str, value: object) -> Change:
    return lambda record: setattr(record, name, value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (without("termination", None), "did not end with the agent hanging up"),
        (without("termination", Termination("completed", "caller", "caller hung up")), "did not end with the agent"),
        (without("termination", Termination("failed", "agent", "dead air")), "did not end with the agent"),
        (without("tools", []), "Other tools ran"),
        (lambda record: record.tools.reverse(), "Other tools ran"),
        (lambda record: setattr(record.tools[0], "outcome", "timeout"), "Other tools ran"),
        (lambda record: setattr(record.turns[2], "interrupted", False), "not cut in two"),
        (lambda record: setattr(record.turns[2], "unheard", ""), "not cut in two"),
        (lambda record: setattr(record.turns[1], "interrupted", True), "not cut in two"),
        (lambda record: setattr(record.turns[0], "heard", "Thanks for calling"), "greeting was not heard"),
        (without("recording", ""), "There is no recording."),
        (without("recording", "/nosuch/call.wav"), "There is no recording."),
        (without("cassette", ""), "There is no cassette."),
        (without("cassette", "/nosuch/call.jsonl"), "There is no cassette."),
        (without("cassette", __file__), "The cassette cannot be replayed: "),
        (without("notes", ["The recording stopped."]), "Noted in the record: The recording stopped."),
    ],
)  # fmt: skip
def test_what_is_missing_in_the_record_fails_the_demo(record: CallRecord, change: Change, complaint: str) -> None:
    change(record)
    complaints = _complaints(OUTCOME, model(ModelScript()), record)
    assert len(complaints) == 1
    assert complaint in complaints[0]
    assert not Demo(record, Path(record.recording), complaints).passed


def test_what_the_caller_and_the_model_saw_counts_as_well(record: CallRecord) -> None:
    warning = TwilioWarning(31951, "Invalid message", 1.0)
    outcome = msgspec.structs.replace(OUTCOME, warnings=(warning,), unmet=("nobody hung up",))
    foreseen = ModelScript(replies=(Reply("greeting", say="Hello."),))
    complaints = _complaints(outcome, model(foreseen), record)
    assert complaints[:2] == ["The caller: Twilio 31951: Invalid message", "The caller: nobody hung up"]
    assert len(complaints) == 3
    assert complaints[2].startswith("The model: ")


@pytest.mark.parametrize("sessions", [0, 2])
def test_one_call_is_one_session(record: CallRecord, sessions: int) -> None:
    complaints = _complaints(OUTCOME, model(*[ModelScript()] * sessions), record)
    assert complaints == [f"The model saw {sessions} sessions instead of one."]


def test_a_call_that_does_not_replay_the_same_is_told(record: CallRecord) -> None:
    Path(record.cassette).write_bytes(b"".join(tapes.truncated_later()))
    (complaint,) = _complaints(OUTCOME, model(ModelScript()), record)
    assert complaint.startswith("The cassette does not replay the same: at ")
