"""Which function calls may run: not twice where once is meant, and not without the caller's word where that is needed.

A model that is told in its instructions to ask first asks first most of the time. Here it has no choice: the call is
answered instead of run, and runs only when it is repeated with the same arguments after the caller heard something and
answered. Whether they agreed is the model's to judge, but for a plain refusal (`yes_no`).
"""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from telephony.conversation.arguments import canonical
from telephony.conversation.playback import LOCAL
from telephony.conversation.state import State
from telephony.conversation.toolcalls import Call
from telephony.conversation.yes_no import plain_answer

VALID = 180.0
"""Seconds from when the model was told to ask. A "yes" that comes later is one to something else."""
STILL_RUNS = json.dumps(
    {"status": "running", "note": "This very call is running already. Wait for its answer; do not call it again."}
)

Consent = Literal["given", "not asked", "not answered", "refused"]
_WHY: dict[Consent, str] = {
    "not asked": "The caller has not been asked yet.",
    "not answered": "The caller has not answered yet. Say nothing more and wait for them.",
    "refused": "The caller said no. If they change their mind, ask again.",
}


class Refusal(NamedTuple):
    """Why a call does not run now."""

    output: str
    """What the model is told."""


def refusal(state: State, call: Call, now: float) -> Refusal | None:
    """Why *call*, which is due, must not run; None if it may."""
    if call.spec.once and (first := state.tools.same_as(call)) is not None:
        return Refusal(first or STILL_RUNS)
    if not call.spec.confirm:
        return None
    key = f"{call.use.name} {canonical(call.use.arguments)}"
    asked_at = state.asked.get(key)
    if asked_at is None or now >= asked_at + VALID:
        state.asked[key] = now
        return Refusal(_ask_first(call))
    consent = _consent(state, asked_at, now)
    if consent == "given":
        del state.asked[key]
        return None
    if consent == "refused":
        state.asked[key] = now
    return Refusal(_ask_first(call, _WHY[consent]))


def _ask_first(call: Call, why: str = "") -> str:
    question = call.spec.confirm if isinstance(call.spec.confirm, str) else "whether you shall really do this"
    note = (
        f"{why} Nothing was done. Ask the caller first, in the language of this conversation, naming what you are "
        "about to do. When they have agreed, call this again with exactly the same arguments; if they do not, leave it."
    )
    return json.dumps({"status": "not confirmed", "ask": question, "note": note.strip()}, ensure_ascii=False)


def _consent(state: State, asked_at: float, now: float) -> Consent:
    """What became of the question that the model was told to ask at *asked_at*."""
    playback = state.playback
    begins = [
        item.heard_at
        for item_id, item in playback.items.items()
        if item.received_at >= asked_at
        and item.heard_at is not None
        and not item_id.startswith(LOCAL)
        and playback.heard_samples(item, now) > 0
    ]
    if not begins:
        return "not asked"
    words = state.transcript.answers_since(min(begins))
    if state.keypad.digits and state.keypad.started_at >= min(begins):
        words.append("")
    if not words:
        return "not answered"
    language = state.settings.session.language
    plain = [answer for each in words if (answer := plain_answer(each, language))]
    return "refused" if plain and plain[-1] == "no" else "given"
