"""Whether a recorded call may be kept as a test: what on it still looks like somebody's real number or address."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from telephony.cassette.brief import is_sound
from telephony.cassette.format import Cassette, decode_line
from telephony.scrub.lint import suspicious


def suspicions(cassette: Cassette) -> Iterator[str]:
    """One sentence for each thing that looks real: the file's line, where in it, what, and what to do about it."""
    header = msgspec.to_builtins(cassette.header)
    header["settings"] = {key: value for key, value in header["settings"].items() if key != "clips"}
    for one in suspicious(header):
        yield f"{cassette.name}:1: {one}"
    for number, text, came_in in cassette.numbered():
        entry = came_in or decode_line(text)
        message = entry.message
        if not is_sound(entry, message):
            for one in suspicious(message):
                yield f"{cassette.name}:{number}: {one}"
