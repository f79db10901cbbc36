"""Arguments against a schema that was written by hand: what does not fit is told so that a model can mend it."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.tools.arguments import InvalidArguments
from telephony.tools.json_schema import COMPLAINTS, ArgumentSchema

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^A"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "integer"}}}},
    },
    "required": ["id"],
    "additionalProperties": False,
}


def complaint(text: str, schema: dict[str, Any] = ORDER) -> str:
    with pytest.raises(InvalidArguments) as refused:
        ArgumentSchema(schema).read(text)
    return str(refused.value)


def test_what_fits_comes_through() -> None:
    assert ArgumentSchema(ORDER).read('{"id": "A1", "items": [{"amount": 2}]}') == {
        "id": "A1",
        "items": [{"amount": 2}],
    }


def test_no_text_is_no_arguments() -> None:
    assert ArgumentSchema({"type": "object"}).read(" ") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ('{"id": NaN}', "NaN is no JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "one JSON object"),
        ("{}", "'id' is a required property"),
        ('{"id": 3}', "`id`: 3 is not of type 'string'"),
        ('{"id": "A", "items": [{"amount": "two"}]}', "`items[0].amount`: 'two' is not of type 'integer'"),
        ('{"id": "A", "itms": 1}', "The arguments are: id, items."),
        ('{"id": "B"}', "`id`: 'B' does not match"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(text: str, said: str) -> None:
    assert said in complaint(text)


def test_a_complaint_is_short_whatever_was_sent() -> None:
    assert len(complaint('{"id": [' + '"x",' * 10_000 + '"x"]}')) < 300


def test_of_many_mistakes_the_first_are_told() -> None:
    schema = {"type": "object", "properties": {str(n): {"type": "string"} for n in range(9)}}
    said = complaint("{" + ", ".join(f'"{n}": 1' for n in range(9)) + "}", schema)
    assert said.count("is not of type") == COMPLAINTS
    assert "There are 4 more mistakes." in said


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "objekt"}, "type"),
        ({"properties": {"a": {"type": 3}}}, "properties.a.type"),
        ({"$ref": "https://example.com/schema.json"}, "leads nowhere"),
        ({"$ref": "#/$defs/nothing"}, "leads nowhere"),
    ],
)
def test_a_schema_that_is_none_is_refused(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        ArgumentSchema(schema)


def test_a_strangers_patterns_are_not_run() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(x+x+)+y$"}}}
    assert ArgumentSchema(schema, trusted=False).read('{"a": "' + "x" * 5000 + '"}')
