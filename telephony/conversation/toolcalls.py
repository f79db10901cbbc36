"""The tool-call ledger: every function call the model makes runs at most once and is answered exactly once.

    requested ──► running ──► answered
        │            └──► detached ──► answered     told to go on in the background; its result is told later
        └──────────────────────► answered           dropped with its response, refused, or cancelled

A call with side effects waits until its response has completed, since an interrupted response also delivers its calls.
A call id is heard of several times (arguments done, item done, response done, a replay): the first counts.
After the outputs of all calls have been sent the model owes one answer, unless it has begun a response since by itself.
"""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any, Literal

import msgspec

from telephony.conversation.arguments import canonical, masked, paths_of, without
from telephony.events import ToolRequested
from telephony.records import ToolUse
from telephony.settings import Ran, ToolSpec

DROPPED = json.dumps(
    {
        "status": "cancelled",
        "note": "Interrupted before it began; nothing was done. Call it again if still wanted.",
    }
)
REFUSED = json.dumps({"error": "No more function calls are possible in this call. Tell the caller you are sorry."})
GIVEN_UP = json.dumps({"error": "This took too long and was given up; it may have taken effect or not."})
NEWS_EVERY = 4.0
"""Seconds between two things that a model is told of a function that runs: each costs, and the latest is worth most."""
NEWS_MOST = 20
"""Of one function call."""
GRACE = 2.0
"""Seconds beyond its own timeout after which a tool is given up here, whatever became of it."""
UNKNOWN = ToolSpec("", "", {}, timeout=10.0)
"""Stands for a function that was not offered; whoever runs it says so at once."""


class Call(msgspec.Struct):
    """One function call."""

    use: ToolUse
    response_id: str
    waits: bool
    """Whether it may only run once its response has completed."""
    say: str | None = None
    """What to say if it takes long, until it was said."""
    had_say: bool = False
    """Whether there was something to be said, ever."""
    spec: ToolSpec = UNKNOWN
    """The function, as it was offered when it was called."""
    detached_at: float | None = None
    told: str = ""
    """What the model was given for an output; of one that went into the background this is not its result."""
    told_at: float | None = None
    news: str = ""
    """How far it has come, until the model was told."""
    news_from: float = 0.0
    """Seconds: from when on the model may be told."""
    news_told: int = 0
    running_since: float | None = None
    timeout: float = UNKNOWN.timeout
    state: Literal["requested", "running", "detached", "answered"] = "requested"
    spoke: bool = False
    """Whether the model said something in the response that asked for it."""


