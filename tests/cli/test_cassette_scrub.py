"""`telephony cassette scrub` and `lint`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsals import rehearse
from telephony.audio.g711 import mulaw_to_pcm
from telephony.cassette.brief import sound_of
from telephony.cassette.format import Cassette
from telephony.runtime.cassettes import open_cassette
from terminals import Telephony

NAME, NUMBER = "Priya Raghunathan", "415 555 2671"


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """Somebody gives their name and their number."""
    lines: list[bytes] = []
    replies = [
        {"on": "greeting", "say": "Thanks for calling."},
        {"on": "speech", "hears": f"My name is {NAME}, call me at {NUMBER}.", "say": f"Thank you, {NAME}."},
    ]
    rehearse([{"wait": "agent"}, {"say": "My name."}, {"wait": "agent"}, "hang_up"], replies, record=lines.append)
    path = tmp_path / "call.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def words_of(path: Path) -> str:
    return path.read_text().casefold()


def test_a_scrubbed_call_holds_no_name_and_still_replays_the_same(
    telephony: Telephony, call: Path, tmp_path: Path
) -> None:
    out = tmp_path / "calls" / "thanks.jsonl"
    result = telephony("cassette", "scrub", str(call), str(out), "--about", "Somebody says who they are.")
    assert result.code == 0, result
    assert "replays the same" in result.out
    assert "not quite the same" not in result.out
    for word in ("priya", "raghunathan", "2671"):
        assert word in words_of(call)
        assert word not in words_of(out)
    assert open_cassette(out).header.about == "Somebody says who they are."
    assert telephony("replay", str(out)).code == 0
    assert telephony("cassette", "lint", str(out)).code == 0


def test_a_call_that_is_another_one_now_is_refused_unless_it_is_accepted(
    telephony: Telephony, call: Path, tmp_path: Path
) -> None:
    header, *lines = call.read_bytes().splitlines(keepends=True)
    spoilt = [line.replace(b'"dir":"out","msg":{"type":"session', b'"dir":"out","msg":{"type":"sess') for line in lines]
    assert spoilt != lines
    call.write_bytes(b"".join([header, *spoilt]))
    out = tmp_path / "out.jsonl"
    for command in (["scrub", str(call), str(out)], ["cut", str(call), str(out), "--from", "1"]):
        result = telephony("cassette", *command)
        assert result.code == 2
        assert "it does not replay as it was recorded: at " in result.errors
        assert "--bless here" in result.errors
        assert not out.exists()
        result = telephony("cassette", *command, "--bless")
        assert result.code == 0, result
        assert "it replays the same" in result.out
        assert telephony("replay", str(out)).code == 0
        assert ("Accepted, the first of what differs: at " in result.out) is (command[0] == "scrub")
        out.unlink()


def test_what_is_named_besides_goes_as_well(telephony: Telephony, call: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert "calling" in words_of(call)
    assert telephony("cassette", "scrub", str(call), str(out), "--also", "calling").code == 0
    assert "calling" not in words_of(out)


def test_what_still_looks_real_is_told_with_its_place(telephony: Telephony, call: Path) -> None:
    result = telephony("cassette", "lint", str(call))
    assert result.code == 1
    assert f"{call}:" in result.out
    assert "2671" not in result.out


def test_lint_goes_on_behind_a_file_that_cannot_be_read(telephony: Telephony, call: Path) -> None:
    diary = call.parent / "a.jsonl"
    diary.write_text("Dear diary,\n", encoding="utf-8")
    result = telephony("cassette", "lint", str(call.parent))
    assert result.code == 2
    assert f"{diary}: this is no cassette" in result.out
    assert f"{call}:" in result.out
    call.unlink()
    result = telephony("cassette", "lint", str(call.parent))
    assert result.code == 2
    assert "Nothing looks real" not in result.out


def caller(cassette: Cassette) -> bytes:
    return b"".join(sound_of(line) or b"" for line in cassette.lines if line.ch == "carrier" and line.dir == "in")


@pytest.mark.parametrize("how", [[], ["--voice"]], ids=["noise", "voice"])
def test_nothing_of_the_voice_is_left_but_when_it_is_heard(
    telephony: Telephony, call: Path, tmp_path: Path, how: list[str]
) -> None:
    out = tmp_path / "out.jsonl"
    assert telephony("cassette", "scrub", str(call), str(out), *how).code == 0
    before, after = caller(open_cassette(call)), caller(open_cassette(out))
    assert len(before) == len(after)
    assert before != after
    silent = [place for place in range(0, len(before), 160) if not any(mulaw_to_pcm(before[place : place + 160]))]
    assert silent
    assert all(before[place : place + 160] == after[place : place + 160] for place in silent)


def test_a_file_that_is_there_is_not_written_over(telephony: Telephony, call: Path) -> None:
    before = call.read_bytes()
    result = telephony("cassette", "scrub", str(call), str(call))
    assert result.code == 2
    assert "--force" in result.errors
    assert call.read_bytes() == before
    assert telephony("cassette", "scrub", str(call), str(call), "--force").code == 0
    assert json.loads(call.read_bytes().splitlines()[0])["cassette"] == 1
