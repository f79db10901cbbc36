"""The library's files: making one, seeing whether it is still the same, and the table that says what each protects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from library.kit import Call
from library.tape import Tape
from telephony.cassette.format import Cassette
from telephony.cassette.replay import replay
from telephony.runtime.cassettes import SUFFIX, new_carrier, open_cassette

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "calls"
MOST = 250_000
"""Bytes that one cassette may have."""


class NotShown(Exception):
    """A rehearsal that does not show what it is there for, or in which something else went wrong."""


def path_of(name: str) -> Path:
    return FOLDER / f"{name}{SUFFIX}"


def recorded(call: Call) -> list[bytes]:
    """The lines of the call's cassette. Raises `NotShown`."""
    lines: list[bytes] = []
    rehearsal = call.rehearse(lines.append)
    complaints = [fault.code for model in rehearsal.models for fault in model.faults]
    wrong = [f"a model complained: {code}" for code in complaints if code not in call.forgiven]
    wrong += [f"the carrier complained: {warning.code} {warning.message}" for warning in rehearsal.caller.warnings]
    left = rehearsal.caller.unmet + [unmet for model in rehearsal.models for unmet in model.unmet]
    wrong += [] if call.unmet else [f"left over: {step}" for step in left]
    wrong += [] if rehearsal.ending else ["the call never ended"]
    lines = _kept(lines, call.keep)
    if not wrong and not call.shows(Tape(call.name, lines)):
        wrong.append("the cassette does not show it")
    if size := max(0, sum(map(len, lines)) - MOST):
        wrong.append(f"it is {size} bytes too long")
    if wrong:
        raise NotShown(f"{call.name}: {'; '.join(wrong)}")
    return lines


def _kept(lines: list[bytes], share: float) -> list[bytes]:
    """All of it, or a recording that breaks off in the middle of a line."""
    if share == 1.0:
        return lines
    kept = lines[: int(len(lines) * share)]
    return [*kept[:-1], kept[-1][: len(kept[-1]) // 2]]


def same(name: str) -> bool:
    """Whether the cassette that is there replays as it was recorded."""
    return replay(open_cassette(path_of(name)), new_carrier).divergence is None


def unchanged(name: str, lines: list[bytes]) -> bool:
    """Whether *lines* are those of the file, but for the version that wrote it."""
    there = list(open_cassette(path_of(name)).lines)
    here = list(Cassette(name, lines).lines)
    return there == here


def table(calls: Iterable[Call]) -> str:
    rows = [f"| `{call.name}` | {call.about} |" for call in calls]
    return "\n".join(["| call | what it protects |", "|---|---|", *rows]) + "\n"


README = FOLDER / "README.md"
BEGIN, END = "<!-- table: made by `make calls` -->\n", "<!-- end of the table -->\n"


def readme(text: str, calls: Iterable[Call]) -> str:
    """*text* with the table of *calls* in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(calls)}{END}{after}"
