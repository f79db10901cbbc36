"""The lines of a cassette: whatever a wire carried comes back, and a file that is none says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.cassette.format import (
    FORMAT,
    Cassette,
    Header,
    Line,
    decode_line,
    header_line,
    line,
    wire_json,
    wire_message,
)
from telephony.errors import CassetteError

HEADER = header_line(Header(FORMAT, "CA1", "twilio", "xai", {"name": "desk"}, {}))
ONE, TWO = line(0.5, "timer", "in", "null"), line(1.5, "timer", "out", "2.5")

SURE = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | SURE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SURE | st.sampled_from(["text", "b64"]), inner),
    max_leaves=12,
)
SPELLED = st.builds(
    lambda value, indent, ascii_: json.dumps(value, indent=indent, ensure_ascii=ascii_),
    VALUES,
    st.sampled_from([None, 1, "\r\n\t"]),
    st.booleans(),
)
SPACE = st.text(" \t\r\n", max_size=3)
MESSAGES = st.one_of(
    SURE,
    st.binary(),
    st.builds("{}{}{}".format, SPACE, SPELLED, SPACE),
    st.builds('{}{{{}"{}"{}:"{}"{}}}'.format, SPACE, SPACE, st.sampled_from(["text", "b64"]), SPACE, SURE, SPACE),
)


def there_and_back(message: str | bytes, session: int = 0) -> str | bytes:
    written = line(0.25, "model", "in", wire_json(message), session)
    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    read = decode_line(written)
    assert read.session == session
    return wire_message(read.msg)


def means(message: str | bytes) -> Any:
    """What a reader of the wire makes of it: JSON's value, or the very text."""
    try:
        return ("json", json.loads(message)) if isinstance(message, str) else message
    except ValueError:
        return message


def cassette(*lines: bytes) -> Cassette:
    return Cassette("calls/a.jsonl", lines)


# -- one message -----------------------------------------------------------------------------------------------------


@given(MESSAGES, st.integers(0, 9))
def test_whatever_a_wire_carried_comes_back_meaning_the_same(message: str | bytes, session: int) -> None:
    assert means(there_and_back(message, session)) == means(message)


@given(VALUES)
def test_json_on_one_line_stands_in_the_file_as_it_came(value: Any) -> None:
    message = json.dumps({"event": value})
    assert wire_json(message) == message
    assert there_and_back(message) == message


@pytest.mark.parametrize(
    "message",
    [
        '{"text":"a"}', '{"text": "a"}', ' {"text":"a"}', '\n{"b64":"YQ=="}', '{\n "b64": 3}', '{"text":"a","b":1}',
        '{"text":"a","text":"b"}', '{"text":{"text":"a"}}', '{"b64":"no base64"}', '{"text":',
    ],
)  # fmt: skip
def test_a_message_that_looks_like_a_wrapper_is_wrapped_itself(message: str) -> None:
    assert there_and_back(message) == message.replace("\n", " ")


@pytest.mark.parametrize(
    "message",
    [
        "", " ", "hello", '{"a":', '{"a":1,}', '{"a":01}', "NaN", '{"a":"\x01"}', '{"a":"x\ny"}', "[1]x", "\ufeff{}",
        '{"a":1}\r\n{"b":2}', "\x00", "\u2028", '"\\x"', b"", b"\xff\x00", b'{"event":"stop"}',
    ],
)  # fmt: skip
def test_what_is_no_json_comes_back_to_the_letter(message: str | bytes) -> None:
    assert there_and_back(message) == message


@pytest.mark.parametrize("message", ["1e999", "-0.0", "1" * 5000, '{"a":0.1000000000000000055511151231257827}'])
def test_numbers_that_no_float_holds_are_not_touched(message: str) -> None:
    assert there_and_back(message) == message


