"""`realtime`: sessions of one's own with simulated models, and the programs that show how."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import telephony
import telephony.realtime.registry  # a package of the same name, which must not take the function's place
from telephony import ConfigurationError, realtime
from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.sim.model_client import hum
from telephony.sim.model_script import decode_script
from telephony.simulate.model import RunningModel, start_model

EXAMPLES = Path(__file__).resolve().parent.parent / "fixtures" / "examples"
QUICK = {"latency_ms": 5, "ready_ms": 1, "speed": [200, 200]}
HELLO = {"replies": [{"on": "text", "say": "Good morning to you."}]}
QUESTION = {
    "type": "conversation.item.create",
    "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]},
}

Start = Callable[..., Coroutine[Any, Any, RunningModel]]


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    for name in ("XAI_API_KEY", "OPENAI_API_KEY", "XAI_API_BASE", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    async with AsyncExitStack() as stack:

        async def start(script: dict[str, Any], **options: Any) -> RunningModel:
            running = await start_model(decode_script({**QUICK, **script}), voice=hum, **options)
            return await stack.enter_async_context(running)

        yield start


@pytest.mark.parametrize(("name", "profile"), [("xai/grok-voice-latest", "xai"), ("openai/gpt-realtime", "openai")])
async def test_a_whole_conversation_by_either_prefix(model: Start, name: str, profile: str) -> None:
    running = await model({**HELLO, "profile": profile}, api_key="k")
    async with await realtime(model=name, api_key="k", api_base=running.url) as ws:
        await ws.send(QUESTION)
        await ws.send_text(json.dumps({"type": "response.create"}))
        types = []
        async for message in ws:
            types.append(json.loads(message)["type"])
            if types[-1] == "response.done":
                break
    assert types[0] == "session.created"
    assert "response.output_audio.delta" in types
    (session,) = running.sessions
    async with asyncio.timeout(10):
        await session.ended.wait()
    assert session.model == name.partition("/")[2]
    assert session.core.faults == []
    assert session.core.unmet == []


@pytest.mark.parametrize("first", ["both", "created_only", "conversation_only", "reversed"])
async def test_whichever_event_comes_first_is_read_first(model: Start, first: str) -> None:
    running = await model({"first_events": first})
    async with await realtime("xai/m", api_base=running.url) as ws:
        assert json.loads(await ws.recv())["type"] in ("session.created", "conversation.created")


async def test_a_wish_in_the_older_spelling_reaches_xai(model: Start) -> None:
    running = await model(HELLO)
    audio = {"type": "input_audio", "audio": "AAAA" * 4000}
    async with await realtime("xai/m", api_base=running.url) as ws:
        item = {"type": "message", "role": "user", "content": [audio]}
        await ws.send_text(json.dumps({"type": "conversation.item.create", "item": item}))
        wish = {"modalities": ["text", "audio"], "instructions": "Be friendly."}
        await ws.send_text(json.dumps({"type": "response.create", "response": wish}))
        kinds = set()
        async for message in ws:
            kinds.add(json.loads(message)["type"])
            if "response.done" in kinds:
                break
    assert "response.output_audio.delta" in kinds
    assert "error" not in kinds


async def test_messages_can_be_had_as_dictionaries(model: Start) -> None:
    running = await model({"replies": [{**HELLO["replies"][0], "malformed": 3}]})
    async with await realtime("xai/m", api_base=running.url) as ws:
        await ws.send(QUESTION)
        await ws.send({"type": "response.create"})
        async for event in ws.events():
            if event["type"] == "response.done":
                break


async def test_key_and_address_come_from_the_providers_own_variables(
    model: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await model({}, api_key="mine")
    monkeypatch.setenv("XAI_API_KEY", "mine")
    monkeypatch.setenv("XAI_API_BASE", running.url)
    await (await realtime(model="xai/grok-voice-latest")).close()
    assert running.sessions[0].model == "grok-voice-latest"


@pytest.mark.parametrize(
    ("name", "profile", "words"),
    [
        ("xai/m", "xai", r"HTTP 401: the API key is wrong or missing"),
        ("openai/m", "openai", r"refused it: invalid_api_key"),
    ],
)
async def test_a_wrong_key_is_told_at_once_and_in_words(model: Start, name: str, profile: str, words: str) -> None:
    running = await model({"profile": profile}, api_key="right")
    with pytest.raises(UpstreamRefused, match=words) as refusal:
        await realtime(name, api_key="wrong-key", api_base=running.url)
    assert "wrong-key" not in str(refusal.value)


async def test_a_server_that_is_not_there_is_told_in_words(model: Start) -> None:
    gone = await model({})
    await gone.close()
    with pytest.raises(UpstreamLost, match="nothing listens there"):
        await realtime("xai/m", api_base=gone.url)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "xai/m"}, r"XAI_API_KEY \(realtime\(\)\): .*Set XAI_API_KEY in the environment, or give api_key"),
        ({"model": "mystery"}, r"^model \(realtime\(\)\): .*give its api_base"),
        ({"model": "xai/m", "api_base": "api.x.ai"}, r"^api_base \(realtime\(\)\): .*not an address"),
    ],
)
async def test_what_cannot_be_used_is_a_mistake_of_the_call(
    model: Start, arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        await realtime(**arguments)


async def test_a_session_that_ends_ends_the_iteration(model: Start) -> None:
    running = await model({})
    ws = await realtime("xai/m", api_base=running.url)
    await running.sessions[0].close(1000, "that was it")
    types = [json.loads(message)["type"] async for message in ws]
    assert types[0] == "session.created"
    assert ws.closed == (1000, "that was it")
    with pytest.raises(UpstreamLost, match=r"xai/m at ws://.*closed with code 1000 \(that was it\)"):
        await ws.recv()
    with pytest.raises(UpstreamLost, match="code 1000"):
        await ws.send({"type": "response.create"})
    await ws.close()
    await ws.close()


async def test_a_session_that_breaks_off_breaks_the_iteration(model: Start) -> None:
    running = await model({})
    async with await realtime("xai/m", api_base=running.url) as ws:
        await running.sessions[0].close(1011, "boom")
        with pytest.raises(UpstreamLost, match=r"code 1011 \(boom\)") as loss:
            [message async for message in ws]
    assert loss.value.code == 1011


async def test_what_several_tasks_send_arrives_whole(model: Start) -> None:
    running = await model({})
    async with await realtime("xai/m", api_base=running.url) as ws, asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(ws.send({"type": "input_audio_buffer.clear"}), name=f"sender {number}")
    (session,) = running.sessions
    async with asyncio.timeout(10):
        await session.ended.wait()
    assert session.core.received["input_audio_buffer.clear"] == 50


def test_the_function_keeps_its_name_beside_the_package() -> None:
    assert telephony.realtime is realtime
    assert callable(realtime)


# -- the programs in fixtures/examples -----------------------------------------------------------------------------


async def run(program: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / program), *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_the_text_program_prints_the_answer(model: Start) -> None:
    running = await model(HELLO)
    output = await run("text_conversation.py", running.url)
    assert output.startswith("Connected.")
    assert "Good morning to you." in output
    assert running.sessions[0].core.faults == []


@pytest.mark.parametrize("variant", [{}, {"profile": "openai", "beta_names": True}, {"profile": "openai"}])
async def test_the_voice_program_keeps_the_answer(model: Start, tmp_path: Path, variant: dict[str, Any]) -> None:
    running = await model({**HELLO, **variant})
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    with wave.open(str(question), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes(24_000))
    output = await run("voice_conversation.py", str(question), str(answer), running.url)
    with wave.open(str(answer), "rb") as file:
        assert (file.getframerate(), file.getnchannels()) == (24_000, 1)
        seconds = file.getnframes() / 24_000
    assert seconds == pytest.approx(0.06 * len("Good morning to you."), rel=0.1)
    assert f"{seconds:.1f} s of answer." in output
