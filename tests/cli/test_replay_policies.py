"""`telephony replay` with a caller who calls again, and with an explanation of the pauses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsals import rehearse
from terminals import Telephony

REPLIES = [
    {"on": "greeting", "say": "Thanks for calling."},
    {"on": "speech", "hears": "Where is it?", "call": {"name": "lookup_order"}},
    {"on": "tool", "say": "On Thursday."},
    {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
]
STEPS = [{"wait": "agent"}, {"say": "Where is it?"}, {"wait": "agent"}, {"say": "Bye."}, {"wait": "end"}]


@pytest.fixture
def call(folder: Path) -> Path:
    """A caller waits four seconds for a function that says nothing."""
    lines: list[bytes] = []
    slow = {"lookup_order": lambda _: (4.0, {"due": "Thursday"})}
    rehearse(STEPS, REPLIES, tools=slow, record=lines.append)
    path = folder / "slow-lookup.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def test_why_names_the_cause_of_a_pause_and_shows_where_time_went(telephony: Telephony, call: Path) -> None:
    result = telephony("replay", str(call), "--why")
    assert result.code == 0
    assert "tool lookup_order took 4.0 s and has no `say`" in result.said
    assert "seconds until the agent was heard" in result.said


def test_why_says_so_if_there_is_nothing_to_say(telephony: Telephony, folder: Path) -> None:
    lines: list[bytes] = []
    quick = {"lookup_order": lambda _: (0.1, {"due": "Thursday"})}
    rehearse(STEPS, REPLIES, tools=quick, record=lines.append)
    (folder / "well.jsonl").write_bytes(b"".join(lines))
    assert "nothing that a caller will have minded" in telephony("replay", "well.jsonl", "--why").said


def test_the_caller_gets_through_the_same_call_again(telephony: Telephony, call: Path) -> None:
    result = telephony("replay", str(call), "--policy", "reactive")
    assert result.code == 0
    assert "completed" in result.out
    assert "lookup_order() → ok after 4.01 s" in result.out  # nobody has a transcript of it but we
    assert "completed: agent hung up" in result.out
    twice = [json.loads(telephony("replay", str(call), "--policy", "reactive", "--json").out) for _ in range(2)]
    assert twice[0]["calls"][0]["digest"] == twice[1]["calls"][0]["digest"] != ""


def test_the_caller_gets_through_a_call_in_which_the_model_says_other_things(
    telephony: Telephony, folder: Path, call: Path
) -> None:
    longer = {"on": "greeting", "say": "Thanks for calling Acme, the shop for everything, open from nine to five. " * 2}
    (folder / "changed.json").write_text(json.dumps({"model": {"replies": [longer, *REPLIES[1:]]}}))
    changed = "changed.json"  # YAML holds all of JSON
    result = telephony("replay", str(call), "--policy", "reactive", "--script", changed, "--json")
    assert result.code == 0, result
    (entry,) = json.loads(result.out)["calls"]
    assert [use["name"] for use in entry["record"]["tools"]] == ["lookup_order", "hang_up"]


def test_what_does_not_work_out_is_told(telephony: Telephony, folder: Path, call: Path) -> None:
    (folder / "short.json").write_text(json.dumps({"model": {"replies": [*REPLIES[:1], REPLIES[3]]}}))
    result = telephony("replay", str(call), "--policy", "reactive", "--script", "short.json")
    assert result.code == 1
    assert "did not work out" in result.out
    assert "The caller: " in result.out


def test_a_script_that_refuses_is_refused(telephony: Telephony, folder: Path, call: Path) -> None:
    (folder / "refuse.json").write_text(json.dumps({"model": {"replies": REPLIES, "refuse": 429}}))
    result = telephony("replay", str(call), "--policy", "reactive", "--script", "refuse.json")
    assert result.code == 2
    assert "refuse.json: model.refuse: a reactive replay has no handshake to refuse." in result.errors


def test_a_call_that_nobody_recorded_is_not_accepted_in_place_of_one(telephony: Telephony, call: Path) -> None:
    before = call.read_bytes()
    result = telephony("replay", str(call), "--policy", "reactive", "--bless")
    assert result.code == 2
    assert "--bless" in result.said
    assert call.read_bytes() == before


@pytest.mark.parametrize("policy", ["strict", "semantic"])
def test_a_script_is_for_a_simulated_model(telephony: Telephony, folder: Path, call: Path, policy: str) -> None:
    (folder / "any.json").write_text(json.dumps({"model": {"replies": REPLIES}}))
    result = telephony("replay", str(call), "--policy", policy, "--script", "any.json")
    assert result.code == 2
    assert "--policy reactive" in result.errors
