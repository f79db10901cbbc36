"""Bytes as samples, and how loud they are."""

import math

import numpy as np
import pytest

from telephony.audio.pcm import as_samples, rms_dbfs


def test_bytes_are_looked_at_and_not_copied():
    pcm = bytearray(b"\x01\x00\xff\xff")
    samples = as_samples(pcm)
    assert samples.tolist() == [1, -1]
    pcm[0] = 2
    assert samples.tolist() == [2, -1]


def test_samples_are_returned_as_they_are():
    samples = np.zeros(3, np.int16)
    assert as_samples(samples) is samples


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 2), np.int16), np.zeros(3, np.uint16)])
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match="one-dimensional int16"):
        as_samples(wrong)


def test_a_full_scale_sine_is_three_decibels_below_full_scale(sine):
    assert rms_dbfs(sine(1000, 8000, 8000, peak=32767)) == pytest.approx(-3.01, abs=0.01)


def test_silence_and_nothing_have_no_level():
    assert rms_dbfs(bytes(320)) == rms_dbfs(b"") == -math.inf
