"""Replays in a terminal: a line for each call, and for the first thing that differs what led there and how it differs.

As in `show`: records in, rich renderables out, and a stranger's text is text.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from telephony.cassette import telling
from telephony.cassette.compare import Difference, where
from telephony.cassette.format import WIRES, Line
from telephony.cassette.replay import Divergence
from telephony.runtime.replaying import DEFAULT, Outcome, policy_named
from telephony.show import clean, clock, findings, length, transcript, waterfall

EVENTS = 12
"""Events before a divergence that are shown."""
FIELDS = 12
"""Fields that differ and are shown; `--json` has more of them."""
LONGEST_NAME = 40
LONGEST_VALUE = 200
LONGEST_MESSAGE = 400
WIDTH = 100
"""Columns of a report that goes into a file."""

COUNTED = {
    ("carrier", "in", "media"): "caller's",
    ("carrier", "out", "media"): "agent's",
    ("carrier", "in", "mark"): "",
    ("carrier", "out", "mark"): "",
    ("model", "in", "response.output_audio.delta"): "model's",
    ("model", "in", "response.audio.delta"): "model's",
    ("model", "out", "input_audio_buffer.append"): "",
}
"""Messages that come all the time: whose audio is counted, and empty what is left out."""


class Tally(msgspec.Struct):
    """What came of several calls."""

    policy: str = DEFAULT
    same: int = 0
    different: int = 0
    accepted: int = 0
    """Differed, and are recorded now as what is wanted."""
    unreadable: int = 0
    called: float = 0.0
    """Seconds that the calls had lasted."""
    took: float = 0.0
    """Seconds that replaying them took."""

    def count(self, outcome: Outcome, *, accepted: bool = False) -> None:
        self.called += outcome.replayed.duration
        if accepted:
            self.accepted += 1
        elif outcome.same:
            self.same += 1
        else:
            self.different += 1

    @property
    def calls(self) -> int:
        return self.same + self.different + self.accepted


# -- lines -----------------------------------------------------------------------------------------------------------


def name_width(paths: Sequence[Path]) -> int:
    """The room that names need in a list of all these calls."""
    return min(LONGEST_NAME, max((len(clean(str(path))) for path in paths), default=0))


def call_line(outcome: Outcome, width: int) -> ConsoleRenderable:
    """The call's name, cut at the front to *width*, its length and turns, and whether it is the same."""
    replayed = outcome.replayed
    turns = len(replayed.record.turns)
    name = clean(str(outcome.path))
    short = name if len(name) <= width else f"…{name[len(name) - width + 1 :]}"
    line = Text(f"{short:<{width}}", "bold", overflow="fold")
    line.append(f"  {length(replayed.duration):>7}  {turns:>3} turn{' ' if turns == 1 else 's'}  ", "not bold dim")
    policy = policy_named(outcome.policy)
    if outcome.same:
        line.append(policy.well.removeprefix("the "), "not bold green")
        return line.append(", as far as it goes", "not bold yellow") if replayed.broken_off else line
    divergence = replayed.divergence
    if replayed.failure:
        return line.append("the replay failed", "not bold red")
    at = f" at {clock(divergence.t)}" if divergence else ""
    return line.append(policy.badly[0] + at, "not bold red")


def trouble_line(problem: str) -> Text:
    """That a file could not be replayed, and why; *problem* names it."""
    return Text(clean(problem), "red")


def summary(tally: Tally) -> Text:
    """`12 calls, 11 the same, 1 differs; 14 min of calls in 0.9 s`."""
    parts = [f"{tally.calls} call{'' if tally.calls == 1 else 's'}"]
    policy = policy_named(tally.policy)
    parts += [f"{tally.same} {policy.well}"] if tally.same else []
    parts += [f"{tally.different} {policy.badly[tally.different > 1]}"] if tally.different else []
    parts += [f"{tally.accepted} accepted"] if tally.accepted else []
    parts += [f"{tally.unreadable} could not be replayed"] if tally.unreadable else []
    text = f"{', '.join(parts)}; {_span(tally.called)} of calls in {tally.took:.1f} s"
    return Text(text, "red" if tally.different or tally.unreadable else "green")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


# -- what differs ----------------------------------------------------------------------------------------------------


def report(outcome: Outcome) -> ConsoleRenderable:
    """Everything about a call that differs: what a policy complains of, and the first message that is another one."""
    divergence = outcome.replayed.divergence
    parts: list[ConsoleRenderable] = []
    if outcome.header.about:
        parts.append(Text(clean(outcome.header.about), "italic"))
    if outcome.differences and outcome.policy != "strict":
        parts += [Text(f"• {clean(sentence)}") for sentence in outcome.differences]
    if divergence:
        parts.append(_divergence(divergence))
        parts.append(_extent(outcome))
    if not policy_named(outcome.policy).is_a_replay:  # nobody has a record of this call
        parts.append(transcript(outcome.replayed.record))
    return Padding(Group(*parts), (0, 0, 1, 2))


