"""From the JSON Schema that pydantic writes to the one that realtime models read.

Providers take a subset of JSON Schema and count every token of it, so titles go, references are replaced by what they
refer to, and objects say that they take nothing else. A type that refers to itself cannot be written out: it stays a
reference into `$defs`, which is plain JSON Schema and which xAI and OpenAI both read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]

_ONE = ("items", "additionalProperties", "contains", "not", "propertyNames")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties")
_PREFIX = "#/$defs/"


class Generator(GenerateJsonSchema):
    """Pydantic's generator, silent about defaults that have no JSON form: the schema goes without them."""

    ignored_warning_kinds = {"non-serializable-default"}  # noqa: RUF012  pydantic declares it without ClassVar


def provider_schema(schema: Schema) -> Schema:
    """*schema*, of an arguments object, without titles and with `$defs` written out where that ends."""
    definitions: Schema = schema.get("$defs", {})
    recursive = {name for name in definitions if name in _reachable(name, definitions)}
    written = _Writer(definitions, recursive)
    properties = {name: written.out(value) for name, value in schema.get("properties", {}).items()}
    result: Schema = {"type": "object", "properties": properties}
    if schema.get("required"):
        result["required"] = schema["required"]
    result["additionalProperties"] = False
    if recursive:
        result["$defs"] = {name: written.out(definitions[name]) for name in sorted(recursive)}
    return result


class _Writer:
    """Writes schemas out, given what they may refer to."""

    def __init__(self, definitions: Mapping[str, Any], recursive: set[str]) -> None:
        self._definitions = definitions
        self._recursive = recursive

    def out(self, schema: Any) -> Any:
        """One schema; booleans are schemas too and stay."""
        if not isinstance(schema, dict):
            return schema
        target = schema.get("$ref", "").removeprefix(_PREFIX)
        if target in self._definitions and target not in self._recursive:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._definitions[target], **beside}
        result = {key: self._part(key, value) for key, value in schema.items()}
        result.pop("title", None)
        if result.pop("discriminator", None) and "oneOf" in result:
            # OpenAPI's keyword: its mapping refers to definitions that are written out now. The tag in each variant
            # already tells them apart, and `anyOf` is the form every provider takes.
            result["anyOf"] = result.pop("oneOf")
        if "properties" in result:
            result.setdefault("additionalProperties", False)
        return result

    def _part(self, key: str, value: Any) -> Any:
        if key in _ONE:
            return self.out(value)
        if key in _MANY:
            return [self.out(each) for each in value]
        if key in _NAMED:
            return {name: self.out(each) for name, each in value.items()}
        return value


def _reachable(name: str, definitions: Mapping[str, Any]) -> set[str]:
    """Names of the definitions that the one called *name* leads to."""
    found: set[str] = set()
    waiting = [definitions[name]]
    while waiting:
        for target in _references(waiting.pop()) - found:
            found.add(target)
            waiting.append(definitions.get(target))
    return found


def _references(schema: Any) -> set[str]:
    """Names of the definitions that *schema* refers to itself."""
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("$ref")
    found = {own.removeprefix(_PREFIX)} if isinstance(own, str) else set()
    return found.union(*map(_references, schema.values()))
