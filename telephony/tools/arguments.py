"""From the JSON a model wrote to the arguments of a function, or to a complaint that the model can act on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from telephony.errors import ToolError

_COMPLAINTS = 5
"""How many mistakes are told at once; a model that made more starts over anyway."""
_QUOTED = 60
"""Characters of a wrong value that are quoted back."""


class InvalidArguments(ToolError):
    """The model called a function with arguments that do not fit. The message is written for the model."""


def read_arguments(model: type[BaseModel], names: Sequence[str], text: str) -> dict[str, Any]:
    """The arguments by name; those that were left out are left out here too, so that Python's defaults apply.

    No text at all counts as `{}`: models write that for a function without parameters. Raises `InvalidArguments`.
    """
    try:
        values = model.model_validate_json(text if text.strip() else "{}")
    except ValidationError as error:
        raise InvalidArguments(_complaint(error, names, text)) from None
    given = [f"arg{index}" in values.model_fields_set for index in range(len(names))]
    return {name: getattr(values, f"arg{index}") for index, name in enumerate(names) if given[index]}


def _complaint(error: ValidationError, names: Sequence[str], text: str) -> str:
    details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        problem = details[0]["msg"].removeprefix("Invalid JSON: ")
        return f"The arguments are not valid JSON ({problem}). Send one JSON object."
    arguments = json.loads(text if text.strip() else "{}")
    if not isinstance(arguments, dict):
        return f"The arguments must be one JSON object, not {_quote(arguments)}."
    sentences = dict.fromkeys(_sentence(detail, arguments, names) for detail in details)
    told = list(sentences)[:_COMPLAINTS]
    if len(sentences) > len(told):
        told.append(f"There are {len(sentences) - len(told)} more mistakes.")
    return " ".join(told)


def _sentence(detail: ErrorDetails, arguments: dict[str, Any], names: Sequence[str]) -> str:
    path = _path(detail, arguments)
    if detail["type"] == "missing":
        return f"`{path}` is missing."
    if detail["type"] == "extra_forbidden":
        known = f" The arguments are: {', '.join(names)}." if len(detail["loc"]) == 1 and names else ""
        return f"`{path}` is not an argument.{known}"
    demand = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("Assertion failed, ")
    return f"`{path}` {demand}; it was {_quote(detail['input'])}." if path else f"{demand}."


def _path(detail: ErrorDetails, arguments: Any) -> str:
    """Where in the arguments the mistake is, such as `items[2].sku`.

    Pydantic's own location also names the branch of a union it was trying (`items.2.Item.sku`), which is nothing the
    model wrote; so we follow the location through what was written and keep the steps that lead somewhere.
    """
    steps = detail["loc"]
    path = ""
    here = arguments
    for index, step in enumerate(steps):
        absent = detail["type"] == "missing" and index == len(steps) - 1
        if isinstance(here, dict) and (step in here or absent):
            path += f".{step}" if path else str(step)
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            path += f"[{step}]"
            here = here[step]
    return path


def _quote(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=lambda other: type(other).__name__)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
