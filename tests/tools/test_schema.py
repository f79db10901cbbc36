"""Schemas as providers read them: no titles, references written out, recursion kept valid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from telephony.tools.schema import provider_schema


class Address(BaseModel):
    """Where it goes."""

    title: str
    city: str


class Person(BaseModel):
    home: Address = Field(description="Where they live.")
    work: Address | None = None


class Tree(BaseModel):
    title: str
    branches: list[Tree] = []


class Husband(BaseModel):
    wife: Wife | None = None


class Wife(BaseModel):
    husband: Husband | None = None
    home: Address


def keys_of(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema))
    return set(schema).union(*map(keys_of, schema.values())) if isinstance(schema, dict) else set()


def test_references_are_written_out_and_what_stands_beside_them_wins() -> None:
    schema = provider_schema(Person.model_json_schema())
    assert "$defs" not in schema
    assert "$ref" not in json.dumps(schema)
    assert schema["properties"]["home"]["description"] == "Where they live."
    assert schema["properties"]["work"]["anyOf"][0]["description"] == "Where it goes."


def test_titles_go_but_a_property_called_title_stays() -> None:
    schema = provider_schema(Address.model_json_schema())
    assert "title" not in schema
    assert schema["properties"] == {"title": {"type": "string"}, "city": {"type": "string"}}


def test_objects_take_nothing_else_at_any_depth() -> None:
    schema = provider_schema(Person.model_json_schema())
    assert schema["additionalProperties"] is False
    assert schema["properties"]["home"]["additionalProperties"] is False


def test_an_object_of_free_keys_stays_open() -> None:
    class Counts(BaseModel):
        counts: dict[str, int]

    schema = provider_schema(Counts.model_json_schema())
    assert schema["properties"]["counts"] == {"type": "object", "additionalProperties": {"type": "integer"}}


@pytest.mark.parametrize(("model", "kept"), [(Tree, {"Tree"}), (Wife, {"Husband", "Wife"})])
def test_recursive_types_stay_references_that_resolve(model: type[BaseModel], kept: set[str]) -> None:
    class Arguments(BaseModel):
        value: model  # type: ignore[valid-type]

    schema = provider_schema(Arguments.model_json_schema())
    assert set(schema["$defs"]) == kept
    text = json.dumps(schema)
    assert text.count("$ref") == sum(text.count(f'"#/$defs/{name}"') for name in kept)


def test_no_required_list_where_nothing_is_required() -> None:
    assert provider_schema({"type": "object"}) == {"type": "object", "properties": {}, "additionalProperties": False}


def test_defaults_and_enums_that_look_like_schemas_are_left_alone() -> None:
    value = {"title": "x", "$ref": "#/$defs/A"}
    schema = provider_schema({"properties": {"a": {"default": value, "enum": [value]}}})
    assert schema["properties"]["a"] == {"default": value, "enum": [value]}


def test_the_discriminator_of_a_union_goes_since_its_mapping_would_lead_nowhere() -> None:
    tags = {"mapping": {"a": "#/$defs/A"}, "propertyName": "kind"}
    definitions = {"A": {"type": "object", "properties": {"kind": {"const": "a"}}}}
    schema = provider_schema(
        {"properties": {"pet": {"discriminator": tags, "oneOf": [{"$ref": "#/$defs/A"}]}}, "$defs": definitions}
    )
    assert keys_of(schema).isdisjoint({"discriminator", "oneOf", "$defs", "mapping"})
    assert schema["properties"]["pet"]["anyOf"][0]["properties"] == {"kind": {"const": "a"}}
