"""Speech from `espeak-ng`, where it is installed: rule-based, small, the same every time, and quite intelligible over a
telephone. A sentence takes some 20 ms.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave

import msgspec
import numpy as np
from numpy.typing import NDArray

from telephony.audio.g711 import pcm_to_mulaw
from telephony.errors import TelephonyError

RATE = 8000
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
    return to_telephone(*read_wav(done.stdout))


def read_wav(content: bytes) -> tuple[NDArray[np.float64], int]:
    """Samples (full scale is 1, the first channel only) and rate of a 16-bit WAV. One that was streamed and therefore
    does not know its own length, as espeak-ng's, is read to its end.

    Raises:
        SpeechError: it is none.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            if file.getsampwidth() != 2:
                raise SpeechError(f"a WAV of {8 * file.getsampwidth()} bits; 16 are needed")
            frames = file.readframes(len(content))
            samples = np.frombuffer(frames[: len(frames) // 2 * 2], "<i2")[:: file.getnchannels()]
            return samples / 32768.0, file.getframerate()
    except (wave.Error, EOFError) as error:
        raise SpeechError(f"not a WAV of 16-bit PCM: {error}") from error


def to_telephone(samples: NDArray[np.float64], rate: int) -> bytes:
    """*samples* (full scale is 1) as levelled mu-law at 8000 Hz, without silence around it."""
    return pcm_to_mulaw(np.rint(_levelled(_trimmed(resample(samples, rate))) * 32767).astype("<i2").tobytes())


def resample(samples: NDArray[np.float64], rate: int, target: int = RATE) -> NDArray[np.float64]:
    """All of *samples* at another rate, band-limited to 0.92 of the lower Nyquist frequency, by a Kaiser-windowed sinc.

    Not streaming and not fast (a multiply for every tap); exact enough to leave no audible alias (−70 dB).
    """
    if rate == target or not len(samples):
        return samples
    cutoff = 0.92 * min(rate, target) / rate
    reach = int(np.ceil(36 / cutoff))
    padded = np.concatenate([np.zeros(reach), samples, np.zeros(reach + 1)])
    centres = np.arange(int(len(samples) * target / rate)) * (rate / target)
    taps = np.arange(-reach + 1, reach + 1)
    pieces = []
    for block in np.array_split(centres, len(centres) // 4096 + 1):
        whole = np.floor(block).astype(np.int64)
        distance = taps[None, :] - (block - whole)[:, None]
        window = np.i0(7.0 * np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, 1))) / np.i0(7.0)
        kernel = cutoff * np.sinc(cutoff * distance) * window
        pieces.append((padded[whole[:, None] + taps[None, :] + reach] * kernel).sum(axis=1))
    return np.concatenate(pieces)


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
