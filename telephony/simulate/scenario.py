"""Scenarios: one YAML file with both halves of a simulated call, `model` and `caller`, since they answer each other."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from telephony.errors import ScriptError

FRONT_DESK = "front_desk"
"""Greeting, a question that leads to a function call, a barge-in, goodbye; the agent hangs up."""


def load_scenario(source: str | Path = FRONT_DESK) -> tuple[dict[str, Any], str]:
    """A scenario by name (one that comes with the program) or by path, and the place to name in errors.

    Raises:
        ScriptError: there is no such file, or it is no YAML mapping.
    """
    shipped = files("telephony.simulate").joinpath("scenarios", f"{source}.yaml")
    try:
        text = shipped.read_text(encoding="utf-8") if shipped.is_file() else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        remedy = f"Give the path of a YAML file, or one of: {', '.join(shipped_scenarios())}."
        raise ScriptError(f"{source}: cannot be read ({error.strerror}). {remedy}") from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError(f"{source}: is no YAML. {error}") from error
    if not isinstance(document, dict):
        raise ScriptError(f"{source}: is no mapping. Begin it with model: and caller:.")
    return document, str(source)


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that come with the program."""
    folder = files("telephony.simulate").joinpath("scenarios")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
