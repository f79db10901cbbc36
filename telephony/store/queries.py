"""What the SQL store does in one transaction each. Blocking: `SqlStore` runs these in its threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Integer, and_, delete, func, insert, or_, select, update

from telephony.records import CallRecord
from telephony.store.base import (
    PROCESS_DIED,
    PROCESS_DIED_NOTE,
    CallFilter,
    Position,
    Summaries,
    ambiguous,
    last_sign_of_life,
)
from telephony.store.migration import create_table
from telephony.store.owner import Owner
from telephony.store.rows import Row, read_record, read_summaries
from telephony.store.schema import RUNNING, VERSION, calls, metadata, owners, schema_version

OWNERS_KEPT = timedelta(days=1)
"""How long a process is remembered that has no running call left."""


# -- the schema ----------------------------------------------------------------------------------------------------


def version_of(connection: Connection) -> int | None:
    """The version of the schema that is there; None if there is none."""
    if not connection.dialect.has_table(connection, schema_version.name):
        return None
    return connection.scalar(select(schema_version.c.version))


def create(connection: Connection) -> None:
    """Several processes may do this at once on a new database; whoever comes late finds everything there."""
    for table in metadata.sorted_tables:
        create_table(connection, table)
    if connection.scalar(select(schema_version.c.version)) is None:
        connection.execute(insert(schema_version).values(one=1, version=VERSION))


# -- finding -------------------------------------------------------------------------------------------------------


def find(connection: Connection, wanted: str) -> CallRecord | None:
    """See `CallStore.get`."""
    exact, carriers = calls.c.id == wanted, calls.c.carrier_call_id == wanted
    partly = (calls.c.id.startswith(wanted, autoescape=True), calls.c.id.endswith(wanted, autoescape=True))
    matching = select(calls).where(or_(exact, carriers, *partly))
    # The latest of those to which a carrier gave the same id, should one ever do that.
    best_first = matching.order_by(exact.desc(), carriers.desc(), calls.c.started_at.desc())
    rows = connection.execute(best_first.limit(2)).mappings().all()
    if len(rows) > 1 and wanted not in (rows[0]["id"], rows[0]["carrier_call_id"]):
        raise ambiguous(wanted, rows[0]["id"], rows[1]["id"])
    return read_record(connection, rows[0]) if rows else None


def page(connection: Connection, limit: int, before: Position | None, where: CallFilter) -> Summaries:
    """See `CallStore.list`."""
    wanted = list(conditions(where))
    if before is not None:
        same_moment = and_(calls.c.started_at == before.started_at, calls.c.id < before.id)
        wanted.append(or_(calls.c.started_at < before.started_at, same_moment))
    return read_summaries(connection, wanted, (calls.c.started_at.desc(), calls.c.id.desc()), limit)


def conditions(where: CallFilter) -> Iterator[ColumnElement[bool]]:
    """What must hold of a row that is wanted."""
    if where.agent is not None:
        yield calls.c.agent == where.agent
    if where.number is not None:
        yield or_(calls.c.from_number == where.number, calls.c.to_number == where.number)
    if where.direction is not None:
        yield calls.c.direction == where.direction
    if where.state is not None:
        yield RUNNING if where.state == "running" else calls.c.result == where.state
    if where.since is not None:
        yield calls.c.started_at >= where.since
    if where.until is not None:
        yield calls.c.started_at < where.until
    if where.problems:
        found = func.json_array_length(calls.c.findings, type_=Integer) > 0
        yield or_(calls.c.result != "completed", found)


# -- leases and abandoned calls ------------------------------------------------------------------------------------


def renew(connection: Connection, owner: Owner, now: datetime) -> None:
    """See `CallStore.renew`."""
    own = {"host": owner.host, "pid": owner.pid, "born": owner.born, "seen_at": now}
    if connection.execute(update(owners).where(owners.c.id == owner.id).values(own)).rowcount == 0:
        connection.execute(insert(owners).values(id=owner.id, **own))


def running_elsewhere(connection: Connection, owner: str) -> list[Row]:
    """Running calls of other processes, joined with what is known of those."""
    known = select(calls, owners.c.host, owners.c.pid, owners.c.born, owners.c.seen_at)
    joined = known.outerjoin(owners, calls.c.owner == owners.c.id)
    return list(connection.execute(joined.where(calls.c.result.is_(None), calls.c.owner != owner)).mappings())


def owner_of(row: Row) -> Owner | None:
    """Who ran the call, from a row of `running_elsewhere`; None if nothing is known of it."""
    return None if row["pid"] is None else Owner(row["owner"], row["host"], row["pid"], row["born"])


def close_abandoned(connection: Connection, abandoned: list[Row], now: datetime) -> Summaries:
    """End calls of `running_elsewhere` as `PROCESS_DIED`; return those that nobody else came to since."""
    closed = [row["id"] for row in abandoned if _presume_dead(connection, row)]
    running = select(calls.c.owner).where(calls.c.result.is_(None))
    connection.execute(delete(owners).where(owners.c.seen_at < now - OWNERS_KEPT, owners.c.id.not_in(running)))
    oldest_first = (calls.c.started_at.asc(), calls.c.id.asc())
    return read_summaries(connection, [calls.c.id.in_(closed)], oldest_first, len(closed))


def _presume_dead(connection: Connection, row: Row) -> bool:
    end = {
        "result": PROCESS_DIED.result,
        "ended_by": PROCESS_DIED.by,
        "reason": PROCESS_DIED.reason,
        "presumed": True,
        "duration": last_sign_of_life(row["started_at"], row["duration"], row["seen_at"]),
        "notes": [*row["notes"], PROCESS_DIED_NOTE],
    }
    unchanged = (calls.c.id == row["id"], calls.c.owner == row["owner"], calls.c.result.is_(None))
    return connection.execute(update(calls).where(*unchanged).values(end)).rowcount == 1
