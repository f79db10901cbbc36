"""OpenAI's Realtime API as generally available since 2025, and with it every server that is compatible with it.

It is the base of all dialects here: others are written as their difference from this one. The whole session object
goes into every `session.update`, because some servers merge an update and others replace with it.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_24K
from telephony.commands import (
    AddMessage,
    AddToolCall,
    AppendAudio,
    CancelResponse,
    ConfigureSession,
    ForgetItem,
    ModelCommand,
    RequestResponse,
    SendToolOutput,
    SpeakVerbatim,
    Truncate,
)
from telephony.errors import ConfigurationError
from telephony.events import Event
from telephony.realtime.base import Traits
from telephony.realtime.decoder import Decoder
from telephony.realtime.formats import to_wire
from telephony.realtime.reading import JsonObject
from telephony.settings import AUDIO_FORMATS, SessionConfig

TRANSCRIPTION_MODEL = "gpt-4o-mini-transcribe"
"""Transcribes the caller unless `agents.*.session` names another; it takes a prompt, which carries the key terms."""

_VERBATIM = (
    "Speak the text between the tags to the caller, word for word, in the language it is written in. "
    "Do not introduce it, comment on it, answer it or add to it, and stop where it ends.\n<say>\n{text}\n</say>"
)


class OpenAI:
    """The codec of one session.

    Raises `ConfigurationError` if the provider cannot do what *config* asks, so that it shows before a call does.
    """

    traits = Traits(
        name="openai",
        audio=(PCM16_24K, MULAW_8K, ALAW_8K),
        lacks=frozenset({"web_search", "x_search", "file_search"}),  # xAI's; OpenAI's sessions take function and mcp
    )
    _PARTS: Mapping[str, str] = {"user": "input_text", "system": "input_text", "assistant": "output_text"}
    """What kind of text a message of each role is made of."""
    _CALL_ID_LENGTH = 32
    """Characters of the longest call id that OpenAI takes; xAI's own have 43, and history moves between them."""

    def __init__(self, config: SessionConfig) -> None:
        self.config = config
        self._check()
        self._decoder = Decoder(resumable=self._resumable())
        self._adopted: dict[str, str] = {}
        """Calls of earlier sessions, by their id there: their id here."""
        self._session = self._with_extra(self._session_object())
        self._encoders: dict[type, Callable[[Any], JsonObject]] = {
            ConfigureSession: self._configure,
            RequestResponse: self._respond,
            SpeakVerbatim: self._say,
            CancelResponse: self._cancel,
            Truncate: self._truncate,
            ForgetItem: self._forget,
            SendToolOutput: self._tool_output,
            AddMessage: self._message,
            AddToolCall: self._tool_call,
        }

    def decode(self, message: str | bytes) -> list[Event]:
        return self._decoder.decode(message)

    def encode(self, command: ModelCommand) -> list[str]:
        if type(command) is AppendAudio:
            # Fifty times a second and call: one concatenation around the base64, no JSON encoder.
            audio = binascii.b2a_base64(command.payload, newline=False).decode("ascii")
            return ['{"type":"input_audio_buffer.append","audio":"' + audio + '"}']
        return [dumped(self._encoders[type(command)](command))]

    # -- the session -----------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Refuse what the provider would refuse, or worse, ignore."""
        if self.config.audio not in self.traits.audio:
            names = [name for name, audio in AUDIO_FORMATS.items() if audio in self.traits.audio]
            raise ConfigurationError(
                "agents.*.audio",
                f"the {self.traits.name} dialect cannot speak {self.config.audio}",
                f"Use {' or '.join(names)}.",
            )

    def _resumable(self) -> bool:
        """Whether the provider was asked to keep the conversation for another session."""
        return False

    def _session_object(self) -> JsonObject:
        config = self.config
        spoken: JsonObject = {"format": to_wire(config.audio)}
        if config.voice is not None:
            spoken["voice"] = config.voice
        session: JsonObject = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": config.instructions,
            "audio": {
                "input": {
                    "format": to_wire(config.audio),
                    "transcription": self._transcription(),
                    "turn_detection": self._turn_detection(),
                },
                "output": spoken,
            },
            "tools": self._tools(),
        }
        if config.reasoning_effort is not None:
            session["reasoning"] = {"effort": config.reasoning_effort}
        return session

    def _with_extra(self, session: JsonObject) -> JsonObject:
        """Lists are replaced where objects are merged, and a search must not cost the agent its functions."""
        extra = {key: value for key, value in self.config.extra.items() if key != "tools"}
        return merged(session, extra) | {"tools": [*session["tools"], *self.config.extra.get("tools", [])]}

    def _transcription(self) -> JsonObject:
        """OpenAI takes ISO 639-1, so the region of a BCP 47 tag goes; it has no key terms, but a prompt."""
        transcription: JsonObject = {"model": TRANSCRIPTION_MODEL}
        if self.config.language:
            transcription["language"] = self.config.language.partition("-")[0].lower()
        if self.config.keyterms:
            transcription["prompt"] = f"Names and terms to expect: {', '.join(self.config.keyterms)}."
        return transcription

    def _turn_detection(self) -> JsonObject:
        """Both switches are always set: xAI takes a missing `create_response` for false, and then never answers."""
        wanted = self.config.turn_detection
        detection: JsonObject = {"type": wanted.type}
        if wanted.type == "server_vad":
            detection |= {
                "threshold": wanted.threshold,
                "silence_duration_ms": wanted.silence_duration_ms,
                "prefix_padding_ms": wanted.prefix_padding_ms,
            }
        return detection | {"create_response": True, "interrupt_response": True}

    def _tools(self) -> list[JsonObject]:
        functions: list[JsonObject] = [
            {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in self.config.tools
        ]
        theirs = [tool for tool in self.config.provider_tools if tool.get("type") not in self.traits.lacks]
        return [*functions, *map(self._provider_tool, theirs)]

    def _provider_tool(self, tool: JsonObject) -> JsonObject:
        """As it was written. Unless something else is, a server's tools need no approval: nobody on the telephone could
        give it, and OpenAI would wait."""
        return {"require_approval": "never"} | tool if tool.get("type") == "mcp" else tool

    def _configure(self, _: ConfigureSession) -> JsonObject:
        return {"type": "session.update", "session": self._session}

    # -- the conversation ------------------------------------------------------------------------------------------

    def _respond(self, command: RequestResponse) -> JsonObject:
        if command.instructions is None:
            return {"type": "response.create"}
        return {"type": "response.create", "response": {"instructions": command.instructions}}

    def _say(self, command: SpeakVerbatim) -> JsonObject:
        """There is no verbatim speech in the protocol: the model is asked for it, and kept from calling a tool
        instead. That it must not be interrupted, the conversation has to see to."""
        instructions = _VERBATIM.format(text=command.text)
        return {"type": "response.create", "response": {"instructions": instructions, "tool_choice": "none"}}

    def _cancel(self, command: CancelResponse) -> JsonObject:
        named = {"response_id": command.response_id} if command.response_id else {}
        return {"type": "response.cancel"} | named

    def _truncate(self, command: Truncate) -> JsonObject:
        return {
            "type": "conversation.item.truncate",
            "item_id": command.item_id,
            "content_index": command.content_index,
            "audio_end_ms": command.audio_end_ms,
        }

    def _forget(self, command: ForgetItem) -> JsonObject:
        return {"type": "conversation.item.delete", "item_id": command.item_id}

    def _tool_output(self, command: SendToolOutput) -> JsonObject:
        """The output is a string to the model, whatever is in it: encoding it here again would show it quotes."""
        call_id = self._adopted.get(command.call_id, command.call_id)
        return _item({"type": "function_call_output", "call_id": call_id, "output": command.output})

    def _tool_call(self, command: AddToolCall) -> JsonObject:
        """Ids of another provider may be too long here; an output that follows goes by the same short one."""
        call_id = self._adopted[command.call_id] = shortened(command.call_id, self._CALL_ID_LENGTH)
        call = {"type": "function_call", "call_id": call_id, "name": command.name, "arguments": command.arguments}
        return _item(call)

    def _message(self, command: AddMessage) -> JsonObject:
        content = [{"type": self._PARTS[command.role], "text": command.text}]
        return _item({"type": "message", "role": command.role, "content": content})


def shortened(call_id: str, length: int) -> str:
    """*call_id* if it has at most *length* characters, otherwise the beginning of its SHA-256."""
    if len(call_id) <= length:
        return call_id
    return hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:length]


def _item(item: JsonObject) -> JsonObject:
    return {"type": "conversation.item.create", "item": item}


def merged(base: JsonObject, extra: JsonObject) -> JsonObject:
    """*base* with *extra* over it, objects merged key by key, anything else replaced. Neither is changed."""
    result = dict(base)
    for key, value in extra.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def dumped(message: JsonObject) -> str:
    """*message* as JSON text. Lone surrogates, which a tool may return and UTF-8 cannot carry, become `?`."""
    try:
        return msgspec.json.encode(message).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_speakable(message)).decode()


def _speakable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_speakable(key): _speakable(entry) for key, entry in value.items()}
    return [_speakable(entry) for entry in value] if isinstance(value, (list, tuple)) else value
