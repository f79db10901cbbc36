"""Which function calls may run: not twice where once is meant, and not without the caller's word where that is needed.

A model that is told in its instructions to ask first asks first most of the time. Here it has no choice: the call is
answered instead of run, and runs only when it is repeated with the same arguments after the caller heard something and
said yes. A yes is a plain one (`yes_no`) where the agent's language is one that we have words for. Where no language is
set, an answer that is neither yes nor no is asked for once more, and then is the model's to judge; so is one in another
language, and one that nobody has written down yet.
"""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from telephony.conversation.arguments import canonical
from telephony.conversation.playback import LOCAL
from telephony.conversation.state import State
from telephony.conversation.toolcalls import Call
from telephony.conversation.yes_no import is_known, plain_answer

VALID = 180.0
"""Seconds from when the model was told to ask. A "yes" that comes later is one to something else."""
STILL_RUNS = json.dumps(
    {"status": "running", "note": "This very call is running already. Wait for its answer; do not call it again."}
)

Consent = Literal["given", "not asked", "not answered", "refused", "unclear"]
_WHY: dict[Consent, str] = {
    "not asked": "The caller has not been asked yet.",
    "not answered": "The caller has not answered yet. Say nothing more and wait for them.",
    "refused": "The caller said no. If they change their mind, ask again.",
    "unclear": "What the caller said is no clear yes. If it was none at all, leave it; else ask for a yes or a no.",
}


class Refusal(NamedTuple):
    """Why a call does not run now."""

    output: str
    """What the model is told."""
    outcome: Literal["ok", "cancelled"] = "cancelled"
    """`ok`: it was done, by a call before it."""


def refusal(state: State, call: Call, now: float) -> Refusal | None:
    """Why *call*, which is due, must not run; None if it may."""
    if call.spec.once and (first := state.tools.same_as(call)) is not None:
        return Refusal(first, "ok") if first else Refusal(STILL_RUNS)
    if not call.spec.confirm:
        return None
    key = f"{call.use.name} {canonical(call.use.arguments)}"
    asked_at = state.asked.get(key)
    if asked_at is None or now >= asked_at + VALID:
        state.asked[key] = now
        return Refusal(_ask_first(call))
    consent = _consent(state, asked_at, now)
    if consent == "unclear" and _is_for_the_model(state, key):
        consent = "given"
    if consent == "given":
        del state.asked[key]
        state.unclear.discard(key)
        return None
    if consent == "unclear":
        state.unclear.add(key)
    if consent in ("refused", "unclear"):
        state.asked[key] = now
    return Refusal(_ask_first(call, _WHY[consent]))


def _is_for_the_model(state: State, key: str) -> bool:
    """Whether words that are neither yes nor no are the model's to judge: at once in a language of which we know none,
    at the second time where it is not said which one is spoken. In one that we know they never are."""
    language = state.settings.session.language
    return not is_known(language) if language else key in state.unclear


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
    plain = [answer for each in words if (answer := plain_answer(each, state.settings.session.language))]
    if plain:
        return "given" if plain[-1] == "yes" else "refused"
    # A key, and speech that nobody has written down yet, are the model's to judge: it has heard them, we have not.
    spoken = any(character.isalpha() for each in words for character in each)
    return "unclear" if spoken else "given"
