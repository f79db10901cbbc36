"""The processor that hides secrets in log lines: those of the configuration, and what came up in a call.

It is the last before rendering, when tracebacks have become text, and it leaves nothing in a line but text, numbers and
lists and mappings of these: an object would show itself only afterwards, by a `repr` that may hold anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from structlog.typing import EventDict, WrappedLogger

from telephony.runtime.redaction import LONGEST_WORD, MASK, SHORTEST, is_hidden, mask, mask_text
from telephony.tools.hidden import FEWEST, hidden, keys_in

KEYS = re.compile(rf"[0-9*#A-D]{{{FEWEST},}}")
"""What a caller types."""
TELLING = 6
"""Characters of other values from which on they are known again."""
OURS = frozenset({"timestamp", "level", "logger", "call_id"})
"""What we have written ourselves into each line: a PIN that reads as a year must not take the date away."""
DEEPEST = 20
"""Levels of lists and mappings in one line; what lies deeper is shown as text."""


class Mask:
    """Hides *secrets*, whatever looks like one, and what `telephony.tools.hidden` knows."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long = {each for each in secrets if len(each) >= (LONGEST_WORD if each.isalpha() else SHORTEST)}
        spelled = {spelling for each in long for spelling in spellings(each)}
        self._secrets = tuple(sorted(spelled, key=lambda each: (-len(each), each)))

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return self.line(event)

    def line(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The line as it may be shown."""
        pattern = pattern_of(hidden())
        return {
            self._text(str(key), pattern): self._shown(value, str(key), None if key in OURS else pattern, 0)
            for key, value in event.items()
        }

    def text(self, text: str) -> str:
        """*text* as it may be shown."""
        return self._text(text, pattern_of(hidden()))

    def _shown(self, value: Any, name: str, pattern: re.Pattern[str] | None, depth: int) -> Any:
        hides = is_hidden(name, value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            text = str(value)
            return MASK if hides or self._text(text, pattern) != text else value
        if isinstance(value, Mapping) and depth < DEEPEST:
            return {
                self._text(str(key), pattern): self._shown(item, name if hides else str(key), pattern, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
            return [self._shown(item, name, pattern, depth + 1) for item in value]
        text = value if isinstance(value, str) else _spelled(value)
        return mask(text, name) if hides else self._text(text, pattern)

    def _text(self, text: str, pattern: re.Pattern[str] | None) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        text = mask_text(text)
        return pattern.sub(MASK, text) if pattern else text


def spellings(secret: str) -> set[str]:
    """How a secret reads where it was written out by somebody: as it is, in a `repr`, in JSON, in a URL."""
    escaped = {repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    twice = {repr(each)[1:-1] for each in escaped}
    return {secret, *escaped, *twice, quote(secret, safe=""), quote(secret), quote_plus(secret)}


@lru_cache(maxsize=64)
def pattern_of(values: frozenset[str]) -> re.Pattern[str] | None:
    """Finds *values* in a text. Keys are found with spaces or hyphens between them as well, and not within longer
    numbers."""
    parts = []
    for value in sorted(values, key=lambda each: (-len(each), each)):
        if KEYS.fullmatch(value):
            parts.append(keys_in(value).pattern)
        elif len(value) >= TELLING:
            parts += [re.escape(each) for each in sorted(spellings(value), key=lambda each: (-len(each), each))]
    return re.compile("|".join(parts)) if parts else None


def _spelled(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode(errors="backslashreplace")
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001  somebody else's `__repr__`
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
