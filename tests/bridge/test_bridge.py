"""One call's asyncio: what goes where in which order, and that every way to end it ends it once and wholly."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from bridged import SOON, SPEECH, BridgedCall, bridged
from telephony.carriers.twilio import TwilioStream
from telephony.commands import CarrierCommand, EndCall, HangUp
from telephony.conversation import conclusions
from telephony.errors import CarrierError, CarrierRefused, UpstreamLost, UpstreamRefused
from telephony.events import CallEnded, Event, ServerStopping
from telephony.links.wire import WireClosed
from telephony.settings import Clips, Limits
from telephony.tools import tool

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

BRIEF = 0.1
"""Seconds; a limit that a test wants to see reached."""
HUNG_UP = EndCall("completed", "caller", "caller hung up")


@tool(timeout=SOON)
async def rest() -> str:
    """Take a while."""
    await asyncio.sleep(SOON)
    return "rested"


# -- the way of a message ------------------------------------------------------------------------------------------


async def test_the_session_is_configured_first_and_the_greeting_asked_for_when_it_is_ready() -> None:
    call = BridgedCall(speaks_first=True, greeting="Hello.")
    async with bridged(call) as task:
        await call.phone.speak()
        await call.model.until("session.update")
        assert call.model.kinds == ["session.update"]
        await call.model.send(type="session.updated", session={})
        said = await call.model.until("conversation.item.create")
        assert said["item"]["content"][0]["text"] == "Hello."
        assert call.model.kinds == ["session.update", "input_audio_buffer.append", "conversation.item.create"]
        await call.phone.stop()
    assert task.result() == HUNG_UP


async def test_what_the_model_says_is_played_and_marked_and_what_the_caller_says_is_heard() -> None:
    call = BridgedCall()
    async with bridged(call):
        await call.model.ready()
        await call.phone.speak()
        await call.model.until("input_audio_buffer.append")
        await call.model.speak("r1", "i1")
        await call.phone.until("media")
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
        assert await call.phone.closed() == (1000, "")
        assert await call.model.closed() == (1000, "")


async def test_a_barge_in_clears_truncates_and_cancels_in_one_step() -> None:
    call = BridgedCall()
    async with bridged(call):
        await call.model.ready()
        await call.model.speak("r1", "i1", 10 * SPEECH, done=False)
        await call.phone.until("mark")
        await call.model.hears_speech(stops=False)
        await call.phone.until("clear")
        await call.model.until("response.cancel")
        assert call.model.kinds[-2] in ("conversation.item.truncate", "conversation.item.delete")
        assert call.phone.kinds[-1] == "clear"
        await call.phone.stop()


async def test_what_happens_before_the_call_is_taken_up_is_not_lost() -> None:
    call = BridgedCall()
    call.bridge.feed(CallEnded("operator", "not worth taking up"))
    async with bridged(call) as task:
        assert (await call.phone.closed())[0] == 1000
    assert task.result() == EndCall("completed", "operator", "not worth taking up")


async def test_what_happens_after_the_call_is_over_changes_nothing() -> None:
    call = BridgedCall()
    async with bridged(call) as task:
        await call.model.ready()
        call.bridge.feed(CallEnded("operator", "enough"))
    call.bridge.feed(CallEnded("caller", "too late"))
    call.bridge.stop("too late")
    assert call.bridge.ending == task.result() == EndCall("completed", "operator", "enough")
    assert call.bridge._work.timer is None


async def test_a_call_can_be_stopped_at_once() -> None:
    call = BridgedCall([rest])
    async with bridged(call) as task:
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", "rest")
        await call.model.done("r1")
        call.bridge.stop("server stopping")
        assert (await call.phone.closed())[0] == 1001
    assert task.result() == EndCall("failed", "server", "server stopping")


# -- who ends it ---------------------------------------------------------------------------------------------------


async def test_a_carrier_that_vanishes_ends_the_call_and_closes_the_model() -> None:
    call = BridgedCall()
    async with bridged(call) as task:
        await call.model.ready()
        call.phone.wire.abort()
        assert (await call.model.closed())[0] == 1000
    assert task.result() == EndCall("failed", "carrier", "media stream lost: the connection was dropped")


async def test_a_carrier_that_does_not_read_is_given_up() -> None:
    """It reads nothing while the model speaks for a minute: first the wire fills, then patience ends."""
    call = BridgedCall()
    call.link._send_patience = BRIEF
    async with bridged(call) as task:
        await call.model.ready()
        with contextlib.suppress(WireClosed):
            for turn in range(100):
                await call.model.speak(f"r{turn}", f"i{turn}", done=False)
                await call.model.hears_speech(stops=False)  # a clear for the carrier each time
        async with asyncio.timeout(SOON):
            await task
    assert task.result().by == "carrier"
    assert "does not read" in task.result().reason


async def test_a_lost_model_is_excused_by_the_recorded_apology_before_the_line_is_released() -> None:
    call = BridgedCall()
    async with bridged(call) as task:
        await call.model.ready()
        await call.model.wire.shut(1011, "internal error")
        await call.phone.until("media")
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
    assert task.result() == EndCall("failed", "model", "internal error (1011)")
    assert [command.reason for command in call.hung_up] == ["internal error (1011)"]


@pytest.mark.parametrize("error", [UpstreamRefused("the API key is wrong", 401), UpstreamLost("nothing listens there")])
async def test_a_model_that_cannot_be_reached_is_excused_at_once(error: Exception) -> None:
    async def refuse() -> None:
        raise error

    call = BridgedCall(connect=refuse)
    async with bridged(call) as task:
        await call.phone.until("media")
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
    assert task.result() == EndCall("failed", "model", str(error))


async def test_a_model_that_never_answers_is_excused_when_the_limit_is_reached() -> None:
    never = asyncio.Event()
    call = BridgedCall(connect=lambda: never.wait(), limits=Limits(connect=BRIEF))
    async with bridged(call) as task:
        await call.phone.until("media")
        await call.phone.stop()
    assert task.result() == EndCall("failed", "model", "the model could not be reached in time")


async def test_the_hang_up_is_asked_of_the_carrier_once_the_goodbye_was_heard() -> None:
    asked = asyncio.Event()

    async def hang_up(command: HangUp) -> None:
        asked.set()

    call = BridgedCall(hang_up=hang_up)
    async with bridged(call) as task:
        await call.model.ready()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", "hang_up")
        await call.model.speak("r1", "i1")
        mark = await call.phone.until("mark")
        assert not asked.is_set()
        await call.phone.heard(mark)
        async with asyncio.timeout(SOON):
            await asked.wait()
        await call.phone.stop()
    assert task.result() == EndCall("completed", "agent", "agent hung up")
    assert len(call.hung_up) == 1


@pytest.mark.parametrize("error", [CarrierRefused("no such account", 401, 20003), CarrierError("no answer came")])
async def test_a_hang_up_that_is_refused_ends_the_stream_all_the_same(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(conclusions, "CONFIRMATION", BRIEF)

    async def refuse(command: HangUp) -> None:
        raise error

    call = BridgedCall(hang_up=refuse)
    with capture_logs() as logs:
        async with bridged(call) as task:
            await call.begin()
            call.bridge.feed(ServerStopping())
            await call.model.until("response.create")
            await call.model.speak("r1", "i1")
            await call.phone.heard(await call.phone.until("mark"))
            assert (await call.phone.closed())[0] == 1001
    assert task.result() == EndCall("completed", "server", "server stopping")
    assert "hang-up refused" in [line["event"] for line in logs]


async def test_a_hang_up_under_way_may_finish_after_the_stream_has_ended_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("telephony.bridge.work.LAST_REQUESTS", BRIEF)
    outcomes: list[str] = []
    began = asyncio.Event()

    async def slow(command: HangUp) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise

    call = BridgedCall(hang_up=slow, clips=Clips())
    async with bridged(call) as task:
        await call.model.ready()
        await call.model.wire.shut(1011, "")
        async with asyncio.timeout(SOON):
            await began.wait()
        await call.phone.stop()
    assert task.result().by == "model"
    assert outcomes == ["cancelled"]
    assert call.bridge.now - call.bridge.duration > BRIEF / 2, "the call ended before its last request did"


# -- time ----------------------------------------------------------------------------------------------------------


async def test_a_silent_caller_is_asked_and_then_taken_leave_of() -> None:
    call = BridgedCall(limits=Limits(caller_silence=BRIEF, caller_silence_prompts=1))
    async with bridged(call) as task:
        await call.model.ready()
        await call.model.until("response.create")
        await call.model.speak("r1", "i1")
        await call.phone.heard(await call.phone.until("mark"))
        await call.model.until("response.create")
        await call.model.speak("r2", "i2")
        await call.phone.heard(await call.phone.until("mark"))
        async with asyncio.timeout(SOON):
            while not call.hung_up:
                await call.phone.speak()
                await asyncio.sleep(0)
        await call.phone.stop()
    assert task.result() == EndCall("completed", "limit", "the caller was silent")


async def test_a_call_is_over_when_it_has_lasted_long_enough() -> None:
    call = BridgedCall(limits=Limits(max_duration=BRIEF))
    async with bridged(call) as task:
        await call.model.ready()
        await call.model.until("response.create")
        await call.model.speak("r1", "i1")
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
    assert task.result() == EndCall("completed", "limit", "maximum duration")


async def test_a_carrier_that_sends_nothing_is_lost() -> None:
    call = BridgedCall(limits=Limits(stream_silence=BRIEF))
    async with bridged(call) as task:
        await call.model.ready()
    assert task.result() == EndCall("failed", "carrier", "the carrier sent nothing any more")


# -- bugs of ours --------------------------------------------------------------------------------------------------


class Buggy(TwilioStream):
    """A codec that raises where a test says."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def decode(self, message: str | bytes) -> list[Event]:
        if self.where == "decode":
            raise ZeroDivisionError
        return super().decode(message)

    def encode(self, command: CarrierCommand) -> list[str]:
        if self.where == "encode":
            raise ZeroDivisionError
        return super().encode(command)


