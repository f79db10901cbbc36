"""A simulated caller on a virtual clock, with everything it sent, for the tests beside."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_line import StreamIds
from telephony.sim.caller_script import CallerScript
from telephony.sim.noise import white_noise

STREAM = StreamIds().stream
SPEECH = white_noise(-20, 16_000)


def voice(text: str) -> bytes:
    """A tenth of a second for every letter."""
    return SPEECH[: 800 * len(text)]


class CallerOnAClock:
    """A call that began at *start*; every other time is seconds since then. *steps* are written down, or a script."""

    CLEAR = json.dumps({"event": "clear", "streamSid": STREAM})

    def __init__(self, *steps: object, patience: float = 5.0, start: float = 1000.0, **options: Any) -> None:
        written = {"steps": list(steps), "patience": patience}
        script = steps[0] if isinstance(steps[0], CallerScript) else CallerScript.parse(written)
        self.caller = SimulatedCaller(script, voice, **options)
        self.start = self.now = start
        self.log: list[tuple[float, dict[str, Any]]] = []
        self.keep(self.caller.open(start, {"session": "token"}))

    @staticmethod
    def media(payload: bytes) -> str:
        encoded = base64.b64encode(payload).decode()
        return json.dumps({"event": "media", "streamSid": STREAM, "media": {"payload": encoded}})

    @staticmethod
    def mark(name: str) -> str:
        return json.dumps({"event": "mark", "streamSid": STREAM, "mark": {"name": name}})

    def keep(self, messages: list[str]) -> None:
        self.log += [(round(self.now - self.start, 6), json.loads(message)) for message in messages]

    def until(self, seconds: float) -> None:
        while (deadline := self.caller.deadline()) is not None and deadline <= self.start + seconds:
            self.now = deadline
            self.keep(self.caller.tick(deadline))
        self.now = self.start + seconds

    def send(self, at: float, *messages: str | bytes) -> None:
        self.until(at)
        for message in messages:
            self.keep(self.caller.receive(message, self.now))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for _, message in self.log if message["event"] == event]

    def marks(self) -> list[tuple[float, str]]:
        return [(at, message["mark"]["name"]) for at, message in self.log if message["event"] == "mark"]

    def frames(self) -> list[bytes]:
        return [base64.b64decode(message["media"]["payload"]) for message in self.of("media")]

    def kinds(self) -> list[str]:
        return [observation.kind for observation in self.caller.observations]

    def when(self, kind: str) -> list[float]:
        return [round(seen.at, 3) for seen in self.caller.observations if seen.kind == kind]


@pytest.fixture
def dial() -> type[CallerOnAClock]:
    """`dial(*steps, patience=5.0, **options)` begins a call."""
    return CallerOnAClock
