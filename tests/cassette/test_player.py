"""Gives a recorded call what came in; what cannot have come in is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from front_door import start
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.format import FORMAT, Cassette, Channel, Header, decode_line, header_line, line
from telephony.cassette.player import LATE, GaveUp, Player
from telephony.errors import CassetteError
from telephony.events import Event
from telephony.runtime.cassettes import new_carrier
from telephony.settings import CallSettings, Limits, SessionConfig

HEADER = header_line(Header(FORMAT, "CA1", "twilio", "xai", {"name": "desk"}, {}))
START = (0.0, "carrier", start(None))
CONNECTED = (0.1, "session", '{"type":"ModelConnected","model":"xai/a","session":0,"dialect":"xai"}')
READY = (0.2, "model", '{"type":"session.updated","session":{"turn_detection":{"type":"server_vad"}}}')
STOP = (0.3, "carrier", '{"event":"stop"}')

Message = tuple[float, Channel, str]


def player(header: bytes = HEADER, **changes: Any) -> Player:
    settings = CallSettings("desk", SessionConfig(), **changes) if changes else None
    return Player(Cassette("calls/a.jsonl", [header]), new_carrier, settings, None)


def feed(made: Player, *messages: Any) -> list[tuple[str, Any]]:
    """Channels and messages of what goes out; a message of a later session says so."""
    outs: list[bytes] = []
    for number, (now, channel, message, *session) in enumerate(messages, 2):
        outs += made.feed(decode_line(line(now, channel, "in", message, *session)), number)
    return [(read.ch, read.message) for read in map(decode_line, outs)]


def kinds(outs: list[tuple[str, Any]]) -> list[str]:
    named = [message.get("type") or message.get("event") for channel, message in outs if channel != "timer"]
    return [kind for kind in named if kind]


def test_a_call_begins_with_its_stream_and_ends_with_what_remained_of_it() -> None:
    made = player()
    assert made.exchange is None
    assert kinds(feed(made, (0.0, "carrier", '{"event":"connected"}'), START)) == []
    assert made.exchange is not None
    assert kinds(feed(made, CONNECTED, READY))[0] == "session.update"
    outs = feed(made, STOP)
    assert made.end is not None
    assert made.end.by == "caller"
    assert [channel for channel, _ in outs if channel in ("call", "record")] == ["call", "record"]
    assert made.now == 0.3


def test_what_came_in_is_not_written_again() -> None:
    made = player()
    raw = [decode_line(text) for text in _raw(made, START, CONNECTED, READY, STOP)]
    assert {read.dir for read in raw} == {"out"}


def _raw(made: Player, *messages: Message) -> list[bytes]:
    return [text for m in messages for text in made.feed(decode_line(line(m[0], m[1], "in", m[2])), 2)]


@pytest.mark.parametrize(
    "message",
    [CONNECTED, READY, (0.0, "timer", "null"), (0.0, "call", '{"type":"ServerStopping"}'), (0.0, "record", "{}")],
    ids=lambda message: message[1],
)
def test_before_the_stream_has_begun_only_the_carrier_can_say_anything(message: Message) -> None:
    with pytest.raises(CassetteError, match=r"^calls/a\.jsonl:2: .*the carrier's stream has not begun"):
        feed(player(), message)


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("call", '{"type":"Landed"}'), ("call", '{"type":"EndCall","result":"completed","by":"caller","reason":""}'),
        ("call", "{}"), ("call", "[]"), ("call", "null"), ("call", '"x"'), ("call", '{"type":["CallEnded"]}'),
        ("call", '{"type":"CallEnded","by":"nobody","reason":""}'), ("session", '{"type":"ModelLost"}'),
        ("session", '{"type":"ModelConnected","model":"a","session":0}'),
        ("session", '{"type":"ModelConnected","model":"a","session":0,"dialect":"klingon"}'),
        ("session", '{"type":"ModelConnected","model":"a","session":0,"dialect":["xai"]}'),
        ("session", '{"type":"ModelConnected","model":3,"session":0,"dialect":"xai"}'),
        ("session", '{"type":"ModelConnected","model":"a","session":"b","dialect":"xai"}'),
        ("record", "{}"), ("tool", '{"type":"ToolFinished","call_id":"c"}'), ("tool", "1e999"),
        ("carrier", '{"b64":"*"}'), ("model", '{"text":3}'), ("model", '{"b64":"","text":""}'),
    ],
)  # fmt: skip
def test_what_cannot_have_come_in_is_told_with_file_and_line(channel: str, message: str) -> None:
    made = player()
    feed(made, START, CONNECTED)
    cannot = r"^calls/a\.jsonl:41: this cannot be given to a call \(.+\)\. Record the call again\.$"
    with pytest.raises(CassetteError, match=cannot):
        made.feed(decode_line(line(0.5, channel, "in", message)), 41)  # type: ignore[arg-type]


@pytest.mark.parametrize("header", ["carrier", "agent"])
def test_a_header_that_cannot_be_used_is_told_before_anything_is_fed(header: str) -> None:
    values: dict[str, Any] = {"carrier": "twilio", "agent": {"name": "desk"}}
    values |= {"carrier": "pigeon"} if header == "carrier" else {"agent": {"name": 3}}
    with pytest.raises(CassetteError, match=r"pigeon.*known: twilio|calls/a\.jsonl: .*agent\.name"):
        player(header_line(Header(FORMAT, "CA1", dialect="xai", settings={}, **values)))


class Buggy(TwilioStream):
    """A codec with a bug in it, from its second message on."""

    def decode(self, message: str | bytes) -> list[Event]:
        if self._stream_id:
            raise KeyError("a bug")
        return super().decode(message)


def test_a_bug_that_a_recording_leads_to_is_not_blamed_on_the_recording() -> None:
    made = Player(Cassette("a", [HEADER]), lambda _: Buggy(), None, None)
    feed(made, START)
    with pytest.raises(GaveUp, match="a bug") as gave_up:
        feed(made, STOP)
    assert gave_up.value.failure.what == "KeyError: 'a bug'"


def test_messages_that_nobody_can_read_are_fed_as_the_call_had_them() -> None:
    made = player()
    outs = feed(made, START, CONNECTED, (0.2, "model", '{"text":"no JSON"}'), (0.2, "carrier", '{"text":"{"}'), READY)
    assert "call" not in {channel for channel, _ in outs}
    assert feed(made, (0.3, "carrier", '{"b64":"AAE="}'))[-2][0] == "record"
    assert made.end is not None
    assert made.end.by == "carrier", "a binary frame is a fault that ends the stream"


def test_every_session_gets_its_own_messages_and_a_closed_one_is_not_heard() -> None:
    made = player()
    feed(made, START, CONNECTED, READY)
    lost = feed(made, (1.0, "session", '{"type":"ModelLost","reason":"gone","code":1011}'))
    (asked,) = [message for _, message in lost if isinstance(message, dict) and message.get("type") == "OpenSession"]
    number = asked["session"]
    assert number > 0
    other = CONNECTED[2].replace('"session":0', f'"session":{number}').replace('"dialect":"xai"', '"dialect":"openai"')
    texts = made.feed(decode_line(line(1.1, "session", "in", other)), 9)
    update = next(read for read in map(decode_line, texts) if read.ch == "model")
    assert (update.session, update.message["session"]["type"]) == (number, "realtime"), "OpenAI's own words"
    assert feed(made, (1.2, "model", READY[2], number + 7)) == [], "a session that never was"


def test_the_audio_that_goes_out_is_the_lines_and_the_models() -> None:
    made = player()
    assert made.audio("carrier") == MULAW_8K
    feed(made, START, CONNECTED, READY)
    assert (made.audio("carrier"), made.audio("model")) == (MULAW_8K, PCM16_24K)


def test_timers_of_its_own_come_due_when_nothing_of_the_recording_wakes_it() -> None:
    made = player(limits=Limits(max_duration=20, caller_silence=0))
    feed(made, START, CONNECTED, READY)
    woken = [(made.now, list(map(decode_line, outs))) for outs in made.wake(60.0)]
    assert woken
    times = [now for now, _ in woken]
    assert times == sorted(times)
    assert all(read.t == now for now, outs in woken for read in outs)
    assert made.exchange is not None
    due = made.exchange.deadline()
    assert due is None or due + LATE >= 60.0
    assert any(abs(now - 20) < 1e-9 for now in times), "the limit of the call is one of them"


def test_it_is_not_woken_by_itself_before_the_recording_might_have_done_it() -> None:
    made = player()
    assert list(made.wake(100.0)) == [], "there is no call yet"
    feed(made, START, CONNECTED, READY)
    assert made.exchange is not None
    due = made.exchange.deadline()
    assert due is not None
    assert list(made.wake(due + LATE / 2)) == []
    assert len(list(made.wake(due + LATE * 1.01))) >= 1
