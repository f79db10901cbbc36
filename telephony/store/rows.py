"""Between records and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, UnaryExpression, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from telephony.records import CallRecord, Termination, ToolUse, Turn
from telephony.store.base import PROCESS_DIED, PROCESS_DIED_NOTE, CallSummary, last_sign_of_life
from telephony.store.owner import Owner
from telephony.store.schema import calls, owners, tools, turns

Row = Mapping[Any, Any]

OWN_COLUMNS = ("termination", "turns", "tools")
"""Fields of a record that are not columns of `calls`."""
PLAIN_FIELDS = tuple(name for name in CallRecord.__struct_fields__ if name not in OWN_COLUMNS)
SUMMARY_FIELDS = tuple(name for name in CallSummary.__struct_fields__ if name not in OWN_COLUMNS)

TURN_COUNT = select(func.count()).where(turns.c.call == calls.c.id).correlate(calls).scalar_subquery()
TOOL_COUNT = select(func.count()).where(tools.c.call == calls.c.id).correlate(calls).scalar_subquery()

UNFINISHED = or_(calls.c.result.is_(None), calls.c.presumed)
"""Calls that may still be written: running, or presumed to have died with their process."""


def row_of(record: CallRecord, end: Termination | None, owner: str) -> dict[str, Any]:
    """A row of `calls`."""
    return {
        **{name: getattr(record, name) for name in PLAIN_FIELDS},
        "result": end and end.result,
        "ended_by": end and end.by,
        "reason": end and end.reason,
        "presumed": False,
        "owner": owner,
    }


def termination_of(row: Row) -> Termination | None:
    return None if row["result"] is None else Termination(row["result"], row["ended_by"], row["reason"])


def owner_of(row: Row) -> Owner | None:
    """Who ran the call, from a row joined with `owners`; None if nothing is known of it."""
    return None if row["pid"] is None else Owner(row["owner"], row["host"], row["pid"], row["born"])


async def read_record(connection: AsyncConnection, row: Row) -> CallRecord:
    """The whole record that *row* of `calls` begins."""
    plain = {name: row[name] for name in PLAIN_FIELDS}
    return CallRecord(
        **plain,
        termination=termination_of(row),
        turns=[Turn(**part) for part in await parts(connection, turns, row["id"])],
        tools=[ToolUse(**part) for part in await parts(connection, tools, row["id"])],
    )


async def parts(connection: AsyncConnection, table: Table, call: str) -> list[dict[str, Any]]:
    """The rows of one call in `turns` or `tools`, in order, without the columns that hang them there."""
    wanted = [column for column in table.c if column.name not in ("call", "position")]
    rows = await connection.execute(select(*wanted).where(table.c.call == call).order_by(table.c.position))
    return [dict(row) for row in rows.mappings()]


async def read_summaries(
    connection: AsyncConnection,
    wanted: Sequence[ColumnElement[bool]],
    order: Sequence[UnaryExpression[Any]],
    limit: int,
) -> list[CallSummary]:
    counted = select(calls, TURN_COUNT.label("turn_count"), TOOL_COUNT.label("tool_count"))
    rows = await connection.execute(counted.where(*wanted).order_by(*order).limit(limit))
    return [
        CallSummary(
            **{name: row[name] for name in SUMMARY_FIELDS},
            termination=termination_of(row),
            turns=row["turn_count"],
            tools=row["tool_count"],
        )
        for row in rows.mappings()
    ]


async def write_record(connection: AsyncConnection, record: CallRecord, end: Termination | None, owner: str) -> bool:
    """Write a record whole, in the transaction of *connection*. False, and nothing written, if the call has ended."""
    row = row_of(record, end, owner)
    written = await connection.execute(update(calls).where(calls.c.id == record.id, UNFINISHED).values(row))
    if written.rowcount == 0:
        if await connection.scalar(select(calls.c.id).where(calls.c.id == record.id)):
            return False
        await connection.execute(insert(calls).values(row))
    entries: tuple[tuple[Table, Sequence[msgspec.Struct]], ...] = ((turns, record.turns), (tools, record.tools))
    for table, structs in entries:
        await connection.execute(delete(table).where(table.c.call == record.id))
        rows = [{"call": record.id, "position": n, **msgspec.structs.asdict(part)} for n, part in enumerate(structs)]
        if rows:
            await connection.execute(insert(table), rows)
    return True


async def presume_dead(connection: AsyncConnection, row: Row) -> bool:
    """End an abandoned call as `PROCESS_DIED`. False if its owner came back to it since *row* was read."""
    seen_at: datetime | None = row["seen_at"]
    end = {
        "result": PROCESS_DIED.result,
        "ended_by": PROCESS_DIED.by,
        "reason": PROCESS_DIED.reason,
        "presumed": True,
        "duration": last_sign_of_life(row["started_at"], row["duration"], seen_at),
        "notes": [*row["notes"], PROCESS_DIED_NOTE],
    }
    same = (calls.c.id == row["id"], calls.c.owner == row["owner"], calls.c.result.is_(None))
    return (await connection.execute(update(calls).where(*same).values(end))).rowcount == 1


async def abandoned_candidates(connection: AsyncConnection, owner: str) -> list[Row]:
    """Running calls of other processes, joined with what is known of those."""
    known = select(calls, owners.c.host, owners.c.pid, owners.c.born, owners.c.seen_at)
    joined = known.outerjoin(owners, calls.c.owner == owners.c.id)
    rows = await connection.execute(joined.where(calls.c.result.is_(None), calls.c.owner != owner))
    return list(rows.mappings())
