"""From a model's JSON to arguments: what the schema allows is taken, the rest is explained to the model."""

from __future__ import annotations

import inspect
import json
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from telephony.tools.arguments import InvalidArguments, read_arguments
from telephony.tools.signature import Signature, read_signature


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sku: str
    count: Annotated[int, Field(ge=1)] = 1


class Loose(BaseModel):
    count: int


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


def read(signature: Signature, text: str) -> dict[str, Any]:
    return read_arguments(signature.arguments, signature.names, text)


def order(
    order_id: str,
    items: list[Item],
    colour: Colour = Colour.RED,
    way: Literal["post", "courier"] = "post",
    extra: int | Item | None = None,
    even: Even | None = None,
    loose: Loose | None = None,
) -> None: ...


ORDER = read_signature(order)


def complaint(**changes: Any) -> str:
    arguments = {"order_id": "A-1", "items": [], **changes}
    with pytest.raises(InvalidArguments) as caught:
        read(ORDER, json.dumps(arguments))
    return str(caught.value)


# -- agreement between schema and validation ---------------------------------------------------------------------------


def allows(schema: dict[str, Any], value: Any) -> bool:
    """Whether *schema* allows *value*: an independent reading of the few keywords that our types lead to."""
    if "anyOf" in schema:
        return any(allows(each, value) for each in schema["anyOf"])
    if "enum" in schema:
        return any(value == each and type(value) is type(each) for each in schema["enum"])
    kinds = {"string": str, "boolean": bool, "null": type(None), "array": list, "object": dict, "integer": int}
    wanted = schema.get("type")
    if wanted == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, kinds[wanted]) and not (wanted == "integer" and isinstance(value, bool))
    if not fits or ("minimum" in schema and value < schema["minimum"]) or len(str(value)) < schema.get("minLength", 0):
        return False
    if wanted == "array":
        return all(allows(schema["items"], each) for each in value)
    if wanted == "object":
        return allows_object(schema, value)
    return True


def allows_object(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    known = schema.get("properties", {})
    rest = schema["additionalProperties"]
    return all(name in value for name in schema.get("required", ())) and all(
        allows(known[name], each) if name in known else rest is not False and allows(rest, each)
        for name, each in value.items()
    )


ANNOTATIONS = [
    str,
    int,
    float,
    bool,
    Colour,
    Item,
    Literal["x", "y"],
    list[int],
    dict[str, int],
    list[Item],
    int | None,
    str | int,
    Annotated[str, Field(min_length=2)],
    dict[str, list[Item]] | None,
]
words = st.sampled_from(["x", "red", "sku", "count", "1", ""])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2).filter(lambda x: x != int(x)) | words
items = st.fixed_dictionaries({}, optional={"sku": scalars, "count": scalars, "x": scalars})
anything = st.recursive(scalars | items, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner))


@given(st.sampled_from(ANNOTATIONS), anything)
def test_arguments_are_taken_exactly_if_the_schema_allows_them(annotation: Any, value: Any) -> None:
    def function(**arguments: Any) -> None: ...

    parameter = inspect.Parameter("value", inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
    function.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    signature = read_signature(function)
    text = json.dumps({"value": value})
    if allows(signature.parameters["properties"]["value"], value):
        assert set(read(signature, text)) == {"value"}
    else:
        with pytest.raises(InvalidArguments, match="value"):
            read(signature, text)


@given(st.text(max_size=40) | anything.map(json.dumps))
def test_no_text_leads_to_anything_but_arguments_or_a_complaint(text: str) -> None:
    try:
        found = read(ORDER, text)
    except InvalidArguments as error:
        assert str(error)  # noqa: PT017  either outcome is right; a complaint just has to say something
    else:
        assert set(found) <= set(ORDER.names)


# -- what becomes of good ones -----------------------------------------------------------------------------------------


def test_values_have_the_types_of_the_annotations() -> None:
    text = '{"order_id": "A", "items": [{"sku": "s"}], "colour": "blue", "extra": {"sku": "t", "count": 2}}'
    assert read(ORDER, text) == {
        "order_id": "A",
        "items": [Item(sku="s")],
        "colour": Colour.BLUE,
        "extra": Item(sku="t", count=2),
    }


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_no_text_counts_as_no_arguments(text: str) -> None:
    def ping() -> None: ...

    assert read(read_signature(ping), text) == {}


def test_a_model_of_the_authors_keeps_its_own_strictness() -> None:
    assert read(ORDER, '{"order_id": "A", "items": [], "loose": {"count": "5"}}')["loose"] == Loose(count=5)


# -- what the model is told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("nonsense", "not valid JSON"),
        ('{"order_id": "\\ud800"}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", "one JSON object, not [1]"),
        ("null", "one JSON object, not null"),
        ('"{}"', 'one JSON object, not "{}"'),
        ("{}", "`order_id` is missing. `items` is missing."),
    ],
)
def test_what_is_no_object_of_arguments_is_explained(text: str, said: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        read(ORDER, text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"order_id": 5}, "`order_id` should be a valid string; it was 5."),
        ({"order_id": None}, "`order_id` should be a valid string; it was null."),
        ({"colour": "green"}, "`colour` should be 'red' or 'blue'; it was \"green\"."),
        ({"way": "boat"}, "`way` should be 'post' or 'courier'; it was \"boat\"."),
        ({"items": [{"sku": "a"}, {"count": 0}]}, "`items[1].sku` is missing."),
        ({"items": [{"sku": "a"}, {"count": 0}]}, "`items[1].count` should be greater than or equal to 1; it was 0."),
        ({"items": [{"sku": "a", "x": 1}]}, "`items[0].x` is not an argument."),
        ({"even": {"number": 3}}, "`even.number` must be even; it was 3."),
        ({"extra": {"sku": 3}}, "`extra.sku` should be a valid string; it was 3."),
        ({"extra": "x"}, '`extra` should be a valid integer; it was "x".'),
        ({"hurry": True}, "`hurry` is not an argument. The arguments are: order_id, items, colour, way,"),
        ({"arg0": "x"}, "`arg0` is not an argument."),
    ],
)
def test_each_mistake_is_named_where_it_is(changes: dict[str, Any], said: str) -> None:
    assert said in complaint(**changes)


def test_long_values_are_quoted_in_part() -> None:
    assert len(complaint(order_id=["x" * 10_000])) < 200


def test_only_the_first_mistakes_are_told() -> None:
    said = complaint(items=[{"sku": number} for number in range(40)])
    assert said.count("should be") == 5
    assert said.endswith("There are 35 more mistakes.")


def test_a_mistake_that_two_branches_of_a_union_share_is_told_once() -> None:
    said = complaint(extra="x")
    assert said.count("valid integer") == 1
