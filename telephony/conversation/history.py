"""The conversation so far, told to a session that was not there.

Turns and function calls go in the order in which they happened: what the caller was understood to say, of the agent's
words those that were heard or are about to be, calls with their outputs. A call still running is told without its
output, which follows when it is there; an output never goes without its call. A call that was given up before it began
is left out: nothing was done, and the model may well ask again.

A provider may charge for each message (xAI does), and a long call has hundreds; so only the latest stand as messages of
their own, and what was before is told in one.
"""

from __future__ import annotations

from telephony.commands import AddMessage, AddToolCall, ModelCommand, SendToolOutput
from telephony.conversation import phrases
from telephony.conversation.playback import LOCAL
from telephony.conversation.state import State
from telephony.conversation.toolcalls import Call
from telephony.records import Turn

LATEST = 40
"""Turns told one by one."""
EARLIER = 6000
"""Characters of what was before them, at most; the oldest are left out."""


def seeds(state: State, *, resumed: bool) -> list[ModelCommand]:
    """What to tell a new session. One that was *resumed* knows what was said, but not which calls are open: xAI leaves
    them out of what it replays."""
    turns = [] if resumed else _spoken(state)
    calls = [call for call in state.tools.made if not resumed or _unknown(call, state.sessions.away_since)]
    moments: list[tuple[float, int, list[ModelCommand]]] = [
        (turn.started_at, 0, [_message(turn)]) for turn in turns[-LATEST:]
    ]
    moments += [(call.use.started_at, 1, _call(call)) for call in calls]
    late = [call for call in state.tools.made if call.detached_at is not None and call.use.finished_at is not None]
    moments += [
        (ended_at, 2, [AddMessage(phrases.background_result(call.use.name, call.use.output), "system")])
        for call in late
        if (ended_at := call.use.finished_at or 0.0) >= (state.sessions.away_since if resumed else 0.0)
    ]
    told = [command for _, _, commands in sorted(moments, key=lambda moment: moment[:2]) for command in commands]
    earlier = turns[:-LATEST]
    return [AddMessage(phrases.earlier(_summary(earlier)), "system"), *told] if earlier else told


def last_words(state: State) -> str:
    """What was heard of what the agent said last."""
    return next((turn.heard for turn in reversed(_spoken(state)) if turn.speaker == "agent"), "")


def _spoken(state: State) -> list[Turn]:
    """Turns of which something was understood or heard, recorded sentences left out."""
    turns = state.transcript.told(state.playback.items, state.playback.audio.rate)
    return [turn for turn in turns if turn.heard and not turn.item_id.startswith(LOCAL)]


def _unknown(call: Call, since: float) -> bool:
    """Whether the session before was never told how *call* ended."""
    return call.told_at is None or call.told_at >= since


def _message(turn: Turn) -> AddMessage:
    if turn.speaker == "keypad":
        return AddMessage(phrases.keys_pressed(turn.heard))
    return AddMessage(turn.heard, "assistant" if turn.speaker == "agent" else "user")


def _call(call: Call) -> list[ModelCommand]:
    use = call.use
    told: list[ModelCommand] = [AddToolCall(use.call_id, use.name, use.arguments)]
    if call.told_at is not None:
        told.append(SendToolOutput(use.call_id, call.told))
    return told


def _summary(turns: list[Turn]) -> str:
    lines = "\n".join(f"{turn.speaker}: {turn.heard}" for turn in turns)
    return lines[-EARLIER:]
