"""A configured value together with the place it was read from, so that a complaint can point at a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

Path = tuple[str | int, ...]
"""Keys and list positions from the root to a value."""


@dataclass(frozen=True, slots=True)
class Located:
    """A scalar, a mapping or a list, and where it stands."""

    value: Any
    """A scalar, a `dict[str, Located]` or a `list[Located]`."""
    place: str
    """`telephony.yaml:12`, `environment variable PORT`, `--port`; empty if nobody wrote it."""

    def plain(self) -> Any:
        """The same without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def at(self, path: Sequence[str | int]) -> Located:
        """The value at *path*, or the innermost mapping or list on the way to it that exists."""
        here = self
        for step in path:
            inside = here.value
            known = dict(enumerate(inside)) if isinstance(inside, list) else inside
            if not isinstance(known, dict) or step not in known:
                break
            here = known[step]
        return here


NOTHING = Located({}, "")


def nested(path: Sequence[str], leaf: Located) -> Located:
    """*leaf* wrapped into one mapping per step of *path*."""
    return reduce(lambda inner, key: Located({key: inner}, leaf.place), reversed(path), leaf)


def merge(layers: Iterable[Located]) -> Located:
    """Later layers win, key by key; lists and scalars are replaced as a whole."""
    return reduce(_over, layers, NOTHING)


def _over(below: Located, above: Located) -> Located:
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    merged = dict(below.value)
    for key, item in above.value.items():
        merged[key] = _over(merged[key], item) if key in merged else item
    return Located(merged, below.place or above.place)


def dotted(path: Sequence[str | int]) -> str:
    """How a key is called in messages: `agents.frontdesk.voice`, `model_list[0].model_name`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
