"""The sequencer: one response at a time.

Greeting, tool results, prompts after silence, goodbyes and nudges all want the model to speak, and so does the model's
own turn detection. Whatever we want goes through one queue and is asked for only when no response is open and none is
on its way. A provider that answers "already active" knew of a response we did not: the wish goes back to the head of
the queue. A response that is never closed (xAI may drop a reply without `response.done`) is closed here by time.

What begins carries no word of who asked for it, so the first response after a request is taken for the one requested.
That errs when the model's own turn detection was faster; then the refusal of ours follows, and the wish is taken back.
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

NAMELESS = "nameless:"
"""Prefix of the ids that we give to responses of servers that send none; the model knows nothing of them."""

Why = Literal["greeting", "tools", "say", "prompt", "nudge", "goodbye", "keys", "resume", "ask", "warning"]
ANSWERS: tuple[Why, ...] = ("tools", "nudge", "keys", "resume")
"""Wishes for an answer to what the conversation holds. Any response in the model's own words fulfils all of them."""


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
    wish: Wish | None = None
    """What we had asked for, or None if the model began by itself."""
    new: bool = True
    """Whether nobody has looked at it since it began."""
    spoke: bool = False
    breaks_off: bool = False
    """Whether it would break off in the middle of an item if nothing more of it came."""

    @property
    def answers(self) -> bool:
        """Whether it answers what the conversation holds: outputs of tools, keys. Words that we put into the model's
        mouth do not."""
        return self.wish is None or self.wish.why in ANSWERS


class Responses:
    """Open responses, wishes, and the fence around cancelled ones. Times are seconds on the call's clock."""

    def __init__(self) -> None:
        self.open: OrderedDict[str, Response] = OrderedDict()
        self._wishes: deque[Wish] = deque()
        self._asked: Wish | None = None
        self._asked_at = 0.0
        self._nameless = 0
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
        if self._wishes:
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
    def waiting(self) -> bool:
        """Whether a response is wished or asked for and has not begun."""
        return self._asked is not None or bool(self._wishes)

    @property
    def unspoken(self) -> bool:
        """Whether a response is open that has not begun to say anything."""
        return bool(self.open) and not all([response.spoke for response in self.open.values()])  # noqa: C419  no generator, as below

    @property
    def breaks_off(self) -> bool:
        """Whether the model is in the middle of saying something."""
        return bool(self.open) and any([response.breaks_off for response in self.open.values()])  # noqa: C419

    @property
    def pending(self) -> bool:
        """Whether anything is open, asked for or wished for."""
        return self.busy or bool(self._wishes)

    # -- what the model says ---------------------------------------------------------------------------------------

    def named(self, response_id: str) -> str:
        """The id itself, or for a server that leaves it out the newest open response's; empty if none is open."""
        return response_id or next(reversed(self.open), "")

    def begin(self, response_id: str, now: float) -> Response:
        """A response is announced. An id that was used before is a new response all the same."""
        if not response_id:
            self._nameless += 1
            response_id = f"{NAMELESS}{self._nameless}"
        self._fenced.pop(response_id, None)
        self._closed.pop(response_id, None)
        response = self.open.get(response_id)
        if response is None:
            response = self.open[response_id] = Response(response_id, now, now, self._asked)
            self._asked = None
        response.seen_at = now
        return response

    def alive(self, response_id: str, now: float, *, sign: bool = True) -> Response | None:
        """The open response that a delta belongs to, begun with it if its announcement was missed. None if it is
        closed, or nothing of it is wanted any more. Words without sound are no *sign* of life: nobody hears them."""
        response_id = self.named(response_id)
        if response_id in self._fenced or response_id in self._closed:
            return None
        if not sign and response_id in self.open:
            return self.open[response_id]
        return self.begin(response_id, now)

    def newest(self, response: Response) -> bool:
        """Whether no other response began after this one."""
        return next(reversed(self.open), "") == response.response_id

    def done(self, response_id: str, now: float) -> Response | None:
        """A response is closed. None if it was not open."""
        self._not_before = min(self._not_before, now)
        if response_id:
            remember(self._closed, response_id)
        return self.open.pop(response_id, None)

    def refused(self, now: float) -> bool:
        """The model says another response is active. False if the wish was given up."""
        wish, self._asked = self._asked, None
        self._not_before = now + RETRY_AFTER
        if wish is None:
            wish = self._mistaken()
        if wish is None:
            return True
        if wish.attempts >= ATTEMPTS:
            return False
        self._wishes.appendleft(wish)
        return True

    def _mistaken(self) -> Wish | None:
        """The wish whose response we took another one for. An answer was wished for by nothing but an answer."""
        response = next(reversed(self.open.values()), None)
        if response is None or response.answers:
            return None
        wish, response.wish = response.wish, None
        return wish

    def give_up_asked(self) -> None:
        """What we asked for is not waited for any longer."""
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

    def hand_over(self) -> tuple[bool, bool]:
        """Nothing more is wanted of this session, and of the next whatever this one has not begun to say. Returns
        whether it breaks off in the middle of saying something, and whether it had an answer to give."""
        unsaid = [response for response in self.open.values() if not response.spoke]
        breaks_off = self.breaks_off
        wishes = [response.wish for response in unsaid if response.wish]
        if self._asked:
            wishes.append(self._asked)
        self.cancel_open()
        self._asked = None
        self._not_before = 0.0
        for wish in reversed(wishes):
            wish.attempts = 0
            self._wishes.appendleft(wish)
        return breaks_off, any(response.wish is None for response in unsaid)

    def abandon(self) -> None:
        """Nothing is wanted of the model any more."""
        self.cancel_open()
        self._wishes.clear()
        self._asked = None

    def fenced(self, response_id: str) -> bool:
        return response_id in self._fenced

    def closed(self, response_id: str) -> bool:
        """Whether the model has said before that this response is over."""
        return response_id in self._closed

    # -- time ------------------------------------------------------------------------------------------------------

    def expire(self, now: float) -> list[tuple[str, str]]:
        """Close what has shown no life for too long. Returns response ids ("" if it never had one) and sentences."""
        given_up: list[tuple[str, str]] = []
        if not self.busy:
            return given_up
        for response in [r for r in self.open.values() if now >= r.seen_at + STALL_TIME]:
            self.fence(response.response_id)
            given_up.append((response.response_id, "The model never closed a response."))
        if self._asked and now >= self._asked_at + ANSWER_TIME:
            given_up.append(("", f"The model never began the response asked for ({self._asked.why})."))
            self._asked = None
        return given_up

    def expires(self) -> float | None:
        """Seconds: when `expire` has something to do."""
        if not self.busy:
            return None
        times = [response.seen_at + STALL_TIME for response in self.open.values()]
        if self._asked:
            times.append(self._asked_at + ANSWER_TIME)
        return min(times)

    def asks_at(self) -> float | None:
        """Seconds: from when on `next` has something to ask for."""
        return self._not_before if self._wishes and not self.busy else None


def remember(ids: OrderedDict[str, None], response_id: str) -> None:
    """Add an id, forgetting the oldest beyond `REMEMBERED`."""
    ids[response_id] = None
    while len(ids) > REMEMBERED:
        ids.popitem(last=False)
