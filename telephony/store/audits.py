"""Rows of requests to call or text somebody, inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, insert, select, text, update

from telephony.records import COUNTED_WITH, AuditRow
from telephony.store.base import AuditRows
from telephony.store.schema import audits


def write_audit(connection: Connection, row: AuditRow) -> None:
    """See `CallStore.audit`."""
    values = msgspec.structs.asdict(row)
    if connection.execute(update(audits).where(audits.c.id == row.id).values(values)).rowcount == 0:
        connection.execute(insert(audits).values(values))


def admit(connection: Connection, row: AuditRow, most: int, since: datetime) -> int:
    """See `CallStore.admit`."""
    if connection.dialect.name == "postgresql":
        # SQLite has one writer at a time; here two that count at once would both find room for one.
        connection.execute(text("LOCK TABLE audits IN SHARE ROW EXCLUSIVE MODE"))
    together = (audits.c.verdict == "allowed", audits.c.use.in_(COUNTED_WITH[row.use]), audits.c.at > since)
    counted = connection.scalar(select(func.count()).where(*together, audits.c.id != row.id)) or 0
    if counted < most and connection.scalar(select(audits.c.id).where(audits.c.id == row.id)) is None:
        connection.execute(insert(audits).values(msgspec.structs.asdict(row)))
    return counted


def read_audits(connection: Connection, limit: int, calls: Collection[str] | None) -> AuditRows:
    """See `CallStore.audits`."""
    wanted = select(audits).order_by(audits.c.at.desc(), audits.c.id.desc()).limit(limit)
    if calls is not None:
        wanted = wanted.where(audits.c.call_id.in_(calls))
    return [AuditRow(**row) for row in connection.execute(wanted).mappings()]
