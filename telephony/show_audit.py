"""Whom agents asked to call or text, in a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import ConsoleRenderable
from rich.table import Table
from rich.text import Text

from telephony.records import AuditRow
from telephony.show import clean

LONGEST_TARGET = 40
"""Characters; `--json` has all that is kept."""
STYLES = {"allowed": "green", "refused": "red"}


def audits_table(rows: Iterable[AuditRow]) -> ConsoleRenderable:
    """One line a request, in the order given: when, who, what was asked for, and what was said to it."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in ("at UTC", "call", "agent", "wanted", "verdict"):
        table.add_column(column, no_wrap=column == "at UTC")
    for row in rows:
        verdict = row.number if row.verdict == "allowed" else f"refused: {(row.code or '').replace('_', ' ')}"
        asked = clean(row.target, LONGEST_TARGET)
        table.add_row(
            f"{row.at:%m-%d %H:%M:%S}",
            Text(clean(row.call_id)[-8:]),
            Text(clean(row.agent)),
            Text(f"{row.use} {asked or '(nothing)'}"),
            Text(clean(verdict), STYLES[row.verdict]),
        )
    return table
