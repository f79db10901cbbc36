"""Calls in a terminal: the transcript as heard, the wait before each answer, lists, and a call as it happens.

Only rendering: records in, rich renderables out. Everything said on a telephone line is a stranger's text: it is never
taken for markup, and control characters do not reach the terminal. Colour adds; nothing is lost without it.
"""

from __future__ import annotations

import json
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from telephony.commands import Note
from telephony.records import CallRecord, Termination, ToolUse, Turn
from telephony.store.base import CallSummary

STYLES = {"caller": "cyan", "agent": "green", "keypad": "magenta", "tool": "yellow", "end": "bold"}
UNHEARD = "dim strike"
ENDINGS = {"completed": "green", "failed": "red", "aborted": "red"}

LONGEST_ARGUMENTS = 100
LONGEST_OUTPUT = 200
"""Characters of a tool's arguments and answer that a transcript shows; `--json` has all of them."""

BIDI = {chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Characters that change the direction of what follows, beyond the end of the text they came in."""


# -- words ---------------------------------------------------------------------------------------------------------


def clean(text: str, longest: int | None = None) -> str:
    """*text* on one line, without anything a terminal would act on, cut to *longest* characters."""
    one_line = " ".join(text.split())
    visible = "".join(c for c in one_line if unicodedata.category(c) not in ("Cc", "Cs") and c not in BIDI)
    return visible if longest is None or len(visible) <= longest else visible[: longest - 1] + "…"


def clock(seconds: float) -> str:
    """`4:07.3`: minutes, seconds, tenths since the call began."""
    tenths = round(max(0.0, seconds) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def length(seconds: float) -> str:
    """`1:02:03` or `4:07`."""
    whole = round(max(0.0, seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def ending(termination: Termination | None, *, brief: bool = False) -> Text:
    """How a call ended, in a few words; in *brief*, that it is completed goes without saying."""
    if termination is None:
        return Text("running", "yellow")
    result = "" if brief and termination.result == "completed" else f"{termination.result}: "
    return Text(result + clean(termination.reason), ENDINGS[termination.result])


def as_json(call: CallRecord | CallSummary) -> dict[str, Any]:
    """Plain values with stable keys: the fields of the record or of its line in a list, times as ISO 8601. The turns
    of a record also have their `latency` in seconds, null where nobody waited for them."""
    values: dict[str, Any] = msgspec.to_builtins(call)
    if isinstance(call, CallRecord):
        for turn, shown in zip(call.turns, values["turns"], strict=True):
            shown["latency"] = turn.latency
    return values


# -- the transcript ------------------------------------------------------------------------------------------------


def transcript(record: CallRecord) -> ConsoleRenderable:
    """Who said what, what of it was heard, and what ran in between, in the order of time."""
    rows: list[tuple[float, str, Text]] = [(turn.started_at, turn.speaker, _words(turn)) for turn in record.turns]
    rows += [(use.started_at, "tool", _tool(use)) for use in record.tools]
    rows.sort(key=lambda row: row[0])
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True, style="dim", min_width=6)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for at, who, words in [*rows, (record.duration, "end", ending(record.termination))]:
        table.add_row(clock(at), Text(who, STYLES[who]), words)
    if any(turn.unheard for turn in record.turns):
        return Group(table, Text("\n[in brackets] generated, but it never reached the caller's ear", "dim"))
    return table


def _words(turn: Turn) -> Text:
    words = Text()
    if heard := clean(turn.heard):
        words.append(heard)
    elif not turn.unheard:
        words.append("(no words understood)", "dim")
    if unheard := clean(turn.unheard):
        words.append(" [" if heard else "[", "dim").append(unheard, UNHEARD).append("]", "dim")
    if turn.interrupted:
        words.append(" ✂ interrupted", "yellow")
    if not turn.final:
        words.append(" (provisional)", "dim")
    return words


def _tool(use: ToolUse) -> Text:
    words = Text().append(clean(use.name), "bold").append(f"({_arguments(use.arguments)})")
    words.append(f" → {use.outcome}", "green" if use.outcome == "ok" else "yellow")
    if use.finished_at is not None:
        words.append(f" after {max(0.0, use.finished_at - use.started_at):.2f} s")
    if output := clean(use.output, LONGEST_OUTPUT):
        words.append("\n").append(output, "dim")
    return words


def _arguments(text: str) -> str:
    """JSON as the model wrote it, as keyword arguments where it is an object."""
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        text = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    return clean(text, LONGEST_ARGUMENTS)


# -- the wait before each answer -----------------------------------------------------------------------------------

STEPS = (("vad", "·"), ("response", "░"), ("audio", "▒"), ("sent", "▓"), ("heard", "█"))
"""What an answer passes on its way to the ear, and the sign for the time until it got there."""
BAR = 20
"""Characters; with it the table fits into 80 columns."""


def waterfall(record: CallRecord) -> ConsoleRenderable:
    """For each agent turn, when it passed each step, in seconds since the caller had stopped speaking; for a turn that
    answers no speech, since the model opened the response (in brackets)."""
    rows = [(turn, times) for turn in record.turns if turn.speaker == "agent" and (times := steps(turn))]
    if not rows:
        return Text("No answer to measure.", "dim")
    longest = max(time for _, times in rows for time in times if time is not None)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("answer", justify="right", style="dim")
    for name, _ in STEPS:
        table.add_column(name, justify="right")
    tools = [tool_time(record, turn) for turn, _ in rows]
    if any(tools):
        table.add_column("tools", justify="right")
    table.add_column("")
    for (turn, times), ran in zip(rows, tools, strict=True):
        cells = ["–" if time is None else f"{time:.2f}" for time in times]
        if turn.speech_stopped_at is None:
            cells = [f"({cell})" for cell in cells]
        if any(tools):
            cells.append(ran)
        table.add_row(clock(turn.started_at), *cells, bar(times, longest))
    legend = Text("· until the model noticed  ░ response opened  ▒ audio came  ▓ sent  █ heard", "dim")
    if any(turn.speech_stopped_at is None for turn, _ in rows):
        legend.append("\n(in brackets) it answers no speech: counted from the opening of the response")
    return Group(table, legend)


def steps(turn: Turn) -> list[float | None]:
    """Seconds from the caller's last sound, or else the response's opening, to each of `STEPS`; empty without both."""
    start = turn.response_at if turn.speech_stopped_at is None else turn.speech_stopped_at
    if start is None:
        return []
    heard_at = turn.started_at if turn.heard else None
    vad_at = None if turn.speech_stopped_at is None else turn.vad_at
    moments = (vad_at, turn.response_at, turn.first_audio_at, turn.sent_at, heard_at)
    return [None if moment is None else max(0.0, moment - start) for moment in moments]


def tool_time(record: CallRecord, turn: Turn) -> str:
    """Seconds of the wait before *turn* in which tools ran; empty if none did."""
    since = turn.response_at if turn.speech_stopped_at is None else turn.speech_stopped_at
    if since is None:
        return ""
    covered, end = 0.0, since
    for use in sorted(record.tools, key=lambda use: use.started_at):
        until = min(turn.started_at, record.duration if use.finished_at is None else use.finished_at)
        covered += max(0.0, until - max(end, use.started_at))
        end = max(end, until)
    return f"{covered:.2f}" if covered else ""


def bar(times: Sequence[float | None], longest: float) -> Text:
    """One bar of at most `BAR` characters; *longest* seconds fill it."""
    text, drawn = Text(), 0
    for (_, sign), time in zip(STEPS, times, strict=True):
        if time is None or longest <= 0:
            continue
        end = max(drawn, round(time / longest * BAR))
        text.append(sign * (end - drawn), "green" if sign == "█" else "yellow")
        drawn = end
    return text


# -- why it paused -------------------------------------------------------------------------------------------------


def findings(record: CallRecord) -> ConsoleRenderable:
    """What the caller will have minded, one line each, and why."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True, style="dim", min_width=6)
    table.add_column(ratio=1, overflow="fold")
    for finding in record.findings:
        table.add_row(clock(finding.at), Text(clean(finding.sentence)))
    return table


# -- lists and pages -----------------------------------------------------------------------------------------------


def calls_table(calls: Iterable[CallSummary]) -> ConsoleRenderable:
    """One line a call, in 80 columns too: where room is short, the agent's name and the reason are cut with `…`,
    never a number. Under `!` stands how many findings there are, if any. The year is left out, since newest come
    first. The id is shortened to its end where that is enough to find the call again among these."""
    lines = list(calls)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("call", no_wrap=True, style="bold")
    table.add_column("started UTC", no_wrap=True)
    table.add_column("agent")  # these two may shrink, and their cells are never wrapped
    table.add_column("from → to", no_wrap=True)
    table.add_column("length", justify="right", no_wrap=True)
    table.add_column("turns", justify="right", no_wrap=True)
    found = any(call.findings for call in lines)
    if found:
        table.add_column("!", justify="right", no_wrap=True, style="yellow")
    table.add_column("ended")
    short = short_ids([call.id for call in lines])
    for call in lines:
        table.add_row(
            Text(clean(short[call.id])),
            f"{call.started_at:%m-%d %H:%M}" if call.started_at else "",
            _on_one_line(Text(clean(call.agent))),
            Text(f"{clean(call.from_number)} → {clean(call.to_number)}".strip()),
            length(call.duration) if call.termination else "",
            str(call.turns),
            *([str(call.findings or "")] if found else []),
            _on_one_line(ending(call.termination, brief=True)),
        )
    return table


def _on_one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """The part after the last dash, which is random, or the whole id where two of these share that part."""
    ends = {call: call.rpartition("-")[2] for call in ids}
    shared = Counter(ends.values())
    return {call: end if shared[end] == 1 else call for call, end in ends.items()}


def call_page(record: CallRecord) -> ConsoleRenderable:
    """Everything about one call on a page."""
    parts: list[ConsoleRenderable] = [_header(record), _section("Transcript", transcript(record))]
    parts.append(_section("Seconds until the agent was heard", waterfall(record)))
    if record.findings:
        parts.append(_section("Why it paused", findings(record)))
    if record.notes:
        parts.append(_section("Survived", Group(*(Text(f"• {clean(note)}") for note in record.notes))))
    if record.usage:
        parts.append(_section("Usage", _pairs((name, _number(value)) for name, value in record.usage.items())))
    parts.append(_section("Recording", _path(record.recording)))
    parts.append(_section("Cassette", _path(record.cassette)))
    return Group(*parts)


def _path(name: str) -> Text:
    return Text(clean(name), overflow="fold") if name else Text("none", "dim")


def _section(title: str, body: ConsoleRenderable) -> ConsoleRenderable:
    return Group(Text(f"\n{title}", "bold"), Padding(body, (0, 0, 0, 2)))


def _header(record: CallRecord) -> ConsoleRenderable:
    waits = [turn.latency for turn in record.turns if turn.latency is not None]
    facts = [
        ("call", Text(clean(record.id), "bold")),
        ("carrier", Text(clean(f"{record.carrier} {record.carrier_call_id}"))),
        ("agent", Text(clean(" · ".join(filter(None, (record.agent, record.model)))))),
        ("numbers", Text(clean(f"{record.from_number} → {record.to_number} ({record.direction})"))),
        ("started", Text(f"{record.started_at:%Y-%m-%d %H:%M:%S} UTC" if record.started_at else "unknown")),
        ("length", Text(length(record.duration))),
        ("ended", ending(record.termination)),
    ]
    if record.currency:
        facts.append(("cost", Text(clean(f"{record.cost:.4f} {record.currency}"))))
    if waits:
        facts.append(("waits", Text(f"median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s")))
    return _pairs(facts)


def _pairs(facts: Iterable[tuple[str, Text]]) -> ConsoleRenderable:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(clean(name)), value)
    return table


