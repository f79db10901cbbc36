"""What a call looks like in a terminal, letter for letter, 80 columns wide and without colour."""

from __future__ import annotations

import io
import json
import textwrap
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, ConsoleRenderable

from telephony import show
from telephony.commands import Note
from telephony.records import CallRecord, Finding, Termination, ToolUse, Turn
from telephony.store.base import CallSummary

GREETING = Turn(
    "agent",
    heard="Thanks for calling Acme. How can I help you?",
    started_at=0.42,
    ended_at=3.0,
    response_at=0.1,
    first_audio_at=0.3,
    sent_at=0.31,
)
QUESTION = Turn(
    "caller",
    heard="Where is my order A-1042? I ordered it two weeks ago and it still has not arrived at my house.",
    started_at=4.1,
    ended_at=8.0,
)
CUT = Turn(
    "agent",
    heard="Your order has shipped with Northwind Express and",
    unheard="should arrive by Thursday. Would you like me to text you the tracking number?",
    interrupted=True,
    started_at=9.6,
    ended_at=12.0,
    speech_stopped_at=8.0,
    vad_at=8.3,
    response_at=8.4,
    first_audio_at=9.4,
    sent_at=9.41,
)
GOODBYE = Turn(
    "agent",
    heard="Goodbye!",
    started_at=21.0,
    speech_stopped_at=20.2,
    response_at=20.3,
    first_audio_at=20.8,
    sent_at=20.81,
)
LOOKUP = ToolUse(
    "fc_1",
    "lookup_order",
    '{"order_id": "A-1042"}',
    '{"status":"shipped","carrier":"Northwind Express","due":"Thursday"}',
    "ok",
    8.5,
    8.91,
)


SILENT = Finding(20.2, 3.1, "pause", "tool_without_say", "silent 3.1 s: tool look_up took 2.6 s and has no `say`")


def a_call(**changes: Any) -> CallRecord:
    record = CallRecord(
        id="20261122-184000-abc123",
        carrier="twilio",
        carrier_call_id="CA00000000000000000000000000000042",
        agent="frontdesk",
        from_number="+15550123456",
        to_number="+15550100",
        started_at=datetime(2026, 11, 22, 18, 40, tzinfo=UTC),
        duration=27.4,
        model="xai/grok-voice-latest",
        termination=Termination("completed", "agent", "agent hung up"),
        turns=[GREETING, QUESTION, CUT, Turn("keypad", heard="12#", started_at=12.5), GOODBYE],
        tools=[LOOKUP],
        usage={"total_tokens": 12812, "audio_seconds": 21.018874999999998, "billed_seconds": 40.0, "tier": "x"},
        recording="recordings/20261122-184000-abc123.wav",
        cassette="cassettes/20261122-184000-abc123.jsonl",
        notes=["A mark was lost."],
    )
    return msgspec.structs.replace(record, **changes)


