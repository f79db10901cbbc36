"""What nobody may read who reads the log of a call: digits that a caller typed in secret, arguments marked sensitive.

Such values are no secrets of the configuration; they come up in the middle of a call, and a function that is given one
may put it into an exception, or hand it to a library that logs what it sends. So whoever brings one up says so here,
and the log asks what is to be hidden in the line that is being written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EVERYWHERE = 8
"""Characters from which on a value is hidden in every line of the process, whoever writes it; a shorter one, such as a
PIN, would blot out other calls' numbers and is hidden in the lines of its own call."""
FEWEST = 3
"""Keys; fewer of them are everywhere."""
DOT = "•"
MOST = 200
"""Values that are remembered of one call; the oldest are forgotten."""

_call: ContextVar[dict[str, bool] | None] = ContextVar("hidden in this call", default=None)
_calls: list[dict[str, bool]] = []
"""Those of every call that goes on; true of what the caller typed in secret."""


@contextmanager
def hiding() -> Iterator[None]:
    """What is to be hidden is remembered as long as the block lasts, for it and the tasks that are begun in it."""
    values: dict[str, bool] = {}
    token = _call.set(values)
    _calls.append(values)
    try:
        yield
    finally:
        _calls[:] = [each for each in _calls if each is not values]
        _call.reset(token)


def hide(value: str, *, typed: bool = False) -> None:
    """From now on *value* is hidden. Outside of a call nothing is. *typed*: the caller typed it in secret, so that
    nobody else knows it."""
    values = _call.get()
    if values is None or not value:
        return
    values[value] = typed
    while len(values) > MOST:
        values.pop(next(iter(values)))


def current() -> dict[str, bool]:
    """What is hidden in this call, and whether it was typed; it grows with the call. Empty outside of one."""
    values = _call.get()
    return {} if values is None else values


def hidden() -> frozenset[str]:
    """What is to be hidden in a line that is written here and now, in whichever thread."""
    own = _call.get() or {}
    others = [value for values in list(_calls) for value in list(values) if len(value) >= EVERYWHERE]
    return frozenset([*own, *others])


def without_typed(text: str) -> str:
    """*text*, for the model and the record, with dots in place of what the caller of this call typed in secret: a
    function that was given it may repeat it. Keys are found with spaces or hyphens between them as well, and not within
    longer numbers."""
    typed = [value for value, typed in (_call.get() or {}).items() if typed and len(value) >= FEWEST]
    for value in sorted(typed, key=len, reverse=True):
        text = keys_in(value).sub(lambda found: DOT * len(found[0]), text)
    return text


def keys_in(value: str) -> re.Pattern[str]:
    """Finds keys in a text, however they are grouped."""
    return re.compile(r"(?<!\d)" + r"[ -]?".join(map(re.escape, value)) + r"(?!\d)")
