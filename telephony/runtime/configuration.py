"""Flags over environment over `.env` over `telephony.yaml` over defaults, and every complaint with its place.

Each source is read into a tree whose values know where they were written (`located`). The trees are laid over each
other, pydantic judges the result, and its verdicts are told in our words: the key, what is wrong, where, what to do.
All of them at once, since whoever has three mistakes wants to hear of three.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime import litellm, yaml_text
from telephony.runtime.checks import check
from telephony.runtime.environment import Environment, env_name
from telephony.runtime.located import NOTHING, Located, dotted, merge, nested
from telephony.runtime.redaction import REFERENCE, is_secret_name, mask_text
from telephony.runtime.schema import Schema, settings_schema
from telephony.settings import Settings

DEFAULT_FILE = Path("telephony.yaml")
DEFAULT_DOTENV = Path(".env")
LONGEST = 60
"""Characters of a wrong value that are shown."""


class ConfigurationErrors(ConfigurationError):
    """Several settings cannot be used. `problems` holds one error for each; the text is one line for each."""

    def __init__(self, problems: Sequence[ConfigurationError]) -> None:
        first = problems[0]
        super().__init__(first.key, first.problem, first.remedy, first.place)
        self.args = ("\n".join(str(problem) for problem in problems),)
        self.problems = list(problems)


def load(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    dotenv: Path | None = DEFAULT_DOTENV,
    agents: Iterable[Agent] = (),
) -> Settings:
    """The settings of this process.

    *path* is the YAML file; without one, `TELEPHONY_CONFIG` or `telephony.yaml` if it is there. *env* is the
    environment: a plain mapping, over which *dotenv* is read, or an `Environment` as it is. *overrides* are the flags,
    `{"port": 9000}` or `{"twilio.api_base": …}`; None means that the flag was not given. *agents* were made in Python;
    numbers may lead to them.

    Raises `ConfigurationError`, or `ConfigurationErrors` for several at once.
    """
    environment = env if isinstance(env, Environment) else Environment(env or {}, dotenv)
    layers = [litellm.adapted(_file(path, environment))]
    for layer in environment.layers:
        layers.append(layer.settings(like=merge(layers)))
    layers += [
        nested(key.split("."), _flag(key, value)) for key, value in (overrides or {}).items() if value is not None
    ]
    problems: list[ConfigurationError] = []
    tree = _settled(merge(layers), (), environment, problems)
    try:
        settings = Settings.model_validate(tree.plain())
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        problems += [_complaint(detail["type"], detail["loc"], tree.at(detail["loc"])) for detail in details]
    else:
        problems += check(settings, lambda path: tree.at(path).place, agents)
    if problems:
        problems.sort(key=lambda problem: _natural(problem.place))
        raise problems[0] if len(problems) == 1 else ConfigurationErrors(problems)
    return settings.model_copy(
        update={name: getattr(settings, name).rstrip("/") for name in ("public_url", "instance_url")}
    )


def _natural(place: str) -> tuple[str, int]:
    """Sorts lines of a file as they follow each other."""
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isdigit() else (place, 0)


def _file(path: Path | None, environment: Environment) -> Located:
    """The YAML file as a tree."""
    by_variable = "TELEPHONY_CONFIG" in environment and path is None
    file = path or (Path(environment["TELEPHONY_CONFIG"]) if by_variable else DEFAULT_FILE)
    if path is None and not by_variable and not file.exists():
        return NOTHING
    who = "TELEPHONY_CONFIG" if by_variable else "--config"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(who, f"there is no file {file}", "Let it name the YAML file.") from None
    except OSError as error:
        remedy = "Let it name a file that this user may read."
        raise ConfigurationError(who, f"cannot read {file}: {error.strerror}", remedy) from None
    except UnicodeDecodeError:
        raise ConfigurationError(who, f"{file} is not UTF-8 text", "Save it as UTF-8.") from None
    tree = yaml_text.parse(text, lambda line: f"{file}:{line}", str(file))
    if tree.value is None:
        return NOTHING
    if not isinstance(tree.value, dict):
        problem = f"the file must hold settings by name, not {_shown(tree.value)}"
        raise ConfigurationError(str(file), problem, "Begin with lines such as 'public_url: https://…'.", tree.place)
    return _beside(tree, file.parent)


def _beside(tree: Located, folder: Path, path: tuple[str, ...] = ()) -> Located:
    """*tree* with the paths in it starting from *folder*, where the file lies, and not from wherever we are run."""
    if isinstance(tree.value, dict):
        return Located({key: _beside(item, folder, (*path, key)) for key, item in tree.value.items()}, tree.place)
    schema = settings_schema().at(path)
    names_file = schema is not None and schema.path and isinstance(tree.value, str) and tree.value
    if not names_file or tree.value.startswith(REFERENCE):
        return tree
    return Located(str(folder / tree.value), tree.place)


def _flag(key: str, value: object) -> Located:
    place = f"--{key.replace('_', '-')}"

    def located(item: object) -> Located:
        if isinstance(item, Mapping):
            return Located({str(name): located(inner) for name, inner in item.items()}, place)
        if isinstance(item, list | tuple):
            return Located([located(inner) for inner in item], place)
        return Located(item, place)

    return located(value)


def _settled(
    tree: Located, path: tuple[str | int, ...], environment: Environment, problems: list[ConfigurationError]
) -> Located:
    """*tree* with its empty values left out and `os.environ/NAME` looked up.

    Not in `model_list`: there the name is kept, since a deployment that is never dialled needs no key.
    """
    if isinstance(tree.value, dict):
        settled = {key: _settled(item, (*path, key), environment, problems) for key, item in tree.value.items()}
        return Located({key: item for key, item in settled.items() if item.value is not None}, tree.place)
    if isinstance(tree.value, list):
        items = [_settled(item, (*path, i), environment, problems) for i, item in enumerate(tree.value)]
        return Located(items, tree.place)
    schema = settings_schema().at(path)
    if tree.value is None and schema and schema.kind == "object":
        return Located({}, tree.place)  # `frontdesk:` with nothing below is an agent with every default
    if isinstance(tree.value, str) and tree.value.startswith(REFERENCE) and path[:1] != ("model_list",):
        name = tree.value.removeprefix(REFERENCE)
        if name in environment:
            return Located(environment[name], tree.place)
        problem = f"the environment has no {name}"
        problems.append(ConfigurationError(dotted(path), problem, f"Set {name}, or {name}_FILE.", tree.place))
        return Located(None, tree.place)
    if isinstance(tree.value, bool) and schema and schema.kind in {"integer", "number"}:
        problems.append(_complaint("bool", path, tree))  # pydantic would take `drain: yes` for one second
        return Located(None, tree.place)
    return tree


# -- pydantic's verdicts in our words ------------------------------------------------------------------------------


def _complaint(kind: str, loc: tuple[str | int, ...], found: Located) -> ConfigurationError:
    """One of pydantic's errors: its type, the path it complains of, and what stands there or nearest to it."""
    key, schema = dotted(loc), settings_schema().at(loc)
    if kind == "extra_forbidden":
        return ConfigurationError(key, "there is no such setting", _known(loc, found.place), found.place)
    if kind == "missing":
        remedy = f"Add it. {schema.sentence if schema else ''}".strip()
        return ConfigurationError(key, "it is required and missing", remedy, found.place)
    if schema is None:
        return ConfigurationError(key, "it cannot be used", "Correct it.", found.place)
    hidden = schema.secret or is_secret_name(str(loc[-1]))
    shown = "a value that is not shown here" if hidden else _shown(found.value, schema.kind not in _CONTAINERS)
    problem = f"expected {schema.expectation}, got {shown}"
    return ConfigurationError(key, problem, _correction(schema, found.value), found.place)


