"""Whose turn it is: from the caller's first sound to the reply, with each provider's way of interrupting.

OpenAI commits as soon as speech stops; whoever speaks after that begins a new turn, and an open response ends as
`cancelled` for `turn_detected`. xAI commits a little later and may have begun to reply by then: a caller who goes on
speaking before the commit continues the *same* item, and the reply that had begun is dropped without `response.done`.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from telephony.sim.model_ear import Ear
from telephony.sim.model_mouth import Mouth
from telephony.sim.model_prompter import Prompter
from telephony.sim.model_script import Cue
from telephony.sim.model_stage import Stage
from telephony.sim.model_wire import Item, Message
from telephony.sim.vad import Boundary

_TURN = "turn"
"""Owner of everything that a caller who goes on speaking makes void."""
_PARTIAL_S = 0.6
"""Seconds of speech before the first transcript of it; xAI's came after about as much."""
_IDLE = "idle"


class Turns:
    """The caller's turns and the replies to them."""

    def __init__(self, stage: Stage, ear: Ear, mouth: Mouth, prompter: Prompter) -> None:
        self._stage = stage
        self._ear = ear
        self._mouth = mouth
        self._prompter = prompter
        self.caller_spoke = False
        self._item: Item | None = None
        """The turn that is open: heard, and not yet committed."""
        self._replied = False
        """Whether the reply to the open turn began before the commit."""
        self._taken: int | None = None
        """The script's reply that it used up."""
        self._held: list[Message] = []
        """A `speech_started` that comes late."""

    # -- speech -----------------------------------------------------------------------------------------------------

    def boundary(self, found: Boundary, now: float) -> None:
        """The server's own turn detection found where speech began or ended."""
        if self._stage.session.turns is None:
            return
        if found.kind == "started":
            self._started(found.at_ms, now)
        else:
            self._stopped(found.at_ms, now)

    def _started(self, at_ms: int, now: float) -> None:
        stage = self._stage
        stage.agenda.drop(_IDLE)
        stage.agenda.drop(_TURN)
        self.caller_spoke = True
        resumed = self._item is not None
        item = self._item = self._item or self._new_item()
        if resumed:
            self._take_back(now)
        elif stage.wire.item_at_speech:
            stage.memory.add(item)
        messages = stage.wire.speech_started(item, at_ms, resumed=resumed)
        if stage.script.late_speech_started:
            self._held = messages
            return
        stage.send(*messages)
        self._interrupt(now)
        if stage.session.transcribes:
            stage.agenda.put(now + _PARTIAL_S, self._understand, owner=_TURN)

    def _new_item(self, status: Literal["in_progress", "completed"] = "in_progress") -> Item:
        text = self._prompter.hears(self._stage.memory)
        return Item(self._stage.wire.item_id(), "message", "user", text=text, spoken=True, status=status)

    def _take_back(self, now: float) -> None:
        """The caller goes on: a reply that began before the commit disappears without a word."""
        if self._replied:
            self._mouth.drop(now)
        if self._taken is not None:
            self._prompter.give_back(self._taken)
        self._replied, self._taken = False, None

    def _interrupt(self, now: float) -> None:
        turns = self._stage.session.turns
        if self._mouth.active and turns and turns.interrupts:
            self._mouth.cancel(now, "turn_detected")

    def _understand(self, now: float) -> None:
        if self._item:
            words = self._item.text.split()
            text = " ".join(words[: max(1, len(words) // 3)])
            self._stage.send(*self._stage.wire.understanding(self._item, text))

    def _stopped(self, at_ms: int, now: float) -> None:
        stage, item = self._stage, self._item
        if item is None:
            return
        if self._held:
            stage.send(*self._held)
            self._held = []
            self._interrupt(now)
        stage.send(*stage.wire.speech_stopped(item, at_ms))
        if stage.script.profile == "openai":
            self.commit(now)
        else:
            stage.agenda.put(now + stage.script.commit_ms / 1000, self.commit, owner=_TURN)
        turns = stage.session.turns
        if turns and turns.answers:
            created_ms = stage.script.created_ms
            default = 200 if stage.script.profile == "xai" else 20
            stage.agenda.put(now + (default if created_ms is None else created_ms) / 1000, self._reply, owner=_TURN)

    def commit(self, now: float) -> None:
        """The buffer becomes an item of the conversation and is transcribed."""
        stage = self._stage
        item = self._item or self._new_item()
        self._item, self._replied, self._taken = None, False, None
        item.status = "completed"
        item.audio_ms = self._ear.empty()
        stage.memory.fresh_ms += item.audio_ms
        previous = stage.memory.last
        if stage.memory.get(item.id) is None:
            stage.memory.add(item)
        stage.send(*stage.wire.committed(item, previous))
        for delay, message in stage.wire.understood(item, item.text, partials=stage.session.transcribes):
            stage.agenda.put(now + delay, partial(self._send, message))

    def _send(self, message: Message, now: float) -> None:
        self._stage.send(message)

    def _reply(self, now: float) -> None:
        if self._mouth.active is None:
            taken = self.answer("speech", now)
            if self._item:
                self._replied, self._taken = True, taken

    # -- answers ----------------------------------------------------------------------------------------------------

    def answer(self, cue: Cue, now: float, *, asked: str = "", metadata: dict[str, str] | None = None) -> int | None:
        """Begin the reply to *cue*; returns its number in the script."""
        reply, number = self._prompter.cue(cue, self._stage.memory, asked)
        if number is None and self._stage.script.strict_script:
            self._stage.blame("off_script", f"the script does not foresee a reply on {cue} here", now)
        self._mouth.begin(reply, now, metadata=metadata)
        return number

    def wait_for_silence(self, now: float) -> None:
        """Arm the idle timer: from the moment at which the reply would have been heard to its end."""
        turns = self._stage.session.turns
        self._stage.agenda.drop(_IDLE)
        if turns and turns.idle_ms:
            at = max(now, self._mouth.playing_until) + turns.idle_ms / 1000
            self._stage.agenda.put(at, self._silence, owner=_IDLE)

    def _silence(self, now: float) -> None:
        stage = self._stage
        if self._mouth.active or self._item:
            return
        item = self._new_item("completed")
        at_ms = int(self._ear.received_ms)
        previous = stage.memory.last
        stage.memory.add(item)
        stage.send(*stage.wire.timed_out(item, at_ms), *stage.wire.committed(item, previous))
        self.answer("silence", now)
