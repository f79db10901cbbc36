"""A call's sessions with models over memory wires: lost, replaced, withdrawn, blamed, and all of them closed."""

from __future__ import annotations

import asyncio

import pytest

from bridged import SOON, BridgedCall, Model, bridged
from telephony.commands import EndCall
from telephony.settings import Limits

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

BRIEF = 0.1
"""Seconds; a limit that a test wants to see reached."""
HUNG_UP = EndCall("completed", "caller", "caller hung up")


async def error(model: Model, code: str) -> None:
    await model.send(type="error", error={"code": code, "message": "It is over."})


async def say(model: Model, item: str, text: str) -> None:
    await model.speak(f"r-{item}", item)
    done = {"response_id": f"r-{item}", "item_id": item, "transcript": text}
    await model.send(type="response.output_audio_transcript.done", **done)


async def texts(model: Model) -> list[str]:
    """What a session that has accepted its configuration is told of the call, up to the first of the caller's audio."""
    await model.until("input_audio_buffer.append")
    items = [message["item"] for message in model.received if message["type"] == "conversation.item.create"]
    return [part["text"] for item in items for part in item.get("content", [])]


async def test_a_lost_session_is_replaced_by_one_that_is_told_the_conversation_and_hears_the_caller() -> None:
    call = BridgedCall(others=1)
    first, second = call.models
    async with bridged(call) as task:
        await call.begin()
        await say(first, "i1", "Hello.")
        await call.phone.heard(await call.phone.until("mark"))
        await first.wire.shut(1011, "overloaded")
        await second.ready()
        await call.phone.speak(100)
        assert await texts(second) == ["Hello."]
        await say(second, "i1", "Here I am.")
        mark = await call.phone.until("mark")
        await call.phone.heard(mark)
        await call.phone.stop()
    assert task.result() == HUNG_UP
    assert call.asked == [(False, ""), (True, "")]
    assert call.blamed == [(0, "overloaded (1011)")]
    assert "The call went on with xai/other" in " ".join(call.said)
    turns = call.exchange.conversation.turns(call.bridge.duration)
    assert [(turn.item_id, turn.heard) for turn in turns] == [("i1", "Hello."), ("s1-i1", "Here I am.")]


async def test_a_session_that_says_it_is_over_is_closed_by_us() -> None:
    call = BridgedCall(others=1)
    first, second = call.models
    async with bridged(call) as task:
        await call.begin()
        await error(first, "session_expired")
        assert (await first.closed())[0] == 1000
        await second.ready()
        await call.phone.stop()
        assert (await second.closed())[0] == 1000
    assert task.result() == HUNG_UP


async def test_a_session_that_fails_before_it_takes_over_is_blamed_itself_and_the_next_is_asked() -> None:
    call = BridgedCall(others=2)
    first, second, third = call.models
    async with bridged(call) as task:
        await call.begin()
        await first.wire.shut(1011, "overloaded")
        await second.until("session.update")
        await error(second, "insufficient_quota")
        assert (await second.closed())[0] == 1000
        await third.ready()
        await call.phone.speak(100)
        await third.until("input_audio_buffer.append")
        await call.phone.stop()
    assert task.result() == HUNG_UP
    assert call.blamed == [(0, "overloaded (1011)"), (1, "insufficient_quota: It is over.")]


async def test_what_a_closed_session_still_says_reaches_nobody() -> None:
    call = BridgedCall(others=1)
    first, second = call.models
    async with bridged(call) as task:
        await call.begin()
        await error(first, "session_expired")
        await say(first, "i1", "Too late.")
        await second.ready()
        await say(second, "i1", "Here I am.")
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
    assert task.result() == HUNG_UP
    turns = call.exchange.conversation.turns(call.bridge.duration)
    assert [(turn.item_id, turn.heard) for turn in turns] == [("s1-i1", "Here I am.")]


async def test_nothing_waits_for_a_session_that_is_not_wanted_any_more() -> None:
    """The model is silent, so another one is looked for; it speaks before that one is reached."""
    reached, cancelled = asyncio.Event(), asyncio.Event()

    async def connect() -> None:
        if len(call.asked) == 1:
            return
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    call = BridgedCall(others=1, connect=connect, limits=Limits(dead_air=BRIEF))
    async with bridged(call) as task:
        await call.begin()
        await call.model.hears_speech()
        await reached.wait()
        await call.model.speak("r1", "i1")
        async with asyncio.timeout(SOON):
            await cancelled.wait()
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
    assert task.result() == HUNG_UP
    assert "the model speaks after all" in call.said


async def test_a_session_that_is_open_and_not_wanted_any_more_is_closed_without_blame() -> None:
    call = BridgedCall(others=1, limits=Limits(dead_air=BRIEF))
    first, second = call.models
    async with bridged(call) as task:
        await call.begin()
        await first.hears_speech()
        await second.until("session.update")
        await first.speak("r1", "i1")
        assert (await second.closed())[0] == 1000
        await call.phone.stop()
    assert task.result() == HUNG_UP
    assert [number for number, _ in call.blamed] == [0]


async def test_a_call_that_ends_while_a_session_is_looked_for_leaves_nothing_behind() -> None:
    looking = asyncio.Event()

    async def connect() -> None:
        if len(call.asked) > 1:
            looking.set()
            await asyncio.Event().wait()

    call = BridgedCall(others=1, connect=connect)
    async with bridged(call) as task:
        await call.begin()
        await call.model.wire.shut(1011, "overloaded")
        await looking.wait()
        await call.phone.stop()
    assert task.result() == HUNG_UP


async def test_an_old_session_is_replaced_in_silence_and_closed() -> None:
    call = BridgedCall(others=1, limits=Limits(session=BRIEF, caller_silence=0))
    first, second = call.models
    async with bridged(call) as task:
        await call.begin()
        await second.ready()
        assert (await first.closed())[0] == 1000
        await call.phone.speak(100)
        await second.until("input_audio_buffer.append")
        await call.phone.stop()
    assert task.result() == HUNG_UP
    assert call.blamed == []


async def test_a_conversation_is_resumed_by_its_id() -> None:
    call = BridgedCall(others=1, extra={"resumption": {"enabled": True}})
    first, second = call.models
    async with bridged(call) as task:
        await first.send(type="conversation.created", conversation={"id": "conv_1"})
        await call.begin()
        await first.wire.shut(1011, "overloaded")
        await second.ready()
        await call.phone.stop()
    assert task.result() == HUNG_UP
    assert call.asked == [(False, ""), (True, "conv_1")]


async def test_when_nobody_takes_over_every_session_is_closed_and_the_caller_told() -> None:
    call = BridgedCall(others=1, limits=Limits(replacements=1))
    first, second = call.models
    async with bridged(call) as task:
        await call.begin()
        await first.wire.shut(1011, "overloaded")
        await second.ready()
        await second.wire.shut(1013, "busy")
        await call.phone.heard(await call.phone.until("mark"))
        await call.phone.stop()
    assert task.result() == EndCall("failed", "model", "busy (1013)")
    assert len(call.hung_up) == 1
