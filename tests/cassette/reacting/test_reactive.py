"""A recorded caller calls an agent that has changed since: nothing edited by hand, the same way every time."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from recorded_calls import ANSWERS, ASKS, ORDER, QUIET, lines_of, recorded
from rehearsals import HANG_UP, LOOKUP, hum
from telephony.audio.g711 import mulaw_to_pcm, pcm_to_mulaw
from telephony.cassette.format import Cassette
from telephony.cassette.reacting.reactive import Reaction, react
from telephony.cassette.reacting.scene import scene_of
from telephony.cassette.replay import replay
from telephony.cassette.resolved import call_settings
from telephony.records import CallRecord, Termination
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.settings import AUDIO_FORMATS, CallSettings, Limits, ToolSpec, TurnDetection
from telephony.sim.caller_faults import CallerFaults

CALLS = Path(__file__).parents[3] / "fixtures" / "calls"
PROFILES = pytest.mark.parametrize("profile", ["xai", "openai"])
REFUND = ToolSpec("refund", "Pays back.", {"type": "object", "properties": {}})
CHANGES: dict[str, dict[str, Any]] = {
    "unchanged": {},
    "a greeting three times as long": {"greeting": "Thanks for calling. " * 3},
    "a greeting of a minute": {"greeting": "Thanks for calling. " * 50},
    "a greeting that cannot be interrupted": {"greeting_interruptible": False},
    "a greeting in its own words": {"greeting": None},
    "no greeting": {"speaks_first": False},
    "other limits": {"limits": Limits(caller_silence=4, dead_air=2)},
    "the telephone's audio": {"audio": "pcmu"},
    "A-law": {"audio": "pcma"},
    "a patient ear": {"turn_detection": TurnDetection(silence_duration_ms=1200, threshold=0.9)},
}


def changed(cassette: Cassette, changes: dict[str, Any]) -> CallSettings:
    settings = call_settings(cassette.header.agent, cassette.header.settings)
    session = dict(changes)
    own = {name: session.pop(name) for name in list(session) if name in CallSettings.__struct_fields__}
    if "audio" in session:
        session["audio"] = AUDIO_FORMATS[session["audio"]]
    own["session"] = msgspec.structs.replace(settings.session, **session)
    return msgspec.structs.replace(settings, **own)


def reaction(cassette: Cassette, changes: dict[str, Any] | None = None, **options: Any) -> Reaction:
    return react(cassette, new_carrier, settings=changed(cassette, changes or {}), **options)


@cache
def order(profile: str = "xai") -> Cassette:
    return recorded(ORDER, ANSWERS, profile=profile)


@cache
def quiet(profile: str = "xai") -> Cassette:
    return recorded(QUIET, ASKS, profile=profile)


def words(record: CallRecord) -> list[str]:
    return [turn.heard for turn in record.turns if turn.speaker != "agent"]


def tools(record: CallRecord) -> list[tuple[str, str, str, str]]:
    return [(use.name, use.arguments, use.output, use.outcome) for use in record.tools]


def spoken(record: CallRecord) -> list[str]:
    return [f"{turn.heard} {turn.unheard}".strip() for turn in record.turns if turn.speaker == "agent"]


def assert_the_same_in_substance(result: Reaction) -> None:
    assert result.passed, (result.unsaid, result.unmet, result.faults)
    assert words(result.record) == words(result.recorded)
    assert tools(result.record) == tools(result.recorded)
    assert result.record.termination == result.recorded.termination
    assert result.missing == []


# -- changed settings -------------------------------------------------------------------------------------------------


@PROFILES
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_caller_says_the_same_to_an_agent_with_other_settings(profile: str, changes: dict[str, Any]) -> None:
    assert_the_same_in_substance(reaction(order(profile), changes))


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_so_does_one_who_keeps_silent_presses_keys_and_hangs_up(changes: dict[str, Any]) -> None:
    assert_the_same_in_substance(reaction(quiet(), changes))


@PROFILES
@pytest.mark.parametrize("change", ["unchanged", "a greeting three times as long"])
def test_the_same_call_comes_of_it_every_time(profile: str, change: str) -> None:
    first, *others = [reaction(order(profile), CHANGES[change]) for _ in range(3)]
    for other in others:
        assert other.digest == first.digest
        assert other.lines == first.lines


@PROFILES
def test_an_unchanged_agent_does_what_it_did_when_it_did(profile: str) -> None:
    for cassette in (order(profile), quiet(profile)):
        result = reaction(cassette)
        assert spoken(result.record) == spoken(result.recorded)
        for now, then in zip(result.record.turns, result.recorded.turns, strict=True):
            assert now.started_at == pytest.approx(then.started_at, abs=0.1)
            assert now.interrupted == then.interrupted


def test_the_new_greeting_is_heard_to_its_end_before_the_caller_speaks() -> None:
    result = reaction(order(), {"greeting": "Welcome to another company. " * 3})
    greeting, question = result.record.turns[:2]
    assert greeting.heard == ("Welcome to another company. " * 3).strip()
    assert greeting.ended_at
    assert question.started_at > greeting.ended_at


@pytest.mark.parametrize(("silence", "asked"), [(60, 0), (0, 0), (10, 2), (4, 2)])
def test_a_silent_caller_is_asked_when_the_limits_say_so_and_stays_silent_as_long(silence: int, asked: int) -> None:
    result = reaction(quiet(), {"limits": Limits(caller_silence=silence, caller_silence_prompts=2)})
    assert_the_same_in_substance(result)
    said = spoken(result.record)
    assert sum(text in ("Are you still there?", "Anybody?") for text in said) == asked


@PROFILES
def test_a_caller_who_never_speaks_again_is_hung_up_on_later_by_a_more_patient_agent(profile: str) -> None:
    cassette = recorded([{"wait": "agent"}, {"wait": "end"}], [], profile=profile, patience=90)
    result = reaction(cassette, {"limits": Limits(caller_silence=30)})
    assert_the_same_in_substance(result)
    assert result.record.termination == Termination("completed", "limit", "the caller was silent")
    assert result.record.duration > result.recorded.turns[-1].started_at + 50


# -- a changed script -------------------------------------------------------------------------------------------------


def scripted(*replies: dict[str, Any]) -> dict[str, Any]:
    return {"model": {"replies": list(replies)}}


LOOK = {"name": "lookup_order", "arguments": {"order": "A-1"}}
BYE = {"on": "speech", "say": "Goodbye.", "call": {"name": "hang_up"}}


@PROFILES
def test_an_answer_that_is_now_too_short_to_be_talked_over_is_followed(profile: str) -> None:
    script = scripted(
        {"on": "speech", "call": LOOK}, {"on": "tool", "say": "Tuesday."}, {"on": "speech", "say": "Yes."}, BYE
    )
    result = reaction(order(profile), script=script)
    assert_the_same_in_substance(result)
    answer = next(turn for turn in result.record.turns if turn.heard == "Tuesday.")
    assert not answer.interrupted


@PROFILES
def test_tools_may_come_in_another_order_and_more_of_them(profile: str) -> None:
    steps = [*ORDER[:2], {"wait": "agent"}, *ORDER[3:]]
    script = scripted(
        {"on": "greeting"},
        {"on": "speech", "say": "One moment.", "call": {"name": "refund"}},
        {"on": "tool", "call": LOOK},
        {"on": "tool", "say": "It was shipped, and you were paid."},
        {"on": "speech", "say": "Thursday."},
        BYE,
    )
    settings = {"tools": (LOOKUP, HANG_UP, REFUND)}
    cassette = recorded(steps, ANSWERS, profile=profile, tools={"lookup_order": lambda _: (4.0, "shipped")})
    paid = {"refund": lambda _: (3.0, {"paid": True})}
    result = reaction(cassette, settings, script=script, tools=paid)
    assert result.passed, (result.unsaid, result.unmet, result.faults)
    assert words(result.record) == words(result.recorded)
    refund, lookup, _ = tools(result.record)
    assert (refund[0], refund[2]) == ("refund", '{"paid": true}')
    assert lookup == tools(result.recorded)[0]
    assert result.record.tools[1].finished_at == pytest.approx(result.record.tools[1].started_at + 4.0, abs=0.5)


@PROFILES
def test_a_tool_may_be_left_out(profile: str) -> None:
    script = scripted({"on": "speech", "say": "On Tuesday, I think."}, {"on": "speech", "say": "Thursday."}, BYE)
    result = reaction(order(profile), script=script)
    assert result.passed
    assert words(result.record) == words(result.recorded)
    assert [use.name for use in result.record.tools] == ["hang_up"]


def test_a_tool_that_was_never_recorded_fails_and_is_told() -> None:
    script = scripted({"on": "speech", "call": {"name": "refund"}}, {"on": "tool", "say": "Sorry."})
    result = reaction(order(), {"tools": (REFUND, HANG_UP)}, script=script)
    assert result.missing == ["refund"]
    assert any("The function refund: it was not run when this call was recorded" in c for c in result.complaints)
    assert result.record.tools[0].outcome == "error"
    assert "was not called when this call was recorded" in result.record.tools[0].output


def test_what_the_script_expects_and_does_not_get_is_unmet() -> None:
    script = scripted(
        {"on": "speech", "call": LOOK}, {"on": "tool", "expect": {"lookup_order": "lost"}, "say": "I am sorry."}
    )
    result = reaction(order(), script=script)
    assert not result.passed
    assert "wanted 'lost'" in result.unmet[0]


def test_an_agent_that_hangs_up_too_early_leaves_the_caller_with_something_to_say() -> None:
    result = reaction(order(), script=scripted(BYE))
    assert result.unsaid == ["the call ended before the caller could play 'turn 2'"]
    assert not result.passed


def test_an_agent_that_no_longer_hangs_up_is_left_to_its_limits() -> None:
    result = reaction(order(), script=scripted(*[{"on": "speech", "say": "Aha."}] * 3))
    assert result.record.termination == Termination("completed", "limit", "the caller was silent")
    assert result.complaints == ["The call was ended by a limit, and then it was not: the caller was silent."]


def test_what_the_caller_says_and_the_script_does_not_foresee_is_told() -> None:
    result = reaction(order(), script=scripted({"on": "greeting", "say": "Hi."}))
    assert words(result.record) == words(result.recorded)
    assert result.unforeseen == [
        f"the caller said “{heard}”, and the script has no reply to it. Add one on speech"
        for heard in ("Where is it?", "Just the day.", "Bye.")
    ]
    assert not result.passed


def test_so_are_keys_and_what_functions_answer() -> None:
    replies = [{"on": "speech", "say": "Aha.", "call": LOOK}, {"on": "speech", "say": "Well."}]
    keys, functions = reaction(quiet(), script=scripted(*replies)).unforeseen
    assert keys.startswith("keys or other texts came")
    assert functions.startswith("functions had answered")


def test_functions_that_the_agent_no_longer_has_are_named() -> None:
    result = reaction(order(), {"tools": (LOOKUP,), "hang_up_tool": None})
    assert result.lacking == ["hang_up"]
    assert any("The function hang_up: the model calls it, and the agent has no such" in c for c in result.complaints)
    assert not any("when this call was recorded" in complaint for complaint in result.complaints)


def test_a_session_that_a_script_breaks_is_replaced() -> None:
    script = {"replies": ANSWERS[1:], "sessions": "continue", "faults": [{"at_s": 4, "vanish": True}]}
    result = reaction(order(), script=script | {"connections": [{}, {"faults": []}]})
    assert result.record.notes
    assert result.record.termination == Termination("completed", "agent", "agent hung up")
    assert result.unsaid == []


# -- recordings of all kinds ------------------------------------------------------------------------------------------


def test_a_caller_who_pauses_within_a_turn_is_not_cut_in_two_by_an_agent_that_waits_less() -> None:
    patient = TurnDetection(silence_duration_ms=2000)
    cassette = recorded(
        [ORDER[0], {"say": "I wanted to"}, {"pause": 1.2}, {"say": "ask something."}, *ORDER[4:]],
        [ANSWERS[0], {"on": "speech", "hears": "I wanted to ask something.", "say": "Yes?"}, ANSWERS[4]],
        session=changed(recorded([{"pause": 1}], []), {"turn_detection": patient}).session,
    )
    result = reaction(cassette, {"turn_detection": TurnDetection(silence_duration_ms=300)})
    assert words(result.recorded) == ["I wanted to ask something.", "Bye."]
    assert_the_same_in_substance(result)


@PROFILES
def test_a_bad_line_does_not_matter(profile: str) -> None:
    faults = CallerFaults(frames_lost=0.02, frames_doubled=0.1, jitter_ms=80, marks_late_ms=200, seed=1)
    cassette = recorded(ORDER, ANSWERS, profile=profile, faults=faults, latency=0.08, connect=0.3)
    assert_the_same_in_substance(reaction(cassette))


def through(line: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]], call: list[bytes]) -> Cassette:
    """The same call, the caller's samples as another line would have carried them."""
    lines = []
    for text in call:
        message = json.loads(text)
        if message.get("ch") == "carrier" and message["dir"] == "in" and "media" in message["msg"]:
            media = message["msg"]["media"]
            samples = np.frombuffer(mulaw_to_pcm(base64.b64decode(media["payload"])), "<i2")
            carried = pcm_to_mulaw(np.clip(line(samples), -32768, 32767).astype("<i2").tobytes())
            media["payload"] = base64.b64encode(carried).decode()
        lines.append(json.dumps(message).encode() + b"\n")
    return Cassette("call.jsonl", lines)


