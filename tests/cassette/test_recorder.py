"""Writes a call down: nothing of it changes, nothing of it is lost, and nothing secret is in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from front_door import media, start
from rehearsals import rehearse
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.format import Cassette, Line, decode_line, header_line, wire_message
from telephony.cassette.recorder import REMAINS, Outgoing, RecordedExchange, Recorder, header_of
from telephony.cassette.replay import replay
from telephony.cassette.resolved import call_settings
from telephony.cassette.told import event_of, told
from telephony.commands import EndCall, Note
from telephony.events import CallEnded, CallStarted, Event, ModelConnected, ServerStopping
from telephony.exchange import Exchange, Output, ToCarrier, ToModel
from telephony.realtime import dialect
from telephony.runtime.cassettes import new_carrier
from telephony.settings import CallSettings, Limits, SessionConfig

SETTINGS = CallSettings("desk", SessionConfig())
STORY: list[dict[str, Any]] = [
    {"on": "greeting", "say": "Thanks for calling."},
    {"on": "speech", "hears": "Where is it?", "say": "Let me look.", "call": {"name": "lookup_order", "arguments": {}}},
    {"on": "tool", "expect": {"lookup_order": "shipped"}, "say": "It was shipped on Tuesday, " * 4},
    {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
]
STEPS: list[Any] = [
    {"wait": "agent"}, {"say": "Where is my order?"}, {"wait": {"agent_ms": 2500}}, {"say": "Thank you, goodbye."},
    {"wait": "end"},
]  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """A whole call with a tool, a barge-in and an end."""
    written: list[bytes] = []
    rehearse(STEPS, STORY, record=written.append)
    return written


def give(exchange: Exchange, read: Line) -> list[Output]:
    """What `player` does, written down once more."""
    if read.ch == "carrier":
        return exchange.from_carrier(wire_message(read.msg), read.t)
    if read.ch == "model":
        return exchange.from_model(wire_message(read.msg), read.t, read.session)
    if read.ch == "timer":
        return exchange.tick(read.t)
    event = event_of(read.message)
    if isinstance(event, ModelConnected):
        spoken = dialect(read.message["dialect"], SETTINGS.session)
        return exchange.model_connected(spoken, event.model, read.t, event.session)
    return exchange.handle(event, read.t)


def opened(carrier: TwilioStream, message: str) -> CallStarted:
    (event,) = carrier.decode(message)
    assert isinstance(event, CallStarted)
    return event


def recorded(
    sink: Callable[[bytes], None],
    carrier: TwilioStream | None = None,
    settings: CallSettings = SETTINGS,
    listener: Any = None,
    **options: Any,
) -> RecordedExchange:
    """A call that begins now."""
    carrier = carrier or TwilioStream()
    opening = start("token")
    started = opened(carrier, opening)
    recorder = Recorder(sink, **options)
    recorder.begin(header_of(settings, started, "twilio", "xai"), [opening])
    return RecordedExchange(settings, started, carrier, listener, recorder=recorder)


def connect(exchange: Exchange) -> None:
    exchange.model_connected(dialect("xai", SETTINGS.session), "xai/test", 0.1)


READY = '{"type":"session.updated","session":{"turn_detection":{"type":"server_vad"}}}'


# -- nothing changes -------------------------------------------------------------------------------------------------


def test_a_recorded_call_is_the_call_it_would_have_been(lines: list[bytes]) -> None:
    source = Cassette("a", lines)
    settings = call_settings(source.header.agent, source.header.settings)
    came = [read for read in source.lines if read.dir == "in"]
    first = next(n for n, read in enumerate(came) if '"start"' in str(wire_message(read.msg)))
    opening = str(wire_message(came[first].msg))
    plain, written = TwilioStream(), TwilioStream()
    exchanges = [
        Exchange(settings, opened(plain, opening), plain),
        RecordedExchange(settings, opened(written, opening), written, recorder=Recorder([].append)),
    ]
    kinds = set()
    for read in came[first + 1 :]:
        one, other = (give(exchange, read) for exchange in exchanges)
        assert one == other
        assert exchanges[0].deadline() == exchanges[1].deadline()
        kinds |= {type(output) for output in one}
    assert {ToCarrier, ToModel, EndCall, Note} <= kinds
    assert exchanges[0].ended


def test_whoever_listens_to_a_recorded_call_hears_the_same(lines: list[bytes]) -> None:
    class Ear:
        def __init__(self) -> None:
            self.heard: list[Any] = []

        def caller(self, at: float, payload: bytes) -> None:
            self.heard.append(("caller", at, payload))

        def agent(self, at: float, payload: bytes) -> None:
            self.heard.append(("agent", at, payload))

        def cut(self, at: float) -> None:
            self.heard.append(("cut", at))

    then, now = Ear(), Ear()
    rehearse(STEPS, STORY, listener=then)
    replay(Cassette("a", lines), new_carrier, listener=now)
    assert then.heard == now.heard
    assert {kind for kind, *_ in now.heard} == {"caller", "agent", "cut"}


# -- in order --------------------------------------------------------------------------------------------------------


def test_every_line_is_whole_and_times_never_run_back(lines: list[bytes]) -> None:
    read = list(Cassette("a", lines).lines)
    assert all(text.endswith(b"\n") and text.count(b"\n") == 1 for text in lines)
    assert [one.t for one in read] == sorted(one.t for one in read)
    assert {(one.ch, one.dir) for one in read} >= {
        ("carrier", "in"), ("carrier", "out"), ("model", "in"), ("model", "out"), ("tool", "in"), ("tool", "out"),
        ("session", "in"), ("timer", "in"), ("timer", "out"), ("rest", "out"), ("call", "out"), ("record", "out"),
    }  # fmt: skip


def test_a_line_is_there_before_what_it_causes() -> None:
    written: list[bytes] = []
    seen: list[bytes] = []

    class Ear:
        def caller(self, at: float, payload: bytes) -> None:
            seen.append(written[-1])

    exchange = recorded(written.append, listener=Ear())
    exchange.from_carrier(media(), 0.5)
    ((read),) = [decode_line(text) for text in seen]
    assert (read.t, read.ch, read.dir, wire_message(read.msg)) == (0.5, "carrier", "in", media())


class Buggy(TwilioStream):
    """A codec with a bug in it."""

    def decode(self, message: str | bytes) -> list[Event]:
        if "boom" in str(message):
            raise ZeroDivisionError
        return super().decode(message)


def test_a_bug_leaves_the_message_that_led_to_it_as_the_last_line() -> None:
    written: list[bytes] = []
    exchange = recorded(written.append, Buggy())
    exchange.from_carrier(media(), 0.5)
    with pytest.raises(ZeroDivisionError):
        exchange.from_carrier('{"event":"boom"}', 0.75)
    last = decode_line(written[-1])
    assert (last.t, last.dir, last.message) == (0.75, "in", {"event": "boom"})
    again = replay(Cassette("a", written), lambda _: Buggy())
    assert again.failure
    assert again.failure.what == "ZeroDivisionError"
    assert again.divergence
    assert again.divergence.cause == last


def test_notes_are_not_written_since_replay_makes_them_again(lines: list[bytes]) -> None:
    call = rehearse(STEPS, STORY)
    assert call.notes
    assert not any(read.ch == "call" and read.message["type"] == "Note" for read in Cassette("a", lines).lines)
    written: list[bytes] = []
    exchange = recorded(written.append)
    exchange.tick(0.1)
    before = len(written)
    outputs = exchange.from_carrier("nonsense", 0.5)
    assert [type(output) for output in outputs] == [Note]
    assert [decode_line(text).dir for text in written[before:]] == ["in"]


def test_a_deadline_is_named_once_each_time_it_changes(lines: list[bytes]) -> None:
    named = [read.message for read in Cassette("a", lines).lines if (read.ch, read.dir) == ("timer", "out")]
    assert len(named) > 5
    assert all(one != other for one, other in pairwise(named))
    assert named[-1] is None, "a call that is over waits for nothing"
    written: list[bytes] = []
    exchange = recorded(written.append)
    for step in range(50):
        before = len(written)
        exchange.tick(0.01 * step)
        told_now = [decode_line(text).message for text in written[before:] if b'"timer","dir":"out"' in text]
        if told_now:
            assert told_now == [exchange.deadline()]
    assert len([text for text in written if b'"timer","dir":"out"' in text]) == 1


def test_what_remains_of_the_call_follows_its_end(lines: list[bytes]) -> None:
    read = list(Cassette("a", lines).lines)
    (at,) = [n for n, one in enumerate(read) if one.ch == "record"]
    assert (read[at - 1].ch, read[at - 1].message["type"]) == ("call", "EndCall")
    assert tuple(read[at].message) == REMAINS
    assert read[at].message["termination"]["by"] == "agent"


# -- bounded ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 60_000))
def test_nothing_is_written_beyond_the_limit_and_what_is_there_replays(limit: int) -> None:
    written: list[bytes] = []
    exchange = recorded(written.append, limit=limit)
    connect(exchange)
    exchange.from_model(READY, 0.2)
    for frame in range(100):
        exchange.from_carrier(media(), 0.3 + frame * 0.02)
    exchange.handle(CallEnded("caller", "hung up"), 3.0)
    assert sum(map(len, written)) <= limit
    whole: list[bytes] = []
    recorded(whole.append)
    if len(written) > len(whole):
        result = replay(Cassette("a", written), new_carrier)
        assert result.divergence is None


def test_a_full_cassette_stays_as_it_is_even_if_something_short_would_fit() -> None:
    written: list[bytes] = []
    recorder = Recorder(written.append, limit=100)
    recorder.went(0.0, "model", '"' + "a" * 200 + '"')
    recorder.went(0.0, "model", "1")
    recorder.came(0.0, "model", "1")
    recorder.happened(0.0, "timer", "in", None)
    assert recorder.full_at is not None
    assert written == []


def test_without_a_limit_everything_is_written() -> None:
    written: list[bytes] = []
    recorder = Recorder(written.append)
    for _ in range(1000):
        recorder.went(0.0, "model", '"' + "a" * 2000 + '"')
    assert recorder.full_at is None
    assert len(written) == 1000


# -- without secrets -------------------------------------------------------------------------------------------------


class Blot:
    """Writes down what it is asked to look at, and blots out a word."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> str:
        self.asked.append(text)
        return text.replace("hunter22", "***")


