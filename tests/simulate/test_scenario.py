"""Scenarios: found by name or path, and the one that comes with the program holds together."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.audio.format import MULAW_8K, PCM16_8K
from telephony.audio.transcode import Transcoder
from telephony.errors import ScriptError
from telephony.settings import TurnDetection
from telephony.sim.caller_script import CallerScript, Say
from telephony.sim.model_script import decode_script
from telephony.sim.vad import EnergyVad
from telephony.simulate.scenario import FRONT_DESK, load_scenario, shipped_scenarios
from telephony.simulate.voice import Voice, clip_files, normalised


@pytest.mark.parametrize("name", shipped_scenarios())
def test_shipped_scenarios_are_valid_scripts(name: str) -> None:
    document, place = load_scenario(name)
    assert place == name
    decode_script(document, place)
    CallerScript.parse(document["caller"])


def test_front_desk_needs_no_speech_synthesis() -> None:
    document, _ = load_scenario()
    spoken = [("agent", reply.say) for reply in decode_script(document).replies]
    spoken += [("caller", step.text) for step in CallerScript.parse(document["caller"]).steps if isinstance(step, Say)]
    assert [line for line in spoken if (line[0], normalised(line[1])) not in clip_files()] == []


def test_front_desk_hears_what_its_caller_says() -> None:
    document, _ = load_scenario(FRONT_DESK)
    said = [step.text for step in CallerScript.parse(document["caller"]).steps if isinstance(step, Say)]
    assert [reply.hears for reply in decode_script(document).replies if reply.on == "speech"] == said


def test_front_desk_callers_sentences_are_one_turn_each_for_a_default_agent() -> None:
    document, _ = load_scenario(FRONT_DESK)
    turns, voice = TurnDetection(), Voice("caller", synthesis=False)
    for step in CallerScript.parse(document["caller"]).steps:
        if isinstance(step, Say):
            vad = EnergyVad(8000, threshold=turns.threshold, silence_ms=turns.silence_duration_ms)
            audio = voice(step.text) + MULAW_8K.silence(1000)
            kinds = [found.kind for found in vad.feed(Transcoder(MULAW_8K, PCM16_8K).feed(audio))]
            assert kinds == ["started", "stopped"], step.text


def test_scenario_is_read_from_a_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("model: {profile: openai}\n", encoding="utf-8")
    assert load_scenario(file) == ({"model": {"profile": "openai"}}, str(file))


@pytest.mark.parametrize(("text", "words"), [("- a\n", "is no mapping"), ("a: [\n", "is no YAML")])
def test_what_is_no_scenario_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError, match=words):
        load_scenario(file)


def test_missing_scenario_names_those_there_are() -> None:
    with pytest.raises(ScriptError, match="front_desk"):
        load_scenario("front_dest")
