"""Lists of numbers and of beginnings of numbers, as people write them."""

from __future__ import annotations

from collections.abc import Iterable

from telephony.agents.numbers import PLUS, SPELLING, normal
from telephony.dialling.spelling import normalised


def number_or_beginning(entry: str) -> str | None:
    """`+15550100`, or `+1555*` for all that begin so; None for anything else."""
    text = entry.strip()
    if text.endswith("*"):
        beginning = SPELLING.sub("", text[:-1])
        return f"{beginning}*" if PLUS.fullmatch(beginning) else None
    return normalised(text)


def called_here(key: str) -> str:
    """The same of a key of `numbers`, which may be spelt more freely, or be `*` alone."""
    text = key.strip()
    return f"{SPELLING.sub('', text[:-1])}*" if text.endswith("*") else normal(text)


class NumberList:
    """*entries* as `number_or_beginning` gives them, however many. `*` alone is not counted: it says nothing of any
    number."""

    def __init__(self, entries: Iterable[str]) -> None:
        every = set(entries)
        self._beginnings = {entry[:-1] for entry in every if entry.endswith("*")} - {""}
        self._numbers = {entry for entry in every if not entry.endswith("*")}

    def __contains__(self, number: str) -> bool:
        beginnings = (number[:length] for length in range(2, len(number) + 1))
        return number in self._numbers or any(beginning in self._beginnings for beginning in beginnings)
