"""Speech from `espeak-ng`, where it is installed: rule-based, small, the same every time, and quite intelligible over a
telephone. A sentence takes some 20 ms.
"""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import numpy as np
from numpy.typing import NDArray

from telephony.errors import TelephonyError
from telephony.simulate.recordings import RATE, read_wav, resample, to_mulaw

LEVEL_DBFS = -20.0
"""Loudness of speech as rms below full scale: about what a handset gives, with 15 dB left for the peaks."""
MOST_CHARACTERS = 2000
TIMEOUT = 15.0
"""Seconds; a text of the greatest length takes less than one."""


class Speaker(msgspec.Struct, frozen=True):
    """One of espeak-ng's voices and how it is used."""

    name: str
    voice: str
    pitch: int
    """0 to 99."""
    words_per_minute: int


CALLER = Speaker("caller", "en-us+f3", pitch=55, words_per_minute=165)
AGENT = Speaker("agent", "en-gb+m3", pitch=40, words_per_minute=170)
SPEAKERS = {speaker.name: speaker for speaker in (CALLER, AGENT)}


class SpeechError(TelephonyError):
    """espeak-ng could not speak. It is this machine's fault, or the text's."""


def installed() -> str | None:
    """The path of `espeak-ng`, or None."""
    return shutil.which("espeak-ng")


def speak(text: str, speaker: Speaker) -> bytes:
    """*text* in *speaker*'s voice as mu-law at 8000 Hz, levelled, without silence around it.

    Raises:
        SpeechError: it is not installed, does not answer in time, or says no.
    """
    program = installed()
    if program is None:
        raise SpeechError("espeak-ng is not installed; `apt install espeak-ng` or `brew install espeak-ng` brings it.")
    options = ["-v", speaker.voice, "-p", str(speaker.pitch), "-s", str(speaker.words_per_minute)]
    command = [program, *options, "--stdin", "--stdout"]
    try:
        done = subprocess.run(  # noqa: S603  a fixed program; the text goes in by standard input
            command, input=text[:MOST_CHARACTERS].encode(), capture_output=True, timeout=TIMEOUT, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SpeechError(f"espeak-ng could not say {text[:60]!r}: {error}") from error
    return to_telephone(*read_wav(done.stdout, "espeak-ng's answer"))


def to_telephone(samples: NDArray[np.float64], rate: int) -> bytes:
    """*samples* (full scale is 1) as levelled mu-law at 8000 Hz, without silence around it."""
    return to_mulaw(_levelled(_trimmed(resample(samples, rate))))


def _trimmed(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the silence at both ends but for 40 ms, at which nobody takes breath."""
    loud = np.flatnonzero(np.abs(samples) > 0.003)
    if not len(loud):
        return samples
    margin = RATE * 40 // 1000
    return samples[max(0, loud[0] - margin) : loud[-1] + margin]


def _levelled(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """At the level of speech on a telephone; quieter if a peak would clip otherwise."""
    if not len(samples) or not samples.any():
        return samples
    gain = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(samples**2))
    return np.asarray(samples * min(gain, 0.95 / np.abs(samples).max()), np.float64)
