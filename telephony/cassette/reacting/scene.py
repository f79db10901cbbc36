"""What happened in a recorded call, by parts: what the caller said and heard, what the model did, what tools answered.

It is read off the messages as they were then. So the caller's part is the same whatever has changed in the program
since, and how an agent of today does with it can be tried (`reactive`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from telephony import events as ev
from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.cassette.compare import audio_of
from telephony.cassette.format import Cassette, Line, wire_message
from telephony.cassette.player import NewCarrier
from telephony.cassette.replay import replay
from telephony.cassette.resolved import call_settings
from telephony.errors import CassetteError
from telephony.realtime import dialect
from telephony.realtime.leg import ModelLeg
from telephony.records import CallRecord, Turn
from telephony.settings import CallSettings
from telephony.sim.model_script import Cue
from telephony.sim.playout import Playout

Profile = Literal["xai", "openai"]
PROFILES: Mapping[str, Profile] = {"xai": "xai", "openai": "openai", "litellm": "openai"}
"""The simulated model that takes a dialect's place. A LiteLLM proxy is spoken to as OpenAI is."""
RATE = MULAW_8K.rate


class Response(msgspec.Struct):
    """What the model did at one cue."""

    cue: Cue
    turn: str = ""
    """Item id of the caller's turn that it answers; empty if it answers none."""
    texts: dict[str, str] = {}
    """What was said, by item, whether it was heard or not."""
    calls: list[tuple[str, str]] = []
    """Names of functions, and their arguments as they were written."""
    completed: bool = False

    @property
    def words(self) -> str:
        return " ".join(text.strip() for text in self.texts.values() if text.strip())


class Use(msgspec.Struct):
    """A function that was run."""

    name: str
    arguments: str
    began: float
    """Seconds since the call began, as `ended`."""
    ended: float | None = None
    output: str = ""
    outcome: Literal["ok", "error", "timeout", "cancelled", "invalid"] = "ok"
    says: str = ""
    """What it wanted said while it ran."""
    progress: list[tuple[float, str]] = []
    """What it told of itself, and after how many seconds."""


class Scene:
    """A recorded call. Times are seconds since it began; audio is mu-law at 8000 Hz."""

    def __init__(self, settings: CallSettings, profile: Profile) -> None:
        self.settings = settings
        """As they were."""
        self.profile = profile
        self.record = CallRecord("", "", "", "")
        """What remained of it or, if the recording breaks off, what would have."""
        self.broken_off = False
        """Whether the recording ends before the call did."""
        self.duration = 0.0
        self.said = bytearray()
        """The caller, each frame in its place."""
        self.heard = Playout(0.0)
        """The agent, as it was played to the caller."""
        self.cuts: list[float] = []
        """When it was cut short."""
        self.keys: list[tuple[float, str]] = []
        self.left_at: float | None = None
        """When the carrier's stream ended; None if it did not."""
        self.responses: list[Response] = []
        self.uses: dict[str, Use] = {}
        """Functions that were run, by the id of the call, in order."""
        self.spoken: dict[str, bytes] = {}
        """The model's audio by item."""

    @property
    def caller_turns(self) -> list[Turn]:
        return [turn for turn in self.record.turns if turn.speaker == "caller"]

    def asked_at(self) -> list[float]:
        """When the caller began to hear something that the agent said unasked, such as after a long silence."""
        items = {item for response in self.responses if response.cue == "prompt" for item in response.texts}
        return [turn.started_at for turn in self.record.turns if turn.speaker == "agent" and turn.item_id in items]