_CONTAINERS = {"object", "array"}


def _known(loc: Sequence[str | int], place: str) -> str:
    """What was probably meant by an unknown key."""
    parent = settings_schema().at(loc[:-1])
    siblings, key = parent.keys if parent else [], str(loc[-1])
    elsewhere = [path for path, _ in settings_schema().leaves() if path[-1] == key]
    nearest = difflib.get_close_matches(key, siblings, 1, cutoff=0.6)
    if nearest:
        meant = [*map(str, loc[:-1]), nearest[0]]
        name = env_name(meant) if place.startswith("environment variable") else nearest[0]
        return f"Did you mean {name}?"
    if elsewhere:
        return f"It belongs elsewhere: {dotted(elsewhere[0])}."
    return f"Known here: {', '.join(siblings)}."


def _correction(schema: Schema, value: object) -> str:
    if schema.kind == "string" and not schema.choices and isinstance(value, bool | int | float):
        return "YAML takes it for something else than text: put it in quotes."
    nearest = difflib.get_close_matches(str(value), schema.choices, 1)
    if nearest:
        return f"Did you mean {nearest[0]}?"
    if schema.required or schema.kind in _CONTAINERS:
        return f"Correct it. {schema.sentence}".strip()
    return f"Correct it, or leave it out for the default, {_shown(schema.default)}. {schema.sentence}".strip()


def _shown(value: object, whole: bool = True) -> str:
    """A wrong value in words; where a mapping or list was expected only what it is, for it may be a secret astray."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if not whole:
        return "text" if isinstance(value, str) else "a single value"
    text = str(value).lower() if isinstance(value, bool) else mask_text(repr(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def problems_of(error: ConfigurationError) -> Iterable[ConfigurationError]:
    """Every single problem of an error, for whoever prints them one by one."""
    return error.problems if isinstance(error, ConfigurationErrors) else [error]
