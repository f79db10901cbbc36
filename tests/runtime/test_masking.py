"""No secret in any line, wherever in it somebody put it and however they wrote it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from telephony.runtime.logs import set_up
from telephony.runtime.masking import Mask
from telephony.runtime.redaction import MASK, SHORTEST
from telephony.tools.hidden import hide, hiding

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=SHORTEST, max_size=40).filter(
    lambda text: not text.isalpha() and text.strip() == text and len(set(text)) > 3
)
"""What people use for passwords, and what they should not."""
DIGITS = st.text("0123456789", min_size=4, max_size=19)


@dataclass
class Thing:
    """Shows what is in it, as dataclasses and most clients do."""

    value: Any


def broken(text: str) -> None:
    raise ValueError(f"no such card: {text}")


ours = structlog.get_logger("telephony.test")
theirs = logging.getLogger("library.client")

Write = Callable[[str], object]


def raised(log: Callable[..., object]) -> Write:
    def write(text: str) -> None:
        try:
            try:
                broken(text)
            except ValueError as cause:
                raise RuntimeError(repr(text)) from cause
        except RuntimeError:
            log("failed")

    return write


WAYS: dict[str, Write] = {
    "the event": lambda text: ours.info(f"it said {text} and went"),
    "a field": lambda text: ours.info("x", field=f"<{text}>"),
    "a name": lambda text: ours.info("x", field={f"a {text}": 1}),
    "deep": lambda text: ours.info("x", field=[{"a": ({"b": {text}},)}]),
    "an object": lambda text: ours.info("x", field=Thing(text), others=[Thing({"a": Thing(text)})]),
    "bytes": lambda text: ours.info("x", field=text.encode(), others={"b": [text.encode()]}),
    "json": lambda text: ours.info("x", body=json.dumps({"a": json.dumps({"b": text})})),
    "an argument": lambda text: ours.info("x %s", text),
    "an exception": raised(lambda event: ours.exception(event)),
    "an exception as a value": lambda text: ours.info("x", error=ValueError(text), many=[ValueError(text)]),
    "their line": lambda text: theirs.warning("sent %s to %r", text, {"a": text}),
    "their object": lambda text: theirs.warning("sent %s", Thing(text)),
    "their extra": lambda text: theirs.warning("sent", extra={"body": text}),
    "their exception": raised(lambda event: theirs.exception(event)),
}


def written(write: Write, text: str, form: str, secrets: tuple[str, ...] = ()) -> str:
    stream = io.StringIO()
    set_up("debug", "json" if form == "json" else "pretty", secrets, stream)
    write(text)
    assert stream.getvalue()
    return stream.getvalue()


def strings(value: Any) -> list[str]:
    """Every text in what a line of JSON holds, names included."""
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in [key, *strings(item)]]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [str(value)]


@pytest.mark.parametrize("form", ["json", "pretty"])
@pytest.mark.parametrize("way", WAYS)
@given(secret=SECRETS)
def test_a_configured_secret_stands_in_no_line(way: str, form: str, secret: str) -> None:
    text = written(WAYS[way], secret, form, (secret,))
    assert secret not in text
    if form == "json":
        for line in text.splitlines():
            assert not [found for found in strings(json.loads(line)) if secret in found]


@pytest.mark.parametrize("way", WAYS)
@given(digits=DIGITS)
def test_digits_that_were_typed_in_secret_stand_in_no_line_of_their_call(way: str, digits: str) -> None:
    with hiding():
        hide(digits)
        for text in (digits, " ".join(digits), "-".join(digits)):
            for line in written(WAYS[way], text, "json").splitlines():
                found = json.loads(line)
                for ours_alone in ("timestamp", "level", "logger"):
                    found.pop(ours_alone, None)
                shown = "\n".join(strings(found))
                assert text not in shown.replace(":" + text, "")  # a line of source may have that number


@given(st.integers(10**7, 10**19))
def test_a_number_is_hidden_as_its_digits_are(number: int) -> None:
    assert Mask([str(number)]).line({"event": "x", "field": number, "many": [number]}) == {
        "event": "x",
        "field": MASK,
        "many": [MASK],
    }
    with hiding():
        hide(str(number))
        assert Mask(()).line({"field": number}) == {"field": MASK}
    assert Mask(()).line({"field": number}) == {"field": number}


def test_a_pin_blots_out_neither_the_date_nor_longer_numbers() -> None:
    line = {"timestamp": "2026-11-28T10:00:00Z", "call_id": "CA2026", "event": "paid 12026 with 2026", "t": 20.26}
    with hiding():
        hide("2026")
        assert Mask(()).line(line) == {**line, "event": "paid 12026 with ***"}


def test_what_belongs_to_a_secret_name_is_hidden_whatever_it_is() -> None:
    line = {"auth_token": 12345, "headers": {"Authorization": b"x", "n": [1]}, "token": Thing("x"), "max_tokens": 7}
    assert Mask(()).line(line) == {
        "auth_token": MASK,
        "headers": {"Authorization": MASK, "n": [MASK]},
        "token": MASK,
        "max_tokens": 7,
    }


def test_what_cannot_be_shown_does_not_keep_the_line_from_being_written() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

    endless: list[Any] = []
    endless.append(endless)
    shown = Mask(()).line({"a": Shy(), "b": endless})
    assert shown["a"] == "<Shy whose repr raises RuntimeError>"
    assert "[...]" in json.dumps(shown["b"])
