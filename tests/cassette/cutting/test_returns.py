"""Marks that come back in a call that begins in the middle of another."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from telephony.cassette.cutting.returns import Returns, Sent, mark_of
from telephony.cassette.format import Line


def out(message: dict[str, Any]) -> Line:
    return Line(0.0, "carrier", "out", msgspec.Raw(json.dumps(message).encode()))


def audio(size: int) -> Line:
    return out({"event": "media", "media": {"payload": base64.b64encode(bytes(size)).decode()}})


def mark(name: str) -> Line:
    return out({"event": "mark", "mark": {"name": name}})


CLEAR = out({"event": "clear"})


def see(sent: Sent, *lines: Line) -> None:
    for line in lines:
        sent.see(line)


def test_mark_comes_back_where_as_much_has_been_played() -> None:
    returns = Returns()
    see(returns.then, audio(800), mark("m1"), audio(800), mark("m2"), audio(800), mark("m3"))
    returns.begin(unheard=1400)  # of 2400 bytes 1000 were heard
    see(returns.now, audio(800), mark("m1"), audio(600), mark("m2"))
    assert returns.came_back("m1") == []  # it was before the beginning
    assert returns.came_back("m2") == []  # 600 bytes on nothing was marked here
    assert returns.came_back("m3") == ["m1", "m2"]
    assert returns.came_back("m3") == []


def test_everything_comes_back_once_everything_was_played_there() -> None:
    returns = Returns()
    returns.begin(unheard=0)
    see(returns.then, audio(800), mark("m9"))
    see(returns.now, audio(2000), mark("m1"))
    assert returns.came_back("m9") == ["m1"]


def test_cleared_marks_come_back_and_later_ones_do_not() -> None:
    returns = Returns()
    returns.begin(unheard=0)
    see(returns.then, audio(1600), mark("m8"), CLEAR, audio(800), mark("m9"), audio(800))
    see(returns.now, audio(1600), mark("m1"), CLEAR, audio(800), mark("m2"), audio(800))
    assert returns.came_back("m8") == ["m1"]
    assert returns.came_back("m9") == ["m2"]


def test_unknown_marks_and_no_marks_at_all_say_nothing() -> None:
    assert Returns().came_back("m1") == []
    assert [mark_of(message) for message in (None, {}, {"mark": 1}, {"mark": {"name": 3}})] == [""] * 4