@PROFILES
@pytest.mark.parametrize(("loudness", "noise"), [(1, 60), (0.03, 20), (1, 400)])
def test_a_faint_caller_or_a_noisy_line_is_heard_as_it_was(profile: str, loudness: float, noise: float) -> None:
    hiss = np.random.default_rng(1).normal(0, noise, 160)
    result = reaction(through(lambda samples: samples * loudness + hiss, lines_of(ORDER, ANSWERS, profile=profile)))
    assert_the_same_in_substance(result)
    for now, then in zip(result.record.turns, result.recorded.turns, strict=True):
        assert now.interrupted == then.interrupted


def test_a_call_in_which_the_model_was_lost_goes_on_without_losing_it() -> None:
    story = {"replies": ANSWERS}
    lost = story | {"faults": [{"at_s": 2.8, "close": 1001}]}
    result = reaction(recorded([*ORDER[:2], {"wait": "agent"}, {"wait": "agent"}], [], model=lost, others=[story]))
    assert result.passed
    assert words(result.record) == words(result.recorded)
    assert result.recorded.notes
    assert result.record.notes == []


@pytest.mark.parametrize("name", ["session-replaced-when-old", "session-cut-off-by-its-number"])
def test_a_later_session_goes_on_with_the_replies_and_does_not_begin_anew(name: str) -> None:
    result = reaction(open_cassette(CALLS / f"{name}.jsonl"))
    assert sum(b"ModelConnected" in line for line in result.lines) > 1
    assert result.passed, result.complaints


