"""Recordings for simulations: a WAV of any usual rate as the telephone carries it."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telephony.audio.g711 import pcm_to_mulaw
from telephony.errors import ScriptError
from telephony.sim.caller_script import CallerScript, Play

RATE = 8000
"""Samples per second on a telephone line."""
LONGEST = 3600
"""Seconds of one recording."""


def load_sounds(script: CallerScript, folder: Path) -> dict[str, bytes]:
    """The recordings that *script* plays, by the names it uses; they are paths relative to *folder*.

    Raises:
        ScriptError: one of them cannot be read or is no WAV of 16-bit PCM.
    """
    return {step.name: load_recording(folder / step.name) for step in script.steps if isinstance(step, Play)}


def load_recording(path: Path) -> bytes:
    """A WAV file's first channel as mu-law at 8000 Hz, as loud as it is.

    Raises:
        ScriptError: it cannot be read or is no WAV of 16-bit PCM.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ScriptError(
            f"{path}: cannot be read ({error.strerror}); recordings are looked for beside the script"
        ) from error
    samples, rate = read_wav(content, str(path))
    if len(samples) > LONGEST * rate:
        raise ScriptError(f"{path}: lasts {len(samples) / rate:.0f} s; at most {LONGEST} s can be played")
    return to_mulaw(resample(samples, rate))


def read_wav(content: bytes, name: str) -> tuple[NDArray[np.float64], int]:
    """Samples (full scale is 1, the first channel only) and rate of a 16-bit WAV. One that was streamed and therefore
    does not know its own length, as espeak-ng's, is read to its end.

    Raises:
        ScriptError: it is none; the message begins with *name*.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            if file.getsampwidth() != 2:
                raise ScriptError(f"{name}: a WAV of {8 * file.getsampwidth()} bits; 16 are needed")
            frames = file.readframes(len(content))
            samples = np.frombuffer(frames[: len(frames) // 2 * 2], "<i2")[:: file.getnchannels()]
            return samples / 32768.0, file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ScriptError(f"{name}: not a WAV of 16-bit PCM ({error})") from error


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


def to_mulaw(samples: NDArray[np.float64]) -> bytes:
    """*samples* (full scale is 1) as mu-law."""
    return pcm_to_mulaw(np.rint(samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
