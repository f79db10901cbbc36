"""A client for one simulated model on a virtual clock: for trying a script out, and for testing the model itself.

    client = ModelClient({"profile": "xai", "replies": [{"on": "speech", "say": "Hello!"}]})
    client.configure()
    client.speak(800)
    client.quiet(1500)
    assert "response.done" in client.types()

It behaves well by itself; to misbehave, `send` what should not be sent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from telephony.audio.format import PCM16_8K, PCM16_24K, AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.sim.model import SimulatedModel
from telephony.sim.model_checks import write_format
from telephony.sim.model_mouth import Voice
from telephony.sim.model_script import ModelScript, decode_script
from telephony.sim.model_wire import Message

_FRAME_MS = 20


def hum(text: str) -> bytes:
    """A voice that costs nothing: 60 ms of mu-law for each character."""
    return bytes(range(0x90, 0xC0)) * (10 * len(text))


class ModelClient:
    """One connection. `messages` holds all that came, in order; `at` the time each of them came. *after* is the client
    of an earlier connection to the same model, from whose time on this one lives."""

    def __init__(
        self,
        script: ModelScript | Mapping[str, Any],
        *,
        voice: Voice = hum,
        seed: int = 0,
        audio: AudioFormat = PCM16_24K,
        after: ModelClient | None = None,
        conversation_id: str = "",
    ) -> None:
        self.now: float = after.now if after else 0.0
        self.script = script if isinstance(script, ModelScript) else decode_script(script)
        self.model: SimulatedModel = SimulatedModel(
            self.script, voice, seed, after=after.model if after else None, conversation_id=conversation_id
        )
        self.messages: list[Message] = []
        self.at: list[float] = []
        self.raw: list[str] = []
        """Every message as text, the malformed ones too."""
        self._audio = audio
        self._phase = 0
        self._take(self.model.open(self.now))

    # -- saying -----------------------------------------------------------------------------------------------------

    def send(self, type_: str, **fields: Any) -> list[Message]:
        """Send an event; returns what came back at once."""
        return self.send_raw(json.dumps({"type": type_, **fields}))

    def send_raw(self, message: str | bytes) -> list[Message]:
        return self._take(self.model.receive(message, self.now))

    def configure(self, **session: Any) -> None:
        """Send a session that fits the profile, with *session* merged over its top level, and wait until it holds."""
        self.send("session.update", session={**self.session(), **session})
        self.wait(0.1)

    def session(self) -> Message:
        """A session object that the profile has nothing to say against."""
        audio = write_format(self._audio)
        turns = {"type": "server_vad", "create_response": True, "interrupt_response": True, "silence_duration_ms": 300}
        heard: Message = {"format": audio, "transcription": {"model": "any"}}
        if self.script.profile == "xai":
            return {"turn_detection": turns, "audio": {"input": heard, "output": {"format": audio}}}
        return {
            "type": "realtime",
            "audio": {"input": {**heard, "turn_detection": turns}, "output": {"format": audio}},
        }

    def speak(self, milliseconds: int) -> None:
        """Send what a voice detector takes for speech, in real time."""
        self._stream(milliseconds, 8000.0)

    def quiet(self, milliseconds: int) -> None:
        """Send silence in real time."""
        self._stream(milliseconds, 0.0)

    def _stream(self, milliseconds: int, amplitude: float) -> None:
        transcoder = Transcoder(PCM16_8K, self._audio)
        for _ in range(milliseconds // _FRAME_MS):
            time = np.arange(self._phase, self._phase + 160) / 8000
            self._phase += 160
            wave = (amplitude * np.sin(2 * np.pi * 250 * time)).astype("<i2").tobytes()
            self.append(transcoder.feed(wave))
            self.wait(_FRAME_MS / 1000)

    def append(self, payload: bytes) -> list[Message]:
        """Send audio as it is."""
        return self.send("input_audio_buffer.append", audio=base64.b64encode(payload).decode())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while (due := self.model.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self._take(self.model.tick(self.now))
        self.now = until

    # -- what came --------------------------------------------------------------------------------------------------

    def types(self, *, deltas: bool = False) -> list[str]:
        """Types of all messages in order; runs of the same delta count once unless *deltas*."""
        found: list[str] = []
        for message in self.messages:
            kind = message["type"]
            if deltas or not kind.endswith(".delta") or found[-1:] != [kind]:
                found.append(kind)
        return found

    def all(self, type_: str) -> list[Message]:
        return [message for message in self.messages if message["type"] == type_]

    def last(self, type_: str) -> Message:
        """The newest message of a type; IndexError if there is none."""
        return self.all(type_)[-1]

    def audio_of(self, item_id: str) -> bytes:
        """All audio of an item, decoded."""
        deltas = [m for m in self.messages if m["type"].endswith("audio.delta") and m["item_id"] == item_id]
        return b"".join(base64.b64decode(delta["delta"]) for delta in deltas)

    @property
    def faults(self) -> list[str]:
        """Codes of the faults noted so far."""
        return [fault.code for fault in self.model.faults]

    def forget(self) -> None:
        """Begin `messages` anew."""
        self.messages.clear()
        self.at.clear()
        self.raw.clear()

    def _take(self, messages: list[str]) -> list[Message]:
        taken: list[Message] = []
        for text in messages:
            self.raw.append(text)
            try:
                message = json.loads(text)
            except ValueError:
                continue  # a scripted malformed message; it stays in `raw`
            if isinstance(message, dict) and isinstance(message.get("type"), str):
                taken.append(message)
        self.messages += taken
        self.at += [self.now] * len(taken)
        return taken
