"""What a cassette of the library holds, for the predicates that look whether it shows its behaviour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telephony.cassette.format import Cassette, Channel, Direction, Line


class Tape:
    """A cassette, read once."""

    def __init__(self, name: str, lines: Iterable[bytes]) -> None:
        cassette = Cassette(name, list(lines))
        self.header = cassette.header
        self.lines = list(cassette.lines)
        self.record: dict[str, Any] = next((line.message for line in self.lines if line.ch == "record"), {})

    def _of(self, channel: Channel, direction: Direction, key: str, kind: str) -> list[Line]:
        lines = [line for line in self.lines if (line.ch, line.dir) == (channel, direction)]
        mark = f'"{kind}"'.encode()
        return [line for line in lines if mark in bytes(line.msg) and line.message.get(key) == kind]

    def times(self, channel: Channel, direction: Direction, kind: str) -> list[float]:
        """When messages of that kind came in or went out."""
        key = "event" if channel == "carrier" else "type"
        return [line.t for line in self._of(channel, direction, key, kind)]

    def to_model(self, kind: str, session: int | None = None) -> list[dict[str, Any]]:
        lines = self._of("model", "out", "type", kind)
        return [line.message for line in lines if session in (None, line.session)]

    def from_model(self, kind: str, session: int | None = None) -> list[dict[str, Any]]:
        lines = self._of("model", "in", "type", kind)
        return [line.message for line in lines if session in (None, line.session)]

    def to_carrier(self, event: str) -> list[dict[str, Any]]:
        return [line.message for line in self._of("carrier", "out", "event", event)]

    def from_carrier(self, event: str) -> list[dict[str, Any]]:
        return [line.message for line in self._of("carrier", "in", "event", event)]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Events and commands that are on no wire, by their name."""
        others = [line.message for line in self.lines if line.ch in ("tool", "session", "rest", "call")]
        return [message for message in others if message["type"] == kind]

    # -- what remained of the call -----------------------------------------------------------------------------------

    @property
    def agents(self) -> list[str]:
        """What the caller heard the agent say, turn by turn."""
        return [turn["heard"] for turn in self.record["turns"] if turn["speaker"] == "agent"]

    @property
    def callers(self) -> list[str]:
        return [turn["heard"] for turn in self.record["turns"] if turn["speaker"] == "caller"]

    @property
    def cut(self) -> list[dict[str, Any]]:
        """The agent's turns that were interrupted."""
        return [turn for turn in self.record["turns"] if turn["interrupted"]]

    @property
    def outcomes(self) -> list[str]:
        return [use["outcome"] for use in self.record["tools"]]

    @property
    def notes(self) -> str:
        return "\n".join(self.record["notes"])

    @property
    def ending(self) -> tuple[str, str, str]:
        end = self.record["termination"]
        return end["result"], end["by"], end["reason"]
