"""What a realtime dialect is: a pure translator between a provider's JSON and our events and commands."""

from __future__ import annotations

from typing import Protocol

import msgspec

from telephony.audio.format import AudioFormat
from telephony.commands import ModelCommand
from telephony.events import Event
from telephony.settings import SessionConfig


class Traits(msgspec.Struct, frozen=True):
    """What differs between providers, as data."""

    name: str
    audio: tuple[AudioFormat, ...]
    """What it can speak."""
    verbatim: bool = False
    """Whether it can say a text exactly (xAI: `force_message`); others are asked to and mostly do."""
    truncates: bool = True
    """Whether a truncation is reliable; otherwise it is best effort and its failure is ignored."""
    lacks: frozenset[str] = frozenset()
    """Types of tools, run by some other provider, for which it would refuse the whole session; it goes without."""


class Dialect(Protocol):
    """The codec of one realtime session."""

    traits: Traits
    config: SessionConfig

    def decode(self, message: str | bytes) -> list[Event]:
        """Events of one WebSocket message. Never raises: what cannot be used is a `ModelFault`, what needs no action is
        `ModelNoise`."""

    def encode(self, command: ModelCommand) -> list[str]:
        """Messages for one command; `AppendAudio` holds the session's own audio format here."""
