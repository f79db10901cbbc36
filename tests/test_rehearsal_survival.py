"""Whole calls that outlive their session with the model: what the caller hears, and what the next provider knows.

The caller's own ear judges the silence, the second provider's script what it was told of the first.
"""

from __future__ import annotations

from typing import Any

import pytest

from rehearsals import longest_wait, rehearse
from telephony.commands import EndCall
from telephony.conversation.playback import LOCAL
from telephony.rehearsal import Rehearsal
from telephony.settings import Clips, Limits
from telephony.sim.caller_faults import CallerFaults

FORGIVEN = ("cancel_not_active", "cancel_without_response", "audio_before_ready")
"""Complaints of a model about our cancelling what it had ended without a word, and about our speaking to it though it
never said that it listens."""
SILENCE = Limits().dead_air + 2
"""Seconds the caller may hear nothing when something is owed: the limit, and 2 for what is done then."""
IDLE = Limits().caller_silence + Limits().dead_air + 2
"""Seconds of nothing where nobody has noticed that anything is owed: the model is spoken to once more in between."""
GREETING = {"on": "greeting", "say": "Thanks for calling."}
ASK, TELL = "Where is my order?", "It has been shipped on Tuesday and will arrive tomorrow."
ANSWER = {"on": "speech", "hears": ASK, "say": TELL}
BYE = {"on": "speech", "hears": "Thank you, bye.", "say": "Goodbye."}
STEPS: list[Any] = [
    {"wait": "agent"}, {"say": ASK}, {"wait": "agent"}, {"pause": 5.5}, {"wait": {"quiet": 1.5}},
    {"say": "Thank you, bye."}, {"wait": "agent"}, "hang_up",
]  # fmt: skip


def other(*replies: dict[str, Any], **model: Any) -> dict[str, Any]:
    """The script of another provider."""
    return {"profile": "openai", "replies": list(replies), **model}


RESUMES = {"on": "resume", "knows_once": ["Thanks for calling.", ASK], "say": "tomorrow afternoon."}
GOES_ON = other(RESUMES, BYE | {"knows_once": [ASK, "tomorrow afternoon."]})


def faults(call: Rehearsal) -> list[str]:
    """What any of the models had to complain about, expectations of their scripts included."""
    complaints = [f.code for model in call.models for f in model.faults if f.code not in FORGIVEN]
    return [*complaints, *call.models[-1].unmet]


def spoken(call: Rehearsal) -> list[str]:
    """What the agents said and the caller heard, without the recorded sentences."""
    turns = call.exchange.conversation.turns(call.clock.now)
    return [turn.heard for turn in turns if turn.speaker == "agent" and not turn.item_id.startswith(LOCAL)]


def notes(call: Rehearsal) -> str:
    """What the record will say of the call, besides its turns."""
    return "\n".join(call.exchange.conversation.state.tally.notes)


def goes_on(call: Rehearsal, silence: float = SILENCE) -> None:
    """The caller never waited too long, everybody knew what they had to, and the call ended as the caller chose."""
    assert faults(call) == []
    assert call.caller.unmet == []
    assert longest_wait(call) <= silence
    assert call.ending == EndCall("completed", "caller", "caller hung up")


