"""The process that `bench relay` measures: the whole program, or the floor, serving calls until its input ends.

It is told what to serve in a line of JSON on standard input and answers with the webhook's URL; every further line is
answered with a reading of itself. It reads itself because only a process can tell what all its threads have cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.bench import messages
from telephony.bench.floor import open_floor
from telephony.records import CallRecord
from telephony.runtime import logs
from telephony.runtime.office import open_office
from telephony.runtime.settling import settle
from telephony.settings import AUDIO_FORMATS, CassetteSettings, LiteLLMParams, ModelEntry, Settings, TwilioSettings
from telephony.settings.connections import ConnectionSettings

GRAIN = 0.05
"""Seconds between two looks at the loop's lag."""

SHORT = 0.1
"""Milliseconds of a turn of the loop that holds nobody up."""

Audio = Literal["pcm16", "pcmu"]


class Setup(msgspec.Struct, frozen=True):
    """What to serve."""

    kind: Literal["program", "floor"]
    model_url: str
    audio: Audio
    record: bool
    folder: str
    """For the database and the recordings."""
    auth_token: str
    connections: dict[str, Any] = {}
    """Who may connect; the settings of that name."""


class Reading(msgspec.Struct, frozen=True):
    """What the process has to say of itself."""

    cpu: float
    """Seconds of CPU, all threads, since it began."""
    rss: int
    """Bytes of memory."""
    lags: list[float]
    """Milliseconds by which the event loop was late, since the last reading."""
    endings: dict[str, int]
    """How calls ended, `completed by caller`, and how many did."""
    turns: list[float] = []
    """Milliseconds of CPU that each turn of the loop took, since the last reading: what it does before it looks at its
    sockets again, whatever else the machine does meanwhile. Those under `SHORT` are left out."""


class Turns(selectors.DefaultSelector):
    """Tells how long the loop is busy between two looks at its sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._since = time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        milliseconds = (time.thread_time() - self._since) * 1000
        if milliseconds >= SHORT:
            self.taken.append(milliseconds)
        try:
            return super().select(timeout)
        finally:
            self._since = time.thread_time()


class Meter:
    """Reads this process."""

    def __init__(self, turns: Turns | None = None) -> None:
        self._turns = turns or Turns()
        self._lags: list[float] = []
        self._endings: Counter[str] = Counter()

    async def run(self) -> None:
        """Look at the loop, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + GRAIN
            await asyncio.sleep(GRAIN)
            self._lags.append((clock() - due) * 1000)

    def ended(self, record: CallRecord) -> None:
        ending = record.termination
        self._endings[f"{ending.result} by {ending.by}" if ending else "not at all"] += 1

    def read(self) -> Reading:
        lags, self._lags = self._lags, []
        turns, self._turns.taken = self._turns.taken, []
        return Reading(time.process_time(), memory(), lags, dict(self._endings), turns)


def memory() -> int:
    """Bytes this process holds in memory; where the system does not tell, the most it ever held."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextlib.asynccontextmanager
async def open_program(setup: Setup, meter: Meter) -> AsyncIterator[str]:
    """The program as `telephony serve` runs it, with one agent; gives the webhook's URL."""
    url = f"http://127.0.0.1:{_free_port()}"
    folder = Path(setup.folder)
    params = LiteLLMParams(model="xai/grok-voice-latest", api_base=setup.model_url)
    settings = Settings(
        public_url=url,
        host="127.0.0.1",
        port=int(url.rpartition(":")[2]),
        database_url=f"sqlite:///{folder / 'telephony.db'}",
        recordings=str(folder),
        cassettes=CassetteSettings(folder=str(folder)),
        connections=ConnectionSettings.model_validate(setup.connections),
        drain=1,
        twilio=TwilioSettings(account_sid=messages.ACCOUNT, auth_token=SecretStr(setup.auth_token)),
        model_list=[ModelEntry(model_name="bench", litellm_params=params)],
    )
    agent = Agent(
        "bench",
        model="bench",
        audio=setup.audio,
        speaks_first=False,
        record=setup.record,
        cassette="always" if setup.record else "off",
    )
    async with open_office(settings, {}, agents=[agent]) as office:
        office.calls.on_record = meter.ended
        settle()
        yield f"{url}/twilio/voice"


def _free_port() -> int:
    """Requests are signed for a URL with the port in it, so it must be known before anything listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve(setup: Setup, lines: asyncio.StreamReader, turns: Turns | None = None) -> None:
    """Serve until *lines* end, answering each. *turns* are those of this loop."""
    meter = Meter(turns)
    opened = (
        open_program(setup, meter)
        if setup.kind == "program"
        else open_floor(setup.model_url, AUDIO_FORMATS[setup.audio])
    )
    async with opened as webhook, asyncio.TaskGroup() as group:
        lags = group.create_task(meter.run(), name="loop lag")
        _answer({"webhook": webhook})
        while await lines.readline():
            _answer(meter.read())
        lags.cancel()


def _answer(what: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def raise_files() -> int:
    """Let this process open as many files as it may; returns how many that are."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


async def main(turns: Turns) -> None:
    """Take the setup from standard input, and serve."""
    logs.set_up("info", "json")
    raise_files()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await serve(msgspec.json.decode(await lines.readline(), type=Setup), lines, turns)


if __name__ == "__main__":
    selector = Turns()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(main(selector))