def test_a_call_through_a_proxy_is_played_to_the_provider_it_is_spoken_to_like() -> None:
    text = b"".join(lines_of(ORDER, ANSWERS, profile="openai")).replace(b'"dialect":"openai"', b'"dialect":"litellm"')
    result = reaction(Cassette("call.jsonl", text.splitlines(keepends=True)))
    assert result.record.termination == Termination("completed", "agent", "agent hung up")
    assert result.passed


@pytest.mark.parametrize("cut", [30, 400, 700])
def test_a_recording_that_breaks_off_is_played_up_to_there(cut: int) -> None:
    result = reaction(Cassette("call.jsonl", lines_of(ORDER, ANSWERS)[:cut]))
    assert result.unsaid == []
    assert result.record.termination == Termination("completed", "caller", "caller hung up")
    assert result.complaints == ["The recording breaks off, and with it the caller's part. Record a call to its end."]


def test_a_call_that_failed_may_succeed_by_now() -> None:
    lost = [ANSWERS[0], ANSWERS[1] | {"close": 1011}]
    cassette = recorded(ORDER, lost, others=["nobody is there"] * 9)
    result = reaction(cassette, script={"replies": ANSWERS})
    assert result.recorded.termination
    assert result.recorded.termination.result == "failed"
    assert result.record.termination == Termination("completed", "caller", "caller hung up")


def test_a_reaction_is_a_cassette_itself() -> None:
    first = reaction(order())
    kept = Cassette("kept.jsonl", first.lines)
    strictly = replay(kept, new_carrier, digest=True)
    assert strictly.divergence is None
    assert strictly.digest == first.digest
    assert_the_same_in_substance(reaction(kept, {"greeting": "Hi."}))
    assert json.loads(first.lines[0])["dialect"] == "xai"


def test_the_callers_voice_is_the_recorded_one() -> None:
    result = reaction(order(), {"greeting": "Hi."})
    said = scene_of(Cassette("kept.jsonl", result.lines), new_carrier).said
    for step in ORDER[1:6:2]:
        assert hum(step["say"])[160:-160] in said