class ToolCalls:
    """Calls by id. Times are seconds on the call's clock."""

    def __init__(self, tools: tuple[ToolSpec, ...], limit: int, earlier: tuple[Ran, ...] = ()) -> None:
        """*earlier*: what was begun before the caller was sent on and came back."""
        self.specs = {tool.name: tool for tool in tools}
        self.owed = False
        """Whether outputs were sent that no response has taken up yet."""
        self.open: list[Call] = []
        """Calls without an answer. It is asked for at every step, and nearly always empty."""
        self.detached: list[Call] = []
        """Calls that go on in the background."""
        self._limit = limit
        self._earlier = earlier
        self._calls: dict[str, Call] = {}

    def offer(self, tools: tuple[ToolSpec, ...]) -> None:
        """From here on these are the functions that there are."""
        self.specs = {tool.name: tool for tool in tools}

    def request(self, event: ToolRequested, now: float) -> Call | None:
        """Note a call. None if it was noted before."""
        if event.call_id in self._calls:
            return None
        use = ToolUse(event.call_id, event.name, event.arguments, started_at=now)
        spec = self.specs.get(event.name)
        call = Call(use, event.response_id, waits=True)
        if spec:
            call.waits, call.say, call.timeout = spec.side_effects, spec.say, spec.timeout
            call.spec, call.had_say = spec, bool(spec.say)
        self._calls[event.call_id] = call
        self.open = [*self.open, call]
        return call

    @property
    def exhausted(self) -> bool:
        """Whether the call has made more function calls than it may."""
        return len(self._earlier) + len(self._calls) > self._limit

    def due(self, now: float, completed_response: str | None = None) -> list[Call]:
        """Calls that may run now; they count as running from here on."""
        due = [
            call
            for call in self.open
            if call.state == "requested" and (not call.waits or call.response_id == completed_response)
        ]
        for call in due:
            call.state = "running"
            call.running_since = now
        return due

    def to_say(self, now: float) -> str | None:
        """What to tell the caller now because a tool takes long; each is said once."""
        for call in self.open and self.running:
            if call.say and now >= _since(call) + call.spec.say_after:
                say, call.say = call.say, None
                return say
        return None

    def says(self, call_id: str, text: str) -> None:
        """What to tell the caller if this call takes long."""
        call = self._calls.get(call_id)
        if call and call.state == "running" and text:
            call.say, call.had_say = text, True

    def progress(self, call_id: str, text: str) -> None:
        """How far a call has come. What came before and was not told is out of date."""
        call = self._calls.get(call_id)
        if call and call.state in ("running", "detached") and call.news_told < NEWS_MOST:
            call.news = text

    def to_tell(self, now: float) -> list[tuple[str, str]]:
        """Name and news of the calls of which the model is to be told now."""
        due = [call for call in self.alive if call.news and now >= call.news_from]
        told = [(call.use.name, call.news) for call in due]
        for call in due:
            call.news, call.news_from, call.news_told = "", now + NEWS_EVERY, call.news_told + 1
        return told

    def overdue(self, now: float) -> list[Call]:
        """Calls that run though they should have been ended long ago."""
        return [call for call in self.alive if now >= _gives_up_at(call)]

    def deadline(self) -> float | None:
        """Seconds: when there is something to say or to tell, or a call is overdue."""
        if not self.open and not self.detached:
            return None
        alive = self.alive
        saying = [_since(call) + call.spec.say_after for call in self.running if call.say]
        telling = [call.news_from for call in alive if call.news]
        return min([*saying, *telling, *map(_gives_up_at, alive)], default=None)

    def waiting_for(self, response_id: str) -> list[Call]:
        """Calls that will not run because their response did not complete."""
        return [c for c in self.open if c.state == "requested" and c.response_id == response_id]

    def answer(self, call_id: str, output: str, outcome: str, now: float) -> Call | None:
        """Close a call. None if it is unknown or was answered before: a late or double result says nothing."""
        call = self._calls.get(call_id)
        if call is None or call.state in ("detached", "answered"):
            return None
        self._tell(call, output, now)
        call.state = "answered"
        call.use = msgspec.structs.replace(call.use, output=output, outcome=outcome, finished_at=now)
        return call

    def detach(self, call: Call, output: str, now: float) -> None:
        """A call that runs goes on in the background: nobody waits for it."""
        self._tell(call, output, now)
        call.state, call.detached_at = "detached", now
        self.detached = [*self.detached, call]

    def end_detached(self, call_id: str, output: str, outcome: Any, now: float) -> Call | None:
        """A call in the background has come to an end. None if it is none, or has ended before."""
        call = self._calls.get(call_id)
        if call is None or call.state != "detached":
            return None
        call.state = "answered"
        self.detached = [other for other in self.detached if other is not call]
        call.use = msgspec.structs.replace(call.use, output=output, outcome=outcome, finished_at=now)
        return call

    def leave_behind(self, call: Call, now: float) -> None:
        """The call with the caller ends, and this one goes on."""
        self.open = [other for other in self.open if other is not call]
        self.detached = [other for other in self.detached if other is not call]
        call.state = "answered"
        call.use = msgspec.structs.replace(call.use, outcome="detached", finished_at=now)

    def _tell(self, call: Call, output: str, now: float) -> None:
        call.told, call.told_at = output, now
        self.open = [other for other in self.open if other is not call]
        self.owed = True

    def same_as(self, call: Call) -> str | None:
        """What the model was told of the first call before it for the same with the same arguments that was begun,
        unless these were no good; empty if it has not ended. None if there is none."""
        name, wanted = call.use.name, canonical(call.use.arguments)
        for ran in self._earlier:
            if ran.name == name and canonical(ran.arguments) == wanted:
                return ran.output
        for other in takewhile(lambda other: other is not call, self.made):
            if other.use.name != name or other.use.outcome == "invalid":
                continue
            if canonical(other.use.arguments) == wanted:
                return other.use.output if other.state == "answered" else ""
        return None

    @property
    def ran(self) -> tuple[Ran, ...]:
        """What was begun, before this and in it, for whoever goes on with the call."""
        begun = [call for call in self.made if call.use.outcome != "invalid"]
        return (*self._earlier, *map(_ran, begun))

    def taken_up(self) -> None:
        """The model began a response: it knows every output sent so far."""
        self.owed = False

    def spoke(self, call_id: str) -> bool:
        """Whether the model said something when it made this call."""
        call = self._calls.get(call_id)
        return call is not None and call.spoke

    @property
    def made(self) -> list[Call]:
        """Calls that were begun, in their order; a refused or dropped one never was."""
        return [call for call in self._calls.values() if call.running_since is not None]

    @property
    def running(self) -> list[Call]:
        return [call for call in self.open if call.state == "running"]

    @property
    def alive(self) -> list[Call]:
        """Those that run, in the background or not."""
        return [*self.running, *self.detached]

    @property
    def reply_due(self) -> bool:
        """Whether the model must be asked to go on: outputs sent, none outstanding."""
        return self.owed and not self.open

    @property
    def uses(self) -> list[ToolUse]:
        """As they may be shown: what is sensitive of their arguments is masked, also where their outputs repeat it."""
        return [shown(call) for call in self._calls.values()]

    @property
    def with_say(self) -> dict[str, float]:
        """The functions that have a `say`, and after how many seconds it comes."""
        offered = {name: spec.say_after for name, spec in self.specs.items() if spec.say}
        return offered | {call.use.name: call.spec.say_after for call in self._calls.values() if call.had_say}

    @property
    def went_into_background(self) -> dict[str, float]:
        """When, by call id."""
        return {c.use.call_id: c.detached_at for c in self._calls.values() if c.detached_at is not None}


def _ran(call: Call) -> Ran:
    use = call.use
    return Ran(use.call_id, use.name, use.arguments, use.output or GIVEN_UP, call.spec.sensitive)


def shown(call: Call) -> ToolUse:
    """The use as it may be shown."""
    use, paths = call.use, paths_of(call.spec.sensitive)
    if not paths:
        return use
    output = without(use.output, use.arguments, paths)
    return msgspec.structs.replace(use, arguments=masked(use.arguments, paths), output=output)


def _gives_up_at(call: Call) -> float:
    return _since(call) + call.timeout + GRACE


def _since(call: Call) -> float:
    return call.use.started_at if call.running_since is None else call.running_since
