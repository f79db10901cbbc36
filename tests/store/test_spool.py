"""The folder of records that wait."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from telephony.records import AuditRow, CallRecord
from telephony.store.owner import Owner
from telephony.store.spool import Spool

ELSEWHERE = Owner("there", "another host", 4711, "99")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


async def test_a_call_id_cannot_lead_out_of_the_folder(folder: Path, ended: CallRecord) -> None:
    path = Spool(folder).put(ELSEWHERE, msgspec.structs.replace(ended, id="../../etc/passwd"))
    assert path.parent == folder


def test_what_was_put_is_waiting_ended_calls_first_and_oldest_first(
    folder: Path, running: CallRecord, ended: CallRecord
) -> None:
    spool = Spool(folder)
    spool.put(ELSEWHERE, msgspec.structs.replace(running, id="r"))
    for n, call in enumerate(("b", "a")):
        os.utime(spool.put(ELSEWHERE, msgspec.structs.replace(ended, id=call)), (n, n))
    assert [(s.record.id, s.owner) for s in spool.waiting()] == [("b", ELSEWHERE), ("a", ELSEWHERE), ("r", ELSEWHERE)]


def test_the_newest_state_of_a_call_replaces_the_one_before(folder: Path, ended: CallRecord) -> None:
    spool = Spool(folder)
    spool.put(ELSEWHERE, ended)
    spool.put(ELSEWHERE, msgspec.structs.replace(ended, duration=99.0))
    assert [spooled.record.duration for spooled in spool.waiting()] == [99.0]


def test_dropping_forgets_the_call_and_twice_is_once(folder: Path, running: CallRecord, ended: CallRecord) -> None:
    spool = Spool(folder)
    spool.put(ELSEWHERE, running)
    spool.put(ELSEWHERE, ended)
    spool.drop("call-1")
    spool.drop("call-1")
    assert list(folder.iterdir()) == []


def test_a_file_half_written_by_a_crash_is_never_taken_for_a_record(folder: Path, ended: CallRecord) -> None:
    spool = Spool(folder)
    spool.put(ELSEWHERE, ended)
    (folder / ".call-2.ended.json.dead").write_text('{"owner": {"id": "de')
    assert [spooled.record.id for spooled in spool.waiting()] == ["call-1"]


def test_an_absent_folder_holds_nothing(folder: Path) -> None:
    assert list(Spool(folder).waiting()) == []


def test_requests_to_call_somebody_wait_beside_the_calls(folder: Path, ended: CallRecord) -> None:
    spool, at = Spool(folder), datetime(2026, 11, 22, tzinfo=UTC)
    row = AuditRow("../row", at, "call-1", "frontdesk", "transfer", "\ud800", "refused", "unknown")
    spool.put(ELSEWHERE, ended)
    assert spool.put_audit(ELSEWHERE, row).parent == folder
    assert list(spool.waiting_audits()) == [msgspec.structs.replace(row, target="?")]
    assert [spooled.record.id for spooled in spool.waiting()] == ["call-1"]
    spool.drop("../row")
    spool.drop_audit("call-1")
    assert len(list(folder.iterdir())) == 2
    spool.drop_audit("../row")
    spool.drop_audit("../row")
    assert list(spool.waiting_audits()) == []


def test_a_request_that_cannot_be_read_is_set_aside(folder: Path) -> None:
    folder.mkdir()
    (folder / "row.audit.json").write_text('{"id": "row"}')
    assert list(Spool(folder).waiting_audits()) == []
    assert [path.name for path in folder.iterdir()] == ["row.audit.json.broken"]
