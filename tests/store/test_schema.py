"""The tables: complete, valid in both databases, and with times that sort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from telephony.records import AuditRow, CallRecord, ToolUse, Turn
from telephony.store import schema
from telephony.store.rows import PLAIN_FIELDS


def test_every_field_of_a_record_has_its_column() -> None:
    """If this fails after a field was added: add the column, raise `VERSION`, and write the step between the two."""
    parts = {"call", "position"}
    assert {column.name for column in schema.turns.c} - parts == set(Turn.__struct_fields__)
    assert {column.name for column in schema.tools.c} - parts == set(ToolUse.__struct_fields__)
    assert {column.name for column in schema.audits.c} == set(AuditRow.__struct_fields__)
    ours = {"result", "ended_by", "reason", "presumed", "owner"}
    assert {column.name for column in schema.calls.c} - ours == set(PLAIN_FIELDS)
    assert set(PLAIN_FIELDS) | {"termination", "turns", "tools"} == set(CallRecord.__struct_fields__)


def test_the_schema_is_valid_for_postgres_too() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in schema.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table, if_not_exists=True).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect))


def test_times_sort_as_text_and_keep_their_microseconds() -> None:
    moment, sqlite_dialect = schema.Moment(), sqlite.dialect()
    times = [datetime(2026, 1, 1, 12, 0, 0, n, tzinfo=UTC) for n in (0, 1, 999_999)]
    texts = [moment.process_bind_param(time, sqlite_dialect) for time in times]
    assert texts == sorted(texts)
    assert [moment.process_result_value(text, sqlite_dialect) for text in texts] == times


def test_a_time_elsewhere_is_stored_as_utc_and_one_of_nowhere_is_taken_for_utc() -> None:
    moment, sqlite_dialect = schema.Moment(), sqlite.dialect()
    in_berlin = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    naive = datetime(2026, 7, 1, 12)  # noqa: DTZ001
    noon = "2026-07-01T12:00:00.000000Z"
    assert [moment.process_bind_param(time, sqlite_dialect) for time in (in_berlin, naive)] == [noon, noon]


def test_an_unknown_time_stays_unknown() -> None:
    moment = schema.Moment()
    for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]
        assert moment.process_result_value(moment.process_bind_param(None, dialect), dialect) is None
