"""Two deployments of one name on two simulated models: spread, one killed, and back again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from telephony.errors import UpstreamRefused
from telephony.settings import ModelEntry, RouterSettings
from telephony.sim.model_client import hum
from telephony.sim.model_script import decode_script
from telephony.simulate.model import RunningModel, start_model
from telephony.upstream import Session, Upstream, deployments

CONFIG = """
model_list:
  - model_name: grok-voice-agent
    litellm_params: {model: xai/grok-voice-latest, api_base: %s}
    model_info: {mode: realtime}
  - model_name: grok-voice-agent
    litellm_params: {model: openai/gpt-realtime, api_base: %s}
    model_info: {mode: realtime}
"""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def model(stack: AsyncExitStack, port: int = 0, api_key: str | None = None, **script: Any) -> RunningModel:
    running = await start_model(decode_script(script), voice=hum, port=port, api_key=api_key)
    return await stack.enter_async_context(running)


def upstream(clock: Clock, first: RunningModel, second: RunningModel, **settings: Any) -> Upstream:
    config = yaml.safe_load(CONFIG % (first.url, second.url))
    entries = [ModelEntry.model_validate(entry) for entry in config["model_list"]]
    return Upstream(deployments(entries, {}), RouterSettings(**settings), clock=clock)


async def sessions(pool: Upstream, stack: AsyncExitStack, count: int) -> list[Session]:
    """Sessions that are asked for one after the other and held."""
    return [await stack.enter_async_context(await pool.connect("grok-voice-agent", budget=5)) for _ in range(count)]


def spread(found: list[Session]) -> Counter[str]:
    return Counter(session.deployment.provider for session in found)


@pytest.mark.parametrize("strategy", ["least-busy", "simple-shuffle"])
async def test_a_hundred_sessions_are_spread(stack: AsyncExitStack, strategy: str) -> None:
    xai, openai = await model(stack), await model(stack, profile="openai")
    pool = upstream(Clock(), xai, openai, routing_strategy=strategy)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(sessions(pool, stack, 1), name=f"caller {i}") for i in range(100)]
    assert spread([session for task in asked for session in task.result()]) == {"xai": 50, "openai": 50}
    assert (len(xai.sessions), len(openai.sessions)) == (50, 50)


async def test_a_killed_model_costs_one_attempt_and_comes_back_after_its_cool_down(stack: AsyncExitStack) -> None:
    clock = Clock()
    xai, openai = await model(stack), await model(stack, profile="openai")
    pool = upstream(clock, xai, openai, cooldown_time=30)
    await sessions(pool, stack, 4)

    port = urlsplit(xai.url).port
    assert port
    await xai.close()
    knocks = []

    def knock(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append(clock.now)
        writer.close()

    grave = await asyncio.start_server(knock, "127.0.0.1", port)
    clock.now = 1
    assert spread(await sessions(pool, stack, 10)) == {"openai": 10}
    assert knocks == [1]
    clock.now = 32
    assert spread(await sessions(pool, stack, 10)) == {"openai": 10}
    assert knocks == [1, 32]  # half open: one trial, which failed
    grave.close()
    await grave.wait_closed()

    await model(stack, port)
    clock.now = 61
    assert spread(await sessions(pool, stack, 3)) == {"openai": 3}
    clock.now = 63
    assert spread(await sessions(pool, stack, 3)) == {"xai": 3}


async def test_a_running_session_that_is_lost_sends_the_next_one_elsewhere(stack: AsyncExitStack) -> None:
    xai, openai = await model(stack), await model(stack, profile="openai")
    pool = upstream(Clock(), xai, openai)
    (session,) = await sessions(pool, stack, 1)
    await xai.sessions[0].close(1011, "killed")
    assert [message async for message in session]
    assert spread(await sessions(pool, stack, 4)) == {"openai": 4}


@pytest.mark.parametrize(
    "script",
    [
        {"refuse": 401},
        {"refuse": 429},
        {"refuse": 503},
        {"profile": "openai", "open_error": "invalid_api_key"},
        {"profile": "openai", "open_error": "rate_limit_exceeded"},
        {"profile": "openai", "open_error": "beta_api_shape_disabled"},
    ],
)
async def test_whoever_refuses_is_asked_once_and_the_caller_never_notices(
    stack: AsyncExitStack, script: dict[str, Any]
) -> None:
    bad, good = await model(stack, **script), await model(stack, profile="openai")
    pool = upstream(Clock(), bad, good)
    assert spread(await sessions(pool, stack, 5)) == {"openai": 5}
    assert len(bad.sessions) <= 1
    assert len(pool.balancer.resting(0)) == 1


async def test_a_model_that_is_silent_until_it_is_spoken_to_is_as_good_as_any(stack: AsyncExitStack) -> None:
    silent, good = await model(stack, first_events="none", ping_s=0), await model(stack, profile="openai")
    pool = upstream(Clock(), silent, good)
    found = await sessions(pool, stack, 2)
    assert spread(found) == {"xai": 1, "openai": 1}


async def test_when_every_place_is_taken_it_is_said_so_at_once(stack: AsyncExitStack) -> None:
    only = await model(stack)
    entry = {"model_name": "v", "litellm_params": {"model": "xai/m", "api_base": only.url, "max_parallel_requests": 1}}
    pool = Upstream(deployments([ModelEntry.model_validate(entry)], {}))
    async with await pool.connect("v", budget=5):
        with pytest.raises(UpstreamRefused, match=r"xai/m: 1 of 1 sessions.*max_sessions") as refusal:
            await pool.connect("v", budget=5)
        assert refusal.value.status == 429
    async with await pool.connect("v", budget=5):
        pass
    assert len(only.sessions) == 2