@pytest.mark.parametrize("depth", [10, 150, 250, 900, 997, 1000, 5000, 200_000])
@pytest.mark.parametrize("kind", ["[]", "{}"])
def test_a_message_nested_too_deep_for_anybody_to_read_is_kept_all_the_same(depth: int, kind: str) -> None:
    message = "[" * depth + "]" * depth if kind == "[]" else '{"a":' * depth + "1" + "}" * depth
    assert there_and_back(message) == message


def further_down(frames: int, work: Callable[[], Any]) -> Any:
    return further_down(frames - 1, work) if frames else work()


@pytest.mark.parametrize("depth", [100, 190, 210, 600, 900])
def test_whoever_reads_may_be_further_down_than_whoever_wrote(depth: int) -> None:
    """What msgspec can follow depends on how deep the interpreter is already."""
    message = "[" * depth + "]" * depth
    written = line(0.0, "model", "in", wire_json(message))
    assert further_down(400, lambda: wire_message(decode_line(written).msg)) == message


def test_half_a_character_is_kept_as_a_question_mark() -> None:
    """No socket yields one, UTF-8 has no way to say it; JSON's escape of one is a text like any other."""
    assert there_and_back('"\ud800"') == '"?"'
    assert there_and_back('{"a":"\\ud800"}') == '{"a":"\\ud800"}'


@pytest.mark.parametrize("broken", ['{"b64":"*"}', '{"text":1}', '{"text":"a","b64":""}', '{"b64": "é"}'])
def test_a_wrapper_that_holds_something_else_is_an_error(broken: str) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII"):
        wire_message(decode_line(line(0.0, "carrier", "in", broken)).msg)


def test_a_wrapper_may_be_spelled_with_spaces_as_editors_do() -> None:
    assert wire_message(decode_line(line(0.0, "model", "in", '{ "text": "\\u0061" }')).msg) == "a"
    assert wire_message(decode_line(line(0.0, "model", "in", '{ "b64" : "YQ==" }')).msg) == b"a"


@given(st.floats(0, 1e7, allow_nan=False), st.booleans(), st.sampled_from(["in", "out"]))
def test_times_come_back_to_the_last_digit(now: float, session: bool, direction: Any) -> None:
    written = line(now, "rest", direction, '{"a": [1, 2]}', int(session))
    read = decode_line(written)
    assert read == Line(now, "rest", direction, read.msg, int(session))
    assert read.message == {"a": [1, 2]}
    ((_, _, came),) = cassette(HEADER, written).numbered()
    assert (came is not None) == (direction == "in"), "what went out is known without being read"


# -- the header ------------------------------------------------------------------------------------------------------


@given(st.dictionaries(SURE, SURE | st.lists(st.integers(-9, 2**60) | st.floats(-9, 9))), SURE)
def test_a_header_comes_back(values: dict[str, Any], text: str) -> None:
    header = Header(FORMAT, text, "twilio", "xai", values, {text: values}, "2026-11-27T12:00:00Z", "us", text)
    assert header_line(header).count(b"\n") == 1
    assert cassette(header_line(header)).header == header


def test_keys_of_a_header_that_nobody_knows_yet_are_passed_over() -> None:
    values = {**json.loads(HEADER), "mood": "sunny"}
    assert cassette(json.dumps(values).encode()).header == cassette(HEADER).header


@pytest.mark.parametrize("key", ["call_id", "carrier", "dialect", "agent", "settings"])
def test_a_header_without_what_it_needs_names_file_line_and_key(key: str) -> None:
    values = json.loads(HEADER)
    del values[key]
    with pytest.raises(CassetteError, match=rf"^calls/a\.jsonl:1: .*`{key}`.*Record the call again"):
        cassette(json.dumps(values).encode())


@pytest.mark.parametrize("key", ["recorded_at", "software", "about"])
def test_a_header_may_say_nothing_of_where_it_comes_from(key: str) -> None:
    assert getattr(cassette(HEADER).header, key) == ""


