"""How a call is carried, and what a caller who does not want to be recorded changes of it."""

from __future__ import annotations

from bridged import BridgedCall
from telephony.bridge.plan import Plan


async def test_whoever_does_not_agree_leaves_neither_recording_nor_cassette_and_a_note_that_says_so() -> None:
    call = BridgedCall()
    plan = Plan(call.settings, call.toolbox, call.connect_model, record=True, cassette=1.0, notes=("One.",))
    quiet = plan.unrecorded()
    assert (plan.agreed, plan.record, plan.cassette) == (True, True, 1.0)
    assert (quiet.agreed, quiet.record, quiet.cassette) == (False, False, 0.0)
    assert quiet.notes == (
        "One.",
        "The caller did not agree to be recorded: there is neither recording nor cassette",
    )
