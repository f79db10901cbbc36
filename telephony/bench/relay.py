"""`bench relay`: whole calls over loopback, against the floor under the same load, one after the other.

Each of the two runs in a process of its own (`served`), the load in this one. A run places its calls one by one, lets
them settle, measures for some seconds, posts a few more webhooks while the calls go on, hangs up, and counts whether
everything that was sent has arrived. There is no TLS on loopback: to a real model it comes on top, for both alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import msgspec

from telephony.bench.child import ask, end
from telephony.bench.figures import Figure, Target
from telephony.bench.fleet import BenchError, Fleet, Line, open_fleet
from telephony.bench.served import Audio, Reading, Setup
from telephony.bench.timing import percentile
from telephony.settings import AUDIO_FORMATS

PAUSE = 0.02
"""Seconds between two of them, and between two looks at anything."""
RECORDS = 250
"""Looks, as many pauses apart, at whether the last call's record has been written."""
MEASURED = "measured"
LONGEST = 120.0
"""Seconds that both runs may take beyond what they measure; they are stuck then."""
BUSY = 0.9
"""Share of a core from which on the load itself is what is slow."""

Kind = Literal["program", "floor"]


class Plan(msgspec.Struct, frozen=True):
    """How much load of which kind."""

    calls: int = 20
    seconds: float = 10.0
    audio: Audio = "pcm16"
    record: bool = False
    """Whether the program also writes recordings and cassettes; the floor never does."""
    webhooks: int = 50
    """Webhooks posted while the calls go on, one after the other."""
    settle: float = 1.0
    """Seconds between the last call placed and the first moment measured."""


class Run(msgspec.Struct):
    """What one run gave. Latencies in milliseconds."""

    cpu: float
    """Seconds of CPU per call-minute."""
    rss: float
    """Mebibytes per call."""
    lags: list[float]
    webhooks: list[float]
    inward: list[float]
    outward: list[float]
    barge_in: list[float]
    complaints: list[str]


async def measure(plan: Plan) -> tuple[list[Figure], list[str]]:
    """Figures, and what makes them doubtful. Raises `BenchError` if a run cannot even begin and `TimeoutError`
    if it does not end."""
    async with asyncio.timeout(LONGEST + 2 * plan.seconds):
        floor = await _run(plan, "floor")
        ours = await _run(plan, "program")
    return _figures(ours, floor), [
        *(f"The floor. {text}" for text in floor.complaints),
        *(f"The program. {text}" for text in ours.complaints),
    ]


def _figures(ours: Run, floor: Run) -> list[Figure]:
    figures = [Figure("relay.cpu", "CPU-s/call-min", ours.cpu, floor.cpu, Target("ratio", 1.6))]
    for name, row, against, target in (
        ("latency_in", ours.inward, floor.inward, 5.0),
        ("latency_out", ours.outward, floor.outward, 5.0),
        ("barge_in_to_clear", ours.barge_in, floor.barge_in, 5.0),
        ("webhook_to_twiml", ours.webhooks, floor.webhooks, 20.0),
        ("loop_lag", ours.lags, floor.lags, None),
    ):
        limit = Target("value", target) if target else None
        figures.append(Figure(f"relay.{name}.p50", "ms", percentile(row, 50), percentile(against, 50)))
        figures.append(Figure(f"relay.{name}.p99", "ms", percentile(row, 99), percentile(against, 99), limit))
    return [*figures, Figure("relay.rss", "MiB/call", ours.rss, floor.rss)]


async def _run(plan: Plan, kind: Kind) -> Run:
    token = secrets.token_hex(16)
    async with contextlib.AsyncExitStack() as stack:
        fleet, model_url = await stack.enter_async_context(open_fleet(AUDIO_FORMATS[plan.audio]))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="telephony-bench-"))
        setup = Setup(kind, model_url, plan.audio, plan.record, folder, token)
        served = await stack.enter_async_context(serve(setup))
        async with asyncio.TaskGroup() as group:
            run = await _measured(plan, fleet, Line(served.webhook, token), served, group)
            run.complaints += await fleet.hang_up()
        if kind == "program":
            run.complaints += await endings(served, plan.calls)
        return run


async def _measured(plan: Plan, fleet: Fleet, line: Line, served: Served, group: asyncio.TaskGroup) -> Run:
    await fleet.ask(line, plan.calls)  # what is only paid for once is not the first call's
    empty = await served.read()
    await fleet.place(line, plan.calls, group)
    await asyncio.sleep(plan.settle)
    fleet.latencies.take()
    before, load_before, began = await served.read(), time.process_time(), time.monotonic()
    await asyncio.sleep(plan.seconds)
    after, load, seconds = await served.read(), time.process_time() - load_before, time.monotonic() - began
    inward, outward, barge_in = fleet.latencies.take()
    complaints = [] if load < BUSY * seconds else ["The load generator was at its limit; latencies hold its own delay."]
    return Run(
        cpu=(after.cpu - before.cpu) / (plan.calls * seconds / 60),
        rss=(after.rss - empty.rss) / plan.calls / 2**20,
        lags=after.lags,
        webhooks=await _webhooks(plan, fleet, line),
        inward=inward,
        outward=outward,
        barge_in=barge_in,
        complaints=complaints,
    )


async def _webhooks(plan: Plan, fleet: Fleet, line: Line) -> list[float]:
    """How long webhooks take while the calls go on. No stream follows them."""
    taken = []
    for number in range(plan.calls, plan.calls + plan.webhooks):
        _, milliseconds = await fleet.ask(line, number)
        taken.append(milliseconds)
        await asyncio.sleep(PAUSE)
    return taken


async def endings(served: Served, calls: int) -> list[str]:
    """Whether every call has left a record of how it should have ended."""
    wanted = {"completed by caller": calls}
    endings: dict[str, int] = {}
    for _ in range(RECORDS):
        endings = (await served.read()).endings
        if sum(endings.values()) >= calls:
            break
        await asyncio.sleep(PAUSE)
    return [] if endings == wanted else [f"{calls} calls ended so: {endings}, and not so: {wanted}."]


# -- the process that is measured ----------------------------------------------------------------------------------


class Served:
    """A running `served` process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.webhook = ""
        self._process = process

    async def begin(self, setup: Setup) -> None:
        self.webhook = msgspec.json.decode(await ask(self._process, msgspec.json.encode(setup), MEASURED))["webhook"]

    async def read(self) -> Reading:
        return msgspec.json.decode(await ask(self._process, b"{}", MEASURED), type=Reading)


@contextlib.asynccontextmanager
async def serve(setup: Setup) -> AsyncIterator[Served]:
    """Start a process and end it. What it logs shows only if it fails."""
    log = Path(setup.folder) / "log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "telephony.bench.served"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=2**24,
        )
    served = Served(process)
    try:
        await served.begin(setup)
        yield served
    except (BenchError, TimeoutError) as error:
        said = log.read_text(errors="replace")[-2000:]
        raise BenchError(f"{str(error) or 'The measured process does not answer.'}\n{said}".strip()) from None
    finally:
        await end(process)
