"""The client's dealings with responses: asking for one, having a text said, cancelling, and never two at a time."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from telephony.sim.model_ear import Ear
from telephony.sim.model_items import Items
from telephony.sim.model_mouth import Mouth
from telephony.sim.model_prompter import Prompter
from telephony.sim.model_script import Cue, Reply
from telephony.sim.model_stage import Stage
from telephony.sim.model_turns import Turns
from telephony.sim.model_wire import Message, Problem


class Requests:
    """`response.*` as a client sends it, and xAI's `force_message`, which is one in disguise."""

    def __init__(self, stage: Stage, ear: Ear, mouth: Mouth, turns: Turns, prompter: Prompter, items: Items) -> None:
        self._stage = stage
        self._ear = ear
        self._mouth = mouth
        self._turns = turns
        self._prompter = prompter
        self._items = items

    def create(self, event: Message, now: float) -> None:
        """`response.create`."""
        asked = event.get("response")
        asked = asked if isinstance(asked, dict) else {}
        if not self._free(now, event.get("event_id")):
            return
        memory = self._stage.memory
        if memory.waiting and memory.fresh_outputs:
            names = ", ".join(call.name for call in memory.waiting)
            self._stage.blame("calls_unanswered", f"a response was asked for, but {names} has no output yet", now)
        instructions = asked.get("instructions")
        self._turns.answer(
            self._cue(),
            now,
            asked=instructions if isinstance(instructions, str) else "",
            metadata=asked.get("metadata"),
        )

    def _cue(self) -> Cue:
        memory = self._stage.memory
        if self._mouth.last is None and memory.begun:
            seeded = next((cue for cue in self._seeded() if self._prompter.expects(cue, memory)), None)
            if seeded:
                return seeded
        if memory.fresh_texts and self._prompter.expects("text", memory):
            return "text"
        if memory.fresh_outputs and not memory.waiting:
            return "tool"
        if memory.fresh_texts:
            return "text"
        fresh = self._mouth.last is None and not memory.begun
        if not self._turns.caller_spoke and (self._prompter.expects("greeting") or fresh):
            return "greeting"
        return "prompt"

    def _seeded(self) -> Iterator[Cue]:
        """What a first request may mean after a conversation was brought along: where it had stopped is for the client
        to know, so the script decides."""
        memory = self._stage.memory
        yield "resume"
        if memory.all_answered:
            yield "tool"
        if memory.written():
            yield "text"
        if not self._turns.caller_spoke:
            yield "greeting"
        yield "prompt"

    def _free(self, now: float, event_id: str | None) -> bool:
        """Whether a response may begin now. If one is open the client is told, as each provider does."""
        active = self._mouth.active
        if active is None:
            return True
        # A reply to the caller's turn may have begun while the request was on its way.
        crossed = self._stage.crossed(active.opened_at, now)
        xai = self._stage.script.profile == "xai"
        message = f"Conversation already has an active response in progress: {active.id}"
        message += "" if xai else ". Wait until the response is finished before creating a new one."
        replace = xai and self._stage.script.when_active == "replace"
        problem = Problem("active_response", message, "conversation_already_has_active_response", silent=replace)
        self._stage.object_to(problem, now, event_id, forgiven=crossed)
        if replace:
            self._mouth.cancel(now, "client_cancelled")
        return replace

    def cancel(self, event: Message, now: float) -> None:
        """`response.cancel`, with or without the response's id."""
        active, wanted = self._mouth.active, event.get("response_id")
        if active is None or wanted not in (None, active.id):
            last = self._mouth.last
            crossed = last is not None and self._stage.crossed(last.closed_at, now)
            message = "Cancellation failed: no active response found"
            problem = Problem("cancel_not_active", message, "response_cancel_not_active", "response_id")
            self._stage.object_to(
                problem, now, event.get("event_id"), forgiven=crossed and wanted in (None, last and last.id)
            )
            return
        self._mouth.cancel(now, "client_cancelled")
        self._ear.deaf_until = now
        if self._stage.script.profile == "xai":
            for item in active.items:  # the model will say it never said it
                self._stage.memory.forget(item.id)

    def create_item(self, event: Message, now: float) -> None:
        """`conversation.item.create`, of which `force_message` is not an item but a request to speak."""
        item = event.get("item")
        forced = isinstance(item, dict) and item.get("type") == "force_message"
        if forced and self._stage.script.profile == "xai":
            self._force(event["item"], event.get("event_id"), now)
        else:
            self._items.create(event, now)
            self._settle()

    def _settle(self) -> None:
        """While a conversation is brought along, whatever the model said or called answers what stands before it."""
        last = self._stage.memory.last
        bringing = self._mouth.last is None and not self._turns.caller_spoke
        if bringing and last and last.source == "seeded" and (last.role == "assistant" or last.type == "function_call"):
            self._stage.memory.settled()

    def _force(self, item: Message, event_id: str | None, now: float) -> None:
        """Say a text word for word: a whole response follows, without a `response.create`."""
        parts = item.get("content")
        texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        words = [text for text in texts if isinstance(text, str) and text]
        if not words:
            problem = Problem("invalid_item", "A force_message needs content with text.", param="item.content")
            self._stage.object_to(problem, now, event_id)
        elif self._free(now, event_id):
            scripted = Reply(on="prompt")
            if not self._turns.caller_spoke and self._prompter.expects("greeting"):
                scripted, _ = self._prompter.cue("greeting", self._stage.memory)
            self._mouth.begin(msgspec.structs.replace(scripted, say=" ".join(words)), now)
            if item.get("interruptible", True) is False:
                self._ear.deaf_until = self._mouth.playing_until
