"""Reads the file of prices."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime import yaml_text
from telephony.settings import Settings, Tariffs

KEY = "tariffs"


def read_tariffs(path: str) -> Tariffs:
    """The prices in the file *path*; none if there is no file to read. Raises `ConfigurationError`. Blocking."""
    if not path:
        return Tariffs()
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(KEY, f"cannot read {path}: {why}", "Let it name a YAML file of prices.") from None
    tree = yaml_text.parse(text, lambda line: f"{path}:{line}", path)
    try:
        tariffs = Tariffs.model_validate(tree.plain() or {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join([KEY, *map(str, first["loc"])])
        remedy = "The README shows such a file."
        raise ConfigurationError(key, f"{first['msg']}", remedy, tree.at(first["loc"]).place) from None
    if (tariffs.models or tariffs.carrier_minute) and not tariffs.currency:
        raise ConfigurationError(f"{KEY}.currency", "it is missing", "Say what the prices are in: currency: USD.", path)
    return tariffs


def tariff_problems(settings: Settings, staff: Iterable[Agent]) -> list[tuple[tuple[str | int, ...], str, str]]:
    """Path, problem and remedy: a file that cannot be used, and limits on a cost that nobody can know."""
    try:
        tariffs = read_tariffs(settings.tariffs)
    except ConfigurationError as error:
        return [(tuple(error.key.split(".", 1)), error.problem, error.remedy)]
    limited = [agent.name for agent in staff if agent.settings.limits.max_cost is not None]
    if tariffs.models or tariffs.carrier_minute:
        return []
    remedy = "Let `tariffs` name a file with what the models and the carrier cost."
    return [(("agents", name, "limits", "max_cost"), "no prices are known", remedy) for name in limited]
