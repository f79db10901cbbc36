"""The session as the provider keeps it: what was asked for, what holds, and what it says it holds.

OpenAI merges an update and checks every key. xAI ignores what it does not know, falls back to manual turns when an
update leaves `turn_detection` out, and detects without ever answering when `create_response` is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Protocol

import msgspec

from telephony.audio.format import MULAW_8K, PCM16_24K, AudioFormat
from telephony.sim.model_checks import (
    TurnTaking,
    format_problems,
    inner,
    read_format,
    read_turns,
    shape_problems,
    speed_problems,
    tool_problems,
    turn_problems,
    write_format,
)
from telephony.sim.model_schema import OPENAI_SESSION, XAI_SESSION, unknown
from telephony.sim.model_wire import Message, Problem


class Session(Protocol):
    """A provider's view of a session."""

    input: AudioFormat
    output: AudioFormat
    turns: TurnTaking | None
    """None: the client commits turns itself."""

    @property
    def transcribes(self) -> bool: ...

    @property
    def resumable(self) -> bool:
        """Whether a later session may go on with its conversation."""

    def update(self, wanted: Message, *, spoke: bool) -> list[Problem]:
        """Apply a `session.update`. If any problem is not silent, nothing was applied: the first one is the answer.
        *spoke*: whether audio was sent already, after which OpenAI keeps the voice."""

    def body(self) -> Message:
        """The session object for `session.created` and `session.updated`, without its id."""

    def misstate_output(self) -> None:
        """Speak and announce another format than was asked for."""


class OpenAiSession:
    """A GA session: nested, merged, strict."""

    def __init__(self, model: str) -> None:
        self._body = deepcopy(_OPENAI_DEFAULTS) | {"model": model}
        self._read()

    def _read(self) -> None:
        self.input = read_format(self._body["audio"]["input"]["format"])
        self.output = read_format(self._body["audio"]["output"]["format"])
        self.turns = read_turns(self._body["audio"]["input"]["turn_detection"], 0.5, 300, 200)

    @property
    def transcribes(self) -> bool:
        return bool(self._body["audio"]["input"]["transcription"])

    @property
    def resumable(self) -> bool:
        return False

    def update(self, wanted: Message, *, spoke: bool) -> list[Problem]:
        problems = list(self._problems(wanted, spoke))
        if not problems:
            self._body = _merged(self._body, wanted)
            self._read()
            self._complete()
        return problems

    def _problems(self, wanted: Message, spoke: bool) -> Iterator[Problem]:
        if wanted.get("type") != "realtime":
            message = "Missing required parameter: 'session.type'."
            yield Problem("missing_session_type", message, "missing_required_parameter", "session.type")
        yield from shape_problems(wanted, OPENAI_SESSION)
        for path in unknown(wanted, OPENAI_SESSION, "session."):
            yield Problem("unknown_parameter", f"Unknown parameter: '{path}'.", "unknown_parameter", path)
        audio = inner(wanted, "audio")
        for leg in ("input", "output"):
            yield from format_problems(inner(audio, leg).get("format"), f"session.audio.{leg}.format", "openai")
        detection = inner(audio, "input").get("turn_detection")
        place = "session.audio.input.turn_detection"
        yield from turn_problems(detection, place, ("server_vad", "semantic_vad"), (0.0, 1.0))
        yield from speed_problems(inner(audio, "output"), (0.25, 1.5))
        yield from tool_problems(wanted.get("tools"), nested=False)
        if wanted.get("output_modalities", ["audio"]) != ["audio"]:
            message = "The simulated model only speaks: output_modalities must be ['audio']."
            yield Problem("unsupported_modality", message, param="session.output_modalities")
        if wanted.get("model", self._body["model"]) != self._body["model"]:
            message = "Session model cannot be changed after the session has begun."
            yield Problem("model_changed", message, param="session.model")
        voice = self._body["audio"]["output"]["voice"]
        if spoke and inner(audio, "output").get("voice", voice) != voice:
            message = "Cannot update a conversation's voice if assistant audio is present."
            yield Problem("voice_changed", message, "cannot_update_voice")

    def _complete(self) -> None:
        """The echo is complete: what was left out says null or the default."""
        heard, spoken = self._body["audio"]["input"], self._body["audio"]["output"]
        heard["format"], spoken["format"] = write_format(self.input), write_format(self.output)
        if heard["transcription"]:
            heard["transcription"] = {"language": None, "prompt": None, **heard["transcription"]}
        if heard["turn_detection"]:
            defaults = _OPENAI_DEFAULTS["audio"]["input"]["turn_detection"]
            semantic = heard["turn_detection"].get("type") == "semantic_vad"
            heard["turn_detection"] = heard["turn_detection"] if semantic else {**defaults, **heard["turn_detection"]}

    def body(self) -> Message:
        return self._body

    def misstate_output(self) -> None:
        other, self.output = _another(self.output)
        self._body["audio"]["output"]["format"] = other


