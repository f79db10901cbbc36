"""What the model is told: text as it is, the rest as JSON once, never too much, never a secret of the program."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import itertools
import json
import math
import uuid
from collections import deque
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from telephony.tools.output import MAX_BYTES, UnusableResult, failure, render


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    name: str
    password: SecretStr = SecretStr("hunter2")


class Struct(msgspec.Struct):
    day: datetime.date


@dataclasses.dataclass
class Data:
    items: list[Model]


class Opaque:
    """A database handle, say."""


def cycle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(10_000):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("in text", "in text"),
        ("", ""),
        ('{"already": "json"}', '{"already": "json"}'),
        (Colour.RED, "red"),
        (b"bytes of text", "bytes of text"),
        (3, "3"),
        (True, "true"),
        ({"a": 1}, '{"a":1}'),
        ([1, "zwei"], '[1,"zwei"]'),
        ((1, 2), "[1,2]"),
        ({3}, "[3]"),
        (deque([1]), "[1]"),
        (math.nan, "null"),
        ({"x": math.inf}, '{"x":null}'),
        (datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC), '"2026-03-01T09:30:00Z"'),
        ({"for": datetime.timedelta(minutes=5)}, '{"for":"PT5M"}'),
        (decimal.Decimal("1.10"), '"1.10"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ({Colour.RED: 1, 2: 3}, '{"red":1,"2":3}'),
        (Model(name="a"), '{"name":"a","password":"**********"}'),
        (Data([Model(name="ü")]), '{"items":[{"name":"ü","password":"**********"}]}'),
        (Struct(datetime.date(2026, 3, 1)), '{"day":"2026-03-01"}'),
        ([Struct(datetime.date(2026, 3, 1))], '[{"day":"2026-03-01"}]'),
    ],
)
def test_results_have_one_form(result: object, told: str) -> None:
    assert render(result) == told


def test_nothing_is_told_as_nothing_and_not_as_silence() -> None:
    assert json.loads(render(None)) == {"result": None, "note": "It ran and returned nothing."}


@pytest.mark.parametrize(
    "result",
    [
        b"\xff\xfe",
        {"a": b"\xff"},
        Opaque(),
        [Opaque()],
        Opaque,
        print,
        ValueError("x"),
        {"a": "\ud800"},
        cycle(),
        deep(),
        itertools.count(),
        (number for number in itertools.count()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_form_is_named_to_its_author(result: object) -> None:
    with pytest.raises(UnusableResult, match="it returned a"):
        render(result)


@pytest.mark.parametrize("result", ["x" * 10_000_000, "€" * MAX_BYTES, ["ab"] * 1_000_000, b"y" * 100_000])
def test_too_much_is_cut_with_a_note(result: object) -> None:
    told = render(result)
    assert MAX_BYTES - 4 <= len(told.encode()) <= MAX_BYTES
    assert told.endswith("Ask for less, or work with this part.]")


def test_what_just_fits_is_not_cut() -> None:
    assert render("x" * MAX_BYTES) == "x" * MAX_BYTES
    assert len(render("x" * (MAX_BYTES + 1))) == MAX_BYTES


@given(st.text(st.characters(), max_size=50) | st.text(st.characters(), min_size=1, max_size=9).map(lambda t: t * 4000))
def test_any_text_becomes_valid_unicode_within_the_limit(text: str) -> None:
    assert len(render(text).encode()) <= MAX_BYTES
    told = failure(text, retry=True)
    assert len(told.encode()) <= MAX_BYTES
    assert set(json.loads(told)) == {"error", "retry"}


def test_a_lone_surrogate_in_text_is_replaced() -> None:
    assert render("a\ud800b") == "a?b"


def test_a_failure_says_what_happened_and_whether_to_try_again() -> None:
    assert json.loads(failure("No such order.", retry=False)) == {"error": "No such order.", "retry": False}
