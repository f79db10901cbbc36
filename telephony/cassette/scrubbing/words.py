"""The words on a cassette, and stand-ins for those that are personal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from telephony.cassette.format import Cassette, Header, Line
from telephony.realtime.complaints import understand
from telephony.scrub.text import Pseudonyms

STRUCTURE = frozenset({
    "type", "event", "id", "object", "status", "status_details", "role", "voice", "model", "code", "param", "encoding",
    "format", "modalities", "output_modalities", "reason", "outcome", "rid", "latency", "obfuscation", "phase",
    "language", "tool_choice", "truncation", "server_label", "mime_type", "track", "tracks", "protocol", "version",
    "sequenceNumber", "chunk", "timestamp", "digit", "sampleRate", "sample_rate", "channels",
})  # fmt: skip
"""Keys of messages under which no words stand; with those that end as identifiers do. Under all others words do."""
IDENTIFIERS = ("_id", "_ids", "Id", "Sid", "_format", "_tokens")
VALUES = frozenset({"arguments", "output"})
"""Keys under which a function's values stand, as JSON."""
LOGPROBS = "logprobs"
"""What else might have been heard, in bits of words; nobody reads it."""
TOLD = frozenset({"instructions", "greeting", "description", "transfer_to"})
"""Keys of an agent's settings under which a real number or address may stand."""
OURS = frozenset({"session", "tools"})
"""Keys under which the model repeats our own settings."""
ERROR = "error"
"""The model complains in words that decide what follows."""
GIVEN = "customParameters"
"""Where what a stream was begun with stands: within a carrier's `start`, or, with Somleng, beside it."""
WHOLE = frozenset({"metadata", "arguments", LOGPROBS, GIVEN})
"""Keys under which anything may stand: no key below is structure."""
ONE_NUMBER = 3
"""Keys, pressed one after the other, from which they are somebody's number."""