def rendered(*what: ConsoleRenderable, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for renderable in what:
        console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def expected(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


# -- the transcript --------------------------------------------------------------------------------------------------


def test_a_transcript_reads_well_without_colour() -> None:
    assert rendered(show.transcript(a_call())) == expected("""
        0:00.4  agent   Thanks for calling Acme. How can I help you?
        0:04.1  caller  Where is my order A-1042? I ordered it two weeks ago and it
                        still has not arrived at my house.
        0:08.5  tool    lookup_order(order_id="A-1042") → ok after 0.41 s
                        {"status":"shipped","carrier":"Northwind
                        Express","due":"Thursday"}
        0:09.6  agent   Your order has shipped with Northwind Express and [should arrive
                        by Thursday. Would you like me to text you the tracking number?]
                        ✂ interrupted
        0:12.5  keypad  12#
        0:21.0  agent   Goodbye!
        0:27.4  end     completed: agent hung up

        [in brackets] generated, but it never reached the caller's ear
    """)


def test_odd_turns_and_tools_are_told_apart() -> None:
    record = a_call(
        turns=[
            Turn("agent", unheard="Sorry about", interrupted=True, started_at=1.0),
            Turn("caller", started_at=2.0),
            Turn("caller", heard="I am call", started_at=3.0, final=False),
        ],
        tools=[
            ToolUse("1", "slow", "[1, 2", "it took too long", "timeout", 4.0, 14.0),
            ToolUse("2", "hang_up", "{}", "", "running", 15.0),
        ],
        termination=None,
        duration=3600.96,
    )
    assert rendered(show.transcript(record)) == expected("""
         0:01.0  agent   [Sorry about] ✂ interrupted
         0:02.0  caller  (no words understood)
         0:03.0  caller  I am call (provisional)
         0:04.0  tool    slow([1, 2) → timeout after 10.00 s
                         it took too long
         0:15.0  tool    hang_up() → running
        60:01.0  end     running

        [in brackets] generated, but it never reached the caller's ear
    """)


def test_colour_marks_what_was_not_heard() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    console.print(show.transcript(a_call(turns=[CUT], tools=[])))
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[2;9mshould arrive" in console.file.getvalue(), "dim and struck"


def test_markup_in_a_callers_words_is_only_words() -> None:
    evil = "[bold red]hello[/] [link=http://evil]x[/link] :smile: \\[x]"
    text = rendered(show.transcript(a_call(turns=[Turn("caller", heard=evil)], tools=[])))
    assert evil in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    evil = "a\x1b]0;owned\x07b\x9b31mc\rd\x00e\u202ef\u2067g\ud800h"
    record = a_call(
        agent=evil,
        notes=[evil],
        model=evil,
        recording=evil,
        from_number=evil,
        usage={evil: evil},
        turns=[Turn("caller", heard=evil)],
        tools=[ToolUse("1", evil, evil, evil)],
        termination=Termination("failed", "model", evil),
    )
    summary = CallSummary.of(msgspec.structs.replace(record, id=evil))
    text = rendered(show.call_page(record), show.calls_table([summary]), width=300)
    assert text.count("a]0;ownedb31mc defgh") >= 8
    assert not set(text) & set("\x1b\x07\x9b\r\x00\u202e\u2067\ud800")


@settings(max_examples=50)
@given(text=st.text(max_size=60), width=st.integers(40, 200))
def test_any_words_fit_any_width(text: str, width: int) -> None:
    record = a_call(turns=[Turn("agent", heard=text, unheard=text)], tools=[ToolUse("1", text, text, text)])
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for line in console.render_lines(show.transcript(record), pad=False):
        assert sum(segment.cell_length for segment in line) <= width


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0:00.0"), (-1.0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3600, "60:00.0")]
)
def test_times_are_minutes_seconds_and_tenths(seconds: float, shown: str) -> None:
    assert show.clock(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723, "1:02:03")])
def test_lengths_have_hours_where_they_need_them(seconds: float, shown: str) -> None:
    assert show.length(seconds) == shown


# -- the waits -------------------------------------------------------------------------------------------------------


def test_a_waterfall_shows_where_the_time_went() -> None:
    assert rendered(show.waterfall(a_call())) == expected("""
        answer   vad  response   audio    sent   heard  tools
        0:00.4   (–)    (0.00)  (0.20)  (0.21)  (0.32)         ▒▒▒█
        0:09.6  0.30      0.40    1.40    1.41    1.60   0.41  ····░▒▒▒▒▒▒▒▒▒▒▒▒▒██
        0:21.0     –      0.10    0.60    0.61    0.80         ░▒▒▒▒▒▒▒██
        · until the model noticed  ░ response opened  ▒ audio came  ▓ sent  █ heard
        (in brackets) it answers no speech: counted from the opening of the response
    """)


def test_what_never_happened_is_a_dash() -> None:
    unheard = Turn("agent", unheard="x", started_at=3.0, speech_stopped_at=1.0, response_at=2.0)
    assert "0:03.0    –      1.00      –     –      –  ░░░░░░░░░░░░░░░░░░░░" in rendered(
        show.waterfall(a_call(turns=[unheard]))
    )


