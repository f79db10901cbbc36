"""A recorded call without what is personal in it, and still a call.

Replaced is what came in: what the caller was understood to say, what the agent said (it says names, too), what
functions were called with and answered, keys, identifiers of the carrier's, and the audio of both, by noise that is as
loud. Then the call is replayed, and what goes out now is what the scrubbed cassette says went out. So it replays the
same, and nothing personal is left in what follows from what came in.

Left as it is: the agent but for the real numbers and addresses that it was told, the times, the ids of the model's own,
and whatever else of its messages is structure.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import msgspec

from telephony import commands as cmd
from telephony.cassette.faithful import faithful, verified
from telephony.cassette.format import Cassette, Line, header_line, line
from telephony.cassette.player import NewCarrier
from telephony.cassette.replay import replay
from telephony.cassette.scrubbing.sounds import Sounds
from telephony.cassette.scrubbing.words import WHOLE, Words, is_agent, names_a_part, strings
from telephony.conversation import phrases
from telephony.scrub.text import Pseudonyms

STRUCTURE = frozenset({
    "type", "event", "status", "outcome", "role", "dialect", "model", "result", "by", "reason", "kind", "code",
    "param", "object", "voice", "purpose", "tool_choice", "speaker", "carrier", "termination", "protocol", "track",
})  # fmt: skip
"""Keys under which no words stand but what happens: another string there is another call."""


class Scrubbed(msgspec.Struct):
    """What became of a cassette."""

    lines: list[bytes]
    """Of the new one, header included."""
    changed: str
    """Where the call goes another way now, in a sentence; empty if nothing is different but what was scrubbed."""
    blessed: str = ""
    """What was accepted: the first thing that differed from the recording before anything was scrubbed."""


def scrub(
    cassette: Cassette,
    new_carrier: NewCarrier,
    *,
    also: Iterable[str] = (),
    about: str = "",
    speech: bytes = b"",
    bless: bool = False,
) -> Scrubbed:
    """Scrub *cassette*. *also*: what is personal besides, whatever it is. *about*: what the call shows. *speech*:
    mu-law at 8000 Hz, somebody else's sentences, of which the caller's audio is made instead of noise. *bless*: a call
    that is another one than was recorded is scrubbed as it is now.

    Raises `CassetteError` for a cassette that cannot be read, or does not replay the same.
    """
    cassette, blessed = faithful(cassette, new_carrier, bless=bless)
    pseudonyms = Pseudonyms(known=_harmless(cassette), also=also)
    words, sounds = Words(cassette, pseudonyms), Sounds(cassette, new_carrier, speech)
    header = msgspec.structs.replace(words.header, about=about or words.header.about)
    came_in = [header_line(header)]
    for number, text, entry in cassette.numbered():
        if entry is not None:
            message = words.replaced(number) or sounds.replaced(entry)
            came_in.append(line(entry.t, entry.ch, "in", words.with_ids(message), entry.session) if message else text)
    lines = came_in[:1]
    replay(Cassette(cassette.name, came_in), new_carrier, keep=lines.append)
    verified(cassette.name, lines, new_carrier)
    return Scrubbed(lines, difference(cassette, Cassette(cassette.name, lines)), blessed)


def _harmless(cassette: Cassette) -> list[str]:
    """The agent's own words, and those that we put into its mouth."""
    ours = [value for name, value in vars(phrases).items() if name.isupper() and isinstance(value, str)]
    for agent in _agents(cassette):
        told = [agent.get("name"), agent.get("instructions"), agent.get("greeting"), *agent.get("keyterms", [])]
        ours += [text for text in told if text] + list(strings(agent.get("tools", [])))
    return ours


def _agents(cassette: Cassette) -> list[dict[str, Any]]:
    """Those who speak in a call, one after the other."""
    others = [entry.message for _, _, entry in cassette.numbered() if entry is not None and entry.ch == "tool"]
    return [cassette.header.agent, *(other["agent"] for other in others if is_agent(other) and "agent" in other)]


def difference(before: Cassette, after: Cassette) -> str:
    """Where two recordings of a call differ in more than words and audio, in a sentence; empty if they do not."""
    for one, other in zip_longest(before.lines, after.lines):
        if one is None or other is None:
            return f"the call is {'shorter' if other is None else 'longer'} by what happens at {(one or other).t:.3f} s"
        if (one.t, one.ch, one.dir, one.session) != (other.t, other.ch, other.dir, other.session):
            return f"at {one.t:.3f} s something else happens ({_named(one)}, now {_named(other)})"
        if bytes(one.msg) != bytes(other.msg) and _bones(one.message) != _bones(other.message):
            return f"at {one.t:.3f} s {_named(one)} says something else"
    return ""


def _named(entry: Line) -> str:
    message = entry.message
    kind = message.get("type") or message.get("event") if isinstance(message, dict) else message
    return f"{entry.ch} {entry.dir}: {kind}"


def _bones(value: Any, key: str = "") -> Any:
    """*value* without its texts, but with the strings that say what happens."""
    if isinstance(value, dict):
        stays = STRUCTURE | {"name"} if names_a_part(value, key) else STRUCTURE
        if value.get("type") == cmd.HangUp.__name__ or {"result", "by"} <= value.keys():
            stays -= {"reason"}  # a sentence of ours, in which somebody may be named whom the caller was put through to
        return {
            name: item if name in stays and isinstance(item, str) else _bones(item, name)
            for name, item in value.items()
            if name not in WHOLE
        }
    if isinstance(value, list):
        return [_bones(item, key) for item in value]
    return None if isinstance(value, str) else value
