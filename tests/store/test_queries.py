"""Creating, finding by index, and forgetting processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from telephony.records import CallRecord
from telephony.store.owner import Owner
from telephony.store.sql import SqlStore


def test_many_processes_can_create_one_database_at_once(database: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from telephony.store.sql import SqlStore\n"
        "async def main():\n"
        "    store = SqlStore(sys.argv[1], busy=40, patience=45)\n"
        "    sys.stdin.readline()\n"
        "    await store.open(); await store.close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{database}"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]  # noqa: S603
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    endings = [process.communicate(timeout=50) for process in processes]
    assert [err.decode()[-300:] for _, err in endings] == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4


async def test_a_list_is_read_from_an_index(database: Path, store: SqlStore) -> None:
    with closing(sqlite3.connect(database)) as db:
        plans = [
            db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM calls {rest} LIMIT 50").fetchall()  # noqa: S608
            for rest in (
                "ORDER BY started_at DESC, id DESC",
                "WHERE agent = 'x' ORDER BY started_at DESC, id DESC",
                "WHERE carrier_call_id = 'x'",
                "WHERE result IS NULL AND owner != 'x'",
            )
        ]
    for plan in plans:
        text = " ".join(row[3] for row in plan)
        assert "INDEX" in text
        assert "TEMP B-TREE" not in text


async def test_long_gone_processes_are_forgotten_unless_a_call_of_theirs_still_runs(
    database: Path, store: SqlStore, running: CallRecord, ended: CallRecord
) -> None:
    idle = SqlStore(f"sqlite:///{database}", owner=Owner("idle", "another host", 1, "1"))
    busy = SqlStore(f"sqlite:///{database}", owner=msgspec.structs.replace(Owner.current(), id="busy"))
    for other in (idle, busy):
        await other.open()
    await idle.finish(ended)
    await busy.begin(msgspec.structs.replace(running, id="call-2"))
    await store.recover(datetime.now(UTC) + timedelta(days=2))
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT id FROM owners").fetchall() == [("busy",)]
    for other in (idle, busy):
        await other.close()