def scene_of(cassette: Cassette, new_carrier: NewCarrier) -> Scene:
    """Read *cassette*. Raises `CassetteError` if it cannot be read, or if there is no simulator of its carrier."""
    header = cassette.header
    carrier = new_carrier(header.carrier)
    if carrier.traits.audio != MULAW_8K or header.dialect not in PROFILES:
        what = f"there is no simulator of {header.carrier} or none of {header.dialect}"
        raise CassetteError(f"{cassette.name}: {what}. Replay it strictly.")
    settings = call_settings(header.agent, header.settings, cassette.name)
    reader = _Reader(Scene(settings, PROFILES[header.dialect]))
    then = replay(cassette, new_carrier, listener=reader)
    reader.scene.record, reader.scene.duration = then.recorded or then.record, then.duration
    reader.scene.broken_off = then.broken_off
    for line in cassette.lines:
        if line.ch == "carrier" and line.dir == "in":
            for event in carrier.decode(wire_message(line.msg)):
                reader.carrier(event, line.t)
        else:
            reader.line(line)
    return reader.done()


class _Session:
    """One session with a model, and what it was told since it last began to respond."""

    def __init__(self, leg: ModelLeg, audio: AudioFormat) -> None:
        self.leg = leg
        self.audio = audio
        """What the model speaks."""
        self.asked = False
        """Whether a response was asked for that has not begun."""
        self.outputs = self.texts = 0
        self.brought_along = leg.number > 0
        """Whether all it was told is a conversation that another one had."""

    def told(self, message: dict[str, Any]) -> None:
        item = message.get("item") or {}
        self.asked = self.asked or message["type"] == "response.create" or item.get("type") == "force_message"
        self.outputs += item.get("type") == "function_call_output"
        self.texts += item.get("role") == "user"

    def cue(self, latest: Response | None, *, answers: bool) -> Cue:
        """Why it responds after *latest*; *answers*: whether the caller waits for an answer."""
        if not self.asked:
            return "speech"
        if self.outputs if not self.brought_along else latest and latest.calls:
            return "tool"
        if self.texts and not self.brought_along:
            return "text"
        if answers:  # it had not answered, and was asked again
            return "speech"
        return "prompt" if latest else "greeting"

    def responds(self) -> None:
        self.asked = self.brought_along = False
        self.outputs = self.texts = 0


