"""Messages through the relay come out as they went in, and every ending reaches the other side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from relayed import Sessions
from telephony.bridge.relay import UNSENT_TO_MODEL, Ending, code_for_client

pytestmark = pytest.mark.timeout(40)


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    async with AsyncExitStack() as stack:
        yield Sessions(stack)


ODD_TEXTS = [
    '{"type":"response.output_audio.delta","delta":"AAAA"}',
    '{ "type" : "an.event.from.2031", "n": 1.0, "n": 1e2, "s": "\\u0000\\ud83d\\ude42" }\n',
    "not even JSON",
    "grüß Gott 🙂 \x00",
    "",
]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def ended(connection: ClientConnection) -> tuple[list[Any], int | None, str | None]:
    """What still comes (events as objects), and the close code and reason."""
    events = []
    try:
        async with asyncio.timeout(20):
            while True:
                message = await connection.recv()
                events.append(json.loads(message) if isinstance(message, str) else message)
    except ConnectionClosed:
        return events, connection.close_code, connection.close_reason


async def test_text_frames_pass_untouched_both_ways(sessions):
    session = await sessions.open(echo)
    for text in ODD_TEXTS:
        await session.client.send(text)
    assert [await session.client.recv() for _ in ODD_TEXTS] == ODD_TEXTS


async def test_what_the_model_says_before_it_is_spoken_to_comes_first(sessions):
    async def opening(connection):
        await connection.send("session.created")
        await echo(connection)

    session = await sessions.open(opening)
    await session.client.send("hello")
    assert [await session.client.recv() for _ in range(2)] == ["session.created", "hello"]


async def test_binary_frames_pass_to_a_model_that_takes_them(sessions):
    session = await sessions.open(echo, relay={"binary": True})
    await session.client.send(b"\x00\xff")
    assert await session.client.recv() == b"\x00\xff"


async def test_a_binary_frame_for_a_model_that_takes_none_is_answered_and_the_session_goes_on(sessions):
    session = await sessions.open(echo)
    await session.client.send(b'{"type": "response.create"}')
    await session.client.send("still here")
    error = json.loads(await session.client.recv())
    assert (error["type"], error["error"]["code"]) == ("error", "binary_frame_not_supported")
    assert await session.client.recv() == "still here"


async def test_a_message_of_fifteen_mebibytes_passes(sessions):
    session = await sessions.open(echo)
    event = json.dumps({"type": "input_audio_buffer.append", "audio": "A" * (15 * 2**20 - 100)})
    async with asyncio.TaskGroup() as group:
        heard = group.create_task(session.client.recv(), name="client")
        await session.client.send(event)
    assert heard.result() == event


async def test_usage_is_counted(sessions):
    async def provider(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"type": "response.done", "usage": {"total_tokens": 7}}')
        await connection.close()

    session = await sessions.open(provider)
    await session.client.send(
        '{"type": "conversation.item.create", "item": {"type": "message", "content": [{"type": "input_text"}]}}'
    )
    await session.ending()
    usage = (await session.relay()).meter.usage
    assert (usage.responses, usage.total_tokens, usage.text_items) == (1, 7, 1)


# -- endings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1001, 1008, 1011, 1013, 3000, 4000, 4999])
async def test_the_models_close_code_reaches_the_client_after_an_error_that_explains(sessions, code):
    async def provider(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.close(code, "because")

    session = await sessions.open(provider)
    assert await session.client.recv() == "last words"
    (error,), got, reason = await ended(session.client)
    assert (got, reason) == (code, "because")
    assert error["type"] == "error"
    assert str(code) in error["error"]["message"]
    assert "because" in error["error"]["message"]
    assert {"type", "code", "message", "param", "event_id"} <= set(error["error"])
    assert error["event_id"]
    assert await session.ending() == Ending("model", code, "because", "upstream_closed")


async def test_a_normal_close_needs_no_explanation(sessions):
    async def provider(connection: ServerConnection) -> None:
        await connection.close(1000, "bye")

    assert await ended((await sessions.open(provider)).client) == ([], 1000, "bye")


async def test_a_model_that_vanishes_is_an_internal_error(sessions):
    async def provider(connection: ServerConnection) -> None:
        connection.transport.abort()

    (error,), code, _ = await ended((await sessions.open(provider)).client)
    assert code == 1011
    assert "without a close frame" in error["error"]["message"]


def test_only_codes_with_a_meaning_for_others_are_passed_on():
    passed = [code for code in (*range(1000, 1017), 2999, 3000, 4999) if code_for_client(code) == code]
    assert passed == [1000, 1001, 1008, 1011, 1013, 3000, 4999]
    assert {code_for_client(code) for code in (None, 1002, 1005, 1006, 1009, 1015, 5000)} == {1011}


@pytest.mark.parametrize("manner", ["close", "vanish"])
async def test_a_client_that_goes_ends_the_models_session_at_once(sessions, manner):
    gone: asyncio.Future[tuple[int | None, str | None]] = asyncio.get_running_loop().create_future()

    async def provider(connection: ServerConnection) -> None:
        await connection.wait_closed()
        gone.set_result((connection.close_code, connection.close_reason))

    session = await sessions.open(provider)
    await session.relay()
    if manner == "close":
        await session.client.close(4001, "enough")
    else:
        session.client.transport.abort()
    assert await gone == (1000, "the client ended the session")
    ending = await session.ending()
    assert (ending.by, ending.code) == ("client", 4001 if manner == "close" else None)


async def test_what_was_queued_for_the_model_does_not_delay_its_end(sessions):
    """Nobody is there any more to hear the answer, and until the close the session is billed."""
    reading = asyncio.Event()

    async def provider(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        reading.set()
        await connection.wait_closed()

    session = await sessions.open(provider, model={"close_patience": 0.1})
    await reading.wait()
    for _ in range(60):
        await session.client.send("x" * 100_000)
    await session.client.close()
    assert (await session.ending()).by == "client"


async def test_the_allowance_ends_the_session(sessions):
    left = iter([10.0, 0.0])

    async def provider(connection: ServerConnection) -> None:
        await connection.wait_closed()

    session = await sessions.open(provider, allowance=lambda: next(left) / 100)
    (error,), code, reason = await ended(session.client)
    assert (error["error"]["code"], code) == ("minutes_exhausted", 1008)
    assert reason == "the minutes of your key are used up"


async def test_a_session_can_be_stopped_from_outside(sessions):
    async def provider(connection: ServerConnection) -> None:
        await connection.wait_closed()

    session = await sessions.open(provider)
    (await session.relay()).stop()
    (error,), code, _ = await ended(session.client)
    assert (error["error"]["code"], code) == ("gateway_stopping", 1001)


# -- slow readers --------------------------------------------------------------------------------------------------

CHUNK = "x" * 64_000


async def test_a_client_that_reads_too_slowly_is_closed_and_told(sessions):
    model_gone = asyncio.Event()

    async def provider(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(CHUNK)
        model_gone.set()

    session = await sessions.open(provider, client={"close_patience": 10})
    session.client.transport.pause_reading()
    await model_gone.wait()
    session.client.transport.resume_reading()
    with suppress(ConnectionClosed):
        while True:
            await session.client.recv()
    assert (session.client.close_code, session.client.close_reason) == (1013, "you read too slowly")
    assert (await session.ending()).error == "slow_reader"


async def test_a_client_that_does_not_read_at_all_is_given_up(sessions):
    async def provider(connection: ServerConnection) -> None:
        for _ in range(120):  # less than the bound: only time can tell
            await connection.send(CHUNK)
        await connection.wait_closed()

    session = await sessions.open(provider, client={"send_patience": 0.2, "close_patience": 0.2})
    session.client.transport.pause_reading()
    ending = await session.ending()
    assert (ending.by, ending.code) == ("client", 1013)


async def test_a_client_that_sends_faster_than_the_model_reads_is_made_to_wait(sessions):
    loop = asyncio.get_running_loop()
    go_on, received = asyncio.Event(), loop.create_future()
    total = 3 * UNSENT_TO_MODEL // len(CHUNK) + 300

    async def provider(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await go_on.wait()
        connection.transport.resume_reading()
        received.set_result([len(await connection.recv()) for _ in range(total)])
        await connection.wait_closed()

    session = await sessions.open(provider)
    relay = await session.relay()

    async def send() -> None:
        for _ in range(total):
            await session.client.send(CHUNK)

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send(), name="client")
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.shield(sending)
        assert not sending.done()
        assert relay._model.waiting <= UNSENT_TO_MODEL + len(CHUNK)
        go_on.set()
        assert await received == [len(CHUNK)] * total
