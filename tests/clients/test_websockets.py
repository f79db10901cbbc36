"""The sample that providers print for Python: `websockets`, a bearer key, and often still the header of the beta."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets

from gateways import MASTER, entry, gateway, model

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("profile", ["xai", "openai"])
async def test_the_sample_runs(profile):
    async with await model(profile=profile) as behind, gateway([entry(behind.url, provider=profile)]) as running:
        url = f"{running.url}?model=voice"
        headers = {"Authorization": "Bearer " + MASTER, "OpenAI-Beta": "realtime=v1"}
        async with asyncio.timeout(20), websockets.connect(url, additional_headers=headers) as ws:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}
            await ws.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await ws.send(json.dumps({"type": "response.create"}))
            kinds = []
            async for message in ws:
                kinds.append(json.loads(message)["type"])
                if kinds[-1] == "response.done":
                    break
    assert kinds[0] == "session.created"
    assert "response.output_audio.delta" in kinds
