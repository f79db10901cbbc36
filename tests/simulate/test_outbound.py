"""Calls that the REST API places: who answers, what is told to whom, and that they go on as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from asked import ACCOUNT, PUBLIC, THEM, TOKEN, US, ask
from telephony.sim.caller_script import HangUp, Pause, Say, WaitForEnd
from telephony.simulate.callee import Callee, beep
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.rest import TwilioRest
from telephony.simulate.telling import CallbackFaults

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
async def rest(server: Any) -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as made:
        made.reach(f"{server.url}/twilio/voice", PUBLIC)
        made.board.ring = 0.02
        yield made


async def place(rest: TwilioRest, **form: str) -> dict[str, Any]:
    """What the API says of a call that was just placed."""
    plain = {"To": THEM, "From": US, "TimeLimit": "60", "Url": f"{PUBLIC}/twilio/voice"}
    status, body = await ask(rest, "POST", "Calls.json", {**plain, **form})
    assert status == 201, body
    return dict(body)


async def call(rest: TwilioRest, callee: Callee, **form: str) -> CallOutcome:
    rest.callees[THEM] = callee
    return await rest.board.over((await place(rest, **form))["sid"])


TOLD = {"StatusCallback": f"{PUBLIC}/status", "StatusCallbackEvent": "initiated ringing answered completed"}


def states(server: Any) -> list[tuple[str, str]]:
    return [(told["SequenceNumber"], told["CallStatus"]) for told in server.told("/status")]


async def test_whoever_answers_is_connected_as_the_webhook_says(server: Any, rest: TwilioRest) -> None:
    outcome = await call(rest, Callee(steps=(Say("Hello?"), HangUp())), **TOLD)
    assert (outcome.status, outcome.ended_by, outcome.ok) == ("completed", "caller", True)
    assert len(outcome.stream_sids) == 1
    (asked,) = server.told("/twilio/voice")
    assert (asked["Direction"], asked["CallStatus"], asked["To"], asked["From"]) == (
        "outbound-api",
        "in-progress",
        THEM,
        US,
    )
    assert states(server) == [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")]
    assert server.told("/status")[-1]["CallDuration"] in ("0", "1", "2")
    assert sum(frame != b"\xff" * 160 for frame in server.frames) > 10


@pytest.mark.parametrize(
    ("does", "status", "told", "sip"),
    [
        ("busy", "busy", ["initiated", "ringing", "busy"], "486"),
        ("rejects", "busy", ["initiated", "ringing", "busy"], "603"),
        ("no answer", "no-answer", ["initiated", "ringing", "no-answer"], "487"),
        ("unreachable", "failed", ["initiated", "failed"], "404"),
    ],
)
async def test_whoever_does_not_answer_is_told_of_and_asks_nothing(
    server: Any, rest: TwilioRest, does: Any, status: str, told: list[str], sip: str
) -> None:
    outcome = await call(rest, Callee(does=does), Timeout="1", **TOLD)
    assert outcome.status == status
    assert [state for _, state in states(server)] == told
    assert server.told("/status")[-1]["SipResponseCode"] == sip
    assert server.told("/status")[-1]["CallDuration"] == "0"
    assert server.told("/twilio/voice") == []


async def test_nobody_has_a_number_that_nobody_was_given(rest: TwilioRest) -> None:
    assert (await rest.board.over((await place(rest))["sid"])).status == "failed"


async def test_it_rings_no_longer_than_the_timeout(rest: TwilioRest) -> None:
    rest.board.ring = 600.0
    outcome = await call(rest, Callee(rings=1), Timeout="1")
    assert outcome.status == "no-answer"


async def test_unless_it_asks_for_more_only_the_end_is_told(server: Any, rest: TwilioRest) -> None:
    await call(rest, Callee(steps=(HangUp(),)), StatusCallback=f"{PUBLIC}/status")
    assert states(server) == [("0", "completed")]


async def test_callbacks_come_twice_and_backwards_if_the_network_is_so(server: Any, rest: TwilioRest) -> None:
    rest.board.callback_faults = CallbackFaults(twice=True, backwards=True)
    await call(rest, Callee(steps=(HangUp(),)), **TOLD)
    assert [number for number, _ in states(server)] == ["3", "3", "2", "2", "1", "1", "0", "0"]


async def test_instructions_can_come_with_the_call(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee()
    body = await place(rest)  # a call with an address, to compare
    await ask(rest, "POST", f"Calls/{body['sid']}.json", {"Status": "completed"})
    form = {"To": THEM, "From": US, "Twiml": "<Response><Say>Hello you</Say></Response>"}
    _, body = await ask(rest, "POST", "Calls.json", form)
    outcome = await rest.board.over(body["sid"])
    assert [(one.kind, one.text) for one in outcome.observations if one.kind == "carrier says"] == [
        ("carrier says", "Hello you")
    ]
    assert outcome.status == "completed"


async def test_a_ringing_call_can_be_cancelled(server: Any, rest: TwilioRest) -> None:
    rest.board.ring = 60.0
    rest.callees[THEM] = Callee()
    sid = (await place(rest, **TOLD))["sid"]
    await rest.board.until(lambda: rest.board.calls[sid].status == "ringing")
    assert (await ask(rest, "POST", f"Calls/{sid}.json", {"Status": "canceled"}))[0] == 200
    assert (await rest.board.over(sid)).status == "canceled"
    assert [state for _, state in states(server)] == ["initiated", "ringing", "canceled"]


async def test_the_time_limit_ends_it(rest: TwilioRest) -> None:
    outcome = await call(rest, Callee(steps=(WaitForEnd(),)), TimeLimit="1")
    assert (outcome.status, outcome.ended_by) == ("completed", "carrier")


async def test_the_queue_lets_one_go_at_a_time(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee(does="busy")
    rest.board.calls_per_second = 1
    first = await place(rest, **TOLD)
    rest.board.calls_per_second = 1 / 600  # the second leaves soon, the third never in this test
    second, third = [await place(rest, **TOLD) for _ in range(2)]
    assert first["queue_time"] == "0"
    assert int(second["queue_time"]) <= 1000 < int(third["queue_time"])
    assert (await ask(rest, "POST", f"Calls/{third['sid']}.json", {"Status": "canceled"}))[0] == 200
    for placed in (first, second, third):
        await rest.board.over(placed["sid"])
    # Of a call that was cancelled in the queue nobody is told.
    assert third["sid"] not in [told["CallSid"] for told in server.told("/status")]


async def test_keys_are_pressed_once_somebody_answers(rest: TwilioRest) -> None:
    outcome = await call(rest, Callee(steps=(HangUp(),)), SendDigits="w12#")
    assert ("carrier presses", "12#") in [(one.kind, one.text) for one in outcome.observations]


# -- machines ------------------------------------------------------------------------------------------------------

AMD = {"MachineDetection": "Enable", "AsyncAmd": "true", "AsyncAmdStatusCallback": f"{PUBLIC}/amd"}


async def test_a_person_is_found_to_be_one_while_the_call_goes_on(server: Any, rest: TwilioRest) -> None:
    outcome = await call(rest, Callee(steps=(Pause(0.6), HangUp())), **AMD, **TOLD)
    (told,) = server.told("/amd")
    assert (told["AnsweredBy"], told["CallSid"], told["MachineDetectionDuration"]) == (
        "human",
        outcome.call_sid,
        "300",
    )
    assert "AnsweredBy" not in server.told("/twilio/voice")[0]
    assert server.told("/status")[-1]["AnsweredBy"] == "human"


async def test_the_end_of_a_machines_greeting_is_waited_for(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee(does="machine", greeting="Leave a message.")
    sid = (await place(rest, **{**AMD, "MachineDetection": "DetectMessageEnd"}))["sid"]
    await rest.board.until(lambda: bool(server.told("/amd")))
    assert server.told("/amd")[0]["AnsweredBy"] == "machine_end_beep"
    await ask(rest, "POST", f"Calls/{sid}.json", {"Status": "completed"})
    outcome = await rest.board.over(sid)
    greeting = rest.board.voice("Leave a message.")
    assert greeting in outcome.said
    assert beep() in outcome.said


async def test_without_a_callback_the_instructions_wait_for_the_finding(server: Any, rest: TwilioRest) -> None:
    await call(rest, Callee(steps=(HangUp(),)), MachineDetection="Enable")
    assert server.told("/twilio/voice")[0]["AnsweredBy"] == "human"


async def test_detection_gives_up_in_time(server: Any, rest: TwilioRest) -> None:
    callee = Callee(told_after=60, steps=(HangUp(),))
    await call(rest, callee, MachineDetection="Enable", MachineDetectionTimeout="3")
    assert server.told("/twilio/voice")[0]["AnsweredBy"] == "unknown"


async def test_digits_come_before_detection(server: Any, rest: TwilioRest) -> None:
    await call(rest, Callee(steps=(Pause(0.5), HangUp())), SendDigits="1", **AMD)
    assert server.told("/amd") == []
