"""The codec of Twilio Media Streams: tolerant in, strict out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_24K
from telephony.carriers.twilio import FAULTS_ALLOWED, TwilioStream
from telephony.commands import ClearPlayback, Play, SendMark
from telephony.events import CallerAudio, CallStarted, CarrierFault, CarrierStopped, Event, KeyPressed, MarkReached

WIRE = Path(__file__).parents[2] / "fixtures" / "wire" / "twilio"
STREAM = "MZ0123456789abcdef0123456789abcdef"
CALL = "CA0123456789abcdef0123456789abcdef"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
FRAME = bytes([0xFF, 0x7F, 0xFE, 0x7E]) * 40


def received(name: str) -> str:
    return (WIRE / "received" / f"{name}.json").read_text()


def started(name: str = "start") -> TwilioStream:
    codec = TwilioStream()
    (event,) = codec.decode(received(name))
    assert isinstance(event, CallStarted)
    return codec


def media(**fields: Any) -> str:
    """A media message with *fields* of `media` changed; a field set to Ellipsis is left out."""
    body = {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": base64.b64encode(FRAME).decode()} | fields
    told = {name: value for name, value in body.items() if value is not ...}
    return json.dumps({"event": "media", "sequenceNumber": "2", "streamSid": STREAM, "media": told})


def start(**fields: Any) -> str:
    message = json.loads(received("start"))
    message["start"] |= fields
    message["start"] = {name: value for name, value in message["start"].items() if value is not ...}
    return json.dumps(message)


# -- what Twilio sends ---------------------------------------------------------------------------------------------


def test_a_whole_call_becomes_events() -> None:
    codec = TwilioStream()
    events = [
        event
        for kind in ("connected", "start", "media", "dtmf", "mark", "stop")
        for event in codec.decode(received(kind))
    ]
    assert events == [
        CallStarted(CALL, STREAM, MULAW_8K, ACCOUNT, {"token": "not-a-real-token", "agent": "frontdesk"}),
        CallerAudio(FRAME, 45),
        KeyPressed("1"),
        MarkReached("r1:3"),
        CarrierStopped(),
    ]
    assert (codec.faults, codec.ignored) == (0, 0)


def test_somleng_keeps_its_parameters_at_the_top_level_and_counts_in_numbers() -> None:
    assert TwilioStream().decode(received("start-somleng")) == [
        CallStarted(CALL, STREAM, MULAW_8K, ACCOUNT, {"agent": "frontdesk"})
    ]


def test_signalwire_names_the_stream_only_once_and_speaks_linear_pcm() -> None:
    codec = started("start-signalwire")
    assert codec.decode(received("media-signalwire")) == [CallerAudio(b"\0\0\1\0\2\0\3\0", 20)]


@pytest.mark.parametrize(
    ("told", "audio"),
    [
        (..., MULAW_8K),
        (None, MULAW_8K),
        ({}, MULAW_8K),
        ({"encoding": "audio/x-mulaw", "sampleRate": "8000"}, MULAW_8K),
        ({"encoding": "AUDIO/PCMU", "sampleRate": 8000.0, "channels": "1"}, MULAW_8K),
        ({"encoding": "audio/x-alaw", "sampleRate": 8000, "channels": 1}, ALAW_8K),
        ({"encoding": "audio/l16", "sampleRate": 24000, "channels": 1}, PCM16_24K),
        ({"encoding": "audio/x-L16"}, PCM16_8K),
    ],
)
def test_the_format_is_read_from_start(told: Any, audio: Any) -> None:
    (event,) = TwilioStream().decode(start(mediaFormat=told))
    assert isinstance(event, CallStarted)
    assert event.audio == audio


@pytest.mark.parametrize(
    "told",
    [
        {"encoding": "audio/opus"},
        {"encoding": "audio/x-mulaw", "sampleRate": 16000},
        {"encoding": "audio/x-mulaw", "sampleRate": "fast"},
        {"encoding": "audio/x-mulaw", "sampleRate": 10**18},
        {"encoding": "audio/x-mulaw", "sampleRate": 1e300},
        {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2},
        {"encoding": "audio/x-mulaw", "channels": 10**4000},
        {"encoding": "\x1b[31m" * 100},
    ],
)
def test_audio_we_cannot_speak_ends_the_stream(told: Any) -> None:
    (fault,) = TwilioStream().decode(start(mediaFormat=told))
    assert isinstance(fault, CarrierFault)
    assert fault.fatal
    assert "audio we cannot speak" in fault.reason
    assert fault.reason.isprintable()
    assert len(fault.reason) < 500


@pytest.mark.parametrize("field", ["streamSid", "callSid"])
def test_a_start_that_names_no_stream_or_call_ends_the_stream(field: str) -> None:
    message = json.loads(start(**{field: ...}))
    message.pop("streamSid")
    assert_broken(TwilioStream().decode(json.dumps(message)))


def test_parameters_that_are_no_text_become_json() -> None:
    (event,) = TwilioStream().decode(start(customParameters={"a": 1, "b": None, "c": "x", "d": ["é"]}))
    assert isinstance(event, CallStarted)
    assert event.parameters == {"a": "1", "b": "null", "c": "x", "d": '["é"]'}


@pytest.mark.parametrize(
    ("timestamp", "at_ms"),
    [
        ("5", 5),
        (5, 5),
        (5.9, 5),
        ("0", 0),
        (..., None),
        (None, None),
        ("", None),
        ("-1", None),
        (-1, None),
        ("soon", None),
        ("1e3", None),
        (10**17, None),
        (1e300, None),
    ],
)
def test_a_frame_knows_its_place_where_the_carrier_says_so(timestamp: Any, at_ms: int | None) -> None:
    assert started().decode(media(timestamp=timestamp)) == [CallerAudio(FRAME, at_ms)]


@pytest.mark.parametrize("missing", ["track", "chunk", "timestamp"])
def test_only_the_payload_of_a_frame_is_needed(missing: str) -> None:
    (event,) = started().decode(media(**{missing: ...}))
    assert isinstance(event, CallerAudio)


def test_a_frame_may_be_of_any_size() -> None:
    codec = started()
    assert codec.decode(media(payload="")) == []
    assert codec.decode(media(payload="fw==")) == [CallerAudio(b"\x7f", 5)]
    ten_seconds = bytes(range(256)) * 313
    events = codec.decode(media(payload=base64.b64encode(ten_seconds).decode()))
    pieces = [event for event in events if isinstance(event, CallerAudio)]
    assert b"".join(piece.payload for piece in pieces) == ten_seconds
    assert [piece.at_ms for piece in pieces] == [5 + 200 * n for n in range(len(pieces))]
    assert all(MULAW_8K.milliseconds(piece.payload) <= 200 for piece in pieces)
    untimed = codec.decode(media(payload=base64.b64encode(ten_seconds).decode(), timestamp=...))
    assert {event.at_ms for event in untimed if isinstance(event, CallerAudio)} == {None}


def test_our_own_voice_is_not_taken_for_the_callers() -> None:
    codec = started()
    assert codec.decode(media(track="outbound")) == []
    assert codec.decode(media(track="outbound_track")) == []
    assert codec.ignored == 2


def test_half_a_sample_is_a_fault() -> None:
    codec = TwilioStream()
    codec.decode(start(mediaFormat={"encoding": "audio/l16", "sampleRate": 8000}))
    assert_fault(codec.decode(media(payload="AAAA")))


@pytest.mark.parametrize("digit", [*"0123456789*#ABCD", "a", 7])
def test_every_key_of_a_keypad_is_known(digit: Any) -> None:
    message = {"event": "dtmf", "streamSid": STREAM, "dtmf": {"digit": digit, "duration": 260}}
    assert started().decode(json.dumps(message)) == [KeyPressed(str(digit).upper())]


@pytest.mark.parametrize("digit", ["", "12", "E", "٣", "\u2028", -1, None, []])
def test_what_is_no_key_is_a_fault(digit: Any) -> None:
    assert_fault(started().decode(json.dumps({"event": "dtmf", "dtmf": {"digit": digit}})))


def test_events_from_the_future_are_ignored_and_counted() -> None:
    codec = started()
    for event in ("transcript", "", "Media", "media "):
        assert codec.decode(json.dumps({"event": event, "streamSid": STREAM, "media": 5})) == []
    assert (codec.ignored, codec.faults) == (4, 0)


# -- who breaks the protocol ---------------------------------------------------------------------------------------


def assert_fault(events: list[Event]) -> None:
    (fault,) = events
    assert isinstance(fault, CarrierFault)
    assert not fault.fatal
    assert fault.reason.isprintable()


def assert_broken(events: list[Event]) -> None:
    (fault,) = events
    assert isinstance(fault, CarrierFault)
    assert fault.fatal
    assert fault.reason.isprintable()


@pytest.mark.parametrize("stream", [STREAM, "", None, "MZother"])
def test_media_before_start_ends_the_stream(stream: str | None) -> None:
    message = json.loads(media()) | {"streamSid": stream}
    codec = TwilioStream()
    assert_broken(codec.decode(json.dumps(message)))
    assert codec.decode(received("start")) == []
    assert codec.encode(ClearPlayback()) == []


def test_a_second_start_ends_the_stream() -> None:
    assert_broken(started().decode(received("start")))


@pytest.mark.parametrize("kind", ["media", "mark", "dtmf", "stop"])
def test_a_message_of_another_stream_ends_the_stream(kind: str) -> None:
    message = json.loads(received(kind)) | {"streamSid": "MZffffffffffffffffffffffffffffffff"}
    assert_broken(started().decode(json.dumps(message)))


@pytest.mark.parametrize("kind", ["media", "mark", "dtmf", "stop"])
def test_a_message_that_names_no_stream_is_ours(kind: str) -> None:
    message = json.loads(received(kind))
    del message["streamSid"]
    (event,) = started().decode(json.dumps(message))
    assert not isinstance(event, CarrierFault)


def test_a_binary_frame_ends_the_stream() -> None:
    codec = started()
    assert_broken(codec.decode(received("media").encode()))
    assert codec.decode(received("media")) == []


def test_marks_and_keys_before_start_are_faults() -> None:
    codec = TwilioStream()
    assert_fault(codec.decode(received("mark")))
    assert_fault(codec.decode(received("dtmf")))
    assert codec.decode(received("start")) != []


def test_stop_before_start_ends_cleanly_and_once() -> None:
    codec = TwilioStream()
    assert codec.decode(received("stop")) == [CarrierStopped()]
    assert codec.decode(received("stop")) == []
    assert codec.decode(received("start")) == []


JUNK = [
    "",
    "nonsense",
    "[]",
    "5",
    "null",
    "{}",
    '{"event":5}',
    '{"event":null}',
    '{"event":"media"}',
    '{"event":"media","media":[]}',
    '{"event":"media","media":{}}',
    '{"event":"media","media":{"payload":5}}',
    '{"event":"media","media":{"payload":"A"}}',
    '{"event":"media","media":{"payload":"****"}}',
    '{"event":"media","media":{"payload":"AAAA","timestamp":NaN}}',
    '{"event":"media","media":{"payload":"AAAA","timestamp":{}}}',
    '{"event":"media","media":{"payload":"AAAA","timestamp":' + "9" * 5000 + "}}",
    '{"event":"media","media":{"payload":"AAAA"}',
    '{"event":"media","media":{"payload":"AAAA"}} trailing',
    '{"event":"media","event":"mark","mark":{"name":"x"}}',
    '{"event":"mark","mark":{"name":"\ud800"}}',
    '{"event":"mark","mark":{"name":"\\ud800"}}',
    '{"event":"mark","mark":{"name":7}}',
    '{"event":"mark","mark":"x"}',
    '{"event":"dtmf","dtmf":' + "[" * 10_000 + "]" * 10_000 + "}",
    '{"deep":' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"deep":' + '{"a":' * 10_000,
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_what_cannot_be_read_is_a_fault_and_the_call_goes_on(junk: str) -> None:
    codec = started()
    assert_fault(codec.decode(junk))
    assert codec.decode(media()) == [CallerAudio(FRAME, 5)]


def test_the_last_of_duplicate_keys_counts() -> None:
    twice = '{"event":"mark","mark":{"name":"a"},"mark":{"name":"b"}}'
    assert started().decode(twice) == [MarkReached("b")]


def test_a_stream_of_junk_ends_after_a_while() -> None:
    codec = started()
    for _ in range(FAULTS_ALLOWED):
        assert_fault(codec.decode("junk"))
    assert_broken(codec.decode("junk"))
    assert codec.decode("junk") == []


@given(st.lists(st.text() | st.binary() | st.sampled_from(JUNK), max_size=5), st.booleans())
def test_nothing_makes_it_raise(messages: list[str | bytes], after_start: bool) -> None:
    codec = started() if after_start else TwilioStream()
    for message in messages:
        assert isinstance(codec.decode(message), list)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["AAAA", STREAM]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "digit", "payload"]), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(["streamSid", "start", "media", "mark", "dtmf", "stop", "customParameters", "sequenceNumber"])
EVENTS = st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop", "else"])


@given(EVENTS, st.dictionaries(FIELDS, JSON), st.booleans())
def test_no_shape_of_a_known_message_makes_it_raise(event: str, fields: dict[str, Any], after_start: bool) -> None:
    codec = started() if after_start else TwilioStream()
    for decoded in codec.decode(json.dumps({"event": event, **fields})):
        assert isinstance(decoded, Event)


@given(st.dictionaries(st.text(max_size=20), JSON), st.dictionaries(st.text(max_size=20), JSON))
def test_no_start_makes_it_raise(opening: dict[str, Any], parameters: dict[str, Any]) -> None:
    message = {"event": "start", "start": {"callSid": CALL, "customParameters": parameters, "mediaFormat": opening}}
    TwilioStream().decode(json.dumps(message | {"streamSid": STREAM}))


# -- what we send --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "command"),
    [("media", Play(FRAME, at=0.0)), ("mark", SendMark("r1:3")), ("clear", ClearPlayback())],
)
def test_we_say_exactly_what_twilio_documents(kind: str, command: Any) -> None:
    (message,) = started().encode(command)
    assert json.loads(message) == json.loads((WIRE / "sent" / f"{kind}.json").read_text())


def test_we_say_nothing_before_start_nor_after_stop() -> None:
    commands = [Play(FRAME, at=0.0), SendMark("x"), ClearPlayback()]
    assert [TwilioStream().encode(command) for command in commands] == [[], [], []]
    codec = started()
    codec.decode(received("stop"))
    assert [codec.encode(command) for command in commands] == [[], [], []]


def test_no_audio_is_no_message() -> None:
    assert started().encode(Play(b"", at=0.0)) == []


TEXT = st.text(alphabet=st.characters(codec="utf-8"), min_size=1)


@given(st.binary(min_size=1, max_size=2000), TEXT, TEXT)
def test_whatever_we_send_reads_back(payload: bytes, name: str, stream: str) -> None:
    codec = TwilioStream()
    codec.decode(json.dumps({"event": "start", "start": {"callSid": CALL, "streamSid": stream}}))
    (played,) = codec.encode(Play(payload, at=0.0))
    assert json.loads(played) == {
        "event": "media",
        "streamSid": stream,
        "media": {"payload": base64.b64encode(payload).decode()},
    }
    (marked,) = codec.encode(SendMark(name))
    assert json.loads(marked) == {"event": "mark", "streamSid": stream, "mark": {"name": name}}
    (cleared,) = codec.encode(ClearPlayback())
    assert json.loads(cleared) == {"event": "clear", "streamSid": stream}
