"""`bench flood`: the gaps that calls hear while strangers flood the port, beside the same calls left in peace.

Three runs under the same load of calls, with 20 ms a message both ways: in peace, which is the floor; with the flood
going to a listener that resets everybody, which shows what the flood alone does to this machine; and with the flood at
the port of the calls. Calls come from 127.0.0.1, which counts as a proxy there, and strangers from other addresses of
loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from telephony.bench import messages
from telephony.bench.child import ask, end
from telephony.bench.figures import Figure, Target
from telephony.bench.fleet import Fleet, Line, open_fleet
from telephony.bench.relay import BUSY, PAUSE, Served, endings, serve
from telephony.bench.served import Setup
from telephony.bench.strangers import Attack, Seen
from telephony.bench.timing import percentile
from telephony.settings import AUDIO_FORMATS

SETTLE = 1.0
"""Seconds between the last call placed, or the beginning of the flood, and the first moment measured."""
LONGEST = 180.0
"""Seconds that all runs may take beyond what they measure; they are stuck then."""
GAP = 50.0
"""Milliseconds: what the 99th percentile of the gaps is to stay under."""
OURS = "127.0.0.1"

Where = Literal["nowhere", "elsewhere", "here"]


class Plan(msgspec.Struct, frozen=True):
    """How many calls, and what floods the port meanwhile."""

    calls: int = 20
    seconds: float = 10.0
    idle: int = 10_000
    slow: int = 300
    per_second: float = 1000.0
    addresses: int = 1
    """That the strangers have."""
    admitted: bool = False
    """Whether the limits are lifted, so that all of the strangers are let in."""


class Run(msgspec.Struct):
    """What one run gave, in milliseconds."""

    gaps_in: list[float]
    gaps_out: list[float]
    turns: list[float]
    lags: list[float]
    webhooks: list[float]
    cpu: float
    """Of a core, what the server took."""
    rss: int
    """Bytes that the server grew by."""
    seen: Seen | None
    complaints: list[str]


async def measure(plan: Plan) -> tuple[list[Figure], list[str]]:
    """Figures, and what makes them doubtful. Raises `TelephonyError` if a run cannot even begin and `TimeoutError` if
    it does not end."""
    async with asyncio.timeout(LONGEST + 3 * plan.seconds):
        peace, beside, flood = [await _run(plan, where) for where in ("nowhere", "elsewhere", "here")]
    told = {"In peace": peace, "Beside the flood": beside, "In the flood": flood}
    return _figures(peace, beside, flood), [f"{when}. {text}" for when, run in told.items() for text in run.complaints]


def _figures(peace: Run, beside: Run, flood: Run) -> list[Figure]:
    figures = []
    for name, run, held in (("flood", flood, True), ("flood.beside", beside, False)):
        for what, row, floor, target in (
            ("gap_in", run.gaps_in, peace.gaps_in, GAP),
            ("gap_out", run.gaps_out, peace.gaps_out, GAP),
            ("loop_turn", run.turns, peace.turns, None),
            ("loop_lag", run.lags, peace.lags, None),
            ("webhook_to_twiml", run.webhooks, peace.webhooks, None),
        ):
            for percent in (50, 99, 100):
                limit = Target("value", target) if held and target and percent == 99 else None
                where = f"{name}.{what}.{'max' if percent == 100 else f'p{percent}'}"
                figures.append(Figure(where, "ms", percentile(row, percent), percentile(floor, percent), limit))
        figures.append(Figure(f"{name}.cpu", "of a core", run.cpu, peace.cpu))
    figures.append(Figure("flood.memory", "MiB", flood.rss / 2**20))
    if flood.seen:
        figures.append(Figure("flood.held", "connections", flood.seen.held))
        figures.append(Figure("flood.opened", "connections", flood.seen.opened))
        figures.append(Figure("flood.refused", "connections", flood.seen.closed))
    return figures


async def _run(plan: Plan, where: Where) -> Run:
    token = secrets.token_hex(16)
    async with contextlib.AsyncExitStack() as stack:
        speech = AUDIO_FORMATS["pcmu"]
        fleet, model_url = await stack.enter_async_context(open_fleet(speech, messages.FRAME_MS))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="telephony-bench-"))
        limits = _limits(plan)
        setup = Setup("program", model_url, "pcmu", record=False, folder=folder, auth_token=token, connections=limits)
        served = await stack.enter_async_context(serve(setup))
        async with asyncio.TaskGroup() as group:
            run = await _measured(plan, where, fleet, Line(served.webhook, token), served, group)
            run.complaints += await fleet.hang_up()
        run.complaints += await endings(served, plan.calls)
        return run


def _limits(plan: Plan) -> dict[str, Any]:
    """Strangers are not taken for proxies."""
    if plan.admitted:
        return {"most": 1_000_000, "per_address": 1_000_000, "per_second": 1e6, "proxies": [OURS]}
    return {"proxies": [OURS]}


async def _measured(
    plan: Plan, where: Where, fleet: Fleet, line: Line, served: Served, group: asyncio.TaskGroup
) -> Run:
    await fleet.place(line, plan.calls, group)
    await asyncio.sleep(SETTLE)
    fleet.latencies.take_gaps()
    async with contextlib.AsyncExitStack() as stack:
        strangers = None
        before, load_before, began = await served.read(), time.process_time(), time.monotonic()
        if where != "nowhere":
            port = urlsplit(line.webhook).port or 0
            strangers = await stack.enter_async_context(_strangers(plan, port if where == "here" else 0))
        webhooks = await _webhooks(plan, fleet, line)
        after, load, seconds = await served.read(), time.process_time() - load_before, time.monotonic() - began
        gaps_in, gaps_out = fleet.latencies.take_gaps()
        seen = await strangers.read() if strangers else None
    complaints = [] if load < BUSY * seconds else ["The load generator was at its limit; gaps hold its own."]
    return Run(
        gaps_in,
        gaps_out,
        after.turns,
        after.lags,
        webhooks,
        (after.cpu - before.cpu) / seconds,
        after.rss - before.rss,
        seen,
        complaints,
    )


async def _webhooks(plan: Plan, fleet: Fleet, line: Line) -> list[float]:
    """How long those of other calls take, one after the other, for as long as is measured. No stream follows them."""
    taken, end, number = list[float](), time.monotonic() + plan.seconds, plan.calls
    while time.monotonic() < end:
        _, milliseconds = await fleet.ask(line, number)
        taken.append(milliseconds)
        number += 1
        await asyncio.sleep(5 * PAUSE)
    return taken


# -- the strangers -------------------------------------------------------------------------------------------------


class _Strangers:
    """A running `strangers` process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, line: bytes) -> Seen:
        return msgspec.json.decode(await ask(self._process, line, "strangers'"), type=Seen)

    async def read(self) -> Seen:
        return await self.ask(b"{}")


@contextlib.asynccontextmanager
async def _strangers(plan: Plan, port: int) -> AsyncIterator[_Strangers]:
    sources = [f"127.0.{1 + number // 200}.{2 + number % 200}" for number in range(plan.addresses)]
    attack = Attack(port, sources, plan.idle, plan.slow, plan.per_second)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telephony.bench.strangers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        strangers = _Strangers(process)
        await strangers.ask(msgspec.json.encode(attack))
        yield strangers
    finally:
        await end(process)
