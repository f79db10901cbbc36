"""How two messages differ: each field by name, and audio by what an ear or an engineer would say of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.format import MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from telephony.audio.g711 import DIRECT, mulaw_to_pcm
from telephony.cassette.compare import ABSENT, FARTHEST, MOST, Difference, Hearing, audio_of, differences
from telephony.cassette.format import Line, decode_line, line

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | st.sampled_from("ab"), inner, max_size=4),
    max_leaves=12,
)
RNG = np.random.default_rng(5)
NOISE = RNG.integers(-9000, 9000, 30_000).astype("<i2")


def out(message: Any, channel: Any = "model", session: int = 0) -> Line:
    return decode_line(line(1.0, channel, "out", json.dumps(message), session))


def told(expected: Any, got: Any) -> list[tuple[str, Any, Any]]:
    return [(d.path, d.expected, d.got) for d in differences(out(expected), out(got))]


# -- fields ----------------------------------------------------------------------------------------------------------


def test_the_same_message_has_no_differences() -> None:
    assert told({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_each_field_that_differs_is_named_by_its_way_there() -> None:
    one = {"type": "x", "session": {"audio": {"input": 1, "output": 2}}, "tools": [{"name": "a"}, {"name": "b"}]}
    two = {"type": "y", "session": {"audio": {"input": 1, "output": 3}}, "tools": [{"name": "a"}, {"name": "c"}]}
    assert told(one, two) == [("type", "x", "y"), ("session.audio.output", 2, 3), ("tools[1].name", "b", "c")]


def test_what_is_on_one_side_only_is_absent_on_the_other() -> None:
    assert told({"a": 1, "b": None}, {"c": 2}) == [("a", 1, ABSENT), ("b", None, ABSENT), ("c", ABSENT, 2)]
    assert told([1], [1, {"a": 2}]) == [("[1]", ABSENT, {"a": 2})]
    assert told({"a": [1, 2]}, {"a": []}) == [("a[0]", 1, ABSENT), ("a[1]", 2, ABSENT)]


def test_another_kind_of_value_is_one_difference() -> None:
    assert told({"a": {"b": 1}}, {"a": [1]}) == [("a", {"b": 1}, [1])]
    assert told(None, {}) == [("", None, {})]


def test_another_channel_or_session_is_the_difference() -> None:
    assert differences(out({}, "model", 1), out({"a": 1}, "carrier")) == [Difference("", "model 1", "carrier")]
    assert differences(out(1, "model", 1), out(1, "model", 2)) == [Difference("", "model 1", "model 2")]


def test_no_more_are_told_than_anybody_reads() -> None:
    assert len(told([0] * 500, [1] * 500)) == MOST == 50
    assert told([0] * 500, [1] * 500)[-1] == ("[49]", 0, 1)


@given(VALUES, VALUES)
def test_differences_are_found_exactly_where_values_differ(one: Any, other: Any) -> None:
    assert told(one, one) == []
    assert bool(told(one, other)) == (one != other)
    assert {(path, b, a) for path, a, b in _hashable(told(one, other))} == {*_hashable(told(other, one))}


def _hashable(found: list[tuple[str, Any, Any]]) -> list[tuple[str, str, str]]:
    return [(path, json.dumps(a, sort_keys=True), json.dumps(b, sort_keys=True)) for path, a, b in found]


# -- audio -----------------------------------------------------------------------------------------------------------


def spoken(payload: bytes | np.ndarray, size: int = 640, channel: str = "model") -> list[Line]:
    """Messages with *size* bytes of it each."""
    payload = payload if isinstance(payload, bytes) else payload.astype("<i2").tobytes()
    pieces = [base64.b64encode(payload[at : at + size]).decode() for at in range(0, len(payload), size)]
    if channel == "carrier":
        return [out({"event": "media", "media": {"payload": piece}}, "carrier") for piece in pieces]
    return [out({"type": "input_audio_buffer.append", "audio": piece}) for piece in pieces]


def verdict(then: Any, now: Any, audio: AudioFormat = PCM16_8K, pieces: int = 640) -> Any:
    hearing = Hearing("model", audio)
    hearing.hear(spoken(then), spoken(now, pieces))
    return hearing.verdict()


@pytest.mark.parametrize("pieces", [160, 320, 1000, 99_998])
def test_the_same_audio_in_other_pieces_is_no_difference(pieces: int) -> None:
    assert verdict(NOISE[:9000], NOISE[:9000], pieces=pieces) is None


def test_less_of_the_same_audio_is_no_difference_of_audio() -> None:
    assert verdict(NOISE[:9000], NOISE[:4000]) is None
    assert verdict(NOISE[:9000], b"") is None


def test_one_sample_is_found_and_measured() -> None:
    other = NOISE[:9000].copy()
    other[777] += 5
    found = verdict(NOISE[:9000], other)
    assert (found.first, found.differing, found.loudest) == (777, 1, 5)
    assert (found.expected_samples, found.got_samples, found.rate) == (9000, 9000, 8000)
    assert found.shift is None


@pytest.mark.parametrize(("factor", "level"), [(0.9, -20.0), (0.99, -40.0), (0.0, 0.0), (2.0, 0.0), (-1.0, 6.0)])
def test_the_difference_is_told_in_decibels_of_the_audio(factor: float, level: float) -> None:
    """A tenth of the amplitude is 20 dB below it, twice the amplitude 6 dB above."""
    quiet = NOISE[:9000] // 2
    assert verdict(quiet, np.round(quiet * factor)).level_db == pytest.approx(level, abs=0.1)


def test_of_silence_there_is_no_level() -> None:
    found = verdict(np.zeros(4000), np.ones(4000))
    assert found.level_db is None
    assert (found.differing, found.loudest) == (4000, 1)


@pytest.mark.parametrize("audio", [PCM16_8K, PCM16_24K], ids=str)
@pytest.mark.parametrize("shift", [1, -1, 160, -160, "farthest", "-farthest"])
def test_audio_that_moved_is_recognised_and_by_how_much(audio: AudioFormat, shift: Any) -> None:
    farthest = round(FARTHEST * audio.rate)
    shift = {"farthest": farthest, "-farthest": -farthest}.get(shift, shift)
    early, late = NOISE[: 2 * audio.rate // 3 * 2], NOISE[abs(shift) : abs(shift) + audio.rate]
    assert verdict(*((late, early) if shift > 0 else (early, late)), audio).shift == shift


def test_moving_further_or_having_changed_as_well_explains_nothing() -> None:
    farthest = round(FARTHEST * 8000)
    assert verdict(NOISE[farthest + 1 :][:8000], NOISE[:9000]).shift is None
    changed = NOISE[:9000].copy()
    changed[5000] += 1
    assert verdict(NOISE[100:9000], changed).shift is None
    assert verdict(NOISE[:9000], NOISE[15_000:24_000]).shift is None


def test_a_moment_of_audio_is_not_enough_to_say_that_it_moved() -> None:
    assert verdict(NOISE[100:1000], NOISE[:900]).shift is None


def test_only_two_seconds_of_one_channel_are_heard() -> None:
    hearing = Hearing("carrier", MULAW_8K)
    loud = spoken(b"\x10" * 160, channel="carrier")
    for _ in range(150):
        hearing.hear([*loud, *spoken(NOISE[:100])], [*spoken(b"\x20" * 160, channel="carrier"), out({"a": 1})])
    found = hearing.verdict()
    assert found
    assert (found.expected_samples, found.got_samples, found.differing) == (16_000, 16_000, 16_000)
    assert not hearing.hungry


def test_the_telephones_audio_is_compared_as_it_sounds() -> None:
    """Both codes of mu-law's zero are silence; and levels are those of samples, not of codes."""
    hearing = Hearing("carrier", MULAW_8K)
    hearing.hear(spoken(b"\xff" * 800, channel="carrier"), spoken(b"\x7f" * 800, channel="carrier"))
    assert hearing.verdict() is None
    codes = DIRECT[("pcm16", "mulaw")]((NOISE[:4000] // 2).tobytes())
    hearing = Hearing("carrier", MULAW_8K)
    hearing.hear(spoken(codes, channel="carrier"), spoken(b"\xff" * 4000, channel="carrier"))
    found = hearing.verdict()
    assert found
    assert found.level_db == 0.0
    assert found.loudest == np.abs(np.frombuffer(mulaw_to_pcm(codes), "<i2").astype(int)).max()


@pytest.mark.parametrize(
    "message",
    [{}, [], None, 3, {"audio": 3}, {"audio": None}, {"audio": "*"}, {"audio": "é"}, {"audio": "YQ"}],
    ids=str,
)  # fmt: skip
def test_a_message_without_readable_audio_holds_none(message: Any) -> None:
    assert audio_of(out(message)) is None
    assert audio_of(out({"media": message, "payload": "YQ=="}, "carrier")) is None


def test_only_what_goes_out_on_a_wire_holds_audio() -> None:
    assert audio_of(out({"audio": "YQ=="})) == b"a"
    assert audio_of(out({"media": {"payload": "YQ=="}}, "carrier")) == b"a"
    assert audio_of(out({"audio": "YQ=="}, "tool")) is None
    assert audio_of(out({"audio": "YQ=="}, "carrier")) is None


@given(st.lists(st.binary(max_size=700) | VALUES, max_size=6), st.lists(st.binary(max_size=700) | VALUES, max_size=6))
def test_whatever_there_is_to_hear_nothing_raises(then: list[Any], now: list[Any]) -> None:
    hearing = Hearing("model", PCM16_8K)
    heard = [
        [out({"audio": base64.b64encode(e).decode() if isinstance(e, bytes) else e}) for e in side]
        for side in (then, now)
    ]
    hearing.hear(*heard)
    found = hearing.verdict()
    assert found is None or (found.differing > 0 and found.loudest > 0)