def test_a_call_without_answers_says_so() -> None:
    assert rendered(show.waterfall(a_call(turns=[QUESTION]))) == "No answer to measure."


@given(times=st.lists(st.none() | st.floats(0, 100), min_size=5, max_size=5), longest=st.floats(0, 100))
def test_a_bar_never_outgrows_its_column(times: list[float | None], longest: float) -> None:
    longest = max([longest, *(time for time in times if time is not None)])
    assert len(show.bar(times, longest)) <= show.BAR


# -- lists and pages -------------------------------------------------------------------------------------------------


def test_a_list_of_calls_fits_into_80_columns() -> None:
    fresh = a_call(id="20261122-183000-ffe001", agent="billing", started_at=None, termination=None, turns=[])
    reason = "one session after the other was lost"
    failed = a_call(id="20261122-182000-0a0b0c", from_number="", termination=Termination("failed", "model", reason))
    assert rendered(show.calls_table([CallSummary.of(call) for call in (a_call(), fresh, failed)])) == expected("""
        call   started UTC agent     from → to                length turns ended
        abc123 11-22 18:40 frontdesk +15550123456 → +15550100   0:27     5 agent hung up
        ffe001             billing   +15550123456 → +15550100            0 running
        0a0b0c 11-22 18:40 frontdesk → +15550100                0:27     5 failed: one …
    """)


def test_a_list_says_how_much_was_found_where_something_was() -> None:
    calls = [CallSummary.of(a_call(id=f"call-{n}", findings=[SILENT] * n)) for n in (0, 2)]
    head, nothing, two = rendered(show.calls_table(calls)).splitlines()
    assert [line[head.index("!")] for line in (nothing, two)] == [" ", "2"]
    assert "!" not in rendered(show.calls_table(calls[:1]))


def test_where_nothing_was_found_the_page_says_nothing_of_it() -> None:
    assert "Why it paused" not in rendered(show.call_page(a_call()))


def test_a_finding_is_one_line_in_plain_text() -> None:
    evil = msgspec.structs.replace(SILENT, sentence="silent 2.0 s: \x1b[31mthe model\nwas lost [bold]")
    assert rendered(show.findings(a_call(findings=[evil]))) == "0:20.2  silent 2.0 s: [31mthe model was lost [bold]"


def test_json_has_the_findings() -> None:
    (finding,) = show.as_json(a_call(findings=[SILENT]))["findings"]
    assert (finding["cause"], finding["at"]) == ("tool_without_say", 20.2)


def test_long_numbers_stay_whole_on_their_one_line() -> None:
    long = CallSummary.of(a_call(from_number="+441632960123", to_number="+498912345678", agent="reception-munich"))
    [_, line] = rendered(show.calls_table([long])).splitlines()
    assert "+441632960123 → +498912345678" in line
    assert line.count("…") == 2, "the agent and the reason are cut"


def test_ids_are_shortened_only_as_far_as_they_stay_apart() -> None:
    assert show.short_ids(["a-1-x", "a-2-x", "a-3-y", "z"]) == {
        "a-1-x": "a-1-x",
        "a-2-x": "a-2-x",
        "a-3-y": "y",
        "z": "z",
    }


def test_a_page_says_what_the_call_cost_where_prices_are_known() -> None:
    assert "cost     0.1235 EUR" in rendered(show.call_page(a_call(cost=0.12345, currency="EUR")))
    assert "cost" not in rendered(show.call_page(a_call(turns=[])))


