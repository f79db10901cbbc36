"""A server as a process of its own that is told to stop, stands still, has no file descriptors left or is told another
time of day, while a caller speaks with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from disks import limited
from offices import ACCOUNT, TOKEN, Outside, free_port, outside
from telephony.sim.caller import Observation
from telephony.simulate.outcome import CallOutcome
from terminals import Desk, Process

pytestmark = pytest.mark.timeout(90)

CONFIGURATION = """
public_url: http://127.0.0.1:{port}
host: 127.0.0.1
port: {port}
internal_port: {internal}
drain: 30
twilio: {{account_sid: {account}, auth_token: "{token}", api_base: "{rest}"}}
agents: {{desk: {{greeting: Good day., cassette: "off"}}}}
numbers: {{"*": desk}}
model_list: [{{model_name: grok, litellm_params: {{model: xai/grok-voice-latest, api_base: "{model}"}}}}]
"""
MODEL = {"replies": [{"on": "greeting", "say": "Good day."}, {"on": "speech", "hears": "Still there?", "say": "Yes."}]}
FILES = 192
"""File descriptors that a process may have; one with a call has a fifth of them."""
STILL = 2.0
"""Seconds for which the process stands still."""


class Place:
    """The server; the model, Twilio and the caller are here."""

    def __init__(self, desk: Desk, around: Outside) -> None:
        self.desk, self.around = desk, around
        self.port, self.internal = free_port(), free_port()
        text = CONFIGURATION.format(
            port=self.port,
            internal=self.internal,
            account=ACCOUNT,
            token=TOKEN,
            rest=around.rest.base_url,
            model=around.model.url,
        )
        desk.write("ours.yaml", text)
        self.greeted, self.go_on = asyncio.Event(), asyncio.Event()

    def start(self) -> Process:
        return self.desk.start("serve", "--config", "ours.yaml")

    async def serve(self) -> Process:
        server = self.start()
        await asyncio.to_thread(server.until, '"listening"')
        return server

    def _observe(self, seen: Observation) -> None:
        if seen.kind == "agent quiet":
            self.greeted.set()

    async def call(self, pause: float) -> CallOutcome:
        """Somebody who hears the greeting, is silent for some seconds, and is answered then."""
        steps: list[Any] = [{"wait": "agent"}, {"pause": pause}, {"say": "Still there?"}, {"wait": "agent"}, "hang_up"]
        return await self.around.call(f"http://127.0.0.1:{self.port}", steps, observe=self._observe)

    async def status(self, path: str, port: int) -> int:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
            return response.status

    async def ended(self, server: Process) -> None:
        """The server has ended well, and said nothing of a bug."""
        assert await asyncio.to_thread(server.ended) == 0, server.story
        assert "Traceback" not in server.errors, server.story


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with outside(MODEL) as around:
        with Desk(tmp_path) as desk:
            yield Place(desk, around)


def answered(place: Place, outcome: CallOutcome) -> None:
    """The caller was heard and answered to the end."""
    assert outcome.complaints == place.around.faults() == place.around.unmet() == [], place.desk.processes[0].story
    assert (outcome.status, outcome.ended_by) == ("completed", "caller")


# -- signals -------------------------------------------------------------------------------------------------------


async def test_told_to_stop_it_hears_and_speaks_on_and_ends_when_nobody_is_there(place: Place) -> None:
    server = await place.serve()
    assert await place.status("/readyz", place.internal) == 200
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(place.call(2.0), name="call")
        await place.greeted.wait()
        server.send(signal.SIGTERM)
        await asyncio.to_thread(server.until, '"stopping"')
        assert await place.status("/readyz", place.internal) == 503
        assert await place.status("/healthz", place.port) == 200
        assert not calling.done()
    answered(place, calling.result())
    await place.ended(server)


async def test_a_process_that_stood_still_goes_on_where_it_was(place: Place) -> None:
    """What the caller said meanwhile is heard, and what the agent says comes once and no faster than it is spoken."""
    server = await place.serve()
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(place.call(0.3), name="call")
        await place.greeted.wait()
        server.send(signal.SIGSTOP)
        await asyncio.sleep(STILL)
        server.send(signal.SIGCONT)
    answered(place, calling.result())
    said = [seen for seen in calling.result().observations if seen.kind == "agent speaks"]
    assert len(said) == 2, "the greeting and the answer, each once"
    assert "Traceback" not in server.errors, server.story


# -- file descriptors ----------------------------------------------------------------------------------------------


async def test_strangers_who_take_all_file_descriptors_take_none_from_a_call(place: Place) -> None:
    with limited(resource.RLIMIT_NOFILE, FILES):
        server = place.start()
    await asyncio.to_thread(server.until, '"listening"')
    strangers: list[asyncio.StreamWriter] = []
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(place.call(1.5), name="call")
        await place.greeted.wait()
        for _ in range(2 * FILES):
            with contextlib.suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", place.port)
                strangers.append(writer)
        assert await place.status("/healthz", place.internal) == 200
        with pytest.raises(aiohttp.ClientError):
            await place.status("/healthz", place.port)
    answered(place, calling.result())
    for writer in strangers:
        writer.transport.abort()
    assert "Traceback" not in server.errors, server.story


# -- the time of day -----------------------------------------------------------------------------------------------

WALL_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    FILE *file = clock == CLOCK_REALTIME && getenv("WALL_CLOCK") ? fopen(getenv("WALL_CLOCK"), "r") : NULL;
    long seconds = 0;
    if (file) { if (fscanf(file, "%ld", &seconds) == 1) now->tv_sec += seconds; fclose(file); }
    return failed;
}
"""
"""Adds what a file says to the time of day, and leaves the monotonic clock alone: as when somebody sets the clock."""


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler to build another clock with")
async def test_another_time_of_day_changes_neither_a_call_nor_its_length_nor_the_next_one(place: Place) -> None:
    source, library = place.desk.write("clock.c", WALL_CLOCK), place.desk.folder / "clock.so"
    built = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    await asyncio.to_thread(subprocess.run, built, check=True)
    wrong = place.desk.write("wrong", "0")
    place.desk.environment |= {"LD_PRELOAD": str(library), "WALL_CLOCK": str(wrong)}
    await place.serve()
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(place.call(1.5), name="call")
        await place.greeted.wait()
        wrong.write_text("3600")
        await asyncio.sleep(0.7)
        wrong.write_text("-3600")
    answered(place, calling.result())
    server = place.desk.processes[0]
    times = [json.loads(line)["timestamp"] for line in server.errors.splitlines()]
    assert times != sorted(times), "the clock was not set"
    again = await place.call(0.3)
    assert again.complaints == [], server.story
    async with asyncio.timeout(30):
        while len(durations := lengths(place)) < 2:  # noqa: ASYNC110  it is another process that writes them
            await asyncio.sleep(0.05)
    assert all(0 < seconds < 60 for seconds in durations), durations


def lengths(place: Place) -> list[float]:
    """Those of all calls that are over, in seconds."""
    with contextlib.closing(sqlite3.connect(place.desk.folder / "telephony.db")) as database:
        rows = database.execute("SELECT duration FROM calls WHERE result IS NOT NULL AND result != ''").fetchall()
    return [float(seconds) for (seconds,) in rows]
