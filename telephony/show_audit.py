"""Whom agents asked to call or text, and which calls they were asked to make, in a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import ConsoleRenderable
from rich.table import Table
from rich.text import Text

from telephony.records import AuditRow
from telephony.show import clean
from telephony.store.intents import Intent

LONGEST_TARGET = 40
"""Characters; `--json` has all that is kept."""
STYLES = {"allowed": "green", "refused": "red"}
STATES = {"completed": "green", "failed": "red", "busy": "yellow", "no-answer": "yellow", "canceled": "yellow"}
"""Others are not over."""


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


def intents_table(intents: Iterable[Intent]) -> ConsoleRenderable:
    """One line a call that was asked for, in the order given: when, by which key, whom by whom, how it went."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in ("at UTC", "key", "call", "agent", "to", "state"):
        table.add_column(column, no_wrap=column in ("at UTC", "to"))
    for intent in intents:
        more = ", ".join(clean(word, LONGEST_TARGET) for word in (intent.answered_by, intent.reason) if word)
        table.add_row(
            f"{intent.created_at:%m-%d %H:%M:%S}" if intent.created_at else "",
            Text(clean(intent.id, LONGEST_TARGET)),
            Text(clean(intent.carrier_call_id)[-8:]),
            Text(clean(intent.agent)),
            Text(clean(intent.to_number)),
            Text(f"{intent.state}: {more}" if more else intent.state, STATES.get(intent.state, "")),
        )
    return table
