"""Calls that are to be forgotten, inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from telephony.store.base import Summaries
from telephony.store.rows import read_summaries
from telephony.store.schema import audits, calls, intents, journals, tools, turns


def ended(connection: Connection, limit: int, before: datetime | None, number: str, files: bool) -> Summaries:
    """See `CallStore.ended`."""
    wanted: list[ColumnElement[bool]] = [calls.c.result.is_not(None)]
    if before is not None:
        wanted.append(calls.c.started_at < before)
    if number:
        wanted.append(or_(calls.c.from_number == number, calls.c.to_number == number))
    if files:
        wanted.append(or_(calls.c.recording != "", calls.c.cassette != ""))
    return read_summaries(connection, wanted, (calls.c.started_at.asc(), calls.c.id.asc()), limit)


def drop_files(connection: Connection, ids: Collection[str]) -> None:
    """See `CallStore.drop_files`."""
    connection.execute(update(calls).where(calls.c.id.in_(ids)).values(recording="", cassette=""))


def erase(connection: Connection, ids: Collection[str]) -> int:
    """See `CallStore.erase`. What a call is made of is deleted by name: SQLite only cascades where it is told to."""
    over = (calls.c.id.in_(ids), calls.c.result.is_not(None))
    found = connection.execute(select(calls.c.id, calls.c.carrier_call_id).where(*over)).all()
    known = [call for call, _ in found]
    for table in (turns, tools, journals):
        connection.execute(delete(table).where(table.c.call.in_(known)))
    connection.execute(delete(audits).where(audits.c.call_id.in_([each for pair in found for each in pair])))
    connection.execute(delete(calls).where(calls.c.id.in_(known)))
    return len(known)


def erase_requests(connection: Connection, before: datetime | None, number: str) -> int:
    """See `CallStore.erase_requests`; of calls that were asked of us, those that are over."""
    if before is None and not number:
        raise ValueError("erase_requests needs a time or a number: it would delete everything")
    asked: list[ColumnElement[bool]] = []
    ordered: list[ColumnElement[bool]] = [intents.c.state.not_in(("placing", "placed", "ringing", "in-progress"))]
    if before is not None:
        asked.append(audits.c.at < before)
        ordered.append(intents.c.created_at < before)
    if number:
        asked.append(audits.c.number == number)
        ordered.append(intents.c.to_number == number)
    gone = connection.execute(delete(audits).where(*asked)).rowcount
    return gone + connection.execute(delete(intents).where(*ordered)).rowcount