def test_a_page_has_everything_about_a_call() -> None:
    page = rendered(show.call_page(a_call(turns=[GOODBYE], tools=[], findings=[SILENT])))
    assert page == expected("""
        call     20261122-184000-abc123
        carrier  twilio CA00000000000000000000000000000042
        agent    frontdesk · xai/grok-voice-latest
        numbers  +15550123456 → +15550100 (inbound)
        started  2026-11-22 18:40:00 UTC
        length   0:27
        ended    completed: agent hung up
        waits    median 0.80 s, longest 0.80 s

        Transcript
          0:21.0  agent  Goodbye!
          0:27.4  end    completed: agent hung up

        Seconds until the agent was heard
          answer  vad  response  audio  sent  heard
          0:21.0    –      0.10   0.60  0.61   0.80  ░░░▒▒▒▒▒▒▒▒▒▒▒▒█████
          · until the model noticed  ░ response opened  ▒ audio came  ▓ sent  █ heard

        Why it paused
          0:20.2  silent 3.1 s: tool look_up took 2.6 s and has no `say`

        Survived
          • A mark was lost.

        Usage
          total_tokens    12,812
          audio_seconds   21.019
          billed_seconds  40
          tier            x

        Recording
          recordings/20261122-184000-abc123.wav

        Cassette
          cassettes/20261122-184000-abc123.jsonl
    """)


def test_a_bare_record_has_a_page_too() -> None:
    page = rendered(show.call_page(CallRecord("x", "twilio", "CA1", "frontdesk")))
    assert "started  unknown" in page
    assert "ended    running" in page
    assert "Usage" not in page
    assert page.endswith("Recording\n  none\n\nCassette\n  none")


# -- for machines ----------------------------------------------------------------------------------------------------


def test_json_has_the_fields_of_the_record_and_the_latency_of_turns() -> None:
    values = json.loads(json.dumps(show.as_json(a_call())))
    assert set(values) == set(CallRecord.__struct_fields__)
    assert values["started_at"] == "2026-11-22T18:40:00Z"
    assert values["termination"] == {"result": "completed", "by": "agent", "reason": "agent hung up"}
    assert [turn["latency"] for turn in values["turns"]] == [None, None, pytest.approx(1.6), None, pytest.approx(0.8)]
    assert set(values["turns"][0]) == {*Turn.__struct_fields__, "latency"}


def test_json_of_a_line_of_a_list_has_its_fields() -> None:
    assert set(show.as_json(CallSummary.of(a_call()))) == set(CallSummary.__struct_fields__)


# -- as it happens ---------------------------------------------------------------------------------------------------


def test_progress_is_one_tidy_line_an_event_in_a_pipe_as_well() -> None:
    console = Console(file=io.StringIO(), width=80)
    progress = show.Progress(console)
    for at, note in (
        (0.1, Note("info", "ready")),
        (0.2, Note("debug", "session created", {"model": "x"})),
        (0.4, Note("info", "agent speaks", {"item": "i1"})),
        (2.0, Note("info", "caller said", {"text": "Where is [my] order?", "at": 1.2})),
        (2.1, Note("info", "tool runs", {"name": "lookup_order", "arguments": '{"order_id": "A-1"}'})),
        (2.5, Note("info", "tool answered", {"name": "lookup_order", "outcome": "ok", "seconds": 0.41})),
        (4.0, Note("info", "barge-in", {"heard_ms": 1240, "item": "i2"})),
        (4.1, Note("warning", "unusable message from the model", {"reason": "no type"})),
        (605.0, Note("info", "leaving", {"reason": "agent hung up"})),
    ):
        progress.note(at, note)
    progress.event(606.0, "call", "over")
    assert isinstance(console.file, io.StringIO)
    lines = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    assert textwrap.dedent(lines) == expected("""
         0:00.1  call    ready
         0:00.4  agent   speaks …
         0:02.0  caller  “Where is [my] order?”
         0:02.1  tool    lookup_order(order_id="A-1") runs …
         0:02.5  tool    lookup_order → ok after 0.41 s
         0:04.0  caller  ✂ talks over the agent, of whom 1.2 s were heard
         0:04.1  call    unusable message from the model: reason no type
        10:05.0  call    leaving: reason agent hung up
        10:06.0  call    over
    """)
