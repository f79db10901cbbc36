"""How two messages differ: field by field, and audio as audio."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from telephony.audio.format import AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.cassette.format import Line

AUDIO_FIELDS = {"carrier": ("media", "payload"), "model": ("audio",)}
"""Where a message that goes out on a wire holds audio, by channel."""
ENOUGH = 2.0
"""Seconds of audio that are compared from the first message on that differs."""
FARTHEST = 0.25
"""Seconds by which audio may have moved and still be recognised."""
MOST = 50
"""Fields that are told to differ."""
ABSENT = "(absent)"


class Difference(msgspec.Struct, frozen=True):
    """One field that differs. *path* is empty for the message as a whole."""

    path: str
    expected: Any
    got: Any


class AudioDifference(msgspec.Struct, frozen=True):
    """How one side's audio differs, from the first message on that does."""

    expected_samples: int
    got_samples: int
    rate: int
    """Samples per second."""
    first: int
    """The first sample that differs, counted from the beginning of that message."""
    differing: int
    """Samples that differ, of those that are there on both sides."""
    loudest: int
    """The largest difference, of 32768."""
    level_db: float | None
    """The difference relative to the audio itself, rms; None if one of the two is silent."""
    shift: int | None
    """Samples by which the same audio comes later (or, below 0, earlier); None if moving it explains nothing."""


def differences(expected: Line, got: Line) -> list[Difference]:
    """Field by field, at most `MOST`; audio that differs is one field. What remains of a call is compared as far as the
    recording knows of it: a version that keeps more of a call has not changed the call."""
    if (expected.ch, expected.session) != (got.ch, got.session):
        return [Difference("", where(expected), where(got))]
    then, now = expected.message, got.message
    found = _fields("", then, _as_far_as(then, now) if expected.ch == "record" else now)
    return [difference for difference, _ in zip(found, range(MOST), strict=False)]


def _as_far_as(then: Any, now: Any) -> Any:
    """*now* without the keys that *then* does not have."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {key: _as_far_as(then[key], value) for key, value in now.items() if key in then}
    if isinstance(then, list) and isinstance(now, list):
        return [*map(_as_far_as, then, now), *now[len(then) :]]
    return now


def where(line: Line) -> str:
    """The channel, and the session where there are several."""
    return f"{line.ch} {line.session}" if line.session else line.ch


def _fields(path: str, expected: Any, got: Any) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *(key for key in got if key not in expected)]:
            below = f"{path}.{key}" if path else key
            yield from _fields(below, expected.get(key, ABSENT), got.get(key, ABSENT))
    elif isinstance(expected, list) and isinstance(got, list):
        for place in range(max(len(expected), len(got))):
            one = expected[place] if place < len(expected) else ABSENT
            other = got[place] if place < len(got) else ABSENT
            yield from _fields(f"{path}[{place}]", one, other)
    elif expected != got:
        yield Difference(path, expected, got)


# -- audio -----------------------------------------------------------------------------------------------------------


def audio_of(line: Line) -> bytes | None:
    """The audio in a message that went out; None if it holds none."""
    fields = AUDIO_FIELDS.get(line.ch)
    value: Any = line.message if fields else None
    for field in fields or ():
        value = value.get(field) if isinstance(value, dict) else None
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return None


class Hearing:
    """Listens to one channel on both sides, from the first message on that differs."""

    def __init__(self, channel: str, audio: AudioFormat) -> None:
        self._channel = channel
        self._audio = audio
        self._enough = audio.bytes_in(ENOUGH * 1000)
        self._then = bytearray()
        self._now = bytearray()

    @property
    def hungry(self) -> bool:
        """Whether more is needed."""
        return min(len(self._then), len(self._now)) < self._enough

    def hear(self, then: list[Line], now: list[Line]) -> None:
        """What went out in one step, the same or not."""
        for heard, lines in ((self._then, then), (self._now, now)):
            for line in lines:
                if line.ch == self._channel and len(heard) < self._enough and (payload := audio_of(line)):
                    heard.extend(payload)

    def verdict(self) -> AudioDifference | None:
        """None if nothing of it differs: the same audio in other pieces."""
        then, now = (_samples(bytes(heard), self._audio) for heard in (self._then, self._now))
        common = min(len(then), len(now))
        apart = now[:common] - then[:common]
        differing = np.flatnonzero(apart)
        if not len(differing):
            return None
        return AudioDifference(
            expected_samples=len(then),
            got_samples=len(now),
            rate=self._audio.rate,
            first=int(differing[0]),
            differing=len(differing),
            loudest=int(np.max(np.abs(apart))),
            level_db=_relative_db(apart, then[:common]),
            shift=_shift(then, now, round(FARTHEST * self._audio.rate)),
        )


def _samples(payload: bytes, audio: AudioFormat) -> np.ndarray[Any, np.dtype[np.int64]]:
    pcm = Transcoder(audio, AudioFormat("pcm16", audio.rate)).feed(payload)
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.int64)


def _relative_db(apart: np.ndarray[Any, Any], audio: np.ndarray[Any, Any]) -> float | None:
    powers = [float(np.mean(np.square(signal, dtype=np.float64))) for signal in (apart, audio)]
    return round(10 * float(np.log10(powers[0] / powers[1])), 1) if all(powers) else None


def _shift(then: np.ndarray[Any, Any], now: np.ndarray[Any, Any], farthest: int) -> int | None:
    """By how many samples *now* is later than *then*, if it is the same otherwise."""
    for shift in sorted(range(-farthest, farthest + 1), key=abs):
        moved, still = (now[shift:], then) if shift >= 0 else (now, then[-shift:])
        common = min(len(moved), len(still))
        if common > farthest and np.array_equal(moved[:common], still[:common]):
            return shift
    return None
