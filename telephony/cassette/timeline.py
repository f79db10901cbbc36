"""A recorded call as a calm timeline: stretches of speech, functions, and the messages that change something.

Left out is what only says again what others say: frames and pieces of audio, marks, timers, the parts of items.
"""

from __future__ import annotations

from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.cassette.brief import Entry, entry_of, is_sound, kind_of, sound_of
from telephony.cassette.format import Cassette, Line

PAUSE = 0.3
"""Seconds of silence that end a stretch of the agent's speech."""
QUIET = (
    "ping",
    "mark",
    "rate_limits.updated",
    "input_audio_buffer.committed",
    "input_audio_buffer.append",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.created",
    "conversation.item.input_audio_transcription.updated",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_audio.done",
    "response.audio.done",
)


def timeline(cassette: Cassette, carrier: AudioFormat = MULAW_8K) -> list[Entry]:
    """The entries in the order of time. *carrier*: in which format it speaks, to tell seconds."""
    view = _View(carrier)
    for line in cassette.lines:
        view.see(line)
    return view.entries()


class _View:
    def __init__(self, carrier: AudioFormat) -> None:
        self._carrier = carrier
        self._entries: list[Entry] = []
        self._tail = 0.0
        """Seconds: until when the agent is heard."""
        self._agent: Entry | None = None
        self._caller: Entry | None = None
        self._tools: dict[str, float] = {}

    def entries(self) -> list[Entry]:
        self._agent_ends(self._tail, "")
        return sorted(self._entries, key=lambda entry: entry.t)

    def see(self, line: Line) -> None:
        if line.ch in ("timer", "record"):
            return
        message = line.message
        kind = kind_of(message)
        if is_sound(line, message):
            if line.ch == "carrier" and line.dir == "out":
                self._agent_speaks(line.t, len(sound_of(line) or b""))
            return
        repeated = kind.endswith(".completed") and message.get("status") == "in_progress"
        if kind in QUIET or kind.endswith(".delta") or repeated:
            return
        entry = entry_of(line, short=True)
        entry.text += self._took(line)
        self._entries.append(entry)
        if kind == "clear":
            self._agent_ends(min(self._tail, line.t), ", cut off")
        self._follow_caller(line, kind)

    def _agent_speaks(self, now: float, size: int) -> None:
        if self._agent is None or now > self._tail + PAUSE:
            self._agent_ends(self._tail, "")
            self._tail = max(self._tail, now)
            self._agent = Entry(self._tail, "us", "carrier", "")
            self._entries.append(self._agent)
        self._tail = max(self._tail, now) + size / self._carrier.bytes_per_sample / self._carrier.rate

    def _agent_ends(self, at: float, how: str) -> None:
        if self._agent is not None:
            self._agent.until = max(self._agent.t, at)
            self._agent.text = f"━━ the agent is heard, {self._agent.until - self._agent.t:.2f} s{how}"
            self._agent = None
        self._tail = at

    def _follow_caller(self, line: Line, kind: str) -> None:
        if line.dir == "out":
            return
        if kind == "input_audio_buffer.speech_started":
            self._caller = Entry(line.t, "carrier", "us", "━━ the caller speaks")
            self._entries.append(self._caller)
        elif kind == "input_audio_buffer.speech_stopped" and self._caller is not None:
            self._caller.until = line.t
            self._caller.text += f", {line.t - self._caller.t:.2f} s"
            self._caller = None

    def _took(self, line: Line) -> str:
        """How long a function ran, behind its result."""
        if line.ch != "tool" or not isinstance(message := line.message, dict):
            return ""
        called = str(message.get("call_id"))
        if line.dir == "out":
            self._tools.setdefault(called, line.t)
            return ""
        began = self._tools.get(called)
        return "" if began is None else f", after {line.t - began:.2f} s"
