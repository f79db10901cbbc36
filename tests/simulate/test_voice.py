"""The voice of simulations: clips first, then synthesis, and something audible in any case."""

from __future__ import annotations

import json

import pytest

from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.sim.hearing import audible
from telephony.simulate import espeak
from telephony.simulate.voice import CLIPS, Voice, babble, clip_files, normalised

GREETING = "Thanks for calling Acme. How can I help you?"


def test_a_sentence_with_a_clip_is_the_clip_however_it_is_written() -> None:
    voice = Voice("agent")
    clip = (CLIPS / clip_files()["agent", normalised(GREETING)]).read_bytes()
    assert voice(GREETING) == voice("  thanks for calling ACME -- how can I help you") == clip


def test_each_speaker_has_its_own_voice() -> None:
    assert Voice("caller", synthesis=False)(GREETING) != Voice("agent", synthesis=False)(GREETING)
    with pytest.raises(ValueError, match="only caller and agent"):
        Voice("parrot")


def test_without_synthesis_a_sentence_still_sounds_like_speech_of_its_length() -> None:
    speech = Voice("caller", synthesis=False)("one two three four five")
    assert len(speech) == pytest.approx(5 * 0.3 * 8000, abs=800)
    assert rms_dbfs(mulaw_to_pcm(speech)) == pytest.approx(-20, abs=0.5)
    frames = [speech[at : at + 160] for at in range(0, len(speech), 160)]
    assert sum(map(audible, frames)) > 0.9 * len(frames)
    assert babble("one two", pitch=200) != babble("one two", pitch=110)


def test_nothing_to_say_is_no_sound() -> None:
    assert Voice("agent")("…") == b""


def test_a_broken_synthesiser_is_replaced_by_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "installed", lambda: "/nonexistent/espeak-ng")
    assert Voice("caller")("quite unheard of") == babble("quite unheard of", pitch=200)


def test_a_voice_forgets_its_oldest_sentence_when_it_knows_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.simulate.voice.MOST_REMEMBERED", 2)
    voice = Voice("caller", synthesis=False)
    first = voice("one")
    voice("two"), voice("three")
    assert voice("one") == first
    assert voice("one") is not first


def test_every_clip_is_listed_and_at_the_level_of_speech_without_clipping() -> None:
    index = json.loads((CLIPS / "index.json").read_text(encoding="utf-8"))
    files = {entry.name for entry in CLIPS.iterdir() if entry.name.endswith(".ulaw")}
    assert files == {clip["file"] for clip in index["clips"]}
    sizes = 0
    for file in sorted(files):
        clip = (CLIPS / file).read_bytes()
        sizes += len(clip)
        assert rms_dbfs(mulaw_to_pcm(clip)) == pytest.approx(-20, abs=1), file
        assert clip.count(0x00) + clip.count(0x80) == 0, f"{file} clips"
    assert sizes < 600_000