def _number(value: object) -> Text:
    match value:
        case bool() | str():
            return Text(clean(str(value)))
        case int():
            return Text(f"{value:,}")
        case float():
            return Text(f"{value:,.3f}".rstrip("0").rstrip("."))
    return Text(clean(str(value)))


# -- a call as it happens ------------------------------------------------------------------------------------------

Kind = Literal["words", "state", "trouble"]


class Progress:
    """Prints one line an event, to a terminal or a file alike."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def event(self, at: float, who: str, text: str, kind: Kind = "words") -> None:
        """*who* (`caller`, `agent`, `tool`, `call` …) did or said *text*, *at* seconds into the call."""
        style = {"words": "", "state": "dim", "trouble": "yellow"}[kind]
        line = Table.grid(padding=(0, 2))
        line.add_column(justify="right", no_wrap=True, style="dim", min_width=8)
        line.add_column(no_wrap=True, min_width=6)
        line.add_column(ratio=1, overflow="fold")
        line.add_row(clock(at), Text(who, STYLES.get(who, "bold")), Text(clean(text), style))
        self._console.print(line)

    def note(self, at: float, note: Note) -> None:
        """What a conversation notes. Details (`debug`) are left out."""
        say = note.fields.get
        match note.event:
            case "caller said" | "agent said":
                self.event(at, note.event.split()[0], f"“{say('text', '')}”")
            case "caller speaks" | "agent speaks":
                self.event(at, note.event.split()[0], "speaks …", "state")
            case "barge-in":
                heard = float(say("heard_ms", 0)) / 1000
                self.event(at, "caller", f"✂ talks over the agent, of whom {heard:.1f} s were heard", "trouble")
            case "tool runs":
                self.event(at, "tool", f"{say('name')}({_arguments(str(say('arguments', '')))}) runs …", "state")
            case "tool answered":
                self.event(at, "tool", f"{say('name')} → {say('outcome')} after {float(say('seconds', 0)):.2f} s")
            case _ if note.level != "debug":
                details = ", ".join(f"{name} {value}" for name, value in note.fields.items())
                kind: Kind = "state" if note.level == "info" else "trouble"
                self.event(at, "call", ": ".join(filter(None, (note.event, details))), kind)
