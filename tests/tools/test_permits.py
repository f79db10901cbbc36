"""Whom tools reach: what is asked of the desk, and what its answers become."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.commands import Sending
from telephony.errors import CarrierRefused, ToolError
from telephony.events import Event, TransferWanted
from telephony.tools import telephone
from telephony.tools.context import LONGEST_SMS, CallContext
from telephony.tools.permits import Denied, Ends, Granted, Use

BILLING = Granted("+15550177", Sending("billing", timeout=15))


class Desk:
    """One that gives one answer, and remembers what it was asked."""

    def __init__(self, answer: Granted | Denied = BILLING, refusal: Exception | None = None) -> None:
        self.asked: list[tuple[Use, str, str, str]] = []
        self.sent: list[tuple[str, str, str]] = []
        self._answer, self._refusal = answer, refusal

    async def permit(self, use: Use, target: str, ends: Ends) -> Granted | Denied:
        self.asked.append((use, target, ends.call_id, ends.agent))
        return self._answer

    async def send_sms(self, ends: Ends, to: str, body: str) -> str:
        if self._refusal:
            raise self._refusal
        self.sent.append((ends.call_id, to, body))
        return "SM1"


class Line:
    function = "c1"

    def __init__(self, desk: Desk | None, agent: str = "frontdesk") -> None:
        self.desk = desk
        self.agent = agent
        self.fed: list[Event] = []

    def feed(self, event: Event) -> None:
        self.fed.append(event)

    async def errand(self, wanted: Any) -> Any:
        raise AssertionError


def on(line: Line) -> CallContext:
    return CallContext("CA1", "+15550142", "+15550100", "frontdesk", control=line)


async def test_a_caller_is_put_through_to_what_the_desk_made_of_the_target() -> None:
    line = Line(desk := Desk())
    answer = await telephone.transfer(on(line), "Billing")
    assert desk.asked == [("transfer", "Billing", "CA1", "frontdesk")]
    assert line.fed == [TransferWanted("+15550177", BILLING.sending, "c1")]
    assert "billing" in answer["note"]


async def test_a_refused_target_is_told_to_the_model_and_nothing_happens() -> None:
    line = Line(Desk(Denied("Only billing can be reached.")))
    with pytest.raises(ToolError, match="Only billing can be reached"):
        await telephone.transfer(on(line), "+19005550199")
    assert line.fed == []
    with pytest.raises(ToolError, match="Only billing"):
        await telephone.send_sms(on(line), "Hello.")


async def test_after_a_hand_over_it_is_the_other_agent_who_asks() -> None:
    line = Line(desk := Desk(), agent="billing")
    await on(line).transfer("sales")
    assert desk.asked == [("transfer", "sales", "CA1", "billing")]


async def test_without_a_desk_nobody_can_be_reached() -> None:
    result = await on(Line(None)).transfer("billing")
    assert (result.accepted, "nobody who could be reached" in result.why_not) == (False, True)


async def test_a_message_goes_to_the_caller_unless_another_number_is_wanted() -> None:
    line = Line(desk := Desk(Granted("+15550142")))
    assert await telephone.send_sms(on(line), "Your code is at the desk.") == {"status": "sent"}
    assert desk.asked == [("sms", "+15550142", "CA1", "frontdesk")]
    assert desk.sent == [("CA1", "+15550142", "Your code is at the desk.")]
    await on(line).send_sms("Hello.", "+15550143")
    assert desk.asked[-1][1] == "+15550143"


@pytest.mark.parametrize("body", ["", "  ", "x" * (LONGEST_SMS + 1)])
async def test_a_message_that_no_carrier_takes_is_not_sent(body: str) -> None:
    line = Line(desk := Desk())
    with pytest.raises(ToolError, match="1 to 1600 characters"):
        await on(line).send_sms(body)
    assert desk.sent == []


async def test_a_message_that_the_carrier_refuses_is_told_without_its_reasons() -> None:
    line = Line(Desk(refusal=CarrierRefused("21610: recipient has opted out of AC123")))
    with pytest.raises(ToolError) as told:
        await on(line).send_sms("Hello.")
    assert "AC123" not in str(told.value)
