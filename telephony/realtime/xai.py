"""xAI's Grok Voice, as its difference from OpenAI.

Voice and turn detection stand at the top of the session, transcription has a language hint and key terms, every rate
of PCM is spoken, and a text can be said word for word (`force_message`).
"""

from __future__ import annotations

from collections.abc import Mapping

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K
from telephony.commands import SpeakVerbatim
from telephony.errors import ConfigurationError
from telephony.realtime.base import Traits
from telephony.realtime.openai import OpenAI
from telephony.realtime.reading import JsonObject

TRANSCRIPTION_MODEL = "grok-transcribe"

_THRESHOLDS = (0.1, 0.9)
_KEYTERMS = 100
_KEYTERM_LENGTH = 50


class XAI(OpenAI):
    """The codec of one session with xAI."""

    traits = Traits(
        name="xai",
        audio=(PCM16_24K, PCM16_16K, PCM16_8K, MULAW_8K, ALAW_8K),
        verbatim=True,
        truncates=False,  # documented, and it fails now and then
    )
    _PARTS: Mapping[str, str] = {**OpenAI._PARTS, "assistant": "text"}
    _CALL_ID_LENGTH = 43
    """That of its own ids: a call that is open in a resumed conversation is told under the one it may be known by."""

    def _check(self) -> None:
        """An invalid session is answered with an error and the old one stays: manual turns, and a silent agent."""
        super()._check()
        wanted = self.config.turn_detection
        if wanted.type != "server_vad":
            raise ConfigurationError(
                "agents.*.turn_detection.type", f"xAI has no {wanted.type}", "Use server_vad, or leave it out."
            )
        low, high = _THRESHOLDS
        if not low <= wanted.threshold <= high:
            raise ConfigurationError(
                "agents.*.turn_detection.threshold",
                f"xAI takes {low} to {high}, not {wanted.threshold}",
                "Higher needs louder speech; 0.6 suits most telephone lines.",
            )
        terms = self.config.keyterms
        if len(terms) > _KEYTERMS or any(len(term) > _KEYTERM_LENGTH for term in terms):
            raise ConfigurationError(
                "agents.*.keyterms",
                f"xAI takes {_KEYTERMS} terms of {_KEYTERM_LENGTH} characters",
                "Keep the names that callers say most.",
            )

    def _resumable(self) -> bool:
        resumption = self.config.extra.get("resumption")
        return isinstance(resumption, dict) and resumption.get("enabled") is True

    def _session_object(self) -> JsonObject:
        """Built from OpenAI's: what xAI does not know is taken out, and what it wants on top is lifted there."""
        session = super()._session_object()
        del session["type"], session["output_modalities"]
        audio = session["audio"]
        session["turn_detection"] = audio["input"].pop("turn_detection")
        if "voice" in audio["output"]:
            session["voice"] = audio["output"].pop("voice")
        return session

    def _provider_tool(self, tool: JsonObject) -> JsonObject:
        """xAI knows no approvals."""
        return tool

    def _transcription(self) -> JsonObject:
        transcription: JsonObject = {"model": TRANSCRIPTION_MODEL}
        if self.config.language:
            transcription["language_hint"] = self.config.language
        if self.config.keyterms:
            transcription["keyterms"] = list(self.config.keyterms)
        return transcription

    def _say(self, command: SpeakVerbatim) -> JsonObject:
        """A whole response follows by itself; asking for one as well would make two."""
        item = {
            "type": "force_message",
            "role": "assistant",
            "interruptible": command.interruptible,
            "content": [{"type": "output_text", "text": command.text}],
        }
        return {"type": "conversation.item.create", "item": item}