def test_secrets_are_taken_out_of_the_header_and_of_what_is_no_audio() -> None:
    blot, written = Blot(), []
    tool = {"type": "mcp", "authorization": "hunter22"}
    settings = CallSettings("desk", SessionConfig(provider_tools=(tool,)), greeting="hunter22")
    exchange = recorded(written.append, settings=settings, redact=blot)
    exchange.model_connected(dialect("openai", settings.session), "xai/hunter22", 0.1)
    exchange.from_model('{"type":"session.updated","session":{},"secret":"hunter22"}', 0.2)
    exchange.from_carrier('{"event":"dtmf","dtmf":{"digit":"1"},"note":"hunter22"}', 0.3)
    exchange.from_carrier("hunter22 is no JSON", 0.3)
    exchange.handle(ServerStopping("hunter22"), 0.4)
    text = b"".join(written).decode()
    assert "hunter22" not in text
    assert text.count("***") >= 8
    assert all(decode_line(line) for line in written[1:])
    assert Cassette("a", written).header.agent["greeting"] == "***", "the header is a line of its own"


def test_a_redaction_that_writes_json_anew_leaves_the_header_its_line_break() -> None:
    written: list[bytes] = []
    exchange = recorded(written.append, redact=lambda text: json.dumps(json.loads(text)))
    exchange.tick(0.5)
    assert all(text.endswith(b"\n") and text.count(b"\n") == 1 for text in written)
    assert len(list(Cassette("a", written).lines)) == len(written) - 1
    assert written[0] == json.dumps(json.loads(written[0])).encode() + b"\n"
    plain: list[bytes] = []
    recorded(plain.append)
    assert plain[0] == header_line(Cassette("a", plain).header)