def why(outcome: Outcome) -> ConsoleRenderable:
    """Why the call paused, as it is now, and where the time went until each answer was heard."""
    record = outcome.replayed.record
    found = findings(record) if record.findings else Text("nothing that a caller will have minded", "dim")
    parts = [_titled("why it paused", found), _titled("seconds until the agent was heard", waterfall(record))]
    return Padding(Group(*parts), (0, 0, 1, 2))


def _divergence(divergence: Divergence) -> ConsoleRenderable:
    parts = [_timeline(divergence.before)]
    cause = divergence.cause
    came = _message(cause) if cause else Text("a timer that the recording does not have", "dim")
    parts.append(_titled(f"then came in, at {clock(divergence.t)} in line {divergence.number}", came))
    if divergence.failure:
        failure = Text(clean(divergence.failure.what), "red").append(f"\n{clean(divergence.failure.where)}", "dim")
        parts.append(_titled("the replay failed here", failure))
        if divergence.expected:
            parts.append(_titled("went out then", _message(divergence.expected, whole=True)))
        return Group(*parts)
    whole = not (divergence.expected and divergence.got)
    parts.append(_titled("went out then", _side(divergence.expected, whole)))
    parts.append(_titled("goes out now", _side(divergence.got, whole)))
    if divergence.audio:
        parts.append(_titled("the audio, from here on", Text(telling.audio(divergence.audio))))
    if fields := [each for each in divergence.differences if not (divergence.audio and _is_audio(each))]:
        parts.append(_titled("what differs", _fields(fields)))
    return Group(*parts)


def _is_audio(difference: Difference) -> bool:
    return difference.path in ("media.payload", "audio")


def _titled(title: str, body: ConsoleRenderable) -> ConsoleRenderable:
    return Group(Text(title, "bold"), Padding(body, (0, 0, 0, 2)))


def _side(line: Line | None, whole: bool) -> Text:
    return _message(line, whole=whole) if line else Text("nothing", "dim")


def _message(line: Line, *, whole: bool = False) -> Text:
    text = Text(f"{where(line)}  ", "dim", overflow="fold").append(clean(telling.kind(line)), "not dim cyan")
    told = telling.value(line.message, LONGEST_MESSAGE) if whole else _told(line)
    return text.append(f"  {clean(told)}", "not dim") if told else text


def _told(line: Line) -> str:
    return ", ".join(f"{name} {value}" for name, value in telling.fields(line))


def _fields(fields: Sequence[Difference]) -> ConsoleRenderable:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=LONGEST_NAME)
    table.add_column(overflow="fold")
    for each in fields[:FIELDS]:
        then, now = (clean(telling.value(side, LONGEST_VALUE)) for side in (each.expected, each.got))
        arrow = " → " if len(then) + len(now) <= LONGEST_NAME else "\n→ "
        table.add_row(Text(clean(each.path) or "where"), Text(then, "red").append(arrow, "dim").append(now, "green"))
    if len(fields) > FIELDS:
        table.add_row(Text("…", "dim"), Text(f"and {len(fields) - FIELDS} more", "dim"))
    return table


def _extent(outcome: Outcome) -> Text:
    replayed = outcome.replayed
    if replayed.failure:
        return Text(f"{clean(replayed.failure.what)} ends the replay {clock(replayed.duration)} into the call", "dim")
    return Text(f"{replayed.diverged} of {replayed.steps} steps go out differently", "dim")


# -- what led there --------------------------------------------------------------------------------------------------


def _timeline(before: Sequence[Line]) -> ConsoleRenderable:
    """The last events on both sides, and how much audio there was between them."""
    return Group(*list(_events(before))[-EVENTS:])


def _events(lines: Iterable[Line]) -> Iterator[Text]:
    counted: Counter[str] = Counter()
    for line in lines:
        if line.ch == "timer":
            continue
        name = COUNTED.get((line.ch, line.dir, telling.kind(line))) if line.ch in WIRES else None
        if name is not None:
            counted.update(filter(None, [name]))
            continue
        yield from _between(counted)
        counted.clear()
        text = Text(f"{clock(line.t):>7}  {line.dir:3}  {where(line):7}  ", "dim", no_wrap=True, overflow="ellipsis")
        text.append(clean(telling.kind(line)), "not dim cyan" if line.dir == "in" else "not dim green")
        yield text.append(f"  {clean(_told(line))}".rstrip(), "not dim")
    yield from _between(counted)


def _between(counted: Counter[str]) -> Iterator[Text]:
    """`… 38 frames of the caller's audio`."""
    if counted:
        (whose, first), *others = sorted(counted.items())
        told = "".join(f", {count} of the {name}" for name, count in others)
        frames = f"{first} frame{'' if first == 1 else 's'} of the {whose}{told} audio"
        yield Text(f"{'…':>7}  {frames}", "dim", no_wrap=True, overflow="ellipsis")


# -- where there is no terminal --------------------------------------------------------------------------------------


def plain(*parts: ConsoleRenderable, width: int = WIDTH) -> str:
    """As text without colours."""
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, force_terminal=False, highlight=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def whole(outcome: Outcome) -> str:
    """A call's line and report, as text."""
    return plain(call_line(outcome, name_width([outcome.path])), report(outcome))
