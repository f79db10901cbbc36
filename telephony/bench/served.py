"""The process that `bench relay` measures: the whole program, or the floor, serving calls until its input ends.

It is told what to serve in a line of JSON on standard input and answers with the webhook's URL; every further line is
answered with a reading of itself. It reads itself because only a process can tell what all its threads have cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import msgspec
from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.bench import messages
from telephony.bench.floor import open_floor
from telephony.records import CallRecord
from telephony.runtime import logs
from telephony.runtime.office import open_office
from telephony.settings import AUDIO_FORMATS, CassetteSettings, LiteLLMParams, ModelEntry, Settings, TwilioSettings

GRAIN = 0.05
"""Seconds between two looks at the loop's lag."""

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


class Meter:
    """Reads this process."""

    def __init__(self) -> None:
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
        return Reading(time.process_time(), memory(), lags, dict(self._endings))


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
        yield f"{url}/twilio/voice"


def _free_port() -> int:
    """Requests are signed for a URL with the port in it, so it must be known before anything listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve(setup: Setup, lines: asyncio.StreamReader) -> None:
    """Serve until *lines* end, answering each."""
    meter = Meter()
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


async def main() -> None:
    """Take the setup from standard input, and serve."""
    logs.set_up("info", "json")
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await serve(msgspec.json.decode(await lines.readline(), type=Setup), lines)


if __name__ == "__main__":
    asyncio.run(main())
