"""Hides on a cassette what tools declare sensitive of their arguments.

A replay is fed with what the cassette holds, so the veil must not make two different arguments the same: a call that
was repeated with another card number would be taken for the same call again. Each value has stars of its own, then: as
many as it had characters, and from the second value of a length on a number at the end.
"""

from __future__ import annotations

import json
import re
from typing import Any

from telephony.conversation.arguments import Paths, masked, paths_of, stars, telling
from telephony.settings import CallSettings

PIECE = re.compile(r'"type": ?"[a-z_.]*arguments\.delta"')
"""A message with a piece of a function's arguments. No single piece shows what it is a piece of."""
ARGUMENTS = "arguments"
HIDDEN = re.compile(r"\*[*\s]*\d*")


class Veil:
    """Of one call. What any of its tools declares sensitive is hidden in the arguments of all of them: not every
    message says whose they are."""

    def __init__(self) -> None:
        self._paths: Paths = paths_of(())
        self._stars: dict[str, str] = {}
        """By value, as JSON."""
        self._taken: set[str] = set()
        self._texts: list[str] = []
        """Values that are known again in other places, longest first."""

    def cover(self, settings: CallSettings) -> None:
        """From here on what an agent's tools declare sensitive is hidden, too, and what those of functions that ran
        before the caller came back to it."""
        before = settings.prologue.functions if settings.prologue else ()
        for names in [tool.sensitive for tool in settings.session.tools] + [ran.sensitive for ran in before]:
            self._paths |= paths_of(names)

    def __call__(self, text: str) -> str:
        """*text*, which is JSON on one line, with all that is known to be sensitive hidden."""
        if not self._paths:
            return text
        if ARGUMENTS in text:
            text = self._without_arguments(text)
        for value in self._texts:
            text = text.replace(value, self._stars[json.dumps(value)])
        return text

    def _without_arguments(self, text: str) -> str:
        try:
            message = json.loads(text)
            shown = self._shown(message)
        except (ValueError, RecursionError):
            return text  # a message that nobody can read asks for no function
        if PIECE.search(text) and isinstance(shown, dict) and isinstance(shown.get("delta"), str):
            shown["delta"] = stars(shown["delta"])
        return text if shown == message else json.dumps(shown, separators=(",", ":"), ensure_ascii=False)

    def _shown(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._shown(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            name: masked(item, self._paths, self._hide)
            if name == ARGUMENTS and isinstance(item, str)
            else self._shown(item)
            for name, item in value.items()
        }

    def _hide(self, value: Any) -> str:
        """What stands in the place of *value*."""
        if isinstance(value, str) and (not value or HIDDEN.fullmatch(value)):
            return value  # a replay of what was hidden when it was recorded
        key = json.dumps(value)
        if key not in self._stars:
            self._stars[key] = self._unused(stars(value))
            if isinstance(value, str) and telling(value):  # a number may stand outside of texts, and must remain one
                self._texts = sorted([*self._texts, value], key=len, reverse=True)
        return self._stars[key]

    def _unused(self, shown: str) -> str:
        """*shown* as it is, or with a number at its end."""
        different, number = shown, 1
        while different in self._taken:
            number += 1
            different = shown[: max(1, len(shown) - len(str(number)))] + str(number)
        self._taken.add(different)
        return different
