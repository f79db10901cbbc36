"""Whole calls without what is personal in them: nothing of it is left, and they are the calls that they were."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import tapes
from personal import NAMES, PLANTED
from scrubbed import DESK, again, amplitudes, call, left, level, scrubbed, sounds, spoken_in_pieces, texts
from telephony.cassette.format import Cassette
from telephony.cassette.replay import replay
from telephony.cassette.scrubbing.scrub import difference
from telephony.runtime.cassettes import new_carrier, open_cassette

LIBRARY = sorted((Path(__file__).resolve().parents[3] / "fixtures" / "calls").rglob("*.jsonl"))
AT_ONCE = 24
"""Strings in one call."""
GROUPS = [PLANTED[at : at + AT_ONCE] for at in range(0, len(PLANTED), AT_ONCE)]


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_nothing_personal_is_left_anywhere(number: int) -> None:
    assert len(PLANTED) >= 200
    personal = GROUPS[number]
    before = call(personal, ("xai", "openai")[number % 2])
    assert replay(before, new_carrier).divergence is None
    assert len(left(personal, texts(before))) >= len(personal)
    assert len(left(personal, spoken_in_pieces(before))) >= len(personal)
    made = scrubbed(before)
    after = again(made)
    assert left([*personal, DESK], texts(after)) == []
    assert left(personal, spoken_in_pieces(after)) == []
    whole = b"".join(made.lines).decode().casefold()
    assert [each for each in personal if len(each) > 8 and each.casefold() in whole] == []
    assert replay(after, new_carrier).divergence is None
    assert made.changed == ""


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_a_call_of_the_library_stays_the_call_that_it_is(path: Path) -> None:
    made = scrubbed(open_cassette(path))
    assert replay(again(made), new_carrier).divergence is None
    assert made.changed == ""


def test_the_library_is_there() -> None:
    assert len(LIBRARY) >= 100


def test_the_call_goes_on_as_it_did() -> None:
    before = Cassette("call.jsonl", tapes.call())
    then, now = replay(before, new_carrier), replay(again(scrubbed(before)), new_carrier)
    assert now.duration == then.duration
    assert now.steps == then.steps
    assert now.record.termination == then.record.termination
    assert [(turn.speaker, turn.started_at) for turn in now.record.turns] == [
        (turn.speaker, turn.started_at) for turn in then.record.turns
    ]
    assert [use.name for use in now.record.tools] == [use.name for use in then.record.tools]


def test_scrubbing_twice_changes_nothing_more_than_noise_into_noise_as_loud() -> None:
    first = scrubbed(call(NAMES[:8]))
    second = scrubbed(again(first))
    assert second.changed == ""
    assert texts(again(second)) == texts(again(first))
    assert second.lines[0] == first.lines[0]
    for (entry, then), (_, now) in zip(sounds(again(first)), sounds(again(second)), strict=True):
        assert len(now) == len(then)
        assert level(amplitudes(entry, now)) == pytest.approx(level(amplitudes(entry, then)), rel=0.1)


def test_the_same_call_is_scrubbed_the_same() -> None:
    before = call(NAMES[:4])
    assert scrubbed(before).lines == scrubbed(before).lines


def test_what_the_user_names_goes_and_what_it_shows_is_said() -> None:
    made = scrubbed(Cassette("call.jsonl", tapes.call()), also=["Tuesday"], about="A caller asks.")
    assert "tuesday" in " ".join(map(bytes.decode, tapes.call())).casefold()
    assert "tuesday" not in texts(again(made)).casefold()
    assert again(made).header.about == "A caller asks."
    assert again(made).header.recorded_at == ""


def test_the_caller_may_speak_other_sentences() -> None:
    before = Cassette("call.jsonl", tapes.call())
    speech = bytes(range(256)) * 200
    noise, spoken = scrubbed(before), scrubbed(before, speech=speech)
    assert noise.lines != spoken.lines
    assert spoken.changed == ""
    assert replay(again(spoken), new_carrier).divergence is None


# -- what differs ----------------------------------------------------------------------------------------------------


def test_calls_that_differ_in_words_and_audio_do_not_differ() -> None:
    before = Cassette("call.jsonl", tapes.call())
    assert difference(before, before) == ""
    assert difference(before, again(scrubbed(before))) == ""
    assert difference(before, Cassette("call.jsonl", tapes.another_sound())) == ""


def test_calls_that_differ_in_what_happens_do() -> None:
    before = Cassette("call.jsonl", tapes.call())
    told = difference(before, Cassette("call.jsonl", tapes.truncated_later()))
    assert told.endswith("model out: conversation.item.truncate says something else")
    assert "something else happens (tool out: RunTool" in difference(
        before, Cassette("call.jsonl", tapes.without(b'"RunTool"'))
    )
    other = Cassette("call.jsonl", tapes.edited(b'"RunTool"', lambda line: line["msg"].update(name="lookup_ordre")))
    assert difference(before, other).endswith("tool out: RunTool says something else")
    shorter = Cassette("call.jsonl", tapes.call()[:-1])
    assert difference(before, shorter).startswith("the call is shorter by what happens at 13.")
    assert difference(shorter, before).startswith("the call is longer by")


def test_neither_voice_is_anywhere_in_it() -> None:
    before = Cassette("call.jsonl", tapes.call())
    whole = b"".join(scrubbed(before).lines)
    voices = [audio for _, audio in sounds(before) if len(set(audio)) > 8]
    assert len(voices) > 100
    assert not [audio for audio in voices if base64.b64encode(audio) in whole]
