"""Reading a recorded call by parts: who said what, why the model spoke, what the tools answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recorded_calls import ANSWERS, ASKS, ORDER, QUIET, lines_of, scene
from rehearsals import hum
from telephony.cassette.format import Cassette
from telephony.cassette.reacting.prompting import Props
from telephony.cassette.reacting.scene import Scene, scene_of
from telephony.errors import CassetteError
from telephony.rehearsal import Said
from telephony.runtime.cassettes import new_carrier
from telephony.sim.caller_faults import CallerFaults

PROFILES = pytest.mark.parametrize("profile", ["xai", "openai"])


def cues(found: Scene) -> list[str]:
    return [response.cue for response in found.responses]


@PROFILES
def test_every_response_has_the_cue_it_was_given_for(profile: str) -> None:
    found = scene(ORDER, ANSWERS, profile=profile)
    assert cues(found) == ["greeting", "speech", "tool", "speech", "speech"]
    assert [response.words for response in found.responses] == [reply["say"].strip() for reply in ANSWERS]
    assert found.responses[1].calls == [("lookup_order", '{"order":"A-1"}')]
    turns = [turn.item_id for turn in found.caller_turns]
    assert [response.turn for response in found.responses if response.turn] == turns


@PROFILES
def test_keys_and_questions_into_the_silence_are_told_from_answers(profile: str) -> None:
    found = scene(QUIET, ASKS, profile=profile)
    assert cues(found) == ["greeting", "text", "speech", "prompt", "prompt", "speech"]
    assert [digit for _, digit in found.keys] == ["1", "2", "#"]
    starts = [turn.started_at for turn in found.record.turns if turn.heard in ("Are you still there?", "Anybody?")]
    assert found.asked_at() == starts


@PROFILES
def test_the_caller_and_what_it_heard_stand_in_their_places(profile: str) -> None:
    found = scene(ORDER, ANSWERS, profile=profile)
    first = found.caller_turns[0]
    said = bytes(found.said).strip(b"\xff")
    assert said.startswith(hum("Where is my order?").strip(b"\xff"))
    assert found.said.index(said) / 8000 == pytest.approx(first.started_at + 0.3, abs=0.05)
    greeting = found.record.turns[0]
    assert greeting.ended_at
    begun, ended = (round(at * 8000) for at in (greeting.started_at, greeting.ended_at))
    assert found.heard.heard(begun - 800, begun).count(b"\xff") == 800
    assert len(set(found.heard.heard(begun, ended))) > 20


def test_frames_that_were_lost_doubled_or_late_leave_the_rest_in_its_place() -> None:
    faults = CallerFaults(frames_lost=0.1, frames_doubled=0.2, jitter_ms=60, seed=3)
    whole, damaged = scene(ORDER[:2], ANSWERS), scene(ORDER[:2], ANSWERS, faults=faults)
    common = min(len(whole.said), len(damaged.said))
    different = [at for at in range(0, common, 160) if whole.said[at : at + 160] != damaged.said[at : at + 160]]
    assert 0 < len(different) < 0.2 * common / 160
    assert all(damaged.said[at : at + 160] == b"\xff" * 160 for at in different)


def test_a_tool_is_known_with_its_answer_and_how_long_it_took() -> None:
    (use,) = scene(ORDER, ANSWERS).uses.values()
    assert (use.name, use.arguments, use.output) == ("lookup_order", '{"order":"A-1"}', '{"status": "shipped"}')
    assert use.ended is not None
    assert use.ended - use.began == pytest.approx(0.5)


def test_a_tool_says_and_tells_again_what_it_did() -> None:
    said = Said('{"status": "shipped"}', says="Wait.", progress=((0.2, "half"), (0.4, "most")))
    found = scene(ORDER, ANSWERS, tools={"lookup_order": lambda _: (0.5, said)})
    (use,) = found.uses.values()
    assert (use.says, [text for _, text in use.progress]) == ("Wait.", ["half", "most"])
    _, again = Props(found, {}).answers(["lookup_order"])["lookup_order"]({"order": "A-1"})
    assert (again.says, [round(after, 3) for after, _ in again.progress]) == ("Wait.", [0.2, 0.4])


@PROFILES
def test_sentences_are_kept_whole_though_the_caller_cut_them(profile: str) -> None:
    found = scene(ORDER, ANSWERS, profile=profile)
    (item,) = found.responses[2].texts
    assert len(found.spoken[item]) == pytest.approx(len(hum(ANSWERS[2]["say"])), abs=200)


def test_a_turn_that_nobody_answered_is_there_all_the_same() -> None:
    steps: list[Any] = [*ORDER[:2], {"pause": 0.65}, {"say": "And when?"}, {"wait": "agent"}]
    answers = [ANSWERS[0], {"on": "speech", "say": "Soon."}]
    found = scene(steps, answers, profile="openai", model={"created_ms": 400})
    assert cues(found) == ["greeting", "speech", "speech"]
    assert [response.words for response in found.responses[1:]] == ["", "Soon."]


@PROFILES
def test_a_model_that_took_over_answers_what_the_other_one_left(profile: str) -> None:
    replies = [ANSWERS[0], {"on": "speech", "hears": "Where is it?", "say": "Let me see. " * 4, "close": 1011}]
    then = {"replies": [{"on": "resume", "say": "It is on its way."}]}
    found = scene([*ORDER[:2], {"wait": "agent"}, {"pause": 4.0}], replies, profile=profile, others=[then])
    assert found.responses[-1].words == "It is on its way."
    assert {response.cue for response in found.responses} <= {"greeting", "speech", "prompt"}


def test_a_turn_that_another_model_heard_again_counts_once() -> None:
    replies = {"replies": [*ANSWERS[:1], {"on": "speech", "hears": "Where is it?", "say": "Here."}]}
    lost = replies | {"faults": [{"at_s": 2.8, "close": 1001}]}
    found = scene([*ORDER[:2], {"wait": "agent"}], [], model=lost, others=[replies])
    assert len(found.caller_turns) == 1
    (answer,) = (response for response in found.responses if response.cue == "speech")
    assert (answer.turn, answer.words) == (found.caller_turns[0].item_id, "Here.")


def test_a_recording_that_breaks_off_is_read_up_to_there() -> None:
    lines = lines_of(ORDER, ANSWERS)[:700]
    found = scene_of(Cassette("call.jsonl", lines), new_carrier)
    assert found.left_at is None
    assert found.record.termination is None
    assert found.caller_turns[0].heard == "Where is it?"


def test_a_dialect_that_nobody_can_simulate_is_told() -> None:
    header, *lines = lines_of(ORDER, ANSWERS)
    other = json.dumps(json.loads(header) | {"dialect": "gemini"}).encode() + b"\n"
    with pytest.raises(CassetteError, match=r"call\.jsonl: there is no simulator of twilio or none of gemini"):
        scene_of(Cassette("call.jsonl", [other, *lines]), new_carrier)
