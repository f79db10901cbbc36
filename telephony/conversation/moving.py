"""A call that goes on in another process, from one turn to the next.

    another process is there ──► nobody speaks, or is about to ──► what is known is kept ──► the stream ends, and the
                                                                        │     carrier asks the other process what comes
                                                                        └── it could not be kept: the call stays here

What is said while there is no stream, nobody hears. So it is done in a silence that has lasted a while: who has an
answer ready gives it sooner.
"""

from __future__ import annotations

import math

from telephony import events as ev
from telephony.audio.level import is_loud
from telephony.commands import Move
from telephony.conversation.state import TALKING, State
from telephony.conversation.survival import between_turns

PAUSE = 1.0
"""Seconds of silence on both sides before a call moves."""
PATIENCE = 20.0
"""Seconds after which any moment between two turns will do."""
LOOK = 0.1
"""Seconds between looks for such a moment."""
LISTEN = 0.3
"""Seconds of the caller's audio that must be silent. A model tells of a voice only some time after it began."""


def wanted(state: State, event: ev.ServerMoving, now: float) -> None:
    if state.moving_since is None:
        state.moving_since = now


def moved(state: State, event: ev.Moved, now: float) -> None:
    state.moves = None
    if event.again:
        state.note("info", "the call stays in this process for another turn", why=event.error)
    elif event.error:
        state.moving_since = None
        state.note("warning", "the call stays in this process", why=event.error)
    else:
        state.end("completed", "server", "went on in another process", now)


def settle(state: State, now: float) -> None:
    """Go, if this is the moment."""
    since = state.moving_since
    if since is not None and state.moves is None and _is_the_moment(state, since, now):
        state.moves = _done_so_far(state)
        state.note("info", "the call goes on in another process")
        state.out.append(Move())


def deadline(state: State) -> float:
    """Seconds: when to look again."""
    return math.inf if state.moving_since is None or state.moves is not None else state.settled_at + LOOK


def is_still(state: State, now: float) -> bool:
    """Whether nothing has happened since it was asked to move, and nothing is about to."""
    return state.moves == _done_so_far(state) and between_turns(state, now)


def _done_so_far(state: State) -> tuple[int, int]:
    return state.transcript.count, len(state.tools.ran)


def _is_the_moment(state: State, since: float, now: float) -> bool:
    busy = state.errands.any or state.tools.detached or state.sessions.coming or state.sessions.current is None
    if state.phase is not TALKING or busy or not between_turns(state, now):
        return False
    silent_since = max(state.playback.ends_at, state.floor.last_heard)
    waited = now >= silent_since + PAUSE or now >= since + PATIENCE
    return waited and not is_loud(state.recent.last(LISTEN), state.intake.audio)
