"""Between records and rows, inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, UnaryExpression, delete, func, insert, or_, select, update

from telephony.records import CallRecord, Finding, Termination, ToolUse, Turn
from telephony.store.base import COUNTED, CallSummary, Summaries
from telephony.store.schema import calls, tools, turns

Row = Mapping[Any, Any]

OWN_COLUMNS = ("termination", "turns", "tools")
"""Fields of a record that are not columns of `calls`."""
PLAIN_FIELDS = tuple(name for name in CallRecord.__struct_fields__ if name not in OWN_COLUMNS)
SUMMARY_FIELDS = tuple(name for name in CallSummary.__struct_fields__ if name not in (*OWN_COLUMNS, *COUNTED))

TURN_COUNT = select(func.count()).where(turns.c.call == calls.c.id).correlate(calls).scalar_subquery()
TOOL_COUNT = select(func.count()).where(tools.c.call == calls.c.id).correlate(calls).scalar_subquery()

UNFINISHED = or_(calls.c.result.is_(None), calls.c.presumed)
"""Calls that may still be written: running, or presumed to have died with their process."""


def row_of(record: CallRecord, end: Termination | None, owner: str) -> dict[str, Any]:
    """A row of `calls`."""
    return {
        **{name: getattr(record, name) for name in PLAIN_FIELDS},
        "findings": msgspec.to_builtins(record.findings),
        "result": end and end.result,
        "ended_by": end and end.by,
        "reason": end and end.reason,
        "presumed": False,
        "owner": owner,
    }


def termination_of(row: Row) -> Termination | None:
    return None if row["result"] is None else Termination(row["result"], row["ended_by"], row["reason"])


def read_record(connection: Connection, row: Row) -> CallRecord:
    """The whole record that *row* of `calls` begins."""
    plain = {name: row[name] for name in PLAIN_FIELDS if name != "findings"}
    return CallRecord(
        **plain,
        termination=termination_of(row),
        findings=[Finding(**part) for part in row["findings"]],
        turns=[Turn(**part) for part in parts(connection, turns, row["id"])],
        tools=[ToolUse(**part) for part in parts(connection, tools, row["id"])],
    )


def parts(connection: Connection, table: Table, call: str) -> list[dict[str, Any]]:
    """The rows of one call in `turns` or `tools`, in order, without the columns that hang them there."""
    wanted = [column for column in table.c if column.name not in ("call", "position")]
    rows = connection.execute(select(*wanted).where(table.c.call == call).order_by(table.c.position))
    return [dict(row) for row in rows.mappings()]


def read_summaries(
    connection: Connection,
    wanted: Sequence[ColumnElement[bool]],
    order: Sequence[UnaryExpression[Any]],
    limit: int,
) -> Summaries:
    counted = select(calls, TURN_COUNT.label("turn_count"), TOOL_COUNT.label("tool_count"))
    rows = connection.execute(counted.where(*wanted).order_by(*order).limit(limit))
    return [
        CallSummary(
            **{name: row[name] for name in SUMMARY_FIELDS},
            termination=termination_of(row),
            turns=row["turn_count"],
            tools=row["tool_count"],
            findings=len(row["findings"]),
        )
        for row in rows.mappings()
    ]


def write_record(connection: Connection, record: CallRecord, end: Termination | None, owner: str) -> bool:
    """Write a record whole. False, and nothing written, if the call has ended."""
    row = row_of(record, end, owner)
    written = connection.execute(update(calls).where(calls.c.id == record.id, UNFINISHED).values(row))
    if written.rowcount == 0:
        if connection.scalar(select(calls.c.id).where(calls.c.id == record.id)):
            return False
        connection.execute(insert(calls).values(row))
    entries: tuple[tuple[Table, Sequence[msgspec.Struct]], ...] = ((turns, record.turns), (tools, record.tools))
    for table, structs in entries:
        connection.execute(delete(table).where(table.c.call == record.id))
        rows = [{"call": record.id, "position": n, **msgspec.structs.asdict(part)} for n, part in enumerate(structs)]
        if rows:
            connection.execute(insert(table), rows)
    return True
