"""The caller at the phone: follows a script frame by frame, from nothing but what was heard."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import msgspec

from telephony.audio.dtmf import generate
from telephony.audio.format import MULAW_8K
from telephony.audio.g711 import pcm_to_mulaw
from telephony.sim.caller_script import (
    KEY_MS,
    CallerScript,
    HangUp,
    Noise,
    Pause,
    Play,
    Press,
    Say,
    Sound,
    Step,
    Wait,
    WaitForAgent,
    WaitForEnd,
    WaitForQuiet,
    WaitForTurn,
    WaitIntoSpeech,
)
from telephony.sim.hearing import Hearing

FRAME_MS = 20
SILENT_FRAME = MULAW_8K.silence(FRAME_MS)
FRAME_BYTES = len(SILENT_FRAME)


class Moment(msgspec.Struct, frozen=True):
    """What the caller does during one frame."""

    payload: bytes = SILENT_FRAME
    key: str = ""
    """A key pressed at its beginning."""

    @property
    def silent(self) -> bool:
        return self.payload == SILENT_FRAME


@functools.cache
def _tone(key: str) -> bytes:
    """A key as it is heard, and the pause behind it: `KEY_MS` of mu-law."""
    return pcm_to_mulaw(generate(key, on_ms=KEY_MS / 2, off_ms=KEY_MS / 2))


class Actor:
    """Performs a script. *sounds* holds the mu-law audio of every `Sound` step; *owed* says whether the agent is about
    to say something."""

    def __init__(self, script: CallerScript, sounds: Mapping[Sound, bytes], owed: Callable[[], bool]) -> None:
        self._script = script
        self._sounds = sounds
        self._owed = owed
        self._next = 0
        self._began_ms: int | None = None
        """When the current step began, in the hearing's time; None until it has."""
        self.finished = False
        """The caller puts the phone down."""
        self.unmet: list[str] = []
        """Steps that could not be done, and why."""
        self.notes: list[tuple[str, str]] = []
        """What happened since the last look: kind and text, see `Observation`."""

    def moment(self, hearing: Hearing) -> Moment:
        """What the caller does in the next frame, given what was heard up to now."""
        while not self.finished:
            step = self._current()
            if step is None or isinstance(step, HangUp):
                self.finished = True
                break
            if self._began_ms is None:
                self._begin(step, hearing)
            moment = self._perform(step, hearing)
            if moment is not None:
                return moment
            self._next += 1
            self._began_ms = None
        return Moment()

    def abandon(self) -> None:
        """The call is over: whatever the script still wanted to do or to hear is unmet."""
        self.finished = True
        if self.unmet:
            return
        remaining = self._script.steps[self._next :]
        if remaining and isinstance(remaining[0], WaitForEnd):
            remaining = remaining[1:]
        for step in remaining:
            if not isinstance(step, HangUp | Pause | WaitForEnd | WaitForQuiet | WaitForTurn):
                self.unmet.append(f"the call ended before the caller could {step}")
                return

    def _current(self) -> Step | None:
        return self._script.steps[self._next] if self._next < len(self._script.steps) else None

    def _begin(self, step: Step, hearing: Hearing) -> None:
        self._began_ms = hearing.now_ms
        if isinstance(step, Say):
            self.notes.append(("caller speaks", step.text))
        elif isinstance(step, Play | Noise):
            self.notes.append(("caller speaks", f"({step})"))

    def _perform(self, step: Step, hearing: Hearing) -> Moment | None:
        """One frame of *step*, or None if it is done."""
        elapsed = hearing.now_ms - (self._began_ms or 0)
        if isinstance(step, Say | Play | Noise):
            return self._sound(self._sounds[step], elapsed, hearing)
        if isinstance(step, Press):
            return self._press(step, elapsed, hearing)
        if isinstance(step, Pause):
            return Moment() if elapsed < step.seconds * 1000 else None
        if isinstance(step, HangUp):
            return None
        return self._wait(step, elapsed, hearing)

    def _sound(self, audio: bytes, elapsed: int, hearing: Hearing) -> Moment | None:
        at = elapsed * 8
        if at < len(audio):
            return Moment(audio[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\xff"))
        self.notes.append(("caller quiet", ""))
        hearing.listen()
        return None

    def _press(self, step: Press, elapsed: int, hearing: Hearing) -> Moment | None:
        index, rest = divmod(elapsed, KEY_MS)
        if index < len(step.keys):
            key = step.keys[index]
            audio = _tone(key)[rest * 8 :][:FRAME_BYTES] if step.tones else SILENT_FRAME
            if rest:
                return Moment(audio)
            self.notes.append(("key", key))
            return Moment(audio, key=key)
        hearing.listen()
        return None

    def _wait(self, step: Wait, elapsed: int, hearing: Hearing) -> Moment | None:
        if self._met(step, hearing):
            if isinstance(step, WaitForAgent | WaitForTurn):
                hearing.listen()
            return None
        if elapsed >= self._script.patience * 1000:
            place = f"step {self._next + 1} of {len(self._script.steps)}"
            self.unmet.append(f"{step} ({place}): did not happen within {self._script.patience:g} s")
            self.notes.append(("unmet", str(step)))
            self.finished = True
        return Moment()

    def _met(self, step: Wait, hearing: Hearing) -> bool:
        if isinstance(step, WaitForAgent):
            return hearing.answered() and hearing.quiet_ms() >= step.quiet_ms
        if isinstance(step, WaitIntoSpeech):
            return hearing.heard_ms() >= max(1, step.milliseconds)
        if isinstance(step, WaitForQuiet):
            return hearing.quiet_ms(self._began_ms or 0) >= step.seconds * 1000
        return isinstance(step, WaitForTurn) and self._may_speak(step, hearing)

    def _may_speak(self, step: WaitForTurn, hearing: Hearing) -> bool:
        if step.into_ms is not None and hearing.spoken_ms >= max(1, step.into_ms):
            return True
        if self._owed():
            return False
        if hearing.answered():
            return hearing.quiet_ms() >= step.quiet_ms
        return hearing.quiet_ms(self._began_ms or 0) >= step.silence_ms
