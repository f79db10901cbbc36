"""Whom a simulated Twilio can call, and what they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from telephony.audio.g711 import mulaw_to_pcm
from telephony.sim.caller_script import HangUp, Play, Say, WaitForEnd
from telephony.simulate.callee import BEEP_SECONDS, Callee, beep


@pytest.mark.parametrize(
    ("callee", "comes"),
    [
        (Callee(rings=2), (12.0, "in-progress")),
        (Callee(does="machine", rings=3), (18.0, "in-progress")),
        (Callee(does="busy"), (6.0, "busy")),
        (Callee(does="rejects", rings=2), (12.0, "busy")),
        (Callee(does="unreachable"), (0.0, "failed")),
        (Callee(does="no answer"), (30.0, "no-answer")),
        (Callee(rings=5), (30.0, "no-answer")),
    ],
)
def test_how_long_it_rings_and_what_comes_of_it(callee: Callee, comes: Any) -> None:
    assert callee.ringing(timeout=30.0, ring=6.0) == comes


@pytest.mark.parametrize(
    ("does", "mode", "found"),
    [
        ("answers", "Enable", (0.3, "human")),
        ("answers", "DetectMessageEnd", (0.3, "human")),
        ("machine", "Enable", (0.3, "machine_start")),
        ("machine", "DetectMessageEnd", (2.0 + BEEP_SECONDS, "machine_end_beep")),
    ],
)
def test_machine_detection_finds_out_what_it_is(does: Any, mode: str, found: Any) -> None:
    assert Callee(does=does).detection(mode, timeout=30, greeting=2.0) == found


def test_machine_detection_knows_nothing_when_its_time_is_over() -> None:
    assert Callee(does="machine").detection("DetectMessageEnd", timeout=3, greeting=9.0) == (3, "unknown")


def test_a_machine_says_its_greeting_and_records_after_a_tone() -> None:
    script = Callee(does="machine", greeting="Hi.", steps=(HangUp(),)).script("+15550100", "+15550177")
    assert script.steps == (Say("Hi."), Play("beep"), WaitForEnd())
    assert (script.from_number, script.to_number) == ("+15550100", "+15550177")


def test_the_tone_can_be_heard() -> None:
    assert len(beep()) == BEEP_SECONDS * 8000
    samples = np.frombuffer(mulaw_to_pcm(beep()), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) / BEEP_SECONDS == pytest.approx(1000, abs=5)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(8000 / 2**0.5, rel=0.02)
