"""The sequencer: one response at a time.

Greeting, tool results, prompts after silence, goodbyes and nudges all want the model to speak, and so does the model's
own turn detection. Whatever we want goes through one queue and is asked for only when no response is open and none is
on its way. A provider that answers "already active" knew of a response we did not: the wish goes back to the head of
the queue. A response that is never closed (xAI may drop a reply without `response.done`) is closed here by time.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Literal

import msgspec

from telephony.commands import RequestResponse, SpeakVerbatim

ANSWER_TIME = 10.0
"""Seconds between asking and `response.created` after which the wish counts as lost."""
STALL_TIME = 8.0
"""Seconds without any sign of an open response after which it counts as closed."""
RETRY_AFTER = 1.0
"""Seconds to wait after "already active" if nothing else tells that the other response has ended."""
ATTEMPTS = 3
"""How often one wish is asked for."""
REMEMBERED = 64
"""Responses remembered as cancelled or closed, so that their late deltas can be told from those of a new one."""

Why = Literal["greeting", "tools", "say", "prompt", "nudge", "goodbye", "keys"]


class Wish(msgspec.Struct):
    """A response we want."""

    why: Why
    command: RequestResponse | SpeakVerbatim
    attempts: int = 0


class Response(msgspec.Struct):
    """A response the model has open."""

    response_id: str
    started_at: float
    seen_at: float
    """Seconds: its latest sign of life."""
    why: Why | None = None
    """What we had asked for, or None if the model began by itself."""
    spoke: bool = False


class Responses:
    """Open responses, wishes, and the fence around cancelled ones. Times are seconds on the call's clock."""

    def __init__(self) -> None:
        self.open: OrderedDict[str, Response] = OrderedDict()
        self._wishes: deque[Wish] = deque()
        self._asked: Wish | None = None
        self._asked_at = 0.0
        self._not_before = 0.0
        self._fenced: OrderedDict[str, None] = OrderedDict()
        self._closed: OrderedDict[str, None] = OrderedDict()

    # -- wishes ----------------------------------------------------------------------------------------------------

    def wish(self, why: Why, command: RequestResponse | SpeakVerbatim) -> None:
        """Want a response. The same reason twice is one wish."""
        if not any(wish.why == why for wish in self._wishes):
            self._wishes.append(Wish(why, command))

    def drop_wishes(self, *reasons: Why) -> None:
        """Forget wishes that have become pointless; without reasons all of them."""
        self._wishes = deque(wish for wish in self._wishes if reasons and wish.why not in reasons)

    def next(self, now: float) -> RequestResponse | SpeakVerbatim | None:
        """What to ask the model for now, if anything."""
        if not self._wishes or self.busy or now < self._not_before:
            return None
        self._asked = self._wishes.popleft()
        self._asked.attempts += 1
        self._asked_at = now
        return self._asked.command

    @property
    def busy(self) -> bool:
        """Whether a response is open or asked for."""
        return bool(self.open) or self._asked is not None

    @property
    def wished(self) -> bool:
        """Whether a response is wished for and was not asked for yet."""
        return bool(self._wishes)

    @property
    def pending(self) -> bool:
        """Whether anything is open, asked for or wished for."""
        return self.busy or bool(self._wishes)

    # -- what the model says ---------------------------------------------------------------------------------------

    def alive(self, response_id: str, now: float) -> Response | None:
        """A response shows life: announced, or inferred from a delta if the announcement was missed. None if it is
        closed, or nothing of it is wanted any more."""
        if response_id in self._fenced or response_id in self._closed:
            return None
        response = self.open.get(response_id)
        if response is None:
            why = self._asked.why if self._asked else None
            self._asked = None
            response = self.open[response_id] = Response(response_id, now, now, why)
        response.seen_at = now
        return response

    def done(self, response_id: str, now: float) -> Response | None:
        """A response is closed. An id we do not know closes the only open one (some servers omit it)."""
        if not response_id and len(self.open) == 1:
            response_id = next(iter(self.open))
        self._not_before = min(self._not_before, now)
        remember(self._closed, response_id)
        return self.open.pop(response_id, None)

    def refused(self, now: float) -> bool:
        """The model says another response is active. False if the wish was given up."""
        wish, self._asked = self._asked, None
        self._not_before = now + RETRY_AFTER
        if wish is None:
            return True
        if wish.attempts >= ATTEMPTS:
            return False
        self._wishes.appendleft(wish)
        return True

    def failed(self) -> None:
        """What we asked for was refused for another reason; it is not asked again."""
        self._asked = None

    # -- the fence -------------------------------------------------------------------------------------------------

    def fence(self, response_id: str) -> None:
        """From now on nothing of this response is wanted. It counts as closed."""
        self.open.pop(response_id, None)
        remember(self._fenced, response_id)

    def cancel_open(self) -> list[str]:
        """Fence every open response; returns their ids."""
        ids = list(self.open)
        for response_id in ids:
            self.fence(response_id)
        return ids

    def abandon(self) -> None:
        """Nothing is wanted of the model any more."""
        self.cancel_open()
        self._wishes.clear()
        self._asked = None

    def fenced(self, response_id: str) -> bool:
        return response_id in self._fenced

    # -- time ------------------------------------------------------------------------------------------------------

    def expire(self, now: float) -> list[tuple[str, str]]:
        """Close what has shown no life for too long. Returns response ids ("" if it never had one) and sentences."""
        given_up = []
        for response in [r for r in self.open.values() if now >= r.seen_at + STALL_TIME]:
            self.done(response.response_id, now)
            given_up.append((response.response_id, "The model never closed a response."))
        if self._asked and now >= self._asked_at + ANSWER_TIME:
            given_up.append(("", f"The model never began the response asked for ({self._asked.why})."))
            self._asked = None
        return given_up

    def expires(self) -> float | None:
        """Seconds: when `expire` has something to do."""
        times = [response.seen_at + STALL_TIME for response in self.open.values()]
        if self._asked:
            times.append(self._asked_at + ANSWER_TIME)
        return min(times, default=None)

    def asks_at(self) -> float | None:
        """Seconds: from when on `next` has something to ask for."""
        return self._not_before if self._wishes and not self.busy else None


def remember(ids: OrderedDict[str, None], response_id: str) -> None:
    """Add an id, forgetting the oldest beyond `REMEMBERED`."""
    ids[response_id] = None
    while len(ids) > REMEMBERED:
        ids.popitem(last=False)