class _Reader:
    """Fills a scene, one line after the other; as a listener it places the caller's frames."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._sessions: dict[int, _Session] = {}
        self._audio: dict[str, tuple[AudioFormat, bytearray]] = {}
        self._open: dict[str, Response] = {}
        self._turns: list[str] = []
        """Item ids of the caller's turns that nothing has answered yet."""
        self._handlers: Mapping[type[ev.Event], Callable[[Any, _Session], None]] = {
            ev.SessionReady: self._ready,
            ev.SpeechStarted: self._speech,
            ev.ResponseStarted: self._begin,
            ev.ModelAudio: self._sound,
            ev.ModelTranscript: self._words,
            ev.ToolRequested: self._call,
            ev.ResponseDone: self._done,
            ev.ModelError: self._error,
        }

    # -- the telephone's side ----------------------------------------------------------------------------------------

    def caller(self, at: float, payload: bytes) -> None:
        start, said = round(at * RATE), self.scene.said
        said.extend(b"\xff" * (start - len(said)))
        said[start : start + len(payload)] = payload

    def agent(self, at: float, payload: bytes) -> None:
        """What is sent now is not what was sent then."""

    def cut(self, at: float) -> None:
        """As `agent`."""

    def carrier(self, event: ev.Event, now: float) -> None:
        if isinstance(event, ev.KeyPressed):
            self.scene.keys.append((now, event.digit))
        elif isinstance(event, ev.CarrierStopped):
            self._leave(now)

    def _leave(self, now: float) -> None:
        self.scene.left_at = now if self.scene.left_at is None else self.scene.left_at

    def line(self, line: Line) -> None:
        """Anything but a message of the carrier's."""
        if line.ch == "carrier":
            if payload := audio_of(line):
                self.scene.heard.queue(payload, line.t)
            elif line.message.get("event") == "clear":
                self.scene.heard.clear(line.t)
                self.scene.cuts.append(line.t)
        elif line.ch == "model":
            self._model(line)
        elif line.ch in ("session", "tool", "call"):
            self._happening(line.message, line.t)

    def _happening(self, message: dict[str, Any], now: float) -> None:
        kind, uses = message["type"], self.scene.uses
        if kind == "ModelConnected":
            number, config = message["session"], self.scene.settings.session
            leg = ModelLeg(number, dialect(message["dialect"], config))
            self._sessions[number] = _Session(leg, config.audio)
        elif kind == "RunTool":
            uses[message["call_id"]] = Use(message["name"], message["arguments"], now)
        elif kind == "ToolFinished" and (use := uses.get(message["call_id"])):
            use.ended, use.output, use.outcome = now, message["output"], message["outcome"]
        elif kind == "ToolSays" and (use := uses.get(message["call_id"])):
            use.says = message["text"]
        elif kind == "ToolProgress" and (use := uses.get(message["call_id"])):
            use.progress.append((now - use.began, message["text"]))
        elif kind in ("CarrierLost", "CallEnded"):
            self._leave(now)

    # -- the model's side --------------------------------------------------------------------------------------------

    def _model(self, line: Line) -> None:
        session = self._sessions.get(line.session)
        if session is None:
            return
        if line.dir == "out":
            if b'"input_audio_buffer.append"' not in bytes(line.msg):
                session.told(line.message)
            return
        for event in session.leg.decode(wire_message(line.msg)):
            if handler := self._handlers.get(type(event)):
                handler(event, session)

    def _ready(self, event: ev.SessionReady, session: _Session) -> None:
        session.audio = event.output_audio or session.audio

    def _speech(self, event: ev.SpeechStarted, _: _Session) -> None:
        """A turn begins, unless it goes on, or was taken back because another model heard it again."""
        known = (response.turn for response in self.scene.responses)
        kept = (turn.item_id for turn in self.scene.caller_turns)
        if event.item_id in kept and event.item_id not in (*self._turns, *known):
            self._turns.append(event.item_id)

    def _begin(self, event: ev.ResponseStarted, session: _Session) -> None:
        responses, turns = self.scene.responses, self._turns
        response = Response(session.cue(responses[-1] if responses else None, answers=bool(turns)))
        if response.cue == "speech" and turns:
            self._turns = []
            responses += [Response("speech", turn) for turn in turns[:-1]]
            response.turn = turns[-1]
        elif response.cue == "speech" and responses and not responses[-1].completed:
            response = responses[-1]  # dropped without a word, and begun again
        if not responses or response is not responses[-1]:
            responses.append(response)
        self._open[event.response_id] = response
        session.responds()

    def _sound(self, event: ev.ModelAudio, session: _Session) -> None:
        self._audio.setdefault(event.item_id, (session.audio, bytearray()))[1].extend(event.payload)

    def _response(self, response_id: str) -> Response | None:
        return self._open.get(response_id) or next(reversed(self._open.values()), None)

    def _words(self, event: ev.ModelTranscript, _: _Session) -> None:
        if response := self._response(event.response_id):
            before = "" if event.final else response.texts.get(event.item_id, "")
            response.texts = {**response.texts, event.item_id: (before + event.text) or before}

    def _call(self, event: ev.ToolRequested, _: _Session) -> None:
        if response := self._response(event.response_id):
            response.calls = [*response.calls, (event.name, event.arguments)]

    def _done(self, event: ev.ResponseDone, _: _Session) -> None:
        if response := self._response(event.response_id):
            response.completed = event.status == "completed"

    def _error(self, event: ev.ModelError, session: _Session) -> None:
        if event.kind == "active_response":
            session.asked = False

    def done(self) -> Scene:
        """The scene, once every line was read."""
        self.scene.responses += [Response("speech", turn) for turn in self._turns]
        for item_id, (spoken, payload) in self._audio.items():
            self.scene.spoken[item_id] = Transcoder(spoken, MULAW_8K).feed(bytes(payload))
        return self.scene
