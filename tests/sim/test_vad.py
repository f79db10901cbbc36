"""The energy voice detector: where speech begins and ends, however the audio is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.sim.vad import Boundary, EnergyVad


def tone(milliseconds: int, *, level_dbfs: float = -15.0, rate: int = 8000) -> bytes:
    time = np.arange(rate * milliseconds // 1000) / rate
    amplitude = 32768 * 10 ** (level_dbfs / 20) * np.sqrt(2)
    return (amplitude * np.sin(2 * np.pi * 300 * time)).astype("<i2").tobytes()


def silence(milliseconds: int, rate: int = 8000) -> bytes:
    return bytes(rate * milliseconds // 1000 * 2)


CALL = silence(500) + tone(700) + silence(900) + tone(300) + silence(600)


def test_boundaries_carry_the_padding_before_and_the_silence_after() -> None:
    vad = EnergyVad(8000, silence_ms=200, prefix_ms=300)
    assert vad.feed(CALL) == [
        Boundary("started", 200),
        Boundary("stopped", 1400),
        Boundary("started", 1800),
        Boundary("stopped", 2600),
    ]


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=30))
@settings(max_examples=30)
def test_cutting_the_stream_differently_changes_nothing(cuts: list[int]) -> None:
    whole, pieces = EnergyVad(8000), EnergyVad(8000)
    found, rest = [], CALL
    for cut in cuts:
        found += pieces.feed(rest[:cut])
        rest = rest[cut:]
    found += pieces.feed(rest)
    assert found == whole.feed(CALL)


def test_padding_does_not_reach_before_the_session() -> None:
    assert EnergyVad(8000, prefix_ms=300).feed(tone(200)) == [Boundary("started", 0)]


def test_clicks_are_not_speech() -> None:
    assert EnergyVad(8000).feed(silence(100) + tone(40) + silence(500)) == []


def test_pauses_shorter_than_the_silence_stay_inside_the_turn() -> None:
    vad = EnergyVad(8000, silence_ms=500)
    kinds = [boundary.kind for boundary in vad.feed(tone(300) + silence(400) + tone(300) + silence(600))]
    assert kinds == ["started", "stopped"]


@pytest.mark.parametrize(("threshold", "heard"), [(0.1, True), (0.5, True), (0.9, False)])
def test_a_higher_threshold_needs_louder_speech(threshold: float, heard: bool) -> None:
    assert bool(EnergyVad(8000, threshold=threshold).feed(tone(300, level_dbfs=-35))) is heard


def test_times_go_on_from_the_origin_at_any_rate() -> None:
    vad = EnergyVad(24_000, prefix_ms=0, origin_ms=5000.0)
    assert vad.feed(silence(100, 24_000) + tone(300, rate=24_000)) == [Boundary("started", 5100)]


def test_what_was_heard_is_remembered_until_it_is_forgotten() -> None:
    vad = EnergyVad(8000)
    vad.feed(tone(200) + silence(500))
    assert vad.heard
    vad.forget()
    assert not vad.heard
