"""Replays in a terminal: lines that fit, values that are cut, and text that is nothing but text."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

import tapes
from telephony.audio.format import AudioFormat
from telephony.cassette.brief import fold
from telephony.cassette.replay import Replayed
from telephony.records import CallRecord
from telephony.runtime.replaying import Outcome, perform
from telephony.show_cassette import row
from telephony.show_replay import EVENTS, LONGEST_NAME, Tally, call_line, name_width, plain, report, summary, whole


def outcome(path: Path, lines: tuple[bytes, ...], policy: str = "strict") -> Outcome:
    return perform(tapes.put(path, lines), policy)


def test_names_are_cut_at_the_front_and_lines_fit(tmp_path: Path) -> None:
    path = tmp_path / ("folder" * 8) / "truncate.jsonl"
    found = outcome(path, tapes.truncated_later())
    width = name_width([path])
    line = plain(call_line(found, width), width=80)
    assert width == LONGEST_NAME
    assert line.startswith("…")
    assert "truncate.jsonl     0:13    8 turns  differs at 0:07.0" in line
    assert len(line) < 80


@pytest.mark.parametrize(
    "lines", [tapes.truncated_later(), tapes.another_sound(), tapes.without(b'"RunTool"'), tapes.without(b'"update"')]
)
@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_report_fits_whatever_differs(lines: tuple[bytes, ...], width: int, tmp_path: Path) -> None:
    shown = plain(report(outcome(tmp_path / "x.jsonl", lines)), width=width)
    assert max(map(len, shown.splitlines())) <= width


def test_audio_is_told_as_audio_and_not_as_text(tmp_path: Path) -> None:
    found = outcome(tmp_path / "x.jsonl", tapes.another_sound())
    assert found.replayed.divergence
    difference = found.replayed.divergence.audio
    assert difference
    assert difference.level_db
    shown = whole(found)
    assert "the audio, from here on" in shown
    told = f"1 of {difference.expected_samples} samples differ, the first is 10, by 128 of 32768 at most"
    assert f"{told}, {-difference.level_db:g} dB below the audio" in " ".join(shown.split())
    assert "payload" not in shown


def test_one_side_that_sends_nothing_is_shown_beside_all_of_the_other(tmp_path: Path) -> None:
    shown = plain(report(outcome(tmp_path / "x.jsonl", tapes.without(b'"RunTool"'))), width=200)
    row = "     0:04.540           us ▶ tool     RunTool lookup_order()"
    assert f"  went out then\n    nothing\n  goes out now\n{row}" in shown
    assert '\n    {"type": "RunTool", "call_id": "' in shown
    assert '"name": "lookup_order", "arguments": "{}"}' in shown


def test_who_sent_what_to_whom_is_told_of_the_cause_and_of_both_sides(tmp_path: Path) -> None:
    shown = whole(outcome(tmp_path / "x.jsonl", tapes.truncated_later())).splitlines()
    heard = tapes.heard_ms(tapes.call())

    def below(title: str) -> str:
        return shown[next(at for at, text in enumerate(shown) if text.startswith(f"  {title}")) + 1]

    lane = "     0:06.980           us {} model    {}"
    assert below("then came in").startswith(lane.format("◀", "input_audio_buffer.speech_started 6620 ms, …"))
    cut = "conversation.item.truncate {} ms, …"
    assert below("went out then").startswith(lane.format("▶", cut.format(heard + tapes.LATER)))
    assert below("goes out now").startswith(lane.format("▶", cut.format(heard)))


def test_what_led_there_is_told_in_a_dozen_rows_as_in_the_view_of_a_recorded_call(tmp_path: Path) -> None:
    found = outcome(tmp_path / "x.jsonl", tapes.truncated_later())
    divergence = found.replayed.divergence
    assert divergence
    shown = plain(report(found), width=200).splitlines()
    rows = shown[shown.index("  what led there") + 1 : next(at for at, text in enumerate(shown) if "came in" in text)]
    told = [each for each in divergence.before if each.ch != "timer" and b'"mark"' not in bytes(each.msg)]
    told = [each for each in told if b"input_audio_buffer.append" not in bytes(each.msg)]
    expected = [plain(row(entry), width=196) for entry in fold(told, short=True)][-EVENTS:]
    assert [text.removeprefix("    ") for text in rows] == expected
    assert len(rows) == EVENTS


def test_audio_that_led_there_is_as_long_as_it_was_on_the_call_s_own_wires(tmp_path: Path) -> None:
    found = outcome(tmp_path / "x.jsonl", tapes.truncated_later())
    divergence = found.replayed.divergence
    assert divergence
    assert "33 frames of the caller's audio, 0.66 s" in whole(found)
    assert "16 frames of the agent's audio, 6.48 s" in whole(found)
    divergence.line = AudioFormat("pcm16", 16000)
    found.header.agent["audio"] = "pcmu"
    assert "33 frames of the caller's audio, 0.17 s" in whole(found)
    assert "16 frames of the agent's audio, 38.88 s" in whole(found)


def test_a_timer_that_the_recording_does_not_have_is_a_cause_too(tmp_path: Path) -> None:
    found = outcome(tmp_path / "x.jsonl", tapes.truncated_later())
    assert found.replayed.divergence
    found.replayed.divergence.cause = None
    assert "           us ◀ timer    wakes, as it does not in the recording\n" in whole(found)


def test_audio_on_one_side_is_told_by_its_length(tmp_path: Path) -> None:
    lines = list(tapes.call())
    del lines[[at for at, text in enumerate(lines) if b"input_audio_buffer.append" in text][50]]
    shown = whole(outcome(tmp_path / "x.jsonl", tuple(lines)))
    assert "us ▶ model    input_audio_buffer.append 960 bytes\n" in shown
    assert '    {"type": "input_audio_buffer.append", "audio": {"bytes": 960}}\n' in shown


def test_strangers_text_is_text(tmp_path: Path) -> None:
    def change(line: Any) -> None:
        line["msg"]["audio_end_ms"] = "[red]\x1b[2J\u202e" + "long" * 100

    found = outcome(tmp_path / "x.jsonl", tapes.edited(tapes.TRUNCATE, change))
    found.header.about = "[bold]\x1b]0;title\x07"
    shown = whole(found)
    assert "[bold]]0;title" in shown
    assert "[red]" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "…" in shown


def test_strangers_text_is_text_in_what_led_there_and_in_a_message_that_is_shown_whole(tmp_path: Path) -> None:
    evil = "[red]\x1b[2J\u202e[/red]"

    def change(line: Any) -> None:
        line["msg"]["transcript"] = evil

    lines = list(tapes.edited(b'"response.output_audio_transcript.done"', change, 2))
    last = next(at for at, text in enumerate(lines) if tapes.TRUNCATE in text)
    more = json.loads(lines[last])
    more["msg"] = {"type": evil, "item_id": evil, evil: evil}
    lines.insert(last + 1, json.dumps(more).encode() + b"\n")
    shown = whole(outcome(tmp_path / "x.jsonl", tuple(lines)))
    assert "transcript.done “[red][2J[/red]”" in shown
    assert "us ▶ model    [red][2J[/red] …J[/red]" in shown
    assert '{"type": "[red]\\u001b[2J[/red]"' in " ".join(shown.split())
    assert not {"\x1b", "\u202e"} & set(shown)


def test_what_a_policy_complains_of_comes_first(tmp_path: Path) -> None:
    def change(line: Any) -> None:
        line["msg"]["turns"][0]["heard"] = "Good day."

    shown = whole(outcome(tmp_path / "x.jsonl", tapes.edited(b'"ch":"record"', change), "semantic"))
    assert "• at 0.5 s: the agent says “Thanks for calling.”, and then the agent said “Good day.”" in shown
    assert shown.index("•") < shown.index("what differs")


def test_the_summary_counts_and_measures() -> None:
    tally = Tally(took=0.94)
    one = Replayed("x", CallRecord("", "", "", ""), None, 70.0, 1, 0, None, "")
    for differences in ([], [], ["something"]):
        tally.count(Outcome(Path("x"), msgspec.json.decode(tapes.call()[0], type=Any), "strict", one, differences))
    assert str(summary(tally)) == "3 calls, 2 the same, 1 differs; 4 min of calls in 0.9 s"
    tally.unreadable = 2
    assert "2 could not be replayed" in str(summary(tally))
    assert str(summary(Tally(same=1, called=13.3, took=0.1))) == "1 call, 1 the same; 13 s of calls in 0.1 s"


def test_colour_adds_and_nothing_is_lost_without_it(tmp_path: Path) -> None:
    found = report(outcome(tmp_path / "x.jsonl", tapes.truncated_later()))
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(found)
    assert "\x1b[" in captured.get()
    for line in plain(found).splitlines():
        assert line in Text.from_ansi(captured.get()).plain
