"""The conversation as the model remembers it: items in order, and which function calls still wait for their output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from telephony.sim.model_wire import Item, Source, Spent

_EXCERPT = 400
"""Characters of a conversation that a complaint repeats."""


class Known(msgspec.Struct, frozen=True):
    """An item of a session's conversation as a plain value."""

    type: Literal["message", "function_call", "function_call_output"]
    role: Literal["user", "assistant", "system", "tool"]
    text: str = ""
    """Of a message: what was written, or said and not cut off."""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""
    source: Source = "live"


class Memory:
    """Items by id, function calls by call id, and what the client brought that no response has taken up yet."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._forgotten: set[str] = set()
        self._calls: dict[str, Item] = {}
        self._outputs: dict[str, str] = {}
        self.fresh_outputs = 0
        """Outputs that came since the last response began."""
        self.fresh_texts = 0
        """User messages that came since the last response began."""
        self.fresh_words = 0
        """Words in either, for the bill."""
        self.fresh_ms = 0.0
        """Milliseconds of caller audio committed since then, for the bill."""

    def add(self, item: Item, *, after: str | None = None) -> None:
        """Append an item, or insert it behind the item *after*; `root` is the beginning."""
        if after == "root":
            self._items = {item.id: item, **self._items}
        elif after in self._items:
            order = list(self._items.items())
            order.insert(list(self._items).index(after) + 1, (item.id, item))
            self._items = dict(order)
        else:
            self._items[item.id] = item
        if item.type == "function_call":
            self._calls[item.call_id] = item

    def resumed(self, new_id: Callable[[], str]) -> Memory:
        """The same conversation for a later session: as text, under new ids, without a turn that was still open."""
        later = Memory()
        for item in self:
            if item.type == "message" and not item.text:
                continue
            if item.role == "user" and item.status == "in_progress":
                continue
            kept = msgspec.structs.replace(
                item, id=new_id(), status="completed", spoken=False, audio_ms=0.0, source="resumed"
            )
            later.add(kept)
        later._outputs = dict(self._outputs)
        later.fresh_outputs, later.fresh_texts = self.fresh_outputs, self.fresh_texts
        return later

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def known(self) -> list[Known]:
        """Every item in its place."""
        return [
            Known(item.type, item.role, item.text, item.call_id, item.name, item.arguments, item.output, item.source)
            for item in self
        ]

    def count(self, text: str) -> int:
        """How often *text* stands in messages, arguments and outputs."""
        return sum(item.words.count(text) for item in self)

    def excerpt(self) -> str:
        """The conversation in brief, for complaints."""
        lines = [f"{item.role if item.type == 'message' else item.type}: {item.words}" for item in self]
        whole = " | ".join(lines) or "nothing was said"
        return whole if len(whole) <= _EXCERPT else f"… {whole[-_EXCERPT:]}"

    @property
    def begun(self) -> bool:
        """Whether there is anything but instructions in it."""
        return any(item.role != "system" for item in self)

    def written(self) -> str:
        """What the client wrote last for the caller; empty if it wrote nothing."""
        lines = [item.text for item in self if item.role == "user" and not item.spoken]
        return lines[-1] if lines else ""

    @property
    def last(self) -> Item | None:
        return next(reversed(self._items.values()), None)

    def get(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def forget(self, item_id: str) -> None:
        """Remove an item that the provider removes by itself or was told to delete."""
        if self._items.pop(item_id, None):
            self._forgotten.add(item_id)

    def knew(self, item_id: str) -> bool:
        """Whether the item existed once and is gone."""
        return item_id in self._forgotten

    # -- function calls ---------------------------------------------------------------------------------------------

    def called(self, call_id: str) -> Item | None:
        return self._calls.get(call_id)

    def answered(self, call_id: str) -> bool:
        return call_id in self._outputs

    def answer(self, call_id: str, output: str) -> None:
        self._outputs[call_id] = output
        self.fresh_outputs += 1

    @property
    def all_answered(self) -> bool:
        """Whether there were calls and each has its output."""
        return bool(self._outputs) and not self.waiting

    @property
    def waiting(self) -> list[Item]:
        """Calls without an output."""
        return [call for call_id, call in self._calls.items() if call_id not in self._outputs]

    def outputs_of(self, name: str) -> list[str]:
        """Outputs of every call of a function, in order."""
        return [self._outputs[key] for key, call in self._calls.items() if call.name == name and key in self._outputs]

    def settled(self) -> None:
        """What the model said or did next was written down as well: it has taken up everything before."""
        self.fresh_outputs = self.fresh_texts = 0

    def taken_up(self) -> Spent:
        """A response begins and sees everything: returns what is new to it."""
        spent = Spent(input_words=self.fresh_words, input_ms=self.fresh_ms)
        self.fresh_outputs = self.fresh_texts = self.fresh_words = 0
        self.fresh_ms = 0.0
        return spent


def satisfies(output: str, wanted: Any) -> bool:
    """Whether a function's output is what a script expects: a text inside it, or the same JSON value."""
    if isinstance(wanted, str) and wanted in output:
        return True
    try:
        return bool(json.loads(output) == wanted)
    except ValueError:
        return False


def keep(item: Item, audio_end_ms: float) -> None:
    """Cut an item's audio and the words that nobody heard."""
    if item.audio_ms > 0:
        words = item.text.split()
        kept = int(len(words) * min(1.0, audio_end_ms / item.audio_ms))
        item.text = " ".join(words[:kept])
    item.audio_ms = audio_end_ms
