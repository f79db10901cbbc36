"""A simulated model as a process of its own, ended by signals; and numbers that no simulator can be started with."""

from __future__ import annotations

import asyncio
import signal

import aiohttp
import pytest

from terminals import Desk, Telephony


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_model_says_goodbye_to_its_clients_and_what_they_left_undone(desk: Desk, number: int) -> None:
    desk.write("wordy.yaml", "model: {replies: [{on: greeting, say: Hello.}]}")
    model = desk.start("simulate", "model", "--port", "0", "--script", "wordy.yaml")
    line = await asyncio.to_thread(model.until, "A simulated model is at")
    url = next(word for word in line.split() if word.startswith("ws://")) + "/v1/realtime?model=grok"
    async with aiohttp.ClientSession() as session, session.ws_connect(url.replace("ws:", "http:")) as socket:
        await socket.receive(timeout=5)
        model.send(number)
        async with asyncio.timeout(5):
            async for _ in socket:
                pass
        assert socket.close_code == 1001
    assert await asyncio.to_thread(model.ended, 5) == 0
    assert model.errors == ""
    assert "session 0 is over: " in model.out


@pytest.mark.parametrize(
    "words", ["model --port 65536", "model --port -1", "caller --rest-port 65536", "caller --calls 0"]
)
def test_number_out_of_range_is_wrong_usage(telephony: Telephony, words: str) -> None:
    said = telephony("simulate", *words.split())
    assert said.code == 2
    assert words.split()[1] in said.errors