# -- one session is lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mishap",
    [
        {"close": 1001}, {"close": 1011}, {"close": 1013}, {"close": 4000}, {"vanish": True}, {"freeze": True},
        {"mute": True}, {"malformed": 60, "mute": True}, {"error": "session_expired", "close": 1001},
        {"error": "insufficient_quota"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("first", ["xai", "openai"])
def test_a_session_lost_in_the_middle_of_a_sentence_is_gone_on_with_elsewhere(
    first: str, mishap: dict[str, Any]
) -> None:
    call = rehearse(STEPS, [GREETING, ANSWER | mishap], profile=first, others=[GOES_ON])
    goes_on(call)
    greeting, begun, resumed, goodbye = spoken(call)
    assert (greeting, resumed, goodbye) == ("Thanks for calling.", "tomorrow afternoon.", "Goodbye.")
    assert TELL.startswith(begun)
    assert 2 <= len(begun.split()) < len(TELL.split())
    told = [item for item in call.models[1].items if item.source == "seeded"]
    assert [(item.role, item.text) for item in told[:3]] == [
        ("assistant", greeting), ("user", ASK), ("assistant", begun)
    ]  # fmt: skip
    assert "The call went on with simulated" in notes(call)


@pytest.mark.parametrize("mishap", [{"close": 1011}, {"vanish": True}, {"error": "insufficient_quota"}], ids=str)
def test_what_the_caller_says_while_nobody_listens_reaches_the_next_session(mishap: dict[str, Any]) -> None:
    """The session is lost when the greeting is over, or in the middle of the caller's question."""
    for at in (1.2, 2.0, 2.6, 3.1, 3.4):
        call = rehearse(
            STEPS, [GREETING], model={"faults": [{"at_s": at, **mishap}]}, others=[other(ANSWER, BYE)], connect=1.5
        )
        goes_on(call)
        assert spoken(call) == ["Thanks for calling.", TELL, "Goodbye."], at
        callers = [turn.heard for turn in call.exchange.conversation.turns(call.clock.now) if turn.speaker == "caller"]
        assert callers == [ASK, "Thank you, bye."], at


@pytest.mark.parametrize("first", ["xai", "openai"])
def test_a_session_that_dies_while_nobody_speaks_is_found_out_when_the_caller_does(first: str) -> None:
    model = {"faults": [{"at_s": 1.2, "freeze": True}]}
    call = rehearse(STEPS, [GREETING], profile=first, model=model, others=[other(ANSWER, BYE)])
    goes_on(call)
    assert spoken(call) == ["Thanks for calling.", TELL, "Goodbye."]


def test_a_session_that_goes_deaf_while_nobody_speaks_is_found_out_when_it_is_spoken_to() -> None:
    """It answers pings and nothing else, so that the caller's question is lost with it."""
    model = {"faults": [{"at_s": 1.2, "mute": True}]}
    excuse = {"on": "resume", "knows_once": ["Thanks for calling."], "say": "Sorry, what did you say?"}
    call = rehearse(STEPS, [GREETING], model=model, others=[other(excuse, BYE)])
    goes_on(call, IDLE)
    assert spoken(call) == ["Thanks for calling.", "Sorry, what did you say?", "Goodbye."]


@pytest.mark.parametrize("first", ["xai", "openai"])
def test_a_session_that_is_never_acknowledged_is_replaced_when_it_does_not_speak(first: str) -> None:
    model = {"never_ready": True, "faults": [{"at_s": 0.0, "mute": True}]}
    steps = [{"wait": {"agent_ms": 700}}, *STEPS]  # longer than the filler
    call = rehearse(steps, [], profile=first, model=model, others=[other(GREETING, ANSWER, BYE)])
    goes_on(call)
    assert spoken(call) == ["Thanks for calling.", TELL, "Goodbye."]
    assert "did not acknowledge the session in time" in notes(call)


@pytest.mark.parametrize("first", ["xai", "openai"])
def test_one_dropped_reply_is_asked_for_again_and_no_other_session_is_needed(first: str) -> None:
    replies = [GREETING, {"on": "speech", "hears": ASK, "drop": True}, {"on": "prompt", "say": TELL}, BYE]
    call = rehearse(STEPS, replies, profile=first)
    goes_on(call)
    assert spoken(call) == ["Thanks for calling.", TELL, "Goodbye."]
    assert len(call.models) == 1


@pytest.mark.parametrize("first", ["xai", "openai"])
def test_a_session_that_drops_every_reply_is_replaced(first: str) -> None:
    replies = [GREETING, {"on": "speech", "hears": ASK, "drop": True}, *[{"on": "prompt", "drop": True}] * 3]
    steps = [*STEPS[:3], {"wait": "agent"}, {"pause": 7}, {"wait": {"quiet": 1.5}}, *STEPS[5:]]
    call = rehearse(steps, replies, profile=first, others=[other(RESUMES | {"say": TELL}, BYE)])
    goes_on(call)
    assert spoken(call) == ["Thanks for calling.", TELL, "Goodbye."]


def test_a_burst_of_fifty_malformed_events_is_survived_on_the_spot() -> None:
    """Some of them are events from the future and other noise, so that it is not fifty faults."""
    call = rehearse(STEPS, [GREETING, ANSWER | {"malformed": 50}, BYE])
    goes_on(call)
    assert spoken(call) == ["Thanks for calling.", TELL, "Goodbye."]
    assert len(call.models) == 1


def test_a_session_that_sends_nothing_but_malformed_events_is_replaced() -> None:
    call = rehearse(STEPS, [GREETING, ANSWER | {"malformed": 100}], others=[GOES_ON])
    goes_on(call)
    assert "nothing but unusable messages" in notes(call)


def test_a_question_is_not_heard_again_where_the_carrier_sends_no_silence() -> None:
    """The next session hears the last seconds of the caller again, not the last ones in which there was a sound."""
    sparse = CallerFaults(silence_suppressed=True)
    call = rehearse(STEPS, [GREETING, ANSWER | {"close": 1011}], others=[GOES_ON], connect=2.0, faults=sparse)
    assert faults(call) == []
    callers = [turn.heard for turn in call.exchange.conversation.turns(call.clock.now) if turn.speaker == "caller"]
    assert callers == [ASK, "Thank you, bye."]


# -- several are ---------------------------------------------------------------------------------------------------

RETOLD = RESUMES | {"say": "tomorrow.", "knows_not": ["tomorrow afternoon."]}


@pytest.mark.parametrize(
    "second",
    [
        other(RESUMES, faults=[{"at_s": 0.01, "close": 1013}]),
        other(RESUMES, faults=[{"at_s": 0.2, "vanish": True}]),
        other(RESUMES, open_error="insufficient_quota"),
        other(RESUMES, never_ready=True, faults=[{"at_s": 0.0, "mute": True}]),
        other(RESUMES | {"drop": True}, faults=[{"at_s": 0.5, "mute": True}]),
        {"replies": [RESUMES], "faults": [{"at_s": 0.3, "close": 1011}]},
    ],
    ids=str,
)
def test_whoever_takes_over_may_fail_in_turn_and_the_third_knows_as_much(second: dict[str, Any]) -> None:
    steps = [*STEPS[:3], {"pause": 8}, *STEPS[4:]]
    call = rehearse(steps, [GREETING, ANSWER | {"close": 1011}], others=[second, other(RETOLD, BYE)])
    goes_on(call)
    assert spoken(call)[2:] == ["tomorrow.", "Goodbye."]


def test_when_as_many_sessions_as_may_have_failed_the_call_ends_with_the_apology() -> None:
    dying = {"profile": "openai", "replies": [{"on": "resume", "say": "word " * 20, "close": 1011}]}
    call = rehearse(
        [*STEPS[:3], {"wait": "end"}], [GREETING, ANSWER | {"close": 1011}], others=[dying] * 9,
        limits=Limits(replacements=3), patience=60,
    )  # fmt: skip
    assert len(call.models) == 1 + 3
    assert call.ending == EndCall("failed", "model", "scripted close")
    assert longest_wait(call) <= SILENCE
    assert notes(call).count("The model was lost") == 1, "the same sentence is kept once"


@pytest.mark.parametrize("transfer", ["", "+15550199"])
def test_when_nobody_takes_over_the_caller_is_told_so_and_sent_on(transfer: str) -> None:
    call = rehearse(
        [*STEPS[:3], {"wait": "end"}], [GREETING, ANSWER | {"close": 1011}], others=["everybody is busy"],
        transfer_to=transfer,
    )  # fmt: skip
    assert call.ending == EndCall("failed", "model", "scripted close")
    assert longest_wait(call) <= 2.0
    assert "The model was lost: scripted close" in notes(call)
    assert ("the caller was sent on to +15550199" in notes(call)) == bool(transfer)


def test_when_nobody_takes_over_and_there_is_no_clip_the_line_is_not_held() -> None:
    call = rehearse(
        [*STEPS[:3], {"wait": "end"}], [GREETING, ANSWER | {"close": 1011}], others=["nobody"], clips=Clips()
    )
    assert call.ending == EndCall("failed", "model", "scripted close")
    assert call.clock.now < 12


def test_losses_a_minute_apart_do_not_add_up() -> None:
    """Six minutes on a provider that drops every session after seventy seconds."""
    talk: list[Any] = [{"wait": "agent"}]
    for number in range(36):
        talk += [{"say": f"Question {number}?"}, {"wait": "agent"}, {"pause": 6.0}]
    answers = [{"on": "speech", "hears": f"Question {n}?", "say": f"Answer {n}."} for n in range(36)]
    lasting = {"sessions": "continue", "faults": [{"at_s": 70, "vanish": True}]}
    others = [{**lasting, "replies": [GREETING, *answers]}] * 9
    limits = Limits(replacements=1)
    call = rehearse([*talk, "hang_up"], [GREETING, *answers], model=lasting, others=others, limits=limits)
    assert call.ending == EndCall("completed", "caller", "caller hung up")
    assert spoken(call) == ["Thanks for calling.", *[f"Answer {n}." for n in range(36)]]
    assert [f.code for model in call.models for f in model.faults if f.code not in FORGIVEN] == []
    assert len(call.models) >= 5
