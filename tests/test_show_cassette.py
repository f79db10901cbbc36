"""Recorded calls in a terminal of 80 columns, whatever strangers put into them."""

from __future__ import annotations

import pytest
from rich.console import Console

from taped import STORIES, cassette, recorded
from telephony import show_cassette as pages
from telephony.cassette.brief import Entry
from telephony.cassette.compare import AudioDifference, Difference
from telephony.cassette.diff import Change, Comparison, Messages, compare
from telephony.cassette.format import Cassette
from telephony.runtime.cassettes import new_carrier


def shown(*parts: object, width: int = 80) -> list[str]:
    console = Console(width=width, color_system=None, record=True, quiet=False, file=None, highlight=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("story", STORIES)
def test_timeline_fits_into_eighty_columns(story: str) -> None:
    lines = shown(*pages.told(cassette(story), new_carrier))
    assert max(map(len, lines)) <= 80
    assert lines[0] == " 0:00.000 carrier ▶ us            connected"


def test_one_sees_who_spoke_to_whom() -> None:
    rows = [
        Entry(0.1, "carrier", "us", "stop"),
        Entry(0.1, "us", "carrier", "clear"),
        Entry(61.25, "model", "us", "error"),
        Entry(3723.5, "us", "tool", "RunTool"),
    ]
    assert shown(*map(pages.row, rows)) == [
        " 0:00.100 carrier ▶ us            stop",
        " 0:00.100 carrier ◀ us            clear",
        " 1:01.250           us ◀ model    error",
        "62:03.500           us ▶ tool     RunTool",
    ]


def test_strangers_words_are_no_markup_and_move_no_cursor() -> None:
    (line,) = shown(pages.row(Entry(0.0, "model", "us", "[red]Hi\x1b[2J\u202e[/red]")))
    assert line.endswith("[red]Hi[2J[/red]")
    header = recorded()[0].replace(b'"name":"test"', b'"name":"[bold]x\\u001b[2J"')
    facts = shown(pages.header(Cassette("x", [header, *recorded()[1:]]), 3.0, 2000))
    assert "agent     [bold]x[2J" in facts
    assert "length    0:03 (3.00 s), 2 kB" in facts


def test_every_line_has_a_row() -> None:
    assert len(list(pages.every_line(cassette()))) == len(recorded()) - 1


def test_comparison_tells_what_differs_part_by_part() -> None:
    same = compare(cassette(), cassette(), new_carrier)
    assert shown(pages.comparison(same)) == ["The calls are the same."]
    audio = AudioDifference(100, 100, 8000, 5, 50, 300, -40.0, None)
    found = Comparison(
        header=[Difference("agent.voice", "ara", "[b]rex")],
        turns=[Change("gone", {"speaker": "agent", "heard": "Hello.", "unheard": ""})],
        tools=[Change("changed", {"name": "look", "outcome": "ok"}, {"name": "look", "outcome": "error"})],
        end=[Difference("by", "agent", "caller")],
        messages=[
            Messages("model", 1, [Change("new", None, {"type": "response.create"})], (1.0, 2.0), audio),
            Messages("tool", 3, [], (0.0, 0.0), None),
        ],
    )
    assert shown(pages.comparison(found)) == [
        "Agent and settings",
        "  agent.voice: “ara” → “[b]rex”",
        "What was said",
        "  - speaker “agent”, heard “Hello.”",
        "Functions",
        "  ~ look: outcome “ok” → “error”",
        "How it ended",
        "  by: “agent” → “caller”",
        "Sent to model",
        '  + {"type": "response.create"}',
        "  audio: 1.00 s → 2.00 s",
        "  audio: 50 of 100 samples differ, the first is 5, by 300 of 32768 at most, 40",
        "  dB below the audio",
        "  1 message is the same",
    ]


def test_many_changes_are_counted() -> None:
    changes = [Difference(f"agent.{n}", n, n + 1) for n in range(20)]
    lines = shown(pages.comparison(Comparison(changes, [], [], [], [])))
    assert lines[-1] == "  … and 8 more; --json has all of them"
