"""Noise of a given loudness."""

from __future__ import annotations

import pytest

from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.sim.noise import white_noise


@pytest.mark.parametrize("level", [-10, -20, -40, -55])
def test_noise_is_as_loud_as_was_asked_for(level: float) -> None:
    noise = white_noise(level, 16_000)
    assert len(noise) == 16_000
    assert rms_dbfs(mulaw_to_pcm(noise)) == pytest.approx(level, abs=0.5)


def test_noise_is_the_same_for_the_same_seed() -> None:
    assert white_noise(-30, 800, seed=1) == white_noise(-30, 800, seed=1) != white_noise(-30, 800, seed=2)