class XaiSession:
    """A Grok session: voice and turn detection on top, everything unknown ignored."""

    def __init__(self, model: str) -> None:
        self._asked: Message = {"instructions": "", "model": model, "tools": []}
        self._configured = False
        self.input = self.output = PCM16_24K
        self.turns: TurnTaking | None = None

    @property
    def transcribes(self) -> bool:
        return bool(self._transcription())

    @property
    def resumable(self) -> bool:
        return inner(self._asked, "resumption").get("enabled") is True

    def _transcription(self) -> Any:
        return inner(inner(self._asked, "audio"), "input").get("transcription")

    def update(self, wanted: Message, *, spoke: bool) -> list[Problem]:
        problems = list(self._problems(wanted))
        if all(problem.silent for problem in problems):
            # Nothing but turn detection is known to be forgotten when an update leaves it out.
            self._asked = {**_merged(self._asked, wanted), "turn_detection": wanted.get("turn_detection")}
            self._configured = True
            audio = inner(self._asked, "audio")
            self.input = read_format(inner(audio, "input").get("format"))
            self.output = read_format(inner(audio, "output").get("format"))
            self.turns = self._turns()
        return problems

    def _turns(self) -> TurnTaking | None:
        detection = self._asked["turn_detection"]
        turns = read_turns(detection, 0.85, 333, 200)
        # `create_response: false` is not honoured, but without the key nothing is ever answered.
        return msgspec.structs.replace(turns, answers="create_response" in detection) if turns else None

    def _problems(self, wanted: Message) -> Iterator[Problem]:
        yield from shape_problems(wanted, XAI_SESSION)
        for path in unknown(wanted, XAI_SESSION, "session."):
            misplaced = path.rpartition(".")[2] in ("voice", "turn_detection")
            remedy = f"xAI wants it at session.{path.rpartition('.')[2]}" if misplaced else "xAI ignores it"
            fault = "misplaced_setting" if misplaced else "unknown_parameter"
            yield Problem(fault, f"'{path}': {remedy}.", param=path, silent=True)
        if "turn_detection" not in wanted:
            message = "an update without turn_detection makes xAI fall back to manual turns: send it every time"
            yield Problem("missing_turn_detection", message, param="session.turn_detection", silent=True)
        detection = wanted.get("turn_detection")
        if isinstance(detection, dict) and detection.get("type") and "create_response" not in detection:
            message = "without create_response xAI detects turns and never answers them: send create_response: true"
            yield Problem("missing_create_response", message, param="session.turn_detection", silent=True)
        yield from turn_problems(detection, "session.turn_detection", ("server_vad",), (0.1, 0.9))
        audio = inner(wanted, "audio")
        for leg in ("input", "output"):
            yield from format_problems(inner(audio, leg).get("format"), f"session.audio.{leg}.format", "xai")
        yield from speed_problems(inner(audio, "output"), (0.7, 1.5))
        yield from tool_problems(wanted.get("tools"), nested=True)

    def body(self) -> Message:
        if not self._configured:
            return _XAI_CREATED | {"model": self._asked["model"]}
        asked = self._asked
        transcription = self._transcription()
        heard = {"transcription": transcription} if transcription else {}
        legs = [inner(inner(asked, "audio"), leg) for leg in ("input", "output")]
        transports = [leg.get("transport", "json") for leg in legs]
        body = {
            "instructions": asked["instructions"],
            "enable_noise_suppression": True,
            "turn_detection": asked["turn_detection"] or {"type": None},
            "model": asked["model"],
            "keep_context": False,
            "enable_phonetic_spelling": False,
            "modalities": ["audio"],
            "input_audio_format": "not specified",
            "output_audio_format": "not specified",
            "tool_choice": asked.get("tool_choice", "auto"),
            "temperature": -1.0,
            "max_response_output_tokens": "inf",
            "audio": {
                "input": {"format": write_format(self.input), "transport": transports[0], **heard},
                "output": {"format": write_format(self.output), "transport": transports[1]},
            },
        }
        if asked["tools"]:
            body["tools"] = [_nested(tool) for tool in asked["tools"]]
        if transcription:
            body["input_audio_transcription"] = {"model": "grok-transcribe"}
        return body | ({"voice": asked["voice"]} if "voice" in asked else {})

    def misstate_output(self) -> None:
        _, self.output = _another(self.output)


def _merged(old: Message, new: Message) -> Message:
    merged = dict(old)
    for key, value in new.items():
        # A format is one value: the rate of the old one means nothing for the new one.
        both = isinstance(value, dict) and isinstance(old.get(key), dict) and key != "format"
        merged[key] = _merged(old[key], value) if both else value
    return merged


def _another(asked: AudioFormat) -> tuple[Message, AudioFormat]:
    other = PCM16_24K if asked != PCM16_24K else MULAW_8K
    return write_format(other), other


def _nested(tool: Message) -> Message:
    """xAI echoes functions in the older nested form, whichever was sent."""
    if tool.get("type") != "function" or "function" in tool:
        return tool
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


_XAI_CREATED: Message = {
    "object": "realtime.session",
    "instructions": "",
    "voice": "ara",
    "modalities": ["audio"],
    "turn_detection": {"type": None},
    "tools": [],
}

_OPENAI_DEFAULTS: Message = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "You are a helpful, witty, and friendly AI.",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "tracing": None,
    "truncation": "auto",
    "prompt": None,
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 200,
                "idle_timeout_ms": None,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy", "speed": 1.0},
    },
    "include": None,
}
