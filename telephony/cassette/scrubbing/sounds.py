"""The voices on a cassette, and what stands in for them: noise, or other speech, as loud in every frame."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.cassette.format import Cassette, Line
from telephony.cassette.player import NewCarrier, line_of
from telephony.cassette.resolved import call_settings
from telephony.scrub.sound import Disguise


class Sounds:
    """The messages of a cassette that hold audio. They must be replaced in their order, each once.

    *speech*: mu-law at 8000 Hz that the caller's audio is made of; empty for noise.
    """

    def __init__(self, cassette: Cassette, new_carrier: NewCarrier, speech: bytes) -> None:
        header = cassette.header
        line = line_of(cassette, new_carrier)
        spoken = Transcoder(MULAW_8K, AudioFormat("pcm16", line.rate)).feed(speech)
        self._caller = Disguise(line, spoken or None)
        self._agent_audio = call_settings(header.agent, header.settings, cassette.name).session.audio
        self._agent: dict[tuple[int, str], Disguise] = {}

    def replaced(self, entry: Line) -> str | None:
        """The message with other audio; None if there is none in it."""
        if entry.ch == "carrier" and entry.is_caller_audio:
            return _with(entry, ("media", "payload"), self._caller)
        if entry.ch == "model" and b'audio.delta"' in bytes(entry.msg):
            said = (entry.session, str(entry.message.get("item_id")))
            voice = self._agent.get(said)
            if voice is None:
                voice = self._agent[said] = Disguise(self._agent_audio, seed=len(self._agent) + 1)
            return _with(entry, ("delta",), voice)
        return None


def _with(entry: Line, path: tuple[str, ...], voice: Disguise) -> str | None:
    """The message, as it was but for the audio at *path*; None if there is none."""
    value: Any = entry.message
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str):
        return None
    try:
        payload = base64.b64decode(value, validate=True)
    except binascii.Error:
        return None
    made = base64.b64encode(voice.feed(payload)).decode()
    return str(entry.msg, "utf-8").replace(value, made, 1) if value else None
