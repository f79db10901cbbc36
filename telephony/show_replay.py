"""Replays in a terminal: a line for each call, and for the first thing that differs what led there and how it differs.

As in `show`: records in, rich renderables out, and a stranger's text is text.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from telephony.cassette import telling
from telephony.cassette.brief import Entry, entry_of, fold, kind_of, spoken_with_model, without_audio
from telephony.cassette.compare import Difference
from telephony.cassette.format import Header, Line
from telephony.cassette.replay import Divergence
from telephony.runtime.replaying import DEFAULT, Outcome, policy_named
from telephony.show import clean, clock, findings, length, transcript, waterfall
from telephony.show_cassette import row

EVENTS = 12
"""Entries of the timeline before a divergence that are shown."""
FIELDS = 12
"""Fields that differ and are shown; `--json` has more of them."""
REPEATED = ("mark", "input_audio_buffer.append")
"""Messages that are left out of it: they say only again what the audio does."""
LONGEST_NAME = 40
LONGEST_VALUE = 200
LONGEST_MESSAGE = 400
WIDTH = 100
"""Columns of a report that goes into a file."""


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
        parts.append(_divergence(divergence, outcome.header))
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


def _divergence(divergence: Divergence, header: Header) -> ConsoleRenderable:
    expected, got, cause = divergence.expected, divergence.got, divergence.cause
    came = entry_of(cause) if cause else Entry(divergence.t, "timer", "us", "wakes, as it does not in the recording")
    parts = [
        _titled("what led there", _timeline(divergence, header)),
        _titled(f"then came in, at {clock(divergence.t)} in line {divergence.number}", row(came)),
    ]
    if divergence.failure:
        failure = Text(clean(divergence.failure.what), "red").append(f"\n{clean(divergence.failure.where)}", "dim")
        parts.append(_titled("the replay failed here", failure))
        if expected:
            parts.append(_titled("went out then", _side(expected, None)))
        return Group(*parts)
    parts.append(_titled("went out then", _side(expected, got)))
    parts.append(_titled("goes out now", _side(got, expected)))
    if divergence.audio:
        parts.append(_titled("the audio, from here on", Text(telling.audio(divergence.audio))))
    if fields := [each for each in divergence.differences if not (divergence.audio and _is_audio(each))]:
        parts.append(_titled("what differs", _fields(fields)))
    return Group(*parts)


def _is_audio(difference: Difference) -> bool:
    return difference.path in ("media.payload", "audio")


def _titled(title: str, body: ConsoleRenderable) -> ConsoleRenderable:
    return Group(Text(title, "bold"), Padding(body, (0, 0, 0, 2)))


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


# -- messages --------------------------------------------------------------------------------------------------------


def _timeline(divergence: Divergence, header: Header) -> ConsoleRenderable:
    """The last of what came in and went out, the same on both sides, without what only says again what others say."""
    lines = (line for line in divergence.before if line.ch != "timer" and kind_of(line.message) not in REPEATED)
    entries = fold(lines, spoken_with_model(header), divergence.line, short=True)
    return Group(*map(row, deque(entries, maxlen=EVENTS)))


def _side(line: Line | None, other: Line | None) -> ConsoleRenderable:
    """What goes out on one side; all of it where there is nothing on the *other* to compare it with."""
    if line is None:
        return Text("nothing", "dim")
    if other is not None:
        return row(entry_of(line))
    text = Text(clean(telling.value(without_audio(line), LONGEST_MESSAGE)), "dim", overflow="fold")
    return Group(row(entry_of(line)), text)


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
