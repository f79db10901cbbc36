"""Another agent goes on with the caller: its instructions, its functions, its voice, and its model if that is another.

It lives in a session of its own, which is opened while the present agent says its last words; so every provider can do
it, whatever may be changed in a session that has spoken. What was said goes with the caller (`history`). If the other
agent cannot be had, the present one is told so and stays.
"""

from __future__ import annotations

import msgspec

from telephony.commands import AddMessage, CloseSession, RequestResponse, SpeakVerbatim
from telephony.conversation import phrases
from telephony.conversation.state import TALKING, State
from telephony.events import HandOverWanted


def wanted(state: State, event: HandOverWanted, now: float) -> None:
    """See `HandOverWanted`."""
    sessions = state.sessions
    if state.phase is not TALKING or sessions.current is None or state.successor:
        return
    if sessions.coming:
        state.out.append(CloseSession(sessions.withdraw(now)))
    command = sessions.open("handover", now)
    if command is None:
        return
    state.successor = event.settings
    state.floor.expecting = True
    state.chronicle.add("asked for session", now, "handover")
    state.note("info", "handing over", agent=event.settings.agent)
    state.out.append(msgspec.structs.replace(command, agent=event.settings.agent))


def done(state: State, now: float) -> str:
    """A session that was to come is current; if it is another agent's, so are their settings. Returns who was there
    before them, or nothing."""
    settings, before = state.successor, state.settings.agent
    if settings is None:
        return ""
    state.settings, state.successor = settings, None
    state.watchdogs.limits = state.sessions.limits = settings.limits
    state.meter.bound(settings.limits.max_cost)
    state.tools.offer(settings.session.tools)
    state.tools.taken_up()
    state.responses.drop_wishes()
    state.floor.expecting = True
    state.tally.remember(f"{settings.agent} took over from {before} at {now:.1f} s.")
    state.note("info", "handed over", agent=settings.agent)
    return before


def introduce(state: State, before: str) -> None:
    """Tell the agent that has taken over, and let it speak."""
    greeting = state.settings.greeting
    state.out.append(AddMessage(phrases.taken_over(before), "system"))
    state.responses.wish("resume", SpeakVerbatim(greeting) if greeting else RequestResponse())


def failed(state: State, reason: str) -> None:
    """The other agent is not to be had."""
    settings, state.successor = state.successor, None
    if settings is None:
        return
    state.remember(f"{settings.agent} could not take over: {reason}")
    if state.model_lost:
        return
    state.out.append(AddMessage(phrases.not_taken_over(settings.agent), "system"))
    state.floor.expecting = True
    if not (state.tools.open or state.tools.reply_due or state.responses.pending):
        state.responses.wish("resume", RequestResponse())
