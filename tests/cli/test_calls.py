"""`telephony calls`: what the records say, and what is said when there are none to read."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from telephony.records import AuditRow, CallRecord, Finding, Termination, Turn
from telephony.store.intents import Intent
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents
from terminals import Telephony

SILENT = Finding(0.5, 2.5, "pause", "vad_slow", "silent 2.5 s: the model took 2.1 s to notice")
IDS = ["20261122-120000-aaaaaa", "20261122-120100-bbbbbb"]


@pytest.fixture
def kept(telephony: Telephony) -> Telephony:
    """The console, in a folder with two calls on record."""

    async def keep() -> None:
        store = SqlStore("sqlite:///telephony.db")
        await store.open()
        for minute, (call, agent) in enumerate(zip(IDS, ("desk", "night"), strict=True)):
            record = CallRecord(call, "twilio", f"CA{minute}", agent, "+15550142", "+15550100", duration=2.0)
            record.started_at = datetime(2026, 11, 22, 12, minute, tzinfo=UTC)
            await store.begin(record)
            record.turns = [Turn("agent", "Good [bold]day[/bold].", "Sir.", interrupted=True)]
            record.termination = Termination("completed", "caller", "caller hung up")
            record.findings = [SILENT] if agent == "desk" else []
            await store.finish(record)
            at = record.started_at
            await store.audit(AuditRow(agent, at, f"CA{minute}", agent, "transfer", "911", "refused", "emergency"))
        await store.audit(AuditRow("x", at, "nobody's", "", "dial", "sales", "allowed", None, "+14155552671"))
        intents = SqlIntents(store)
        for number in (1, 2):
            order = Intent(f"order-{number}", "+15550177", "+15550100", "desk", metadata={"order": f"A-{number}"})
            await intents.add(msgspec.structs.replace(order, created_at=record.started_at.replace(second=number)))
        await intents.advance("order-2", "failed", reason="SIP 404")
        await store.close()

    asyncio.run(keep())
    return telephony


def test_calls_are_listed_newest_first(kept: Telephony) -> None:
    lines = kept("calls", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["bbbbbb", "aaaaaa"]
    assert [call["id"] for call in json.loads(kept("calls", "list", "--json").out)] == IDS[::-1]
    assert [call["id"] for call in json.loads(kept("calls", "list", "--json", "-n", "1").out)] == IDS[1:]
    assert [call["id"] for call in json.loads(kept("calls", "list", "--json", "--agent", "desk").out)] == IDS[:1]


def test_calls_with_problems_are_marked_and_can_be_had_alone(kept: Telephony) -> None:
    head, night, desk = kept("calls", "list").out.splitlines()
    assert (night[head.index("!")], desk[head.index("!")]) == (" ", "1")
    assert [call["id"] for call in json.loads(kept("calls", "list", "--json", "--problems").out)] == IDS[:1]
    assert kept("calls", "list", "--problems", "--agent", "night").out == "No such calls.\n"


def test_the_page_of_a_call_says_why_it_paused(kept: Telephony) -> None:
    lines = [line.strip() for line in kept("calls", "show", IDS[0]).out.splitlines()]
    assert lines[lines.index("Why it paused") + 1] == "0:00.5  silent 2.5 s: the model took 2.1 s to notice"
    assert "Why it paused" not in kept("calls", "show", IDS[1]).out
    assert json.loads(kept("calls", "show", IDS[0], "--json").out)["findings"][0]["cause"] == "vad_slow"


@pytest.mark.parametrize("wanted", [IDS[0], "20261122-1200", "aaaaaa", "CA0"])
def test_call_is_found_by_its_id_either_end_of_it_or_the_carrier_s(kept: Telephony, wanted: str) -> None:
    shown = json.loads(kept("calls", "show", wanted, "--json").out)
    assert shown["id"] == IDS[0]
    assert shown["turns"][0]["unheard"] == "Sir."
    page = kept("calls", "show", wanted).out
    assert "Good [bold]day[/bold]. [Sir.] ✂ interrupted" in page
    assert "completed: caller hung up" in page


def test_no_calls_yet_is_no_error(telephony: Telephony) -> None:
    async def prepare() -> None:
        store = SqlStore("sqlite:///telephony.db")
        await store.open()
        await store.close()

    asyncio.run(prepare())
    assert telephony("calls", "list").out == "No calls yet.\n"
    assert json.loads(telephony("calls", "list", "--json").out) == []


def test_looking_where_no_calls_were_taken_makes_no_database(telephony: Telephony) -> None:
    told = f"No calls yet: there is no database at {Path('telephony.db').absolute()}.\n"
    listed = telephony("calls", "list")
    assert (listed.code, listed.out) == (0, told)
    assert json.loads(telephony("calls", "list", "--json").out) == []
    shown = telephony("calls", "show", "x")
    assert (shown.code, shown.errors) == (1, told)
    assert list(Path().iterdir()) == []


def test_unknown_call_is_a_failure_that_names_the_way_on(kept: Telephony) -> None:
    said = kept("calls", "show", "nosuch")
    assert (said.code, said.out) == (1, "")
    assert said.errors == "There is no call 'nosuch'. `telephony calls list` shows which there are.\n"


@pytest.mark.parametrize("command", [["list"], ["show", "x"], ["audit"]], ids=["list", "show", "audit"])
def test_file_that_is_no_database_is_a_mistake_of_the_configuration(telephony: Telephony, command: list[str]) -> None:
    Path("telephony.db").write_text("Dear diary, " * 100, encoding="utf-8")
    said = telephony("calls", *command)
    assert said.code == 2
    assert said.errors.startswith("error database_url: telephony.db is not an SQLite database.")


@pytest.mark.parametrize("command", [["list"], ["show", "x"], ["audit"]], ids=["list", "show", "audit"])
def test_broken_database_is_told_in_words(kept: Telephony, command: list[str]) -> None:
    database = Path("telephony.db")
    whole = database.read_bytes()
    database.write_bytes(whole[:100] + b"\x55" * (len(whole) - 100))
    said = kept("calls", *command)
    assert (said.code, said.out) == (75, "")
    assert said.errors.startswith("the call records cannot be read: ")


def test_whom_agents_asked_for_is_listed_of_all_calls_or_of_one(kept: Telephony) -> None:
    def calls(*more: str) -> list[str]:
        return [row["call_id"] for row in json.loads(kept("calls", "audit", *more, "--json").out)]

    assert calls() == ["nobody's", "CA1", "CA0"]
    assert calls("-n", "1") == ["nobody's"]
    assert calls("aaaaaa") == calls("CA0") == calls(IDS[0]) == ["CA0"]
    assert calls("nobody's") == ["nobody's"]
    assert calls("nosuch") == []
    head, newest, *_ = kept("calls", "audit").out.splitlines()
    assert head.split() == ["at", "UTC", "call", "agent", "wanted", "verdict"]
    assert newest.split() == ["11-22", "12:01:00", "nobody's", "dial", "sales", "+14155552671"]
    assert kept("calls", "audit", "nosuch").out == "Nobody was asked for.\n"


def test_nobody_asked_for_where_no_calls_were_taken(telephony: Telephony) -> None:
    assert telephony("calls", "audit").out.startswith("No calls yet: there is no database at ")
    assert telephony("calls", "audit", "--json").out == "[]\n"


def test_a_number_is_erased_when_it_was_asked_about(kept: Telephony, folder: Path) -> None:
    (folder / "recordings").mkdir()
    (folder / "recordings" / f"{IDS[0]}.wav").touch()
    assert kept("calls", "erase", "+1 555 0143", "--yes").out == "0 calls, 0 files and 0 requests deleted.\n"
    assert kept("calls", "erase", "+1 555 0142", "--yes").out == "2 calls, 1 files and 0 requests deleted.\n"
    assert kept("calls", "list").out == "No calls yet.\n"
    assert [row["call_id"] for row in json.loads(kept("calls", "audit", "--json").out)] == ["nobody's"]


def test_nothing_is_erased_unasked_or_by_mistake(kept: Telephony, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert kept("calls", "erase", "+15550142").code != 0
    typed = kept("calls", "erase", "frontdesk", "--yes")
    assert typed.code == 2
    assert "is no phone number" in typed.said
    assert len(json.loads(kept("calls", "list", "--json").out)) == 2


def test_calls_that_were_asked_for_are_listed_as_the_api_shows_them(kept: Telephony) -> None:
    newest, oldest = json.loads(kept("calls", "orders", "--json").out)
    assert (newest["id"], newest["to"], newest["state"], newest["reason"]) == (
        "order-2",
        "+15550177",
        "failed",
        "SIP 404",
    )
    assert (oldest["state"], oldest["call_id"], oldest["metadata"]) == ("placing", None, {"order": "A-1"})
    assert [call["id"] for call in json.loads(kept("calls", "orders", "--json", "-n", "1").out)] == ["order-2"]
    head, line, _ = kept("calls", "orders").out.splitlines()
    assert head.split() == ["at", "UTC", "key", "call", "agent", "to", "state"]
    assert line.split() == ["11-22", "12:01:02", "order-2", "desk", "+15550177", "failed:", "SIP", "404"]


def test_where_no_call_was_asked_for_none_is_listed(telephony: Telephony) -> None:
    assert telephony("calls", "orders").out.startswith("No calls yet: there is no database at ")
    assert telephony("calls", "orders", "--json").out == "[]\n"
