"""The official OpenAI client for Python, with nothing changed but its base URL."""

from __future__ import annotations

import base64

import pytest

from gateways import MASTER, entry, gateway, model

openai = pytest.importorskip("openai", reason="the dependency group `clients` is not installed")

pytestmark = pytest.mark.timeout(60)


async def test_it_holds_a_conversation():
    async with await model(profile="openai") as gpt, gateway([entry(gpt.url, provider="openai")]) as running:
        client = openai.AsyncOpenAI(api_key=MASTER, base_url=f"{running.http}/v1")
        kinds, audio, words = [], b"", ""
        async with client, client.realtime.connect(model="voice") as connection:
            await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
            content = [{"type": "input_text", "text": "Hello?"}]
            await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            await connection.response.create()
            async for event in connection:
                kinds.append(event.type)
                if event.type == "response.output_audio.delta":
                    audio += base64.b64decode(event.delta)
                elif event.type == "response.output_audio_transcript.done":
                    words = event.transcript
                elif event.type == "response.done":
                    break
        report = await running.reports.get()
    assert kinds[0] == "session.created"
    assert "session.updated" in kinds
    assert words == "Hello there."
    assert len(audio) > 10_000
    assert gpt.sessions[0].core.faults == []
    assert (report.usage.responses, report.usage.text_items) == (1, 1)


async def test_it_lists_the_models():
    async with (
        gateway([entry("ws://127.0.0.1:9")]) as running,
        openai.AsyncOpenAI(api_key=MASTER, base_url=f"{running.http}/v1") as client,
    ):
        assert [found.id async for found in await client.models.list()] == ["voice"]


async def test_it_understands_why_it_is_refused():
    async with (
        gateway([entry("ws://127.0.0.1:9")]) as running,
        openai.AsyncOpenAI(api_key="wrong", base_url=f"{running.http}/v1") as client,
    ):
        with pytest.raises(openai.AuthenticationError, match="not known here") as caught:
            await client.models.list()
        assert caught.value.code == "invalid_api_key"
