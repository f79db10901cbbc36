"""What may stand where: the settings' JSON schema, walked by path.

The messages about a wrong value, the table of settings and the redaction all ask here, so that a new setting needs
nothing but its line in `telephony.settings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from telephony.settings import Settings

NAME_IN_FRONT = re.compile(r"^`[A-Z_]+`[:,]? *")
KINDS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a mapping",
}


class Schema:
    """One place in the tree of settings."""

    def __init__(self, node: dict[str, Any], definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self.optional = any(choice.get("type") == "null" for choice in node.get("anyOf", []))
        """Whether it may be nothing."""
        self.node = self._resolve(node)

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """*node* with its `$ref` and its one choice beside null folded in; what stands outside wins."""
        inner: dict[str, Any] = {}
        if "$ref" in node:
            inner = self._definitions[node["$ref"].rpartition("/")[2]]
        elif "anyOf" in node:
            inner = next(choice for choice in node["anyOf"] if choice.get("type") != "null")
        return {**self._resolve(inner), **node} if inner else node

    def child(self, step: str | int) -> Schema | None:
        """What stands under a key or at a position; None if nothing may."""
        properties = self.node.get("properties", {})
        if step in properties:
            return Schema(properties[step], self._definitions)
        inside = self.node.get("items" if isinstance(step, int) else "additionalProperties")
        if isinstance(inside, dict):
            return Schema(inside, self._definitions)
        anything = inside is True or not self.kind
        return Schema({}, self._definitions) if anything else None

    def at(self, path: Sequence[str | int]) -> Schema | None:
        here: Schema | None = self
        for step in path:
            here = here.child(step) if here else None
        return here

    @property
    def keys(self) -> list[str]:
        """The keys that are known here."""
        return list(self.node.get("properties", {}))

    @property
    def kind(self) -> str:
        """JSON Schema's type; empty where anything goes."""
        return str(self.node.get("type", ""))

    @property
    def choices(self) -> list[str]:
        return [str(choice) for choice in self.node.get("enum", [])]

    @property
    def secret(self) -> bool:
        return self.node.get("format") == "password"

    @property
    def path(self) -> bool:
        """Whether it names a file."""
        return self.node.get("format") == "path"

    @property
    def required(self) -> bool:
        return "default" not in self.node

    @property
    def default(self) -> Any:
        return self.node.get("default")

    @property
    def sentence(self) -> str:
        """Its line in `telephony.settings`, without the name of its variable in front."""
        text = " ".join(str(self.node.get("description", "")).split())
        text = NAME_IN_FRONT.sub("", text)
        return text if text.startswith("http") else text[:1].upper() + text[1:]

    @property
    def expectation(self) -> str:
        """What a value must be, in words: `a whole number from 0 to 65535`."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = KINDS.get(self.kind, "a value")
        low, high, above = (self.node.get(name) for name in ("minimum", "maximum", "exclusiveMinimum"))
        if low is not None and high is not None:
            return f"{words} from {low:g} to {high:.12g}"
        if low is not None:
            return f"{words} of at least {low:g}"
        return words if above is None else f"{words} above {above:g}"

    def leaves(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
        """Every setting below with its path; `*` stands for a name or a position of the user's choice."""
        if self.keys:
            for key in self.keys:
                if found := self.child(key):
                    yield from found.leaves((*path, key))
            return
        inside = self.node.get("items", self.node.get("additionalProperties"))
        if isinstance(inside, dict) and Schema(inside, self._definitions).keys:
            yield from Schema(inside, self._definitions).leaves((*path, "*"))
            return
        yield path, self


@cache
def settings_schema() -> Schema:
    """The schema of the whole configuration."""
    node = Settings.model_json_schema()
    return Schema(node, node.get("$defs", {}))
