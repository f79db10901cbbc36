"""What becomes of a function that runs when the caller speaks, and of one that goes on in the background.

`keep` waits for it, as nothing had happened. `cancel` stops it, and the model knows that it may have taken effect or
not. `detach` frees the model at once: the output of the call says that it goes on, and the result follows as a message,
since a call has one output and no more. Either way the model has its answer before the caller's turn is over.
"""

from __future__ import annotations

import json
from typing import Any

from telephony.commands import AddMessage, CancelTool, SendToolOutput
from telephony.conversation import phrases
from telephony.conversation.state import LIVE, TALKING, State
from telephony.conversation.toolcalls import Call
from telephony.events import ToolProgress, ToolSays

STOPPED = json.dumps(
    {
        "status": "cancelled",
        "note": (
            "The caller spoke, so this was stopped while it ran; it may have taken effect or not. Answer the caller, "
            "and do not repeat it unless they still want it."
        ),
    }
)
STOPPED_HARMLESSLY = json.dumps(
    {
        "status": "cancelled",
        "note": "The caller spoke, so this was stopped; nothing was changed. Call it again if it is still wanted.",
    }
)
GOES_ON = json.dumps(
    {
        "status": "running",
        "note": (
            "The caller spoke, so this goes on in the background and its result will follow as a message. Answer the "
            "caller meanwhile, and do not call it again."
        ),
    }
)


def caller_spoke(state: State, now: float) -> None:
    """The caller began to speak, and may."""
    for call in state.tools.open and state.tools.running:
        if call.spec.on_barge_in == "cancel":
            state.out.append(CancelTool(call.use.call_id))
            stopped = STOPPED if call.spec.side_effects else STOPPED_HARMLESSLY
            state.answer_tool(call.use.call_id, stopped, "cancelled", now)
        elif call.spec.on_barge_in == "detach":
            _detach(state, call, now)
    state.floor.expecting = False


def _detach(state: State, call: Call, now: float) -> None:
    state.tools.detach(call, GOES_ON, now)
    state.responses.drop_wishes("say")
    state.note("info", "tool goes on in the background", name=call.use.name)
    if not state.model_lost:
        state.out.append(SendToolOutput(call.use.call_id, GOES_ON))


def ended(state: State, call_id: str, output: str, outcome: Any, now: float) -> bool:
    """A function has come to an end. False if it was none in the background."""
    call = state.tools.end_detached(call_id, output, outcome, now)
    if call is None:
        return False
    state.note("info", "tool ended in the background", name=call.use.name, outcome=outcome)
    if state.phase in LIVE and not state.model_lost:  # a session that is still to come is told by `history`
        state.out.append(AddMessage(phrases.background_result(call.use.name, output), "system"))
    if state.phase is TALKING:
        state.tools.owed = True
    return True


def tool_says(state: State, event: ToolSays, now: float) -> None:
    state.tools.says(event.call_id, event.text)


def tool_progress(state: State, event: ToolProgress, now: float) -> None:
    state.tools.progress(event.call_id, event.text)


def tell_news(state: State, now: float) -> None:
    """Tell the model how far the functions have come that run."""
    for name, news in state.tools.to_tell(now):
        state.note("debug", "tool tells", name=name)
        state.out.append(AddMessage(phrases.progress(name, news), "system"))