@pytest.mark.parametrize("by", ["the carrier", "the model", "the timer", "an operator"])
async def test_a_bug_ends_this_call_in_order_whoever_wakes_it(by: str) -> None:
    call = BridgedCall(codec=Buggy("decode" if by == "the carrier" else "encode"), limits=Limits(connect=BRIEF))
    if by == "the timer":
        never = asyncio.Event()
        call = BridgedCall(codec=Buggy("encode"), limits=Limits(connect=BRIEF), connect=lambda: never.wait())
    with capture_logs() as logs:
        async with bridged(call) as task:
            if by == "the carrier":
                await call.phone.speak()
            elif by == "the model":
                await call.model.ready()
                await call.model.speak("r1", "i1")
            elif by == "an operator":
                call.bridge.feed(ServerStopping())
            assert (await call.phone.closed())[0] == 1011
    assert task.result() == EndCall("failed", "server", "internal error")
    assert [line["log_level"] for line in logs if line["event"] == "the call failed"] == ["error"]


async def test_after_a_bug_nothing_from_outside_wakes_the_call() -> None:
    call = BridgedCall(codec=Buggy("decode"))
    async with bridged(call) as task:
        await call.phone.speak()
        await call.phone.closed()
        await task
    call.bridge.feed(ServerStopping())
    call.bridge.feed(CallEnded("operator", "too late"))
    assert call.bridge._work.timer is None
    assert call.bridge.ending == EndCall("failed", "server", "internal error")


