"""A whole process with an API in a test, keys for every scope, and secrets wherever the settings take some."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from apis import EVERYTHING, Client, keys_of
from offices import TOKEN, World, world
from telephony.agents.agent import Agent
from telephony.settings import ApiSettings, DiallingSettings, GatewayKey, GatewaySettings, Limits, OutboundSettings
from telephony.tools import tool

SALES = "+15550177"
OURS, MASTER, CLIENTS = "our-own-key-for-calls", "sk-master-0123456789abcdef", "sk-client-0123456789abcdef"
PLANTED = (TOKEN, OURS, MASTER, CLIENTS)
REPLIES = [{"on": "greeting", "say": "Hello."}, {"on": "speech", "say": "I see."}]


@tool
async def confess(question: str) -> str:
    """Tell everything.

    Args:
        question: What.
    """
    return f"{question}: " + " ".join(PLANTED)


@contextlib.asynccontextmanager
async def serving(folder: Path, replies: Any = REPLIES, **changes: Any) -> AsyncIterator[tuple[World, Client]]:
    """A process with keys for every scope, and who asks it."""
    agent = Agent("frontdesk", greeting="Hello.", tools=[confess, "builtin:hang_up"], limits=Limits(caller_silence=0))
    settings = {
        "api": ApiSettings(keys=keys_of()),
        "outbound": OutboundSettings(api_key=SecretStr(OURS), from_number="+15550100"),
        "gateway": GatewaySettings(keys={"client": GatewayKey(key=SecretStr(CLIENTS))}),
        "dialling": DiallingSettings.model_validate({"directory": {"sales": SALES}}),
    }
    async with world(folder, {"replies": replies}, agent, **{**settings, **changes}) as made:
        yield made, Client(made.office.settings.public_url)


async def asked(client: Client, path: str, body: Any = None, key: str = EVERYTHING) -> tuple[int, Any]:
    status, _, answer = await client.ask(path, method="GET" if body is None else "POST", key=key, json=body)
    return status, json.loads(answer)


async def live_call(client: Client) -> dict[str, Any]:
    """The one that goes on, once the agent has greeted."""
    async with asyncio.timeout(10):
        while True:
            _, body = await asked(client, "/live")
            if body["calls"] and body["calls"][0]["turns"]:
                return dict(body["calls"][0])
            await asyncio.sleep(0.05)
