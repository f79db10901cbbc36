"""Parts of recorded calls: each is a recording that replays, and sounds as the call did then."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taped import STORIES, cassette, recorded, sound
from tapes import heard_ms
from telephony.cassette.cutting.cut import cut, length_of
from telephony.cassette.format import Cassette
from telephony.cassette.replay import Replayed, replay
from telephony.errors import CassetteError
from telephony.records import CallRecord
from telephony.runtime.cassettes import new_carrier

RATE = 8000
WARM = 40
"""Samples that may sound otherwise behind each of the agent's beginnings: the resampler's memory begins anew."""


def kept(story: str, begin: float | None, end: float | None = None) -> list[bytes]:
    return cut(cassette(story), new_carrier, begin, end)


def replayed(lines: Any) -> Replayed:
    return replay(Cassette("cut.jsonl", lines), new_carrier)


def said(record: CallRecord) -> list[str]:
    return [turn.heard for turn in record.turns if turn.heard]


@pytest.mark.parametrize("story", STORIES)
def test_every_part_replays_strictly_the_same_and_begins_at_zero(story: str) -> None:
    length = length_of(cassette(story))
    for number, begin in enumerate(np.arange(0.05, length, 1.83)):
        end = length if number % 2 else begin + 2.1
        lines = kept(story, float(begin), float(end))
        assert replayed(lines).divergence is None
        assert json.loads(lines[1])["t"] == 0
        assert length_of(Cassette("cut.jsonl", lines)) <= min(length, end) - begin + 0.001


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(STORIES), st.floats(0, 1), st.floats(0.01, 1))
def test_so_does_any_part_of_a_part(story: str, begin: float, share: float) -> None:
    length = length_of(cassette(story))
    first = kept(story, begin * length * 0.8, None)
    part = Cassette("cut.jsonl", first)
    rest = length_of(part)
    lines = cut(part, new_carrier, rest * share * 0.5, rest * (0.5 + share * 0.5))
    assert replayed(lines).divergence is None


@pytest.mark.parametrize("story", ["xai", "openai", "far"])
def test_both_sides_sound_as_they_did_then(story: str) -> None:
    whole = sound(recorded(story)).astype(int)
    for begin in np.arange(0.3, length_of(cassette(story)) - 0.5, 1.58):
        part = sound(kept(story, float(begin))).astype(int)
        then = whole[round(begin * RATE) :]
        assert abs(len(part) - len(then)) <= 1
        caller, agent = (then[: len(part)] - part[: len(then)]).T
        assert not caller.any()
        assert np.count_nonzero(np.abs(agent) > 800) <= WARM


def test_part_begins_with_a_whole_frame_of_the_caller_s() -> None:
    lines = [line for line in Cassette("x", kept("xai", 5.005)).lines if line.dir == "in"]
    frames = [line.message["media"] for line in lines if b'"media"' in bytes(line.msg)]
    assert frames[0]["timestamp"] == "0"
    then = next(line for line in cassette().lines if b'"timestamp":"5020"' in bytes(line.msg))
    assert frames[0]["payload"] == then.message["media"]["payload"]


def test_part_may_be_shorter_than_a_frame() -> None:
    assert replayed(kept("xai", 5.005, 5.01)).divergence is None


def test_call_goes_on_as_it_did() -> None:
    whole = replayed(recorded())
    for begin in (2.0, 4.6, 8.0, 9.5, 11.5):
        part = replayed(kept("xai", begin))
        assert part.record.termination == whole.record.termination
        assert part.duration == pytest.approx(whole.duration - begin, abs=0.03)
        assert said(part.record) == said(whole.record)[-len(said(part.record)) :]
        assert part.record.notes == []


def test_what_went_to_the_model_is_the_same_as_well() -> None:
    def asked(lines: Any) -> list[Any]:
        sent = [line for line in Cassette("x", lines).lines if (line.ch, line.dir) == ("model", "out")]
        return [line.message for line in sent if line.message["type"] != "input_audio_buffer.append"]

    whole, part = asked(recorded()), asked(kept("xai", 5.2))
    assert part[1:] == whole[-len(part) + 1 :]
    assert part[0]["type"] == "session.update"


def test_function_under_way_is_run_again_and_answered_when_it_was() -> None:
    (use, _) = replayed(kept("xai", 4.8)).record.tools
    assert use.started_at == 0
    (whole, _) = replayed(recorded()).record.tools
    assert whole.finished_at
    assert use.finished_at == pytest.approx(whole.finished_at - 4.8)
    assert [use.name for use in replayed(kept("xai", 5.2)).record.tools] == ["hang_up"]


def test_greeting_that_is_over_is_not_said_again_and_one_under_way_is() -> None:
    assert json.loads(kept("xai", 0.9)[0])["agent"]["speaks_first"]
    header = json.loads(kept("xai", 3.0, 8.0)[0])
    assert not header["agent"]["speaks_first"]
    assert header["about"] == "Seconds 3 to 8 of a longer call."
    assert "Thanks for calling." not in said(replayed(kept("xai", 3.0)).record)


def test_call_that_lost_its_session_goes_on_with_the_next_one() -> None:
    lost = next(line.t for line in cassette("lost").lines if b'"ModelLost"' in bytes(line.msg))
    before, after = replayed(kept("lost", lost - 1)), replayed(kept("lost", lost + 1))
    assert before.record.notes[0].startswith("The model was lost")
    assert after.record.notes == []
    for part in (before, after):
        assert "Thank you." in said(part.record)
        assert part.record.termination == replayed(recorded("lost")).record.termination


def test_session_that_was_only_replaced_is_replaced_at_the_same_moment() -> None:
    words = said(replayed(kept("rotated", 2.0)).record)
    assert words[-3:] == said(replayed(recorded("rotated")).record)[-3:]


def test_without_a_beginning_the_lines_stay_as_they_are() -> None:
    lines = kept("xai", None, 5.0)
    assert lines[1:] == list(recorded()[1 : len(lines)])
    assert json.loads(lines[0])["about"] == "Seconds 0 to 5 of a longer call."
    assert length_of(Cassette("x", lines)) <= 5.0
    assert kept("xai", 0.0, 60.0)[1:] == list(recorded()[1:])


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        (5.0, 4.0, "nothing lies between 5 s and 4 s"),
        (4.0, 4.0, "nothing lies between"),
        (99.0, None, "it lasts 13.2 s, and nothing lies after"),
        (None, 0.0, "it lasts 13.2 s, and nothing lies before"),
    ],
)
def test_part_in_which_nothing_lies_is_refused(begin: float | None, end: float | None, told: str) -> None:
    with pytest.raises(CassetteError, match=told):
        kept("xai", begin, end)


def test_recording_that_does_not_replay_is_not_made_into_another_one() -> None:
    place = next(n for n, text in enumerate(recorded()) if b"item.truncate" in text)
    told, heard = json.loads(recorded()[place])["t"], heard_ms(recorded())
    spoilt = recorded()[place].replace(b'"audio_end_ms":%d' % heard, b'"audio_end_ms":%d' % (heard + 500))
    lines = [*recorded()[:place], spoilt, *recorded()[place + 1 :]]
    spoilt_call = Cassette("x.jsonl", lines)
    for begin in (None, 1.0):
        with pytest.raises(CassetteError, match=rf"does not replay as it was recorded: at {told:.1f} s .*--bless"):
            cut(spoilt_call, new_carrier, begin, 9.0)
        assert replay(Cassette("x.jsonl", cut(spoilt_call, new_carrier, begin, 9.0, bless=True)), new_carrier)
        assert cut(spoilt_call, new_carrier, begin, told - 1)  # what differs lies behind
