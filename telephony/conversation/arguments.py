"""The arguments of a function call: whether two calls ask for the same, and what of it may be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

Paths = frozenset[tuple[str, ...]]
"""Places in an object: `card.number` is `("card", "number")`."""
Hide = Callable[[Any], Any]
"""Makes of a text or a number what is shown in its place."""
UNREADABLE = (ValueError, RecursionError)
TELLING = 6
"""Characters from which on a hidden text is hidden elsewhere, too; shorter ones would blot out ordinary words."""


def canonical(arguments: str) -> str:
    """The same text for the same arguments, however the model wrote them down. What is no JSON stands for itself."""
    try:
        return json.dumps(json.loads(arguments.strip() or "{}"), sort_keys=True, separators=(",", ":"))
    except UNREADABLE:
        return arguments


def paths_of(names: Iterable[str]) -> Paths:
    """Where the arguments are that *names* name."""
    return frozenset(tuple(name.split(".")) for name in names)


def stars(value: Any) -> str:
    """As many as there were characters."""
    return re.sub(r"\S", "*", spelled(value))


def masked(arguments: str, paths: Paths, hide: Hide = stars) -> str:
    """*arguments* with everything hidden that stands at *paths*, or below. If they are no JSON, nobody knows what
    stands where, and all of it is hidden."""
    if not paths:
        return arguments
    try:
        value = json.loads(arguments.strip() or "{}")
    except UNREADABLE:
        return stars(arguments)
    shown = _masked(value, paths, hide)
    return arguments if shown == value else json.dumps(shown, separators=(",", ":"), ensure_ascii=False)


def spelled(value: Any) -> str:
    """A text as it is, a number as it is written."""
    return value if isinstance(value, str) else json.dumps(value)


def telling(value: Any) -> bool:
    """Whether a hidden value is known again wherever it stands."""
    return len(spelled(value)) >= TELLING


def without(text: str, arguments: str, paths: Paths) -> str:
    """*text* with everything hidden that stands at *paths* in *arguments*, where it is long enough to be told."""
    for value in sorted(map(spelled, filter(telling, found(arguments, paths))), key=len, reverse=True):
        text = text.replace(value, stars(value))
    return text


def found(arguments: str, paths: Paths) -> list[Any]:
    """The texts and numbers that stand at *paths*, or below."""
    values: list[Any] = []
    masked(arguments, paths, values.append)
    return values


def _masked(value: Any, paths: Paths, hide: Hide) -> Any:
    if isinstance(value, list):  # of several that are alike each is
        return [_masked(item, paths, hide) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    for name, item in value.items():
        if (name,) in paths:
            shown[name] = _hidden(item, hide)
            continue
        below = frozenset(path[1:] for path in paths if path[0] == name)
        shown[name] = _masked(item, below, hide) if below else item
    return shown


def _hidden(value: Any, hide: Hide) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(item, hide) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, hide) for item in value]
    return value if value is None or isinstance(value, bool) else hide(value)