async def test_a_bug_in_the_last_request_does_not_rewrite_how_the_call_ended() -> None:
    asked = asyncio.Event()

    async def broken(command: HangUp) -> None:
        asked.set()
        while call.bridge.ending is None:  # noqa: ASYNC110  the very next thing that happens
            await asyncio.sleep(0)
        raise ZeroDivisionError

    call = BridgedCall(hang_up=broken, clips=Clips())
    async with bridged(call) as task:
        await call.begin()
        await call.model.wire.shut(1011, "out of order")
        async with asyncio.timeout(SOON):
            await asked.wait()
        await call.phone.stop()
        await call.phone.closed()
    assert task.result() == EndCall("failed", "model", "out of order (1011)")


# -- cancellation --------------------------------------------------------------------------------------------------


async def _live(call: BridgedCall) -> None:
    """A short life: connect, speak, be interrupted, run a tool. Whatever cuts it short is fine."""
    with contextlib.suppress(WireClosed, AssertionError):
        await call.begin()
        await call.model.speak("r1", "i1")
        await call.phone.heard(await call.phone.until("mark"))
        await call.model.hears_speech()
        await call.model.send(type="response.created", response={"id": "r2"})
        await call.model.call("r2", "c1", "rest")
        await call.model.done("r2")


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 21, 27, 34, 44, 55])
async def test_a_call_can_be_cancelled_at_any_turn_of_the_loop(turns: int) -> None:
    call = BridgedCall([rest])
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        task = group.create_task(call.bridge.run(), name="bridge")
        life = group.create_task(_live(call), name="life")
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        life.cancel()
    assert call.bridge._work.timer is None
    if turns:
        assert call.bridge.ending == EndCall("failed", "server", "the call was cancelled")
        assert (await call.phone.closed())[0] == 1001
    await call.toolbox.close()
