"""Whether a recorded call may be kept as a test: what on it still looks like somebody's real number or address."""

from __future__ import annotations

from typing import Any

import msgspec

from telephony.cassette.brief import is_sound
from telephony.cassette.format import Cassette, decode_line
from telephony.scrub.lint import suspicious


def suspicions(cassette: Cassette) -> list[str]:
    """One sentence for each thing that looks real: where it stands first, what it is, and what to do about it."""
    found: dict[tuple[str, str], list[str]] = {}

    def look(number: int, value: Any) -> None:
        for one in suspicious(value):
            where = f"{number}: {one.where}" if one.where else str(number)
            found.setdefault((one.what, one.remedy), []).append(where)

    header = msgspec.to_builtins(cassette.header)
    look(1, header | {"settings": {key: value for key, value in header["settings"].items() if key != "clips"}})
    for number, text, came_in in cassette.numbered():
        entry = came_in or decode_line(text)
        message = entry.message
        if not is_sound(entry, message):
            look(number, message)
    return [
        f"{cassette.name}:{places[0]}: {what}{_elsewhere(places)}. {remedy}" for (what, remedy), places in found.items()
    ]


def _elsewhere(places: list[str]) -> str:
    return f" (and in {len(places) - 1} other places)" if len(places) > 1 else ""
