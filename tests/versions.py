"""Servers of several processes, in several versions at once, with callers, a model and Twilio on this side."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import wave
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from offices import ACCOUNT, free_port
from telephony.sim.caller_script import CallerScript
from telephony.sim.model_script import decode_script
from telephony.simulate.caller import place_call
from telephony.simulate.model import RunningModel, start_model
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.rest import TwilioRest
from telephony.simulate.voice import Voice
from terminals import BOUND, Desk, Process

TOKEN = "practice"
STORY = " ".join(["once upon a time"] * 5)
"""Six seconds; the agent's greeting. Whoever hears every sample of it in its place has heard no gap."""
CONFIGURATION = """
public_url: http://127.0.0.1:{port}
host: 127.0.0.1
port: {port}
recordings: heard
drain: {drain}
shed_lag_ms: 60000
twilio: {{account_sid: {account}, auth_token: practice, api_base: "{rest}"}}
agents:
  desk: {{greeting: {story}, audio: pcmu, instructions: Be brief., cassette: "off", {more_of_it}}}
numbers: {{"*": {{agent: desk, overflow: Busy., outage: Gone.}}}}
{more}
model_list:
  - {{model_name: grok, litellm_params: {{model: xai/grok-voice-latest, api_base: "{model}"}}}}
"""
LISTENS = CallerScript.parse({"patience": 30, "steps": [{"wait": "agent"}, "hang_up"]})


class Line:
    """Servers as processes; the model, Twilio and the callers here."""

    def __init__(self, desk: Desk, model: RunningModel, rest: TwilioRest) -> None:
        self.desk = desk
        self.model = model
        self.rest = rest
        self.port = free_port()
        self.calls: list[asyncio.Task[CallOutcome]] = []

    def configure(self, more: str = "", drain: float = 30, *, can_move: bool = False, tools: str = "") -> None:
        text = CONFIGURATION.format(
            port=self.port,
            account=ACCOUNT,
            rest=self.rest.base_url,
            model=self.model.url,
            story=STORY,
            more=more,
            drain=drain,
            more_of_it=f"can_move: {str(can_move).lower()}, tools: [{tools}]",
        )
        self.desk.write("ours.yaml", text)

    async def serve(self, workers: int = 2) -> Process:
        process = self.desk.start("serve", "--config", "ours.yaml", "--workers", str(workers))
        await asyncio.to_thread(process.until, '"listening"')
        return process

    def call(self, script: CallerScript = LISTENS) -> asyncio.Task[CallOutcome]:
        url = f"http://127.0.0.1:{self.port}/twilio/voice"
        placing = place_call(
            url,
            script,
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            rest=self.rest,
            status_callback=url.replace("voice", "status"),
        )
        self.calls.append(asyncio.get_running_loop().create_task(placing, name="call"))
        return self.calls[-1]

    async def until_heard(self, process: Process, count: int) -> None:
        """Wait until the agent has begun to speak in so many calls of a server."""
        async with asyncio.timeout(BOUND):
            while process.errors.count('"agent speaks"') < count:  # noqa: ASYNC110  it is another process that says so
                await asyncio.sleep(0.02)

    def terminations(self) -> dict[str, list[tuple[str, str, str]]]:
        """Those of all records, by the carrier's id of the call: id, how it ended, the recording."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        with closing(sqlite3.connect(self.desk.folder / "telephony.db")) as db:
            rows = db.execute("SELECT carrier_call_id, id, result, recording FROM calls").fetchall()
        for call, record, result, recording in rows:
            found.setdefault(call, []).append((record, result, recording))
        return found

    def seconds_of(self, recording: str) -> float:
        with wave.open(str(self.desk.folder / recording)) as file:
            return file.getnframes() / file.getframerate()


@contextlib.asynccontextmanager
async def versions(folder: Path, *replies: dict[str, Any]) -> AsyncIterator[Line]:
    """Everything but the servers. *replies*: what the model says after its greeting."""
    voice = Voice("agent", synthesis=False)
    script = decode_script({"model": {"replies": [{"on": "greeting", "say": STORY}, *replies]}}, "model")
    async with TwilioRest(ACCOUNT, TOKEN) as rest, await start_model(script, voice=voice) as model:
        # A socket's path must be short.
        with Desk(folder, {"TELEPHONY_RUN_FOLDER": str(folder)} if len(str(folder)) < 40 else {}) as desk:
            made = Line(desk, model, rest)
            made.configure()
            yield made
            for call in made.calls:
                call.cancel()
            await asyncio.gather(*made.calls, return_exceptions=True)


def workers_of(process: Process) -> list[int]:
    """The ids of its workers, the first one first."""
    lines = [json.loads(line) for line in process.errors.splitlines() if line.startswith("{")]
    return [int(line["pid"]) for line in lines if line["event"] == "worker"]


def whole(outcome: CallOutcome) -> bool:
    """Whether the caller has heard the agent's story without a gap."""
    return Voice("agent", synthesis=False)(STORY) in outcome.heard


def failed(outcome: CallOutcome) -> list[str]:
    """What became of requests of the carrier's that nobody answered."""
    return [made.problem for made in outcome.exchanges if not made.status]


def spoken(outcome: CallOutcome) -> str:
    """What the carrier itself said to the caller in the end."""
    documents = [ET.fromstring(made.body) for made in outcome.exchanges if made.body.startswith("<")]  # noqa: S314
    return " ".join(verb.text or "" for document in documents for verb in document.iter("Say"))


async def ended(process: Process, bound: float = BOUND) -> int:
    return await asyncio.to_thread(process.ended, bound)
