"""Whatever a provider offers passes through the gateway and the client, byte for byte and both ways.

The provider is a bare socket here: what the simulated ones know of the protocol today must not decide what passes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from gateways import MASTER, entry, gateway
from telephony import realtime

pytestmark = pytest.mark.timeout(40)

CREATED = '{"type":"session.created","event_id":"e0","session":{"object":"realtime.session","model":"m"}}'
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": session}


def message(*content: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": "message", "role": role, "content": list(content)}}


MCP = {"type": "mcp", "server_label": "shop", "server_url": "https://example.com/mcp", "authorization": "Bearer t"}
FROM_CLIENTS = {
    "functions": update(tools=[{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}]),
    "web search": update(tools=[{"type": "web_search", "allowed_domains": ["example.com"]}]),
    "x search": update(tools=[{"type": "x_search", "allowed_x_handles": ["xai"], "from_date": "2026-01-01"}]),
    "file search": update(tools=[{"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3}]),
    "mcp": update(tools=[MCP], tool_choice={"type": "mcp", "server_label": "shop"}),
    "approval": {"type": "conversation.item.create", "item": {"type": "mcp_approval_response", "approve": True}},
    "image": message({"type": "input_image", "image_url": PIXEL, "detail": "low"}, {"type": "input_text", "text": "?"}),
    "text only": update(type="realtime", output_modalities=["text"], audio={"input": {"turn_detection": None}}),
    "text in the beta": update(modalities=["text"], temperature=0.8),
    "caching": update(truncation={"type": "retention_ratio", "retention_ratio": 0.8}, prompt={"id": "pmpt_1"}),
    "reasoning": update(reasoning={"effort": "none"}),
    "verbatim": {"type": "conversation.item.create", "item": {"type": "force_message", "interruptible": False}},
    "aside": {"type": "response.create", "response": {"conversation": "none", "metadata": {"topic": "x"}, "input": []}},
    "of 2031": {"type": "hologram.project", "depth": [1, 2.50, None, {"": "\u0000\ud83d\ude42"}]},
}
FROM_PROVIDERS = {
    "xai's beginning": {"type": "conversation.created", "conversation": {"id": "c", "object": "realtime.conversation"}},
    "xai's ping": {"type": "ping", "timestamp": 1785214081855},
    "listing": {"type": "mcp_list_tools.completed", "item_id": "i"},
    "calling": {"type": "response.mcp_call_arguments.delta", "item_id": "i", "delta": '{"q":'},
    "approval": {"type": "conversation.item.added", "item": {"type": "mcp_approval_request", "name": "buy"}},
    "words": {"type": "response.output_text.delta", "delta": "Good "},
    "words in the beta": {"type": "response.audio_transcript.delta", "delta": "Good "},
    "cached": {"type": "response.done", "response": {"usage": {"input_token_details": {"cached_tokens": 64}}}},
    "thinking": {"type": "response.output_item.done", "item": {"type": "reasoning", "summary": []}},
    "of 2031": {"type": "hologram.projected", "n": 1.0},
}


class Ends(Protocol):
    """A session, from its first event on."""

    async def send(self, text: str) -> None: ...

    async def recv(self) -> str | bytes: ...


class Provider:
    """Keeps what it is sent, and sends back the next of its events for each."""

    def __init__(self, events: list[str]) -> None:
        self.heard: list[str | bytes] = []
        self.headers: list[str] = []
        self._events = iter(events)

    async def talk(self, connection: ServerConnection) -> None:
        self.headers += [name.lower() for name in connection.request.headers]
        await connection.send(CREATED)
        async for text in connection:
            self.heard.append(text)
            await connection.send(next(self._events))


@asynccontextmanager
async def by_gateway(base: str, provider: str) -> AsyncIterator[Ends]:
    headers = {"Authorization": f"Bearer {MASTER}", "OpenAI-Beta": "realtime=v1"}
    async with (
        gateway([entry(base, provider=provider)]) as running,
        connect(f"{running.url}?model=voice", additional_headers=headers, proxy=None, max_size=None) as socket,
    ):
        yield socket


class _Client:
    def __init__(self, connection: Any) -> None:
        self.send = connection.send_text
        self.recv = connection.recv


@asynccontextmanager
async def by_client(base: str, provider: str) -> AsyncIterator[Ends]:
    async with await realtime(f"{provider}/m", api_base=base) as connection:
        yield _Client(connection)


@pytest.mark.parametrize("provider", ["xai", "openai", "litellm_proxy"])
@pytest.mark.parametrize("way", [by_gateway, by_client])
async def test_whatever_is_offered_passes_untouched(
    way: Callable[[str, str], AbstractAsyncContextManager[Ends]], provider: str
) -> None:
    asked = [json.dumps(event) for event in FROM_CLIENTS.values()]
    answers = [json.dumps(event, indent=1) for event in FROM_PROVIDERS.values()]
    answers += ["not even JSON"] * (len(asked) - len(answers))
    behind = Provider(answers)
    async with asyncio.timeout(20), serve(behind.talk, "127.0.0.1", 0) as server:
        base = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with way(base, provider) as session:
            assert await session.recv() == CREATED
            for text, answer in zip(asked, answers, strict=True):
                await session.send(text)
                assert await session.recv() == answer
    assert behind.heard == asked
    assert "openai-beta" not in behind.headers  # ours to take and nobody's to get: OpenAI ends sessions over it
