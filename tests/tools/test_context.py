"""What a tool may know of its call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringers import Clock, cycles
from telephony.commands import Sending
from telephony.conversation import phrases
from telephony.errors import ToolError
from telephony.events import Event, SpeechWanted, TransferWanted
from telephony.tools.context import LONGEST_BRIEFING, PATIENCE, CallContext, Transferred
from telephony.tools.permits import Answered, Denied, Ends, Granted

MARY = Granted("+14155552671", Sending("mary"), asked_first=True)


def test_a_context_can_be_made_of_nothing_to_try_a_tool() -> None:
    context = CallContext()
    assert (context.call_id, context.metadata, context.state) == ("", {}, {})


def test_two_calls_share_nothing() -> None:
    one, other = CallContext("CA1"), CallContext("CA2")
    one.state["step"] = 1
    one.metadata["language"] = "de"
    assert other.state == {}
    assert other.metadata == {}


def test_log_lines_carry_the_call() -> None:
    with capture_logs() as lines:
        CallContext("CA1", agent="frontdesk").logger.info("looked up", found=3)
    assert lines == [
        {"event": "looked up", "found": 3, "call_id": "CA1", "agent": "frontdesk", "log_level": "info"},
    ]


class Desk:
    """Somebody who permits everything, and asks a colleague who answers when the test says so."""

    def __init__(self, granted: Granted = MARY) -> None:
        self.granted = granted
        self.answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.asked: list[tuple[Any, ...]] = []

    async def permit(self, use: Any, target: str, ends: Ends) -> Granted | Denied:
        self.asked.append((use, target, ends))
        return self.granted

    async def consult(self, ends: Ends, granted: Granted, briefing: str) -> Answered:
        self.asked.append((ends.called, granted.to, briefing))
        return await self.answer

    async def send_sms(self, ends: Ends, to: str, body: str) -> str:
        self.asked.append((ends.called, to, body))
        return "SM1"


class Line:
    """A call, as far as tools know it."""

    function, agent = "c1", "frontdesk"

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wanted: list[Event] = []

    def feed(self, event: Event) -> None:
        self.wanted.append(event)


def on(line: Line, **more: Any) -> CallContext:
    return CallContext("CA1", "+15550142", "+15550100", control=line, **more)  # type: ignore[arg-type]  # enough of one


async def test_who_is_asked_first_waits_in_a_room_before_the_caller_is_sent_there() -> None:
    clock, line = Clock(), Line(desk := Desk())
    transfer = asyncio.get_running_loop().create_task(on(line).transfer("mary", "Ann calls."), name="transfer")
    await cycles()
    assert desk.asked[1:] == [("+15550100", "+14155552671", "Ann calls.")]
    for rings in (1, 2):
        await clock.forward(PATIENCE)
        await cycles()
        assert line.wanted == [SpeechWanted(phrases.STILL_RINGING, verbatim=False)] * rings
    desk.answer.set_result(Answered("room-1", "in-progress"))
    assert await transfer == Transferred(accepted=True, waiting=True, name="mary")
    assert line.wanted[2:] == [TransferWanted("+14155552671", Sending("mary", room="room-1"), "c1")]


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        ("busy", "is busy"),
        ("no-answer", "Nobody answers"),
        ("completed", "hung up before"),
        ("failed", "could not be called"),
    ],
)
async def test_who_does_not_take_it_leaves_the_caller_with_the_agent(outcome: str, why: str) -> None:
    line = Line(desk := Desk())
    desk.answer.set_result(Answered("", outcome))
    result = await on(line).transfer("mary")
    assert (result.accepted, line.wanted) == (False, [])
    assert why in result.why_not


async def test_a_briefing_that_nobody_would_listen_to_is_refused() -> None:
    with pytest.raises(ToolError, match="at most 600 characters"):
        await on(Line(Desk())).transfer("mary", "x" * (LONGEST_BRIEFING + 1))


@pytest.mark.parametrize(
    ("direction", "them", "us"), [("inbound", "+15550142", "+15550100"), ("outbound", "+15550100", "+15550142")]
)
async def test_a_message_goes_to_whoever_is_on_the_line_whoever_called_whom(direction: Any, them: str, us: str) -> None:
    desk = Desk(Granted(them))
    await on(Line(desk), direction=direction).send_sms("Hello.")
    assert desk.asked == [("sms", them, Ends("CA1", "frontdesk", them, us)), (us, them, "Hello.")]
