"""The tables of the SQL store.

The columns of `turns`, `tools` and `audits` are the fields of `Turn`, `ToolUse` and `AuditRow`, name for name (a test
holds them together).
They are columns and not one JSON text so that a person with a database shell can ask questions of last week's calls.
Whoever changes a table raises `VERSION` and adds the step that leads there (`migration`).

SQLAlchemy takes more than a second to import cold. Only this module and `sql` do it; import them where a store is made.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine

VERSION = 7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for "unknown": a page of calls is cut at a time, and SQL cannot compare with NULL."""


class Moment(TypeDecorator[datetime]):
    """A UTC time. SQLite has no such type: there it is ISO 8601 text of fixed width, which sorts as the times do."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        moment = value or EPOCH
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return None if moment == EPOCH else moment


metadata = MetaData()

schema_version = Table(
    "schema_version",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),  # always 1, so that there is one row
    Column("version", Integer, nullable=False),
)

owners = Table(
    "owners",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", String(64), nullable=False),
    Column("seen_at", Moment, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("carrier", String(32), nullable=False),
    Column("carrier_call_id", Text, nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("from_number", Text, nullable=False, index=True),
    Column("to_number", Text, nullable=False, index=True),
    Column("direction", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("duration", Float, nullable=False),
    Column("model", Text, nullable=False),
    Column("result", String(16)),  # NULL while the call runs, and so are the next two
    Column("ended_by", String(16)),
    Column("reason", Text),
    Column("presumed", Boolean, nullable=False),  # the end was written by somebody else, who found the process dead
    Column("usage", JSON, nullable=False),
    Column("recording", Text, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("findings", JSON, nullable=False, server_default=text("'[]'")),
    Column("cassette", Text, nullable=False, server_default=text("''")),
    Column("cost", Float, nullable=False, server_default=text("0")),
    Column("currency", String(16), nullable=False, server_default=text("''")),
    Column("owner", String(64), nullable=False),
)
Index("ix_calls_started_at_id", calls.c.started_at, calls.c.id)
Index("ix_calls_agent_started_at_id", calls.c.agent, calls.c.started_at, calls.c.id)
RUNNING = calls.c.result.is_(None)
Index("ix_calls_running", calls.c.owner, sqlite_where=RUNNING, postgresql_where=RUNNING)


def part_of_call(name: str, *columns: Column[Any]) -> Table:
    """A table of what a call is made of, in order; it goes when the call goes."""
    call = ForeignKey("calls.id", ondelete="CASCADE")
    return Table(
        name,
        metadata,
        Column("call", String(64), call, primary_key=True),
        Column("position", Integer, primary_key=True, autoincrement=False),
        *columns,
    )


turns = part_of_call(
    "turns",
    Column("speaker", String(16), nullable=False),
    Column("heard", Text, nullable=False),
    Column("unheard", Text, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("item_id", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("speech_stopped_at", Float),
    Column("response_at", Float),
    Column("first_audio_at", Float),
    Column("sent_at", Float),
    Column("vad_at", Float),
    Column("confirmed_at", Float),
)

tools = part_of_call(
    "tools",
    Column("call_id", Text, nullable=False),  # the model's id of the function call
    Column("name", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float),
)

audits = Table(
    "audits",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("call_id", Text, nullable=False, index=True),  # ours or the carrier's; a call may have no row of its own yet
    Column("agent", Text, nullable=False),
    Column("use", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("code", String(32)),
    Column("number", Text, nullable=False),
)
Index("ix_audits_at_id", audits.c.at, audits.c.id)
Index("ix_audits_verdict_use_at", audits.c.verdict, audits.c.use, audits.c.at)

intents = Table(
    "intents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("to_number", Text, nullable=False),
    Column("from_number", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("carrier_call_id", Text, nullable=False, index=True),
    Column("answered_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("metadata", JSON, nullable=False, server_default=text("'{}'")),
    Column("owner", String(64), nullable=False),
)
Index("ix_intents_state", intents.c.state)

journals = Table(
    "journals",
    metadata,
    Column("carrier_call_id", String(64), primary_key=True),
    Column("call", String(64), nullable=False, index=True),  # ours; its row may be still to come
    Column("journal", Text, nullable=False),
    Column("left", Boolean, nullable=False),  # for whoever takes it first
    Column("kept_at", Moment, nullable=False),
    Column("owner", String(64), nullable=False),
)