class Words:
    """The messages of a cassette that hold words, by their line, with stand-ins in them."""

    def __init__(self, cassette: Cassette, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._messages: dict[int, Any] = {}
        self._ids: dict[str, str] = {}
        self._told: dict[str, str] = {}
        """What the agent was told, where stand-ins are needed in it."""
        self._functions = {str(tool.get("name")) for tool in cassette.header.agent.get("tools", [])}
        for number, _, entry in cassette.numbered():
            if entry is not None and _holds_words(entry):
                self._messages[number] = message = entry.message
                if not is_agent(message):
                    self._learn(message)
                if entry.ch == "carrier":
                    self._learn_ids(message)
        self._replace_pieces()
        self._replace_keys()
        self.header = self._fresh(cassette.header)
        """The header, with stand-ins."""
        for number, message in self._messages.items():
            self._messages[number] = self._replace(message)

    def replaced(self, number: int) -> str | None:
        """The message of line *number*; None if it holds no words."""
        message = self._messages.get(number)
        return None if message is None else msgspec.json.encode(message).decode()

    def with_ids(self, message: str) -> str:
        """*message* with the carrier's identifiers replaced, which stand in every message of its stream."""
        for old, new in self._ids.items():
            message = message.replace(old, new)
        return message

    # -- the first look ----------------------------------------------------------------------------------------------

    def _learn(self, message: Any) -> None:
        """What a call was begun with, say, is told in pieces that are replaced before it is."""

        def look(key: str, value: Any, within: str) -> Any:
            if key in VALUES | WHOLE:
                self._pseudonyms.learn(value if key != LOGPROBS else None)
            elif key != "delta" and not within and not self._is_function(key, value):
                self._pseudonyms.learn_text(value)
            return value

        _mapped(message, look)

    def _learn_ids(self, message: Any) -> None:
        for text in strings(message):
            if (new := self._pseudonyms.ids(text)) != text:
                self._ids[text] = new

    # -- the second --------------------------------------------------------------------------------------------------

    def _fresh(self, header: Header) -> Header:
        """The agent's own words are harmless, and so are its examples, but not numbers that are somebody's."""
        agent, settings = self._agent(header.agent), self._agent(header.settings)
        call_id = self._pseudonyms.ids(header.call_id)
        return msgspec.structs.replace(header, call_id=call_id, agent=agent, settings=settings, recorded_at="")

    def _agent(self, part: Any) -> Any:
        """An agent, or the settings of a call with it, likewise."""
        return _of_keys(part, self._told_instead)

    def _told_instead(self, text: str) -> str:
        self._told[text] = self._pseudonyms.told(text)
        return self._told[text]

    def _replace(self, message: Any) -> Any:
        if is_agent(message):
            return self._agent(message)
        new = _mapped(message, self._text)
        if _is_error(message) and understand(new).kind != understand(message).kind:
            return message
        return new

    def _text(self, key: str, value: Any, within: str) -> Any:
        """What stands for *value*, which is a text unless its *key* is one of `WHOLE`."""
        if key == "delta" or self._is_function(key, value):
            return value  # one of several that make a text, which have been replaced
        if key == LOGPROBS:
            return _blank(value)
        if key in VALUES | WHOLE:
            return self._pseudonyms.value(value)
        if value in self._told:
            return self._told[value]
        return self._pseudonyms.told(value, learned=within == ERROR) if within else self._pseudonyms.text(value)

    def _is_function(self, key: str, value: Any) -> bool:
        return key == "name" and value in self._functions

    def _replace_pieces(self) -> None:
        """Texts that came in pieces: somebody's number may begin in one and end in the next."""
        streams: dict[tuple[str, ...], list[Any]] = {}
        for message in self._messages.values():
            if isinstance(message, dict) and isinstance(message.get("delta"), str):
                of = tuple(str(message.get(key)) for key in ("type", "item_id", "content_index", "call_id"))
                streams.setdefault(of, []).append(message)
        for messages in streams.values():
            pieces = self._pseudonyms.pieces([message["delta"] for message in messages])
            for message, piece in zip(messages, pieces, strict=True):
                message["delta"] = piece

    def _replace_keys(self) -> None:
        """Digits that were pressed one after the other are one number, however long each took."""
        pressed = [message["dtmf"] for message in self._messages.values() if _is_key(message)]
        for is_number, keys in groupby(pressed, lambda key: str(key.get("digit")).isdecimal()):
            number = list(keys)
            if is_number and len(number) >= ONE_NUMBER:
                made = self._pseudonyms.text("".join(str(key["digit"]) for key in number))
                digits = [sign for sign in made if sign.isdecimal()] or ["0"]
                for place, key in enumerate(number):
                    key["digit"] = digits[place % len(digits)]


def _holds_words(entry: Line) -> bool:
    if entry.ch == "model":
        return b'audio.delta"' not in bytes(entry.msg)
    return entry.ch == "tool" or (entry.ch == "carrier" and b'"payload"' not in bytes(entry.msg))


def is_agent(message: Any) -> bool:
    """Whether it brings another agent, whose settings stand in it as those of the first do in the header."""
    return isinstance(message, dict) and message.get("type") == "HandOverWanted"


def _is_key(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("dtmf"), dict)


def _is_error(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == ERROR


def _blank(value: Any) -> Any:
    """*value* without its texts, and without their bytes."""
    if isinstance(value, str):
        return "*" * len(value)
    if isinstance(value, dict):
        return {key: _blank(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blank(item) for item in value]
    return 42 if isinstance(value, int) and not isinstance(value, bool) else value


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON-like value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def _mapped(value: Any, text: Callable[[str, Any, str], Any], key: str = "", within: str = "") -> Any:
    """A copy of a message in which `text(key, value, within)` stands for every text that may be somebody's words, and
    for all that stands under one of `WHOLE`. *within*: what it is part of, if that is our settings or a complaint."""
    if key in WHOLE:
        return text(key, value, within)
    if isinstance(value, str):
        return value if key in STRUCTURE or key.endswith(IDENTIFIERS) else text(key, value, within)
    if isinstance(value, list):
        return [_mapped(item, text, key, within) for item in value]
    if not isinstance(value, dict):
        return value
    new = {}
    for name, item in value.items():
        part = ERROR if name == ERROR or _is_error(value) else "session" if name in OURS else within
        new[name] = item if name == "name" and names_a_part(value, key) else _mapped(item, text, name, part)
    return new


def names_a_part(value: dict[str, Any], key: str) -> bool:
    """Whether the `name` in *value*, which stands under *key*, is a function's, a mark's or a limit's."""
    return (
        key in {"mark", "rate_limits"} or "call_id" in value or str(value.get("type")).startswith(("function", "mcp"))
    )


def _of_keys(value: Any, text: Callable[[str], str]) -> Any:
    """A copy of settings in which *text* has seen every text that an agent is told."""
    if isinstance(value, list):
        return [_of_keys(item, text) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: text(item) if key in TOLD and isinstance(item, str) else _of_keys(item, text)
        for key, item in value.items()
    }
