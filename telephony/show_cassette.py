"""Recorded calls in a terminal: the header, the timeline, and how two of them differ. Only rendering.

What is shown was said by strangers, as in `show`: it is never taken for markup, and nothing in it moves the cursor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.console import ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from telephony.cassette import telling
from telephony.cassette.brief import Entry, entry_of, kind_of
from telephony.cassette.compare import ABSENT, Difference
from telephony.cassette.diff import Change, Comparison, Messages
from telephony.cassette.format import Cassette
from telephony.cassette.player import NewCarrier, line_of
from telephony.cassette.timeline import timeline
from telephony.show import STYLES, clean, length

LONGEST = 160
"""Characters of a value that are shown."""
MOST = 12
"""Changes of a kind that are shown; `--json` has all of them."""
SPEECH = "━━"
"""How a stretch of speech begins in a timeline."""
MARKS = {"changed": ("~", "yellow"), "gone": ("-", "red"), "new": ("+", "green")}


# -- one call --------------------------------------------------------------------------------------------------------


def header(cassette: Cassette, seconds: float, size: int) -> ConsoleRenderable:
    """Who was called, and what the file is. *size* in bytes."""
    told = cassette.header
    facts = {
        "about": told.about,
        "call": told.call_id,
        "agent": str(told.agent.get("name", "")),
        "carrier": told.carrier,
        "dialect": told.dialect,
        "recorded": " by ".join(filter(None, (told.recorded_at, told.software))),
        "length": f"{length(seconds)} ({seconds:.2f} s), {size / 1000:,.0f} kB",
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(clean(value), "bold" if name == "call" else ""))
    return table


def told(cassette: Cassette, new_carrier: NewCarrier) -> Iterator[ConsoleRenderable]:
    """The timeline."""
    for entry in timeline(cassette, line_of(cassette, new_carrier)):
        yield row(entry)


def every_line(cassette: Cassette) -> Iterator[ConsoleRenderable]:
    """A row for each line."""
    for line in cassette.lines:
        yield row(entry_of(line))


def row(entry: Entry) -> ConsoleRenderable:
    """`0:04.530          us ▶ tool     RunTool lookup_order()`: the carrier left, us in the middle, the rest right."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=9, justify="right", no_wrap=True, style="dim")
    grid.add_column(width=7, justify="right", no_wrap=True)
    grid.add_column(width=6, no_wrap=True, style="dim")
    grid.add_column(width=8, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(_moment(entry.t), *_lane(entry), Text(clean(entry.text, LONGEST), _style(entry)))
    return grid


def _moment(seconds: float) -> str:
    """`4:07.312`."""
    thousandths = round(max(0.0, seconds) * 1000)
    return f"{thousandths // 60000}:{thousandths // 1000 % 60:02}.{thousandths % 1000:03}"


def _lane(entry: Entry) -> tuple[Text, str, Text]:
    other, arrow = (entry.target, "▶") if entry.source == "us" else (entry.source, "◀")
    if other == "carrier":
        return Text("carrier", "cyan"), "◀ us" if entry.source == "us" else "▶ us", Text("")
    return Text(""), f"  us {arrow}", Text(clean(other, 8), {"model": "green", "tool": "yellow"}.get(other, "dim"))


def _style(entry: Entry) -> str:
    if entry.text.startswith(SPEECH):
        return f"bold {STYLES['caller' if entry.source == 'carrier' else 'agent']}"
    return STYLES["tool"] if "tool" in (entry.source, entry.target) else ""


# -- two calls -------------------------------------------------------------------------------------------------------


def comparison(found: Comparison) -> ConsoleRenderable:
    """What differs, or that nothing does."""
    if found.is_same:
        return Text("The calls are the same.", "green")
    parts: list[ConsoleRenderable] = []
    _section(parts, "Agent and settings", [_field(field) for field in found.header])
    _section(parts, "What was said", [_change(change) for change in found.turns])
    _section(parts, "Functions", [_change(change) for change in found.tools])
    _section(parts, "How it ended", [_field(field) for field in found.end])
    for channel in found.messages:
        if not channel.is_same:
            _section(parts, f"Sent to {channel.channel}", _messages(channel))
    return Group(*parts)


def _section(parts: list[ConsoleRenderable], title: str, rows: list[Text]) -> None:
    if rows:
        parts.append(Text(title, "bold"))
        more = [Text(f"… and {len(rows) - MOST} more; --json has all of them", "dim")] if len(rows) > MOST else []
        parts.append(Padding(Group(*rows[:MOST], *more), (0, 0, 0, 2)))


def _field(field: Difference) -> Text:
    return Text(f"{clean(field.path) or 'kind'}: {_value(field.expected)} → {_value(field.got)}")


def _change(change: Change) -> Text:
    sign, style = MARKS[change.kind]
    if change.kind == "changed" and isinstance(change.then, dict) and isinstance(change.now, dict):
        apart = {name for name in change.then if change.then[name] != change.now.get(name)}
        told = [f"{name} {_value(change.then[name])} → {_value(change.now.get(name))}" for name in sorted(apart)]
        who = change.now.get("speaker") or change.now.get("name") or ""
        return Text(f"{sign} {clean(str(who))}: {', '.join(told)}", style)
    value = change.now if change.then is None else change.then
    return Text(f"{sign} {_listed(value)}", style)


def _listed(value: Any) -> str:
    if not isinstance(value, dict):
        return _value(value)
    return clean(", ".join(f"{name} {_value(entry)}" for name, entry in value.items() if entry), LONGEST)


def _messages(channel: Messages) -> list[Text]:
    rows = [_message(change) for change in channel.changes]
    if channel.seconds[0] != channel.seconds[1]:
        rows.append(Text(f"audio: {channel.seconds[0]:.2f} s → {channel.seconds[1]:.2f} s"))
    if channel.audio is not None:
        rows.append(Text(f"audio: {telling.audio(channel.audio)}"))
    same = "1 message is" if channel.same == 1 else f"{channel.same or 'no'} messages are"
    return [*rows, Text(f"{same} the same", "dim")]


def _message(change: Change) -> Text:
    sign, style = MARKS[change.kind]
    message = change.now if change.then is None else change.then
    if change.kind == "changed":
        kind = clean(kind_of(message)) or "?"
        return Text(f"{sign} {kind}: ", style) + Text(", ").join(map(_field, change.fields))
    return Text(f"{sign} {_value(message)}", style)


def _value(value: Any) -> str:
    if not isinstance(value, str):
        return clean(json.dumps(value, ensure_ascii=False), LONGEST)
    return value if value == ABSENT else f"“{clean(value, LONGEST)}”"
