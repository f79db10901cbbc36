"""`telephony replay`: what is told of calls that are the same, that differ, and of files that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import tapes
from telephony.conversation.machine import Conversation
from terminals import Telephony


@pytest.fixture
def calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two calls, of which one differs; in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    tapes.put(folder / "calls" / "same.jsonl", tapes.call())
    tapes.put(folder / "calls" / "truncate.jsonl", tapes.truncated_later())
    return folder / "calls"


@pytest.mark.usefixtures("calls")
def test_a_call_that_is_the_same_is_one_line(telephony: Telephony) -> None:
    said = telephony("replay", "calls/same.jsonl")
    assert said.code == 0
    line, summary = said.out.splitlines()
    assert line.split() == ["calls/same.jsonl", "0:13", "8", "turns", "same"]
    assert summary.startswith("1 call, 1 the same; 13 s of calls in ")


@pytest.mark.usefixtures("calls")
def test_the_first_divergence_is_shown_in_context(telephony: Telephony) -> None:
    said = telephony("replay", "calls")
    assert said.code == 1
    assert max(map(len, said.out.splitlines())) <= 80
    assert "calls/truncate.jsonl     0:13    8 turns  differs at 0:07.0" in said.out
    assert f"then came in, at 0:07.0 in line {tapes.interrupted_at()}" in said.out
    assert "input_audio_buffer.speech_started" in said.out
    assert tapes.told_later() in said.out
    for row in (
        "carrier ◀ us            7 frames of the agent's audio, 0.62 s",
        "carrier ▶ us            33 frames of the caller's audio, 0.66 s",
        "        us ◀ model    16 frames of the agent's audio, 6.48 s",
        "        us ◀ model    transcript.done “It was shipped on",
    ):
        assert row in said.out
    assert " mark " not in said.out
    assert "timer" not in said.out
    assert f"1 of {tapes.replayed(tapes.call()).steps} steps go out differently" in said.out
    assert "2 calls, 1 the same, 1 differs; 26 s of calls in " in said.out


@pytest.mark.usefixtures("calls")
def test_patterns_are_taken_and_a_place_with_nothing_is_an_error(telephony: Telephony) -> None:
    assert telephony("replay", "calls/s*").code == 0
    said = telephony("replay", "nowhere")
    assert (said.code, said.out) == (2, "")
    assert "nowhere: there is no recorded call" in said.errors


@pytest.mark.usefixtures("calls")
def test_by_another_policy_another_thing_is_the_same(telephony: Telephony) -> None:
    assert telephony("replay", "calls", "--policy", "semantic").code == 0
    said = telephony("replay", "calls", "--policy", "lax")
    assert said.code == 2
    assert "there are strict, semantic" in " ".join(said.errors.split())


def test_a_file_that_is_none_does_not_keep_the_others(calls: Path, telephony: Telephony) -> None:
    tapes.put(calls / "another.jsonl", (b'{"not": "ours"}\n',))
    tapes.put(calls / "broken.jsonl", tapes.torn())
    said = telephony("replay", "calls/[abs]*")
    assert said.code == 2
    assert "calls/another.jsonl: this is no cassette" in said.out
    assert "calls/broken.jsonl:51: this is no line of a cassette" in said.out
    assert "calls/same.jsonl" in said.out
    assert "1 call, 1 the same, 2 could not be replayed" in said.out


def test_a_file_without_a_call_is_no_call_that_is_the_same(calls: Path, telephony: Telephony) -> None:
    tapes.put(calls / "header.jsonl", tapes.call()[:1])
    said = telephony("replay", "calls/header.jsonl")
    assert said.code == 2
    assert "calls/header.jsonl: there is no call on it" in said.out


def test_a_recording_that_breaks_off_is_the_same_as_far_as_it_goes(calls: Path, telephony: Telephony) -> None:
    tapes.put(calls / "short.jsonl", tapes.call()[:300])
    said = telephony("replay", "calls/short.jsonl")
    assert said.code == 0
    assert said.out.splitlines()[0].endswith("1 turn   same, as far as it goes")
    told = json.loads(telephony("replay", "calls/s*", "--json").out)
    assert [entry["broken_off"] for entry in told["calls"]] == [False, True]


def test_a_mistake_of_ours_is_told_and_is_no_traceback(
    calls: Path, telephony: Telephony, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise TypeError("a [mistake]\x1b[2J")

    monkeypatch.setattr(Conversation, "handle", stumble)
    said = telephony("replay", str(calls / "same.jsonl"))
    assert said.code == 1
    assert "the replay failed here" in said.out
    assert "TypeError: a [mistake][2J" in said.out
    assert "telephony.exchange, line " in said.out
    refused = telephony("replay", str(calls / "same.jsonl"), "--bless")
    assert refused.code == 1
    assert "it cannot be accepted, for the replay failed" in " ".join(refused.out.split())


def test_json_holds_everything(calls: Path, telephony: Telephony) -> None:
    tapes.put(calls / "sound.jsonl", tapes.another_sound())
    tapes.put(calls / "torn.jsonl", tapes.torn())
    said = telephony("replay", "calls", "--json")
    assert said.code == 2
    told = json.loads(said.out)
    same, sound, torn, truncate = told["calls"]
    assert (same["same"], same["divergence"], same["agent"]) == (True, None, "test")
    assert same["about"] == "A caller asks where an order is."
    assert same["digest"] == truncate["digest"]
    assert same["record"]["turns"][0]["heard"] == "Thanks for calling."
    heard = tapes.heard_ms(tapes.call())
    (difference,) = truncate["divergence"]["differences"]
    assert difference == {"path": "audio_end_ms", "expected": heard + tapes.LATER, "got": heard}
    assert truncate["divergence"]["cause"]["msg"]["type"] == "input_audio_buffer.speech_started"
    where = f"at 7.0 s (line {tapes.interrupted_at()}) model: conversation.item.truncate differs"
    assert truncate["differences"][0].startswith(where)
    assert sound["divergence"]["audio"]["differing"] == 1
    assert torn["error"].startswith("calls/torn.jsonl:51: ")
    summary = told["summary"]
    assert (summary["calls"], summary["same"], summary["different"], summary["unreadable"]) == (3, 1, 2, 1)


def test_junit_has_a_test_case_for_each_call(calls: Path, telephony: Telephony) -> None:
    tapes.put(calls / "torn.jsonl", tapes.torn())
    assert telephony("replay", "calls", "--junit", "out/junit.xml").code == 2
    suite = ET.parse("out/junit.xml").getroot()[0]  # noqa: S314  our own
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    same, torn, truncate = suite
    assert list(same) == []
    assert torn[0].tag == "error"
    assert truncate.get("name") == "calls/truncate.jsonl"
    assert truncate[0].tag == "failure"
    assert tapes.told_later() in (truncate[0].text or "")


@pytest.mark.usefixtures("calls")
def test_a_file_for_junit_that_cannot_be_written_is_named(telephony: Telephony) -> None:
    said = telephony("replay", "calls/same.jsonl", "--junit", "calls")
    assert said.code == 2
    assert "calls cannot be written" in said.errors


# -- accepting -------------------------------------------------------------------------------------------------------


def test_what_is_new_is_shown_and_accepted(calls: Path, telephony: Telephony) -> None:
    said = telephony("replay", "calls", "--bless")
    assert said.code == 0
    assert tapes.told_later() in said.out
    assert "accepted: the file holds what goes out now" in said.out
    assert "2 calls, 1 the same, 1 accepted; 26 s of calls in " in said.out
    blessed = (calls / "truncate.jsonl").read_bytes().splitlines()
    assert blessed[1:] == [line.rstrip(b"\n") for line in tapes.call()[1:]]
    header = json.loads(blessed[0])
    assert header["about"] == "A caller asks where an order is."
    assert header["software"].startswith("telephony ")
    assert telephony("replay", "calls").code == 0
    assert sorted(path.name for path in calls.iterdir()) == ["same.jsonl", "truncate.jsonl"]


def test_nobody_accepts_by_accident(calls: Path, telephony: Telephony) -> None:
    before = (calls / "truncate.jsonl").read_bytes()
    telephony("replay", "calls")
    telephony("replay", "calls", "--json")
    assert (calls / "truncate.jsonl").read_bytes() == before


# -- another agent ---------------------------------------------------------------------------------------------------


@pytest.fixture
def changed(calls: Path, spoil: Callable[[str, str], None]) -> None:
    """A configuration whose agent `test` says something else first."""
    spoil("  desk:\n", "  test:\n    greeting: Good day.\n")
    spoil('{"*": desk}', '{"*": test}')


@pytest.mark.usefixtures("changed")
def test_a_changed_agent_takes_the_recorded_call(telephony: Telephony) -> None:
    said = telephony("replay", "calls/same.jsonl", "--config", "telephony.yaml")
    assert said.code == 1
    assert "session.update" in said.out
    assert "Be brief." in said.out


@pytest.mark.usefixtures("changed")
def test_an_accepted_agent_stands_in_the_file_from_then_on(calls: Path, telephony: Telephony) -> None:
    said = telephony("replay", "calls/same.jsonl", "--config", "telephony.yaml", "--bless")
    assert said.code == 0, said.out
    header = json.loads((calls / "same.jsonl").read_bytes().splitlines()[0])
    assert header["agent"]["greeting"] == "Good day."
    assert header["agent"]["instructions"] == "Be brief."
    assert telephony("replay", "calls/same.jsonl").code == 0


@pytest.mark.usefixtures("calls", "good")
def test_an_agent_that_is_not_there_is_named_with_those_that_are(telephony: Telephony) -> None:
    said = telephony("replay", "calls/same.jsonl", "-c", "telephony.yaml")
    assert said.code == 2
    assert "agents.test: the recorded call was this agent's, and there is none. Its agents are: desk." in said.errors
