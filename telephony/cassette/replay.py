"""Replays a recorded call through the real exchange and compares what goes out with what went out then.

A replay is itself a recording, whose lines are held against those of the file a step at a time: one message that came
in, and all that went out because of it.

Timers are the one thing that comes in and is our own doing. As long as the exchange names the same deadlines as it did
then, it is woken when it was woken then, late by whatever the loop was busy with. Once it names another, the recording
cannot tell when that timer would have fired, and it fires on time.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from telephony.audio.format import AudioFormat
from telephony.cassette.compare import AudioDifference, Difference, Hearing, audio_of, differences
from telephony.cassette.format import Cassette, Line, decode_line, line
from telephony.cassette.player import NewCarrier, Player
from telephony.errors import CassetteError
from telephony.exchange import Listener
from telephony.records import CallRecord, Termination
from telephony.settings import CallSettings

CONTEXT = 1000
"""Lines before a divergence that are kept to show what led there: about ten seconds of a call."""


class Divergence(msgspec.Struct):
    """The first thing that went out differently."""

    t: float
    number: int
    """The line of the file whose message caused it."""
    cause: Line | None
    """What had come in; None if it was a timer that the recording does not have."""
    expected: Line | None
    """What the recording has; None if nothing more went out then."""
    got: Line | None
    """What goes out now; None if nothing more does."""
    before: list[Line]
    """What came in and went out before that, the same on both sides."""
    differences: list[Difference]
    audio: AudioDifference | None = None
    """If it is audio that differs: how."""


class Replayed(msgspec.Struct):
    """What a replay shows."""

    name: str
    record: CallRecord
    """The call as it is now; it has no id."""
    recorded: CallRecord | None
    """The call as it was then; None if the recording breaks off before its end."""
    duration: float
    """Seconds."""
    steps: int
    """Messages that came in."""
    diverged: int
    """Steps in which something else went out."""
    divergence: Divergence | None
    digest: str
    """SHA-256 of all that went out."""


class Step(msgspec.Struct):
    """A message that came in, and what went out because of it."""

    number: int
    cause: Line
    text: bytes
    outs: list[bytes]


def replay(
    cassette: Cassette,
    new_carrier: NewCarrier,
    *,
    settings: CallSettings | None = None,
    listener: Listener | None = None,
    keep: Callable[[bytes], None] | None = None,
) -> Replayed:
    """Replay *cassette*. *settings* are those of an agent that has changed, if not the recorded ones; *keep* gets every
    line of the call as it is now.

    Raises `CassetteError` for a file that cannot be read, or holds what cannot have come in.
    """
    player = Player(cassette, new_carrier, settings, listener)
    comparison = _Comparison(player.audio)
    steps, recorded = 0, None
    for step, last in _with_last(_steps(cassette)):
        steps += 1
        if comparison.own_timers:
            for now in player.wake(step.cause.t):
                if keep:
                    _keep_all(keep, [line(player.now, "timer", "in", "null"), *now])
                comparison.step(player.now, step.number, None, [], now)
        now = player.feed(step.cause, step.number)
        if keep:
            _keep_all(keep, [step.text, *now])
        try:
            if step.outs and (record := _record(step.outs[-2:])):
                recorded = record
            comparison.step(step.cause.t, step.number, step.cause, step.outs, now, broken_off=last and not recorded)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
            deque(cassette.lines, maxlen=0)  # what went out is read only if it differs: now find the line to name
            what = f"what went out cannot be read ({problem})"
            raise CassetteError(f"{cassette.name}:{step.number}: {what}. Record the call again.") from problem
        comparison.remember(step)
    return Replayed(
        cassette.name,
        _record_now(player),
        recorded,
        player.now,
        steps,
        comparison.diverged,
        comparison.verdict(),
        comparison.digest.hexdigest(),
    )


class _Comparison:
    """Then and now, a step at a time."""

    def __init__(self, audio: Callable[[str], AudioFormat]) -> None:
        """*audio*: in which format it is spoken on a channel by now."""
        self.divergence: Divergence | None = None
        self.diverged = 0
        self.own_timers = False
        """Whether the exchange has named a deadline that the recording does not know."""
        self.digest = hashlib.sha256()
        self._recent: deque[bytes] = deque(maxlen=CONTEXT)
        self._audio = audio
        self._hearing: Hearing | None = None

    def step(
        self,
        t: float,
        number: int,
        cause: Line | None,
        then: list[bytes],
        now: list[bytes],
        *,
        broken_off: bool = False,
    ) -> None:
        """*broken_off*: the recording ends here, perhaps in the middle of the step."""
        for text in now:
            self.digest.update(text)
        if then == now and not (self._hearing and self._hearing.hungry):
            return
        then_out, then_due = _divided(then)
        now_out, now_due = _divided(now)
        self.own_timers = self.own_timers or (then_due != now_due and not broken_off)
        if broken_off:
            now_out = now_out[: len(then_out)]
        if self._hearing:
            self._hearing.hear(then_out, now_out)
        for expected, got in zip_longest(then_out, now_out):
            if expected is None or got is None or not alike(expected, got):
                self.diverged += 1
                if self.divergence is None:
                    self._diverge(t, number, cause, expected, got)
                    if self._hearing:
                        self._hearing.hear(then_out, now_out)
                return

    def _diverge(self, t: float, number: int, cause: Line | None, expected: Line | None, got: Line | None) -> None:
        self.own_timers = True
        before = [decode_line(text) for text in self._recent]
        fields = differences(expected, got) if expected and got else []
        self.divergence = Divergence(t, number, cause, expected, got, before, fields)
        if expected and got and expected.ch == got.ch and audio_of(expected) and audio_of(got):
            self._hearing = Hearing(expected.ch, self._audio(expected.ch))

    def verdict(self) -> Divergence | None:
        """The first divergence, once everything was compared."""
        if self.divergence and self._hearing:
            self.divergence.audio = self._hearing.verdict()
        return self.divergence

    def remember(self, step: Step) -> None:
        if self.divergence is None:
            self._recent.append(step.text)
            self._recent.extend(step.outs)


def alike(one: Line, other: Line) -> bool:
    """Whether two lines hold the same message, however it is spelled."""
    if (one.ch, one.session) != (other.ch, other.session):
        return False
    return bytes(one.msg) == bytes(other.msg) or one.message == other.message


def _divided(texts: list[bytes]) -> tuple[list[Line], list[bytes]]:
    """What the world saw, and the deadlines that were named."""
    lines = [decode_line(text) for text in texts]
    return [line for line in lines if line.ch != "timer"], [bytes(line.msg) for line in lines if line.ch == "timer"]


# -- the file, by steps ----------------------------------------------------------------------------------------------


def _steps(cassette: Cassette) -> Iterator[Step]:
    step: Step | None = None
    for number, text, cause in cassette.numbered():
        if cause is None:  # it went out; what it holds is looked at if it is not what goes out now
            if step is not None:
                step.outs.append(text)
            continue
        if step is not None:
            yield step
        step = Step(number, cause, text, [])
    if step is not None:
        yield step


def _with_last(steps: Iterator[Step]) -> Iterator[tuple[Step, bool]]:
    """Each step, and whether it is the last."""
    held = next(steps, None)
    for step in steps:
        if held is not None:
            yield held, False
        held = step
    if held is not None:
        yield held, True


def _record(texts: list[bytes]) -> CallRecord | None:
    """What remained of the call, if it ended with this."""
    for text in texts:
        if b'"record"' in text[:60] and (found := decode_line(text)).ch == "record":
            unknown = dict.fromkeys(("id", "carrier", "carrier_call_id", "agent"), "")
            known = msgspec.json.decode(found.msg, type=dict[str, Any])
            return msgspec.convert(unknown | known, CallRecord)
    return None


def _record_now(player: Player) -> CallRecord:
    record = CallRecord("", "", "", "", duration=player.now)
    if player.end:
        record.termination = Termination(player.end.result, player.end.by, player.end.reason)
    if player.exchange:
        player.exchange.fill(record, player.now)
    return record


def _keep_all(keep: Callable[[bytes], None], texts: list[bytes]) -> None:
    for text in texts:
        keep(text)
