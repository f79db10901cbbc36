"""`telephony cassette`: recorded calls looked at, listened to, compared and cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taped import recorded
from tapes import heard_ms
from telephony.audio.wav import read
from telephony.cassette.replay import replay
from telephony.runtime.cassettes import new_carrier, open_cassette
from terminals import Telephony


@pytest.fixture
def call(telephony: Telephony) -> Path:
    """A recorded call in the folder where the commands are given."""
    path = Path("call.jsonl")
    path.write_bytes(b"".join(recorded()))
    return path


def test_show_tells_the_facts_and_a_timeline(telephony: Telephony, call: Path) -> None:
    said = telephony("cassette", "show", str(call))
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert "agent test" in lines
    assert "dialect xai" in lines
    assert "0:04.540 us ▶ tool RunTool lookup_order(number=7)" in lines
    assert "0:00.470 carrier ◀ us ━━ the agent is heard, 1.14 s" in lines
    assert "0:02.280 carrier ▶ us ━━ the caller speaks, 1.54 s" in lines
    assert len(lines) < 100


def test_show_all_has_every_line(telephony: Telephony, call: Path) -> None:
    said = telephony("cassette", "show", str(call), "--all")
    shown = said.out.partition("\n\n")[2].splitlines()
    assert len(shown) == len(recorded()) - 1


def test_show_json_has_every_line_with_audio_by_its_length(telephony: Telephony, call: Path) -> None:
    lines = [json.loads(line) for line in telephony("cassette", "show", str(call), "--json").out.splitlines()]
    assert len(lines) == len(recorded())
    assert lines[0]["agent"]["name"] == "test"
    assert set(lines[0]["settings"]["clips"]["apology"]) == {"bytes"}
    frame = next(line for line in lines if line.get("ch") == "carrier" and line["msg"]["event"] == "media")
    assert frame["msg"]["media"]["payload"] == {"bytes": 160}
    heard = next(line for line in lines if line.get("ch") == "model" and "audio.delta" in line["msg"]["type"])
    assert heard["msg"]["delta"]["bytes"] > 0


def test_to_wav_writes_beside_the_file_and_not_over_another(telephony: Telephony, call: Path) -> None:
    said = telephony("cassette", "to-wav", str(call))
    assert (said.code, said.out) == (0, "call.wav: 13.18 s, caller left, agent right\n")
    assert read(Path("call.wav").read_bytes()).seconds == pytest.approx(13.18)
    again = telephony("cassette", "to-wav", str(call))
    assert (again.code, again.out) == (2, "")
    assert again.errors == "error call.wav: it is there already. Name another file, or add --force to write over it.\n"
    assert telephony("cassette", "to-wav", str(call), "--force").code == 0
    assert telephony("cassette", "to-wav", str(call), "other.wav").code == 0
    assert Path("other.wav").read_bytes() == Path("call.wav").read_bytes()


@pytest.mark.parametrize("name", ["call.jsonl", "./call.jsonl", "link.jsonl"])
def test_to_wav_never_writes_over_the_recording_itself(telephony: Telephony, call: Path, name: str) -> None:
    Path("link.jsonl").symlink_to(call)
    said = telephony("cassette", "to-wav", str(call), name, "--force")
    assert said.code == 2
    assert "that is the recorded call itself" in said.errors
    assert call.read_bytes() == b"".join(recorded())


def test_to_wav_says_if_the_call_went_another_way(telephony: Telephony, call: Path) -> None:
    call.write_bytes(call.read_bytes().replace(b'"audio_end_ms":%d' % heard_ms(recorded()), b'"audio_end_ms":900'))
    said = telephony("cassette", "to-wav", str(call))
    assert said.code == 0
    assert "`telephony replay call.jsonl` shows where" in said.out


def test_diff_has_exit_code_1_if_something_differs(telephony: Telephony, call: Path) -> None:
    same = telephony("cassette", "diff", str(call), str(call))
    assert (same.code, same.out) == (0, "The calls are the same.\n")
    assert json.loads(telephony("cassette", "diff", str(call), str(call), "--json").out)["same"]
    Path("other.jsonl").write_bytes(b"".join(recorded("openai")))
    other = telephony("cassette", "diff", str(call), "other.jsonl")
    assert other.code == 1
    assert "dialect: “xai” → “openai”" in other.out
    then, now = heard_ms(recorded()), heard_ms(recorded("openai"))
    assert f"conversation.item.truncate: audio_end_ms: {then} → {now}" in other.out
    found = json.loads(telephony("cassette", "diff", str(call), "other.jsonl", "--json").out)
    assert not found["same"]
    assert found["header"] == [{"path": "dialect", "expected": "xai", "got": "openai"}]


def test_cut_writes_a_recording_that_replays(telephony: Telephony, call: Path) -> None:
    said = telephony("cassette", "cut", str(call), "part.jsonl", "--from", "4", "--to", "9")
    assert said.code == 0
    assert said.out.startswith("part.jsonl: 5.00 s, ")
    part = open_cassette(Path("part.jsonl"))
    assert part.header.about == "Seconds 4 to 9 of a longer call."
    assert replay(part, new_carrier).divergence is None
    assert telephony("cassette", "cut", str(call), "part.jsonl", "--to", "9").code == 2
    assert telephony("cassette", "cut", str(call), "part.jsonl", "--to", "9", "--force").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("show none.jsonl", "none.jsonl: it cannot be read (No such file or directory)"),
        ("show diary.jsonl", "diary.jsonl: this is no cassette"),
        ("to-wav none.jsonl", "none.jsonl: it cannot be read"),
        ("diff call.jsonl none.jsonl", "none.jsonl: it cannot be read"),
        ("cut call.jsonl out.jsonl --from 9 --to 4", "nothing lies between 9 s and 4 s"),
        ("cut call.jsonl out.jsonl --from 60", "it lasts 13.2 s, and nothing lies after"),
        ("cut call.jsonl out.jsonl", "Say what to keep"),
        ("cut call.jsonl call.jsonl --to 4", "it is there already"),
    ],
)
def test_mistakes_are_told_in_words_and_write_nothing(telephony: Telephony, call: Path, words: str, told: str) -> None:
    Path("diary.jsonl").write_text("Dear diary,\n", encoding="utf-8")
    said = telephony("cassette", *words.split())
    assert said.code == 2
    assert told in " ".join(said.errors.replace("│", " ").split())
    assert not Path("out.jsonl").exists()
    assert call.read_bytes() == b"".join(recorded())
