"""A simulated realtime model: the other end of the socket, as strict as a linter and as odd as the real ones.

It needs no key and no network and has no clock: messages come in with a time, messages go out, `deadline` says when
`tick` has something to do. It speaks from a script (`model_script`), finds the caller's turns by energy, and generates
speech faster than it can be heard, in pieces of irregular size. Two things it does that the providers do not: it
remembers everything the client did wrong (`faults`), also where a provider would keep silent, and it says what of the
script was not seen (`unmet`).

    stage      what the parts share            wire, xai, openai   how a provider words it
    trouble    what can befall a session       house               what successive connections share
    ear, vad   the caller's audio              turns               whose turn it is
    mouth      responses                       prompter            what the script says next
    items      the client's `conversation.item.*`    requests    its `response.*`
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from telephony.sim.model_ear import Ear
from telephony.sim.model_house import House
from telephony.sim.model_items import Items
from telephony.sim.model_memory import Known
from telephony.sim.model_mouth import Mouth, Voice
from telephony.sim.model_prompter import Prompter
from telephony.sim.model_requests import Requests
from telephony.sim.model_schema import OPENAI_EVENTS, XAI_EVENTS, unknown
from telephony.sim.model_script import Cue, ModelScript
from telephony.sim.model_stage import Fault, Stage
from telephony.sim.model_trouble import Trouble
from telephony.sim.model_turns import Turns
from telephony.sim.model_wire import Message, Problem

_MODELS = {"xai": "grok-voice-latest", "openai": "gpt-realtime"}
_EPOCH = 1_785_214_081.0
"""Unix seconds at which the clock stood at 0, unless told otherwise: the same session is the same bytes every time."""
_LARGEST_APPEND = 15 * 1024 * 1024
_SHORTEST_COMMIT_MS = 100


class SimulatedModel:
    """One connection to a simulated model.

    *voice* gives mu-law speech at 8 kHz for a text. *model* is what the client asked for in the URL. *epoch* is the
    Unix time at `now == 0`, for the timestamps some events carry. *after* is any earlier connection to the same model:
    this one is numbered after it and, where the script says so, goes on where it stopped. *conversation_id* is what the
    URL asks to resume: the `conversation_id` of an earlier connection that allowed it.
    """

    def __init__(
        self,
        script: ModelScript,
        voice: Voice,
        seed: int = 0,
        *,
        model: str = "",
        epoch: float = _EPOCH,
        after: SimulatedModel | None = None,
        conversation_id: str = "",
    ) -> None:
        self._house: House = after._house if after else House()
        self.number = self._house.enter()
        """Which connection to the model this is, from 0."""
        script = script.for_connection(self.number)
        self.received: Counter[str] = Counter()
        """How many of each client event came."""
        self._stage = stage = Stage(script, seed + self.number, model or _MODELS[script.profile], epoch)
        self._ear = Ear(stage.session, keen=script.keen)
        self._mouth = Mouth(stage, voice)
        book = self._house.book(script.replies, shared=script.sessions == "continue")
        self._prompter = Prompter(script, book)
        self._turns = Turns(stage, self._ear, self._mouth, self._prompter)
        self._mouth.when_done = self._turns.wait_for_silence
        self._items = Items(stage)
        self._requests = Requests(stage, self._ear, self._mouth, self._turns, self._prompter, self._items)
        self._wanted = conversation_id
        self._resumed = False
        self._ready = False
        self._handlers = self._table()

    def _table(self) -> dict[str, Callable[[Message, float], None]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._requests.create_item,
            "conversation.item.delete": self._items.delete,
            "conversation.item.truncate": self._items.truncate,
            "conversation.item.retrieve": self._items.retrieve,
            "response.create": self._requests.create,
            "response.cancel": self._requests.cancel,
        }

    # -- what drives it ---------------------------------------------------------------------------------------------

    def open(self, now: float) -> list[str]:
        """The socket is open: the messages that come before the client said anything."""
        stage, script = self._stage, self._stage.script
        if script.open_error:
            stage.send(stage.wire.error(Problem("", "The connection was refused.", script.open_error), None))
            stage.close(4000 if script.open_error == "beta_api_shape_disabled" else 1008, script.open_error)
            return stage.take()
        self._prompter.take_over()
        self._resume(now)
        lasts_s = script.session_limit_s
        stage.send(*stage.wire.opening(script.first_events, stage.session.body(), stage.unix_ms(now), lasts_s))
        if stage.wire.pings and script.ping_s:
            stage.agenda.put(now + script.ping_s, self._ping)
        if script.session_limit_s:
            stage.agenda.put(now + script.session_limit_s, self._expire)
        for trouble in script.faults:
            stage.agenda.put(now + trouble.at_s, partial(self._suffer, trouble))
        return stage.take()

    def receive(self, message: str | bytes, now: float) -> list[str]:
        """A WebSocket message of the client, text or binary."""
        self._stage.agenda.run(now)
        if self._stage.close_request is None and not self._stage.frozen:
            self._house.touch(self.conversation_id, now)
            if isinstance(message, bytes):
                self._binary(message, now)
            else:
                self._text(message, now)
            self._stage.agenda.run(now)
        return self._stage.take()

    def tick(self, now: float) -> list[str]:
        """Time has passed. Doing it early or late is fine; `deadline` says when it is of use."""
        self._stage.agenda.run(now)
        return self._stage.take()

    def deadline(self) -> float | None:
        """When `tick` has something to do, in seconds of the same clock; None if only the client can."""
        return self._stage.agenda.deadline

    @property
    def close_request(self) -> tuple[int, str] | None:
        """Close code and reason once it wants the socket closed. 1006 stands for no close frame at all: the connection
        is to be dropped."""
        return self._stage.close_request

    @property
    def frozen(self) -> bool:
        """Whether nobody is behind the socket any more: leave it open, read nothing from it and answer no ping."""
        return self._stage.frozen

    @property
    def refusal(self) -> int:
        """The HTTP status that refuses the connection, so that it never opens; 0 if it may."""
        return self._stage.script.refuse

    @property
    def faults(self) -> list[Fault]:
        """Everything the client did wrong, in order."""
        return self._stage.faults

    @property
    def unmet(self) -> list[str]:
        """Failed expectations and replies never reached; final once the connection is closed. Where successive
        connections share a script, what was never reached is told by the newest."""
        return self._prompter.unmet

    @property
    def off_script(self) -> list[Cue]:
        """Cues that the script did not foresee, in order."""
        return self._prompter.off_script

    @property
    def reached(self) -> int:
        """How many replies of the script are behind us, those that were left out included."""
        return self._prompter.reached

    @property
    def items(self) -> list[Known]:
        """The conversation as this session knows it, in order: seeded, resumed and live."""
        return self._stage.memory.known()

    @property
    def conversation_id(self) -> str:
        """What a later connection names to resume this conversation (xAI)."""
        return self._stage.wire.conversation_id

    @property
    def session(self) -> Message:
        """The session object as it holds now."""
        return self._stage.session.body()

    def _suffer(self, trouble: Trouble, now: float) -> None:
        self._stage.suffer(trouble)

    def _ping(self, now: float) -> None:
        self._stage.send(self._stage.wire.ping(self._stage.unix_ms(now)))
        self._stage.agenda.put(now + self._stage.script.ping_s, self._ping)

    def _expire(self, now: float) -> None:
        self._stage.send(self._stage.wire.session_over())
        self._stage.close(1001, "session expired")

    # -- reading ----------------------------------------------------------------------------------------------------

    def _binary(self, payload: bytes, now: float) -> None:
        """xAI takes a binary message for audio, whether or not it was agreed; OpenAI does not take it at all."""
        self.received["(binary)"] += 1
        problem = Problem("binary_message", "Binary messages are not supported; send JSON text.", "invalid_event")
        if self._stage.script.profile == "openai":
            self._stage.object_to(problem, now, None)
        else:
            transport = self._stage.session.body().get("audio", {}).get("input", {}).get("transport")
            if transport != "binary":
                self._stage.blame(problem.fault, "a binary message although the transport is json", now, once=True)
            self._hear(payload, now)

    def _text(self, text: str, now: float) -> None:
        try:
            event: Any = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            problem = Problem("bad_json", f"Could not parse the message as JSON: {error}.", "invalid_json")
            self._stage.object_to(problem, now, None)
            return
        kind = event.get("type") if isinstance(event, dict) else None
        trees = XAI_EVENTS if self._stage.script.profile == "xai" else OPENAI_EVENTS
        if not isinstance(kind, str) or kind not in trees:
            supported = ", ".join(trees)
            message = f"Invalid value: {kind!r}. Supported values are: {supported}."
            error_kind = "invalid_event" if self._stage.script.profile == "xai" else "invalid_request_error"
            problem = Problem("unknown_event", message, "invalid_event", "type", error_kind)
            self._stage.object_to(problem, now, event.get("event_id") if isinstance(event, dict) else None)
            return
        self.received[kind] += 1
        if not self._has_unknown_keys(event, trees[kind], now):
            self._handlers[kind](event, now)

    def _has_unknown_keys(self, event: Message, tree: Message, now: float) -> bool:
        """Whether the event is refused for a key; xAI refuses none and says nothing."""
        silent = self._stage.script.profile == "xai"
        body = {key: value for key, value in event.items() if key not in ("type", "event_id")}
        paths = list(unknown(body, tree))
        for path in paths:
            message = f"Unknown parameter: '{path}'."
            problem = Problem("unknown_parameter", message, "unknown_parameter", path, silent=silent)
            self._stage.object_to(problem, now, event.get("event_id"))
        return bool(paths) and not silent

    # -- the session ------------------------------------------------------------------------------------------------

    def _resume(self, now: float) -> None:
        """Go on with the conversation the URL names. One that is unknown, or was not allowed to be resumed, is
        replaced by a new one without a word."""
        stage = self._stage
        if not self._wanted or stage.script.profile != "xai" or stage.script.resumption == "none":
            return
        memory = self._house.kept(self._wanted, now)
        if memory:
            self._resumed = True
            stage.memory = memory.resumed(stage.wire.item_id)
            stage.wire.conversation_id = self._wanted

    def _replay(self, now: float) -> None:
        """Tell a resumed session's client what was said before it: once, ahead of the first `session.updated`."""
        stage = self._stage
        if not self._resumed or self._ready:
            return
        if stage.session.resumable:
            known = [item for item in stage.memory if item.source == "resumed"]
            stage.send(*stage.wire.replay(known, whole=stage.script.resumption == "documented"))
        else:
            message = "a conversation is resumed, but session.resumption.enabled is not true: xAI wants it every time"
            stage.blame("resumption_not_enabled", message, now)

    def _update(self, event: Message, now: float) -> None:
        stage = self._stage
        wanted = event.get("session")
        if not isinstance(wanted, dict):
            message = "Missing required parameter: 'session'."
            problems = [Problem("missing_parameter", message, "missing_required_parameter", "session")]
        else:
            problems = stage.session.update(wanted, spoke=self._mouth.spoke)
        for problem in problems:
            stage.blame(problem.fault, problem.message, now)
        refusal = next((problem for problem in problems if not problem.silent), None)
        if refusal:
            stage.send(stage.wire.error(refusal, event.get("event_id")))
            return
        if stage.script.echo_wrong_format:
            stage.session.misstate_output()
        if stage.session.resumable:
            self._house.keep(self.conversation_id, stage.memory, now)
        else:
            self._house.drop(self.conversation_id)
        self._ear.tune(stage.session)
        if not stage.script.never_ready:
            stage.agenda.put(now + stage.script.ready_ms / 1000, self._acknowledge)

    def _acknowledge(self, now: float) -> None:
        self._replay(now)
        self._ready = True
        self._stage.send(self._stage.wire.updated(self._stage.session.body()))

    # -- audio ------------------------------------------------------------------------------------------------------

    def _append(self, event: Message, now: float) -> None:
        audio = event.get("audio")
        problem: Problem | None = None
        payload = b""
        if not isinstance(audio, str):
            message = "Missing required parameter: 'audio'."
            problem = Problem("missing_parameter", message, "missing_required_parameter", "audio")
        elif len(audio) > _LARGEST_APPEND:
            problem = Problem("append_too_large", "Audio of one event must not exceed 15 MiB.", param="audio")
        else:
            try:
                payload = base64.b64decode(audio, validate=True)
            except binascii.Error as error:
                message = f"Invalid 'audio': expected base64-encoded audio bytes ({error})."
                problem = Problem("bad_base64", message, "invalid_base64", "audio")
        if problem:
            self._stage.object_to(problem, now, event.get("event_id"))
        else:
            self._hear(payload, now)

    def _hear(self, payload: bytes, now: float) -> None:
        stage, ear = self._stage, self._ear
        if not self._ready:
            self._too_early(now)
        if ear.broken(payload):
            message = f"{len(payload)} bytes are no whole number of {stage.session.input} samples"
            stage.blame("odd_audio", message, now, once=True)
        for boundary in ear.hear(payload, now):
            self._turns.boundary(boundary, now)
        if ear.garbled and stage.script.sound_check:
            message = f"the audio sounds like noise: is it really {stage.session.input}, as the session says?"
            stage.blame("garbled_audio", message, now, once=True)

    def _too_early(self, now: float) -> None:
        """Before `session.updated` audio is read in the default format; xAI complains, OpenAI just hears static."""
        known = any(fault.code == "audio_before_ready" for fault in self.faults)
        silent = self._stage.script.profile == "openai"
        message = "audio came before session.updated, so it was read as PCM16 at 24 kHz"
        if not known:
            self._stage.object_to(Problem("audio_before_ready", message, silent=silent), now, None)

    def _commit(self, event: Message, now: float) -> None:
        stage, ear = self._stage, self._ear
        xai, manual = stage.script.profile == "xai", stage.session.turns is None
        if xai and not manual:
            stage.blame("commit_with_vad", "xAI ignores a commit while it detects turns itself", now)
        elif xai and not ear.heard_speech:
            ear.empty()  # a commit of silence is ignored
        elif not xai and ear.buffered_ms < _SHORTEST_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {ear.buffered_ms:.2f}ms of audio."
            )
            problem = Problem("commit_empty", message, "input_audio_buffer_commit_empty")
            stage.object_to(problem, now, event.get("event_id"))
        else:
            self._turns.caller_spoke = True
            self._turns.commit(now)
            if xai and self._mouth.active is None:
                self._turns.answer("speech", now)

    def _clear(self, event: Message, now: float) -> None:
        self._ear.empty()
        self._stage.send({"type": "input_audio_buffer.cleared"})
