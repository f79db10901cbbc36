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
from itertools import takewhile, zip_longest
from typing import Any

import msgspec

from telephony.audio.format import AudioFormat
from telephony.cassette.compare import AudioDifference, Difference, Hearing, audio_of, differences
from telephony.cassette.format import Cassette, Line, decode_line, line
from telephony.cassette.patient import Waiting, Written
from telephony.cassette.player import Failure, GaveUp, NewCarrier, Player, heard, spelled
from telephony.errors import CassetteError, ConfigurationError
from telephony.exchange import Listener
from telephony.records import CallRecord, Termination
from telephony.settings import CallSettings

_RECORD = b'"record"'
CONTEXT = 1000
"""Lines before a divergence that are kept to show what led there: about ten seconds of a call."""
RUN = 100
"""Steps that are looked at together: about two seconds of a call."""


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
    line: AudioFormat
    """In which format it is spoken with the carrier."""
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
    complaints: list[str] = []
    """Of a caller who called again instead of being replayed (`reacting`): what did not work out, one sentence each."""

    @property
    def broken_off(self) -> bool:
        """Whether the recording ends before the call did, so that nothing is known of the rest."""
        return self.recorded is None and self.failure is None


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

    Raises `CassetteError` for a file that cannot be read, holds what cannot have come in, or has no call on it.
    """
    performance = _Performance(cassette, Player(cassette, new_carrier, settings, listener), keep, digest=digest)
    for run, last in _with_last(_runs(cassette)):
        try:
            performance.take(run, last=last)
        except GaveUp as gave_up:
            return performance.result(gave_up.failure)
    if not performance.began:
        what = "there is no call on it, for it ends before the carrier's stream begins"
        raise CassetteError(f"{cassette.name}: {what}. Record the call again.")
    return performance.result()


class _Performance:
    """A replay in progress."""

    def __init__(
        self, cassette: Cassette, player: Player, keep: Callable[[bytes], None] | None, *, digest: bool
    ) -> None:
        self._cassette = cassette
        self._player = player
        self._keep = keep
        self._comparison = _Comparison(player.audio, digest=digest)
        self._steps = 0
        self._recorded: CallRecord | None = None

    @property
    def began(self) -> bool:
        """Whether the carrier's stream has begun."""
        return self._player.exchange is not None

    def take(self, run: list[Step], *, last: bool) -> None:
        """Perform *run*. Raises `GaveUp` where our own code does, once that is noted."""
        while run:
            done, problem = self._give(run)
            closely = self._keep or self._player.end
            for step, written in zip(run, done, strict=False):
                now = spelled(written)
                if closely or now != step.outs or self._comparison.curious:
                    self._judge(step, now, last=last and step is run[-1])
                self._comparison.remember(step)
            self._comparison.forget()
            self._steps += len(done)
            run = run[len(done) :]
            if isinstance(problem, GaveUp):
                self._steps += 1
                self._comparison.fail(self._player.now, run[0], problem.failure)
            if problem:
                raise problem

    def _give(self, run: list[Step]) -> tuple[list[list[Written]], Exception | None]:
        """What goes out in the first of the steps, or more of them, and what was raised in the one after these."""
        done: list[list[Written]] = []
        problem: Exception | None = None
        try:
            self._wake(run[0])
            for step in run:
                written = self._player.give(step.cause, step.number)
                done.append(written)
                if self._comparison.own_timers or not _may_be(written, step.outs):
                    break
        except (GaveUp, CassetteError, ConfigurationError) as raised:
            problem = raised
        try:
            self._player.hear_out()
        except GaveUp as gave_up:
            problem = gave_up
            done = list(takewhile(heard, done))
            self._player.now = run[len(done)].cause.t
        return done, problem

    def _wake(self, step: Step) -> None:
        """Where the exchange's timers are not those of the recording: let come due what does before *step*."""
        if not self._comparison.own_timers:
            return
        for now in self._player.wake(step.cause.t):
            self._write(line(self._player.now, "timer", "in", "null"), now)
            self._comparison.step(self._player.now, step.number, None, [], now)

    def _judge(self, step: Step, now: list[bytes], *, last: bool) -> None:
        self._write(step.text, now)
        try:
            self._recorded = self._recorded or _record(step.outs)
            broken_off = last and not self._recorded
            self._comparison.step(step.cause.t, step.number, step.cause, step.outs, now, broken_off=broken_off)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
            deque(self._cassette.lines, maxlen=0)  # what went out is read only if it differs: find the line to name
            what = f"what went out cannot be read ({problem})"
            raise CassetteError(f"{self._cassette.name}:{step.number}: {what}. Record the call again.") from problem

    def _write(self, came_in: bytes, went_out: list[bytes]) -> None:
        if self._keep:
            for text in (came_in, *went_out):
                self._keep(text)

    def result(self, failure: Failure | None = None) -> Replayed:
        """What there is to say. *failure*: how our own code gave up, if it did."""
        player, comparison = self._player, self._comparison
        return Replayed(
            self._cassette.name,
            _record_now(player),
            self._recorded,
            player.now,
            self._steps,
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
        self.curious = digest
        """Whether steps in which nothing else went out are to be looked at as well."""
        self._recent: deque[Step] = deque()
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

    def _diverge(
        self,
        t: float,
        number: int,
        cause: Line | None,
        expected: Line | None,
        got: Line | None,
        failure: Failure | None = None,
    ) -> None:
        self.own_timers = self.curious = True
        fields = differences(expected, got) if expected and got else []
        spoken = self._audio("carrier")
        self.divergence = Divergence(t, number, cause, expected, got, self._before(), fields, spoken, failure=failure)
        if expected and got and expected.ch == got.ch and audio_of(expected) and audio_of(got):
            self._hearing = Hearing(expected.ch, self._audio(expected.ch))

    def fail(self, t: float, step: Step, failure: Failure) -> None:
        """Nothing goes out in *step*, or after it."""
        self.diverged += 1
        if self.divergence is None:
            cause = step.cause if step.cause.t == t else None
            expected = next(iter(_divided(step.outs)[0]), None)
            self._diverge(t, step.number, cause, expected, None, failure)

    def verdict(self) -> Divergence | None:
        """The first divergence, once everything was compared."""
        if self.divergence and self._hearing:
            self.divergence.audio = self._hearing.verdict()
        return self.divergence

    def remember(self, step: Step) -> None:
        if self.divergence is None:
            self._recent.append(step)

    def forget(self) -> None:
        """Let go of steps that are further back than `CONTEXT`: the less is kept, the more of it the processor has at
        hand."""
        recent = self._recent
        while len(recent) > 1 and recent[-1].number - recent[1].number >= CONTEXT:
            recent.popleft()

    def _before(self) -> list[Line]:
        texts = [text for step in self._recent for text in (step.text, *step.outs)]
        return [decode_line(text) for text in texts[-CONTEXT:]]


def _may_be(now: list[Written], then: list[bytes]) -> bool:
    """Whether what goes out is what went out, as far as that is known before what waits was heard."""
    if len(now) != len(then):
        return False
    if len(now) == 1 and type(now[0]) is Waiting:  # fifty times a second
        return True
    for one, other in zip(now, then, strict=False):  # noqa: SIM110  once a step: no generator
        if type(one) is bytes and one != other:
            return False
    return True


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


def _runs(cassette: Cassette) -> Iterator[list[Step]]:
    """Stretches of what is frequent, of at most `RUN` steps, and every other step alone."""
    run: list[Step] = []
    together = False
    for number, text, cause in cassette.numbered():
        if cause is None:  # it went out; what it holds is looked at if it is not what goes out now
            if run:
                run[-1].outs.append(text)
            continue
        frequent = cause.ch in ("carrier", "timer") or (cause.ch == "model" and b'audio.delta"' in text)
        if run and not (frequent and together and len(run) < RUN):
            yield run
            run = []
        run.append(Step(number, cause, text, []))
        together = frequent
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
            return remains(found.msg)
    return None


def remains(message: msgspec.Raw) -> CallRecord:
    """The record in the last line of a call. Raises `msgspec.ValidationError` for something else."""
    unknown = dict.fromkeys(("id", "carrier", "carrier_call_id", "agent"), "")
    return msgspec.convert(unknown | msgspec.json.decode(message, type=dict[str, Any]), CallRecord)


def _record_now(player: Player) -> CallRecord:
    record = CallRecord("", "", "", "", duration=player.now)
    if player.end:
        record.termination = Termination(player.end.result, player.end.by, player.end.reason)
    if player.exchange:
        with contextlib.suppress(Exception):  # of an exchange that gave up, what there is
            player.exchange.fill(record, player.now)
        record.findings = player.exchange.findings(player.now)
    return record
