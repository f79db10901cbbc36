"""Replays a recorded call through the real exchange and compares what goes out with what went out then.

A replay is itself a recording, whose lines are held against those of the file a step at a time: one message that came
in, and all that went out because of it.

Timers are the one thing that comes in and is our own doing. As long as the exchange names the same deadlines as it did
then, it is woken when it was woken then, late by whatever the loop was busy with. Once it names another, the recording
cannot tell when that timer would have fired, and it fires on time.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import zip_longest

import msgspec

from telephony.audio.format import AudioFormat
from telephony.cassette.compare import AudioDifference, Difference, Hearing, audio_of, differences
from telephony.cassette.format import Cassette, Line, decode_line, line
from telephony.cassette.player import Failure, GaveUp, NewCarrier, Player
from telephony.exchange import Listener
from telephony.records import CallRecord, Termination
from telephony.settings import CallSettings

_RECORD = b'"record"'
CONTEXT = 1000
"""Lines before a divergence that are kept to show what led there: about ten seconds of a call."""
RUN = 50
"""Frames of the caller's audio that are given to the exchange at once."""


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
    failure: Failure | None = None
    """If it is a mistake of ours that keeps the rest from going out: which."""


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
    """SHA-256 of all that went out, in hexadecimal; empty if nobody asked."""
    failure: Failure | None = None
    """Where our own code gave up, and the replay with it; perhaps after something else had gone out differently."""


class Step(msgspec.Struct, gc=False):
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
    digest: bool = False,
) -> Replayed:
    """Replay *cassette*. *settings* are those of an agent that has changed, if not the recorded ones; *keep* gets every
    line of the call as it is now; *digest* says whether all that goes out is to be summed up in one number.

    Raises `CassetteError` for a file that cannot be read, or holds what cannot have come in.
    """
    player = Player(cassette, new_carrier, settings, listener)
    comparison = _Comparison(player.audio, digest=digest)
    steps, recorded, failure = 0, None, None
    for run, last in _with_last(_runs(_steps(cassette))):
        while run and not failure:
            first = run[0]
            try:
                for now in player.wake(first.cause.t) if comparison.own_timers else ():
                    if keep:
                        _keep_all(keep, [line(player.now, "timer", "in", "null"), *now])
                    comparison.step(player.now, first.number, None, [], now)
                if len(run) == 1 or comparison.own_timers:
                    results = [player.feed(first.cause, first.number)]
                else:
                    results = player.feed_audio([step.cause for step in run], first.number)
            except GaveUp as gave_up:
                failure = gave_up.failure
                steps += gave_up.after + 1
                comparison.fail(player.now, run[: gave_up.after + 1], failure)
                break
            for step, now in zip(run, results, strict=False):
                if keep:
                    _keep_all(keep, [step.text, *now])
                recorded = recorded or _record(step.outs)
                broken_off = last and step is run[-1] and not recorded
                comparison.step(step.cause.t, step.number, step.cause, step.outs, now, broken_off=broken_off)
                comparison.remember(step)
            steps += len(results)
            run = run[len(results) :]
    return Replayed(
        cassette.name,
        _record_now(player),
        recorded,
        player.now,
        steps,
        comparison.diverged,
        comparison.verdict(),
        comparison.digest.hexdigest() if comparison.digest else "",
        failure,
    )


class _Comparison:
    """Then and now, a step at a time."""

    def __init__(self, audio: Callable[[str], AudioFormat], *, digest: bool) -> None:
        """*audio*: in which format it is spoken on a channel by now."""
        self.divergence: Divergence | None = None
        self.diverged = 0
        self.own_timers = False
        """Whether the exchange has named a deadline that the recording does not know."""
        self.digest = hashlib.sha256() if digest else None
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
        if self.digest:
            for text in now:
                self.digest.update(text)
        if then == now:
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

    def fail(self, t: float, run: list[Step], failure: Failure) -> None:
        """Nothing goes out in the last step of *run*, or after it."""
        *others, step = run
        for each in others:
            self.remember(each)
        self.diverged += 1
        if self.divergence is None:
            cause = step.cause if step.cause.t == t else None
            expected = next(iter(_divided(step.outs)[0]), None)
            before = [decode_line(text) for text in self._recent]
            self.divergence = Divergence(t, step.number, cause, expected, None, before, [], failure=failure)

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
    return bytes(one.msg) == bytes(other.msg) or not differences(one, other)


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


def _runs(steps: Iterator[Step]) -> Iterator[list[Step]]:
    """Stretches of the caller's audio, of at most `RUN` frames, and every other step alone."""
    run: list[Step] = []
    for step in steps:
        if not step.cause.is_caller_audio:
            yield from filter(None, (run, [step]))
            run = []
            continue
        run.append(step)
        if len(run) == RUN:
            yield run
            run = []
    if run:
        yield run


def _with_last(runs: Iterator[list[Step]]) -> Iterator[tuple[list[Step], bool]]:
    """Each run, and whether it is the last."""
    held = next(runs, None)
    for run in runs:
        if held is not None:
            yield held, False
        held = run
    if held is not None:
        yield held, True


def _record(texts: list[bytes]) -> CallRecord | None:
    """What remained of the call, if it ended in this step."""
    for text in texts:
        if _RECORD in text[:60] and (found := decode_line(text)).ch == "record":
            unknown = dict.fromkeys(("id", "carrier", "carrier_call_id", "agent"), "")
            return msgspec.convert(unknown | found.message, CallRecord)
    return None


def _record_now(player: Player) -> CallRecord:
    record = CallRecord("", "", "", "", duration=player.now)
    if player.end:
        record.termination = Termination(player.end.result, player.end.by, player.end.reason)
    if player.exchange:
        with contextlib.suppress(Exception):  # of an exchange that gave up, what there is
            player.exchange.fill(record, player.now)
    return record


def _keep_all(keep: Callable[[bytes], None], texts: list[bytes]) -> None:
    for text in texts:
        keep(text)
