"""Makes a simulated caller of a recorded one: the same words in the same voice, at its turns instead of its times.

Every turn that the model told of becomes a sound, and between the turns the line is silent. Each is released by what
the caller was doing when it was recorded:

    the agent had finished           once the agent has finished and owes nothing, after the recorded pause
    the agent was speaking           as far into what it says; where it now says less, once it has finished
    the agent had asked              once it asks (again); at the latest after the recorded silence
    the agent had not said anything  after the recorded pause, or where it answers now, after that

What providers count in at both ends of a turn, padding before it and silence behind it, is left out as far as it is
quiet. Inside of a turn the softest stretches are raised to the noise of a line (-58 dBFS, which nobody hears): so a
model with a keen ear takes one turn for one, however long the caller paused for thought.

What the model never told of is not in it: a caller too faint for it to notice, or whoever spoke while there was none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec
import numpy as np

from telephony.audio.g711 import mulaw_to_pcm, pcm_to_mulaw
from telephony.cassette.reacting.scene import RATE, Scene
from telephony.sim.caller_actor import FRAME_BYTES, FRAME_MS
from telephony.sim.caller_script import (
    KEY_MS,
    CallerScript,
    HangUp,
    Pause,
    Play,
    Press,
    Step,
    WaitForEnd,
    WaitForTurn,
)
from telephony.sim.hearing import PAUSE_MS, Hearing, audible

PATIENCE = 300.0
"""Seconds: longer than agents leave a caller without a word, and than most of what they say."""
GOES_ON_MS = 2000
"""Milliseconds: a caller who went on after a shorter silence did so by itself, and does again, whatever comes; after a
longer one it had waited for an answer."""
NOTHING_MS = 3000
"""Milliseconds beyond the recorded pause after which an agent that owes nothing will not say anything either."""
OVER_MS = 300
"""Milliseconds for which an agent that is talked over is heard at least: longer than the last sound of a sentence, and
shorter than noticing the caller takes."""
STEP = 2
"""Frames by which detectors may be late, since they look at stretches of some length."""
SHORTEST = RATE // 10
"""Samples of a turn at least; detectors take less for a click."""
_STRETCH = RATE // 100
_NOISE = 40
"""Amplitude of PCM16: -58 dBFS."""
_HUM = np.frombuffer(pcm_to_mulaw(np.tile([_NOISE, _NOISE, -_NOISE, -_NOISE], 20).astype("<i2").tobytes()), np.uint8)
"""A stretch of 10 ms."""


class Act(msgspec.Struct):
    """Something the caller does. Times are milliseconds since the call began."""

    at: int
    until: int
    step: Play | Press | HangUp | WaitForEnd
    cuts: bool = False
    """Whether it cut the agent short."""


def cast(scene: Scene) -> tuple[CallerScript, dict[str, bytes]]:
    """What the caller does, and its sounds by name."""
    sounds: dict[str, bytes] = {}
    acts = [*_turns(scene, sounds), *_keys(scene)]
    acts.sort(key=lambda act: act.at)
    acts.append(_last(scene))
    return CallerScript(tuple(_steps(scene, acts)), patience=PATIENCE), sounds


# -- what the caller does ---------------------------------------------------------------------------------------------


def _turns(scene: Scene, sounds: dict[str, bytes]) -> Iterator[Act]:
    detection, said = scene.settings.session.turn_detection, bytes(scene.said)
    begins = 0
    for number, turn in enumerate(scene.caller_turns, 1):
        ends_at = turn.ended_at if turn.ended_at is not None else len(said) / RATE
        first, last = max(_frame(turn.started_at), begins), _frame(ends_at)
        padding, silence = detection.prefix_padding_ms, detection.silence_duration_ms
        first, last = _without_quiet(said, first, last, padding // FRAME_MS, silence // FRAME_MS)
        if first < last:
            begins = last
            name = f"turn {number}"
            sounds[name] = unbroken(said[first * FRAME_BYTES : last * FRAME_BYTES])
            cuts = any(turn.started_at <= cut <= ends_at for cut in scene.cuts)
            yield Act(first * FRAME_MS, last * FRAME_MS, Play(name), cuts)


def _frame(at: float) -> int:
    return round(at * 1000 / FRAME_MS)


def _without_quiet(said: bytes, first: int, last: int, most_before: int, most_behind: int) -> tuple[int, int]:
    """The frames from *first* to *last* without those at both ends that are quiet, at most so many and a `STEP`. All of
    them if nothing is loud."""
    last = min(last, len(said) // FRAME_BYTES)
    loud = [at for at in range(first, last) if audible(said[at * FRAME_BYTES : (at + 1) * FRAME_BYTES])]
    if not loud:
        return first, last
    return min(loud[0], first + most_before + STEP), max(loud[-1] + 1, last - most_behind - STEP)


def unbroken(audio: bytes) -> bytes:
    """*audio* (mu-law) as one sound: nothing in it is softer than the noise of a line, and it is no click."""
    audio = audio.ljust(SHORTEST, b"\xff")
    audio = audio.ljust(-(-len(audio) // _STRETCH) * _STRETCH, b"\xff")
    codes = np.frombuffer(audio, np.uint8).reshape(-1, _STRETCH)
    samples = np.frombuffer(mulaw_to_pcm(audio), "<i2").astype(np.int64).reshape(-1, _STRETCH)
    soft = (samples**2).sum(axis=1) < _NOISE**2 * _STRETCH
    return np.where(soft[:, None], _HUM[None, :], codes).astype(np.uint8).tobytes()


def _keys(scene: Scene) -> Iterator[Act]:
    for at, digit in scene.keys:
        pressed = _frame(at) * FRAME_MS
        yield Act(pressed, pressed + KEY_MS, Press(digit))


def _last(scene: Scene) -> Act:
    """Put the phone down when it was put down, or wait for the agent to do it. Where the call broke, the caller has
    nothing more to say and puts it down, too."""
    ending = scene.record.termination
    patient = ending is not None and ending.result == "completed" and ending.by in ("agent", "limit")
    left_at = scene.left_at if scene.left_at is not None else len(scene.said) / RATE
    at = _frame(left_at) * FRAME_MS
    return Act(at, at, WaitForEnd() if patient else HangUp())


# -- when it does it --------------------------------------------------------------------------------------------------


def _steps(scene: Scene, acts: list[Act]) -> Iterator[Step]:
    ear = _Ear(scene)
    for act in acts:
        if not isinstance(act.step, WaitForEnd):
            yield from ear.released_by(act)
        yield act.step
        ear.listen(act.until)


class _Ear:
    """Hears what the caller heard, as the simulated one will, and finds what its next act waits for."""

    def __init__(self, scene: Scene) -> None:
        self._heard = scene.heard
        self._hearing = Hearing()
        self._asked = iter(sorted(int(at * 1000) // FRAME_MS * FRAME_MS for at in scene.asked_at()))
        self._next_asked = next(self._asked, None)
        """In whole frames: one that holds the beginning of a question is no speech that began before it."""

    def listen(self, at: int) -> None:
        """The caller has done something, up to *at*."""
        self._go_to(at)
        self._hearing.listen()

    def released_by(self, act: Act) -> Iterator[Step]:
        """The steps that lead to *act*."""
        hearing, at = self._hearing, act.at
        silent_since, silence = hearing.now_ms, PAUSE_MS
        asked = False
        while self._next_asked is not None and self._next_asked < at:
            self._go_to(self._next_asked)
            self._next_asked = next(self._asked, None)
            asked = True
            if hearing.answered():
                silent_since = hearing.voiced_ms
                yield WaitForTurn(silence_ms=silence + NOTHING_MS)
                hearing.listen()
            silence = hearing.now_ms - silent_since
        self._go_to(at)
        if hearing.spoken_ms:
            quiet = max(PAUSE_MS, hearing.quiet_ms())
            over = hearing.spoken_ms if act.cuts or self._goes_on(at) else None
            yield WaitForTurn(quiet, over, at - silent_since if asked else quiet + NOTHING_MS)
        elif at - silent_since >= GOES_ON_MS:
            yield WaitForTurn(silence_ms=at - silent_since)
        elif at > silent_since:
            yield Pause((at - silent_since) / 1000)

    def _goes_on(self, at: int) -> bool:
        """Whether the agent is heard beyond *at*."""
        first = at * RATE // 1000
        ahead = range(first, first + OVER_MS * RATE // 1000, FRAME_BYTES)
        windows = [audible(self._heard.heard(place, place + FRAME_BYTES)) for place in ahead]
        return any(one and other for one, other in itertools.pairwise(windows))

    def _go_to(self, at: int) -> None:
        while self._hearing.now_ms < at:
            first = self._hearing.now_ms * RATE // 1000
            self._hearing.window(self._heard.heard(first, first + FRAME_BYTES))
