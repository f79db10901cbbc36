"""One handler for everybody's lines, each with its call, none with a secret."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
import structlog

from telephony.runtime.logs import Handler, set_up

PLANTED = "planted-7c1f-secret"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_json_where_no_terminal_is() -> None:
    stream = io.StringIO()
    set_up("info", "auto", stream=stream)
    structlog.get_logger("telephony.call").info("call answered", agent="frontdesk", seconds=1.5)
    [line] = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "level": "info",
        "event": "call answered",
        "agent": "frontdesk",
        "seconds": 1.5,
        "logger": "telephony.call",
    }


def test_lines_are_for_people_in_a_terminal() -> None:
    stream = Terminal()
    set_up("info", "auto", stream=stream)
    structlog.get_logger("x").info("call answered")
    assert "call answered" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_every_line_inside_a_call_carries_its_id_whoever_wrote_it() -> None:
    stream = io.StringIO()
    set_up("info", "json", stream=stream)
    with structlog.contextvars.bound_contextvars(call_id="CA1", agent="frontdesk"):
        structlog.get_logger("x").info("ours")
        logging.getLogger("aiohttp.server").warning("%s", "theirs")
    structlog.get_logger("x").info("outside")
    assert [(line["event"], line.get("call_id")) for line in lines(stream)] == [
        ("ours", "CA1"),
        ("theirs", "CA1"),
        ("outside", None),
    ]


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_secrets_are_masked_by_name_by_shape_and_by_value(form: str) -> None:
    stream = io.StringIO()
    set_up("info", "json" if form == "json" else "pretty", [PLANTED], stream)
    log = structlog.get_logger("x")

    class Careless:
        def __repr__(self) -> str:
            return f"<Careless {PLANTED}>"

    log.info("named", auth_token="abc-named", nested={"headers": {"Authorization": "abc-named"}})
    log.info("shaped Bearer abc-shaped-token", url="wss://u:abc-shaped@host")
    log.info(f"valued {PLANTED}", what=Careless(), many=[PLANTED])
    logging.getLogger("theirs").warning("Bearer %s", "abc-shaped-token")
    try:
        raise ValueError(PLANTED)
    except ValueError:
        log.exception("raised")
        logging.getLogger("theirs").exception("raised")
    text = stream.getvalue()
    assert text.count("ValueError: ***") == 2
    assert not [word for word in (PLANTED, "abc-named", "abc-shaped") if word in text]


def test_the_level_holds_for_everybody() -> None:
    stream = io.StringIO()
    set_up("warning", "json", stream=stream)
    structlog.get_logger("x").info("quiet")
    logging.getLogger("theirs").info("quiet")
    structlog.get_logger("x").warning("heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


def test_frames_are_not_logged_even_at_debug() -> None:
    stream = io.StringIO()
    set_up("debug", "json", stream=stream)
    logging.getLogger("websockets.client").debug("< TEXT the caller's voice")
    logging.getLogger("websockets.client").info("connection open")
    assert [line["event"] for line in lines(stream)] == ["connection open"]


def test_setting_up_again_replaces_and_does_not_add() -> None:
    first, second = io.StringIO(), io.StringIO()
    set_up("info", "json", stream=first)
    log = structlog.get_logger("x")
    log.info("once")
    set_up("debug", "json", stream=second)
    log.info("twice")
    assert [line["event"] for line in lines(first)] == ["once"]
    assert [line["event"] for line in lines(second)] == ["twice"]
    assert len([h for h in logging.getLogger().handlers if isinstance(h, Handler)]) == 1


def test_foreign_handlers_are_left_alone() -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    set_up(stream=io.StringIO())
    assert other in logging.getLogger().handlers


def test_what_nobody_caught_is_logged_and_masked_as_well() -> None:
    stream = io.StringIO()
    set_up("info", "json", [PLANTED], stream)
    try:
        raise ValueError(PLANTED)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("the program failed", "error")
    assert "ValueError: ***" in str(line["exception"])
