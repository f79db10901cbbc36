"""Whom agents asked for, in a terminal: a stranger's words are shown and never acted on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console, ConsoleRenderable

from telephony.records import AuditRow
from telephony.show_audit import LONGEST_TARGET, audits_table, intents_table
from telephony.store.intents import Intent

AT = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


def printed(*rows: AuditRow | Intent, table: Callable[..., ConsoleRenderable] = audits_table) -> list[str]:
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(table(rows))
    return [line.rstrip() for line in captured.get().splitlines()[1:]]


def test_a_line_says_when_who_what_and_whether() -> None:
    allowed = AuditRow("1", AT, "CA0123456789", "desk", "transfer", "sales", "allowed", None, "+14155552671")
    refused = AuditRow("2", AT, "20261122-4f2a9c", "desk", "sms", "", "refused", "do_not_call")
    assert [line.split() for line in printed(allowed, refused)] == [
        ["11-22", "12:00:05", "23456789", "desk", "transfer", "sales", "+14155552671"],
        ["11-22", "12:00:05", "2-4f2a9c", "desk", "sms", "(nothing)", "refused:", "do", "not", "call"],
    ]


def test_what_was_asked_for_is_shown_as_it_is_and_on_one_line() -> None:
    wanted = "[red]\x1b[2J\u202e+1\n900" + "9" * 100
    (line,) = printed(AuditRow("1", AT, "CA1", "desk", "dial", wanted, "refused", "unclear"))
    assert "dial [red][2J+1 9009" in line
    assert "9" * LONGEST_TARGET not in line
    assert line.endswith("refused: unclear")


def test_a_call_that_was_asked_for_says_how_it_went() -> None:
    rings = Intent("order-1", "+15550177", "+15550100", "desk", "ringing", "CA0123456789", created_at=AT)
    failed = Intent("order-\x1b[2J2", "+15550178", "+15550100", "desk", "failed", "", "", "[red]SIP 404", AT)
    machine = Intent("order-3", "+15550179", "+15550100", "desk", "completed", "CA2", "machine", "", None)
    assert [line.split() for line in printed(rings, failed, machine, table=intents_table)] == [
        ["11-22", "12:00:05", "order-1", "23456789", "desk", "+15550177", "ringing"],
        ["11-22", "12:00:05", "order-[2J2", "desk", "+15550178", "failed:", "[red]SIP", "404"],
        ["order-3", "CA2", "desk", "+15550179", "completed:", "machine"],
    ]
