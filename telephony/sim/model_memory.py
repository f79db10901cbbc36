"""The conversation as the model remembers it: items in order, and which function calls still wait for their output."""

from __future__ import annotations

import json
from typing import Any

from telephony.sim.model_wire import Item, Spent


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
        """Append an item, or insert it behind the item *after*."""
        if after in self._items:
            order = list(self._items.items())
            order.insert(list(self._items).index(after) + 1, (item.id, item))
            self._items = dict(order)
        self._items[item.id] = item
        if item.type == "function_call":
            self._calls[item.call_id] = item

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
    def waiting(self) -> list[Item]:
        """Calls without an output."""
        return [call for call_id, call in self._calls.items() if call_id not in self._outputs]

    def outputs_of(self, name: str) -> list[str]:
        """Outputs of every call of a function, in order."""
        return [self._outputs[key] for key, call in self._calls.items() if call.name == name and key in self._outputs]

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
