"""The words on a cassette, and stand-ins for those that are personal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from typing import Any

import msgspec

from telephony.cassette.format import Cassette, Header, Line
from telephony.scrub.text import Pseudonyms

TEXTS = frozenset({"transcript", "text", "delta", "arguments", "output"})
"""Keys of the model's messages under which somebody's words stand, or a function's values."""
VALUES = frozenset({"arguments", "output"})
"""Those that hold values, as JSON."""
TOLD = frozenset({"instructions", "greeting", "description", "transfer_to"})
"""Keys of an agent's settings under which a real number or address may stand."""
NOT_LOOKED_INTO = frozenset({"session", "error"})
"""The model repeats our own settings, and complains in words that decide what follows."""
GIVEN = "customParameters"
"""Where what a stream was begun with stands: within a carrier's `start`, or, with Somleng, beside it."""
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
        for number, _, entry in cassette.numbered():
            if entry is not None and _holds_words(entry):
                self._messages[number] = message = entry.message
                self._learn(message)
                if entry.ch == "carrier":
                    self._learn_ids(message)
                    self._learn_given(message)
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
        for key, value in _texts(message):
            if key in VALUES:
                self._pseudonyms.learn(value)
            elif key != "delta":
                self._pseudonyms.learn_text(value)

    def _learn_ids(self, message: Any) -> None:
        for text in strings(message):
            if (new := self._pseudonyms.ids(text)) != text:
                self._ids[text] = new

    def _learn_given(self, message: Any) -> None:
        """What a call was begun with is told in pieces that are replaced before it is."""
        if isinstance(message, dict):
            for part in (message, message.get("start")):
                if isinstance(part, dict) and GIVEN in part:
                    self._pseudonyms.learn(part[GIVEN])

    # -- the second --------------------------------------------------------------------------------------------------

    def _fresh(self, header: Header) -> Header:
        """The agent's own words are harmless, but not every number among them."""
        agent, settings = (_mapped(part, self._told_instead, TOLD) for part in (header.agent, header.settings))
        call_id = self._pseudonyms.ids(header.call_id)
        return msgspec.structs.replace(header, call_id=call_id, agent=agent, settings=settings, recorded_at="")

    def _told_instead(self, _: str, text: str) -> str:
        self._told[text] = self._pseudonyms.text(text)
        return self._told[text]

    def _replace(self, message: Any) -> Any:
        if isinstance(message, dict) and "event" in message and isinstance(message.get("start"), dict):
            return self._with_given(message) | {"start": self._with_given(message["start"])}
        new = _mapped(message, self._text)
        if isinstance(new, dict) and "session" in new:
            new["session"] = _over_strings(new["session"], lambda text: self._told.get(text, text))
        return new

    def _with_given(self, part: dict[str, Any]) -> dict[str, Any]:
        return part | {GIVEN: self._pseudonyms.value(part[GIVEN])} if GIVEN in part else part

    def _text(self, key: str, value: str) -> str:
        if key == "delta":
            return value  # one of several that make a text, which have been replaced
        return str(self._pseudonyms.value(value)) if key in VALUES else self._pseudonyms.text(value)

    def _replace_pieces(self) -> None:
        """Texts that came in pieces: somebody's number may begin in one and end in the next."""
        streams: dict[tuple[Any, ...], list[Any]] = {}
        for message in self._messages.values():
            if isinstance(message, dict) and isinstance(message.get("delta"), str):
                of = tuple(message.get(key) for key in ("type", "item_id", "content_index", "call_id"))
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


def _is_key(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("dtmf"), dict)


def _over_strings(value: Any, text: Callable[[str], str]) -> Any:
    """A copy of a JSON-like value with `text` of every string in it; keys stay."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {key: _over_strings(item, text) for key, item in value.items()}
    return [_over_strings(item, text) for item in value] if isinstance(value, list | tuple) else value


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


def _texts(message: Any) -> Iterator[tuple[str, str]]:
    """Key and text of everything that is somebody's words."""
    found: list[tuple[str, str]] = []

    def note(key: str, value: str) -> str:
        found.append((key, value))
        return value

    _mapped(message, note)
    return iter(found)


def _mapped(message: Any, text: Callable[[str, str], str], keys: Collection[str] = TEXTS) -> Any:
    """A copy of *message* in which `text(key, value)` stands for every text under one of *keys*."""
    if isinstance(message, list):
        return [_mapped(value, text, keys) for value in message]
    if not isinstance(message, dict):
        return message
    new = {}
    for key, value in message.items():
        if isinstance(value, str):
            new[key] = text(key, value) if key in keys else value
        else:
            new[key] = value if key in NOT_LOOKED_INTO and keys is TEXTS else _mapped(value, text, keys)
    return new
