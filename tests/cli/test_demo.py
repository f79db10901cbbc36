"""`telephony demo`: what it shows and how it exits. The demo itself: tests/test_demo.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telephony.commands import Note
from telephony.demo import Demo
from telephony.records import CallRecord, Termination, Turn

Run = Callable[[Path, Callable[[float, Note], None], Callable[[str], None]], Any]


def run_that_ends(complaints: list[str], error: Exception | None = None) -> Run:
    """A demo that has been: half a minute is too long for what is looked at here."""
    record = CallRecord(
        "20260301-120000-aaaaaa",
        "twilio",
        "CA1",
        "frontdesk",
        termination=Termination("completed", "agent", "agent hung up"),
        turns=[Turn("agent", "Hello.", ended_at=1.0)],
        recording="demo/x.wav",
    )

    async def run(folder: Path, on_note: Callable[[float, Note], None], on_stage: Callable[[str], None]) -> Demo:
        on_stage("a simulated Grok at ws://127.0.0.1:9")
        on_note(0.5, Note("info", "agent speaks"))
        if error:
            raise error
        return Demo(record, folder / "x.wav", complaints)

    return run


def test_a_demo_that_passed_exits_0_and_says_where_to_listen(telephony: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.cli.demo.run_demo", run_that_ends([]))
    typed = telephony("demo", "--out", "here")
    assert typed.code == 0
    assert "a simulated Grok" in typed.out
    assert "Hello." in typed.out
    assert "Everything that was scripted was seen, and the call replays the same." in typed.out
    assert "here/x.wav" in typed.out


def test_a_demo_that_did_not_pass_exits_1_and_says_what_was_missing(
    telephony: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.cli.demo.run_demo", run_that_ends(["There is no [bold]recording[/bold]."]))
    typed = telephony("demo")
    assert typed.code == 1
    assert "There is no [bold]recording[/bold]." in typed.out


@pytest.mark.parametrize(("complaints", "code"), [([], 0), (["nothing was heard"], 1)])
def test_json_is_one_object_and_nothing_else(
    telephony: Any, monkeypatch: pytest.MonkeyPatch, complaints: list[str], code: int
) -> None:
    monkeypatch.setattr("telephony.cli.demo.run_demo", run_that_ends(complaints))
    typed = telephony("demo", "--json")
    assert typed.code == code
    shown = json.loads(typed.out)
    assert shown["passed"] is not complaints
    assert shown["complaints"] == complaints
    assert shown["call"]["turns"][0]["heard"] == "Hello."


def test_a_demo_that_is_stuck_exits_1_and_asks_for_a_report(telephony: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.cli.demo.run_demo", run_that_ends([], TimeoutError()))
    typed = telephony("demo")
    assert typed.code == 1
    assert "got stuck" in typed.errors
