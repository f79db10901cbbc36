"""Arguments against a JSON Schema that was written by hand or by a server, with complaints that a model can act on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from telephony.tools.arguments import InvalidArguments

COMPLAINTS = 5
_QUOTED = 160
"""Characters of a complaint, which quotes the wrong value."""
_WITHOUT_PATTERNS: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": None, "patternProperties": None}
)
"""A pattern of a stranger's can take for ever on a text that was made for it."""


class ArgumentSchema:
    """One schema. `$ref` leads to its own `$defs` and nowhere else.

    Raises `ValueError` with what is wrong with it. *trusted* says whether its regular expressions are used.
    """

    def __init__(self, schema: dict[str, Any], *, trusted: bool = True) -> None:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            where = "".join(f".{step}" for step in error.absolute_path)
            raise ValueError(f"{where.lstrip('.') or 'it'}: {error.message[:_QUOTED]}") from None
        kind = Draft202012Validator if trusted else _WITHOUT_PATTERNS
        self._names = list(schema.get("properties", {}))
        self._validator = kind(schema, registry=Registry())
        try:
            list(self._validator.iter_errors({}))
        except Unresolvable as error:
            raise ValueError(f"its $ref leads nowhere: {error.ref}") from None

    def read(self, text: str) -> dict[str, Any]:
        """The arguments in the JSON that a model wrote; no text at all counts as `{}`. Raises `InvalidArguments`."""
        try:
            arguments = json.loads(text if text.strip() else "{}", parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise InvalidArguments(f"The arguments are not valid JSON ({problem}). Send one JSON object.") from None
        if not isinstance(arguments, dict):
            raise InvalidArguments("The arguments must be one JSON object.")
        try:
            errors = sorted(self._validator.iter_errors(arguments), key=lambda error: [str(s) for s in error.path])
        except (Unresolvable, RecursionError):
            raise InvalidArguments("The arguments cannot be checked: they nest too deeply.") from None
        if errors:
            raise InvalidArguments(" ".join(self._complaints(errors)))
        return arguments

    def _complaints(self, errors: list[ValidationError]) -> Iterable[str]:
        yield from dict.fromkeys(self._sentence(error) for error in errors[:COMPLAINTS])
        if len(errors) > COMPLAINTS:
            yield f"There are {len(errors) - COMPLAINTS} more mistakes."

    def _sentence(self, error: ValidationError) -> str:
        path = _path(error.absolute_path)
        message = error.message if len(error.message) <= _QUOTED else f"{error.message[:_QUOTED]}…"
        if error.validator == "additionalProperties" and not path and self._names:
            return f"{message}. The arguments are: {', '.join(self._names)}."
        return f"`{path}`: {message}." if path else f"{message}."


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _path(steps: Iterable[str | int]) -> str:
    """Such as `items[2].sku`."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path