def test_audio_is_not_searched_for_secrets() -> None:
    blot, written = Blot(), []
    exchange = recorded(written.append, redact=blot)
    connect(exchange)
    exchange.from_model(READY, 0.2)
    blot.asked.clear()
    outputs = exchange.from_carrier(media(), 0.3)
    assert any(isinstance(output, ToModel) and output.audio_ms for output in outputs)
    exchange.from_model('{"type":"response.output_audio.delta","delta":"AAAA"}', 0.4)
    assert [text for text in blot.asked if "audio" in text or "media" in text] == []
    assert len([text for text in written if b'"media"' in text or b"audio.delta" in text]) == 2


# -- only what goes out ----------------------------------------------------------------------------------------------


def test_of_a_replay_only_what_goes_out_is_written() -> None:
    written: list[bytes] = []
    outgoing = Outgoing(written.append)
    outgoing.came(0.0, "carrier", "{}")
    outgoing.happened(0.0, "timer", "in", None)
    outgoing.happened(0.0, "call", "out", told(EndCall("completed", "caller", "")))
    outgoing.went(0.0, "model", "{}", 2)
    assert [(read.ch, read.dir, read.session) for read in map(decode_line, written)] == [
        ("call", "out", 0),
        ("model", "out", 2),
    ]


def test_the_header_says_which_software_and_whose_call() -> None:
    started = opened(TwilioStream(), start("token"))
    made = header_of(SETTINGS, started, "twilio", "xai", recorded_at="2026-11-27T00:00:00+00:00", about="A test.")
    assert (made.cassette, made.call_id, made.carrier, made.dialect) == (1, started.call_id, "twilio", "xai")
    assert made.software.startswith("telephony ")
    assert (made.recorded_at, made.about) == ("2026-11-27T00:00:00+00:00", "A test.")
    assert call_settings(made.agent, made.settings) == SETTINGS
    assert call_settings(made.agent, made.settings).limits == Limits()
