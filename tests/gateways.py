"""A whole gateway on loopback, with simulated models behind it, for tests that speak with it over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from telephony.runtime.gateway import OpenGateway, open_gateway
from telephony.server.gateway import SessionReport
from telephony.settings import ModelEntry, Settings
from telephony.sim.model_client import hum
from telephony.sim.model_script import decode_script
from telephony.simulate.model import RunningModel, start_model

MASTER = "sk-master-of-this-test"
REPLIES = [
    {"on": "text", "say": "Hello there."},
    {"on": "text", "say": "Still here."},
    {"on": "greeting", "say": "Hi."},
]
QUICK = {"latency_ms": 5, "ready_ms": 1, "speed": [200, 200], "replies": REPLIES}


async def model(**script: Any) -> RunningModel:
    """A simulated model that answers at once."""
    return await start_model(decode_script({**QUICK, **script}), voice=hum)


def entry(base: str, name: str = "voice", provider: str = "xai", **params: Any) -> ModelEntry:
    """A deployment at *base*."""
    written = {"model": f"{provider}/grok", "api_base": base, "api_key": "k", **params}
    return ModelEntry.model_validate({"model_name": name, "litellm_params": written})


@dataclass
class Running:
    """The gateway, and a report of every session that is over."""

    process: OpenGateway
    reports: asyncio.Queue[SessionReport] = field(default_factory=asyncio.Queue)

    @property
    def http(self) -> str:
        return self.process.address

    @property
    def url(self) -> str:
        """`ws://…/v1/realtime`."""
        return f"ws{self.http.removeprefix('http')}/v1/realtime"


@contextlib.asynccontextmanager
async def gateway(models: Iterable[ModelEntry], **settings: Any) -> AsyncIterator[Running]:
    """Serve *models*; *settings* are those of the configuration."""
    general = {"master_key": MASTER}
    values = {"host": "127.0.0.1", "port": 0, "drain": 0, "general_settings": general, "model_list": list(models)}
    async with open_gateway(Settings.model_validate({**values, **settings}), {}) as process:
        running = Running(process)
        process.gateway.on_session = running.reports.put_nowait
        yield running
