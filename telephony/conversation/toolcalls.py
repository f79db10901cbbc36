"""The tool-call ledger: every function call the model makes runs at most once and is answered exactly once.

    requested ──► running ──► answered
        └──────────────────────► answered     dropped with its response, refused, or cancelled

A call with side effects waits until its response has completed, since an interrupted response also delivers its calls.
A call id is heard of several times (arguments done, item done, response done, a replay): the first counts.
After the outputs of all calls have been sent the model owes one answer, unless it has begun a response since by itself.
"""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from telephony.events import ToolRequested
from telephony.records import ToolUse
from telephony.settings import ToolSpec

DROPPED = json.dumps(
    {
        "status": "cancelled",
        "note": "Interrupted before it began; nothing was done. Call it again if still wanted.",
    }
)
REFUSED = json.dumps({"error": "No more function calls are possible in this call. Tell the caller you are sorry."})
GIVEN_UP = json.dumps({"error": "This took too long and was given up; it may have taken effect or not."})
SAY_AFTER = 1.0
"""Seconds a tool runs in silence before its `say` is spoken: a quick answer needs no filler."""
GRACE = 2.0
"""Seconds beyond its own timeout after which a tool is given up here, whatever became of it."""
UNKNOWN_TIMEOUT = 10.0
"""Seconds for a function that was not offered; whoever runs it says so at once."""


class Call(msgspec.Struct):
    """One function call."""

    use: ToolUse
    response_id: str
    waits: bool
    """Whether it may only run once its response has completed."""
    say: str | None = None
    """What to say if it takes long, until it was said."""
    running_since: float | None = None
    timeout: float = UNKNOWN_TIMEOUT
    state: Literal["requested", "running", "answered"] = "requested"
    spoke: bool = False
    """Whether the model said something in the response that asked for it."""


class ToolCalls:
    """Calls by id. Times are seconds on the call's clock."""

    def __init__(self, tools: tuple[ToolSpec, ...], limit: int) -> None:
        self.specs = {tool.name: tool for tool in tools}
        self.owed = False
        """Whether outputs were sent that no response has taken up yet."""
        self.open: list[Call] = []
        """Calls without an answer. It is asked for at every step, and nearly always empty."""
        self._limit = limit
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
        self._calls[event.call_id] = call
        self.open = [*self.open, call]
        return call

    @property
    def exhausted(self) -> bool:
        """Whether the call has made more function calls than it may."""
        return len(self._calls) > self._limit

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
            if call.say and now >= _since(call) + SAY_AFTER:
                say, call.say = call.say, None
                return say
        return None

    def overdue(self, now: float) -> list[Call]:
        """Calls that run though they should have been ended long ago."""
        return [call for call in self.open if call.state == "running" and now >= _gives_up_at(call)]

    def deadline(self) -> float | None:
        """Seconds: when `to_say` has something to say or a call is overdue."""
        if not self.open:
            return None
        running = self.running
        saying = [_since(call) + SAY_AFTER for call in running if call.say]
        return min([*saying, *map(_gives_up_at, running)], default=None)

    def waiting_for(self, response_id: str) -> list[Call]:
        """Calls that will not run because their response did not complete."""
        return [c for c in self.open if c.state == "requested" and c.response_id == response_id]

    def answer(self, call_id: str, output: str, outcome: str, now: float) -> Call | None:
        """Close a call. None if it is unknown or was answered before: a late or double result says nothing."""
        call = self._calls.get(call_id)
        if call is None or call.state == "answered":
            return None
        call.state = "answered"
        self.open = [other for other in self.open if other is not call]
        call.use = msgspec.structs.replace(call.use, output=output, outcome=outcome, finished_at=now)
        self.owed = True
        return call

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
    def reply_due(self) -> bool:
        """Whether the model must be asked to go on: outputs sent, none outstanding."""
        return self.owed and not self.open

    @property
    def uses(self) -> list[ToolUse]:
        return [call.use for call in self._calls.values()]


def _gives_up_at(call: Call) -> float:
    return _since(call) + call.timeout + GRACE


def _since(call: Call) -> float:
    return call.use.started_at if call.running_since is None else call.running_since