@pytest.mark.parametrize(
    "first",
    [
        b"", b"\n", b"RIFF\x00\xff", b"\xff", b"[]", b"3", b'"cassette"', b"null", b"{}", b'{"event":"start"}',
        b'{"cassette":1,', HEADER[: len(HEADER) // 2], b"[" * 100_000, ONE,
    ],
)  # fmt: skip
def test_a_file_that_is_no_cassette_says_so_and_what_to_name(first: bytes) -> None:
    with pytest.raises(CassetteError, match=r"^calls/a\.jsonl: this is no cassette.*Name a file"):
        cassette(*([first] if first else []))


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"\xef\xbb\xbf" + HEADER, "it begins with a byte order mark.*without one"),
        (b"\xff\xfe{\x00", "it begins with a byte order mark"),
        (b"\x1f\x8b\x08\x00", "it is compressed.*gzip -dc"),
    ],
)
def test_a_file_that_a_program_has_changed_says_by_what_and_what_to_do(first: bytes, told: str) -> None:
    with pytest.raises(CassetteError, match=rf"^calls/a\.jsonl: this is no cassette: {told}"):
        cassette(first)


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (FORMAT + 1, "Update telephony"), (10**12, "Update telephony"), (0, "Record the call again"),
        (-1, "Record the call again"), ("2", "Record the call again"), (None, "Record the call again"),
        ([], "Record the call again"), (0.5, "Record the call again"),
    ],
)  # fmt: skip
def test_another_version_is_refused_with_what_to_do(version: Any, remedy: str) -> None:
    values = {**json.loads(HEADER), "cassette": version, "agent": "of another shape"}
    with pytest.raises(CassetteError, match=rf"^calls/a\.jsonl: .*{FORMAT} is read here\. {remedy}"):
        cassette(json.dumps(values).encode())


# -- the file --------------------------------------------------------------------------------------------------------


def test_lines_are_read_as_often_as_they_are_asked_for() -> None:
    made = cassette(HEADER, ONE, TWO)
    assert [read.t for read in made.lines] == [read.t for read in made.lines] == [0.5, 1.5]
    assert [(number, text) for number, text, _ in made.numbered()] == [(2, ONE), (3, TWO)]


def test_empty_lines_are_passed_over_and_counted() -> None:
    assert [number for number, _, _ in cassette(HEADER, b"\n", ONE, b" \r\n", TWO).numbered()] == [3, 5]


@pytest.mark.parametrize("last", [ONE, TWO])
def test_half_a_last_line_is_what_a_killed_process_leaves_and_is_ignored(last: bytes) -> None:
    for size in range(len(last) - 1):
        assert [read.t for read in cassette(HEADER, ONE, last[:size]).lines] == [0.5]
        assert len(list(cassette(HEADER, ONE, last[:size]).numbered())) == 1


@pytest.mark.parametrize("last", [ONE, TWO])
def test_a_whole_last_line_needs_no_line_break(last: bytes) -> None:
    assert len(list(cassette(HEADER, ONE, last[:-1]).lines)) == 2
    assert len(list(cassette(HEADER, ONE, last[:-1]).numbered())) == 2


@pytest.mark.parametrize(
    "broken",
    [
        ONE[:20] + b"\n", TWO[:-4] + b"\n", b"hello\n", b"\xff\n", b"[1]\n", b'{"t":1}\n', b"[" * 100_000 + b"\n",
        ONE.replace(b"timer", b"radio"), ONE.replace(b'"in"', b'"up"'), ONE.replace(b"0.5", b'"0.5"'),
    ],
)  # fmt: skip
def test_a_broken_line_in_the_middle_names_file_line_and_remedy(broken: bytes) -> None:
    with pytest.raises(CassetteError, match=r"^calls/a\.jsonl:3: this is no line.*head -n 2$"):
        list(cassette(HEADER, ONE, broken, TWO).lines)
