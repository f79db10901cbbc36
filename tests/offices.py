"""A whole process in a test: the real office between a simulated model and a simulated Twilio, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.commands import Note
from telephony.records import AuditRow, CallRecord
from telephony.runtime.office import Office, open_office
from telephony.settings import CassetteSettings, LiteLLMParams, ModelEntry, Settings, TwilioSettings
from telephony.sim.caller import Observation
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_script import CallerScript
from telephony.sim.model_script import decode_script
from telephony.simulate.caller import CallOutcome, place_call
from telephony.simulate.model import OnEvent, RunningModel, start_model
from telephony.simulate.rest import TwilioRest
from telephony.simulate.voice import Voice
from telephony.store.sql import SqlStore

ACCOUNT = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
NOWHERE = "ws://127.0.0.1:9"
"""RFC 863's port, where nobody listens."""


_PORTS = itertools.count(20_000 + 1500 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 12_000)
"""Below those that the system gives to whoever connects, and other ones for each worker."""


def free_port() -> int:
    """A port that is free, and that nobody else takes meanwhile. Signatures are made for a URL with the port in it, so
    it must be known before."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def settings_for(
    folder: Path, model: str = NOWHERE, rest: str = "http://127.0.0.1:9", *, provider: str = "xai/grok", **changes: Any
) -> Settings:
    """Settings of a process whose files lie in *folder*, with the model and Twilio's REST API at these addresses."""
    port = free_port()
    values: dict[str, Any] = {
        "public_url": f"http://127.0.0.1:{port}",
        "host": "127.0.0.1",
        "port": port,
        "database_url": f"sqlite:///{folder / 'telephony.db'}",
        "recordings": str(folder / "recordings"),
        "cassettes": CassetteSettings(folder=str(folder / "cassettes")),
        "drain": 0,
        "shed_lag_ms": 60_000,  # tests share a few cores, and none of them is to be turned away for another's sake
        "twilio": TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base=rest),
        "model_list": [ModelEntry(model_name="sim", litellm_params=LiteLLMParams(model=provider, api_base=model))],
    }
    return Settings(**{**values, **changes})


class ShortVoice(Voice):
    """Half a second of speech for whatever is said, so that a test need not listen to sentences."""

    def __init__(self, speaker: str, seconds: float = 0.5) -> None:
        super().__init__(speaker, synthesis=False)
        self._seconds = seconds

    def __call__(self, text: str) -> bytes:
        spoken = super().__call__(text)
        length = int(self._seconds * 8000)
        return (spoken * (length // max(1, len(spoken)) + 1))[:length]


@dataclass
class Outside:
    """What a process talks to: a simulated model, a simulated Twilio, and people who call."""

    model: RunningModel
    rest: TwilioRest
    voice: Voice

    async def call(
        self,
        public_url: str,
        steps: Sequence[Any],
        *,
        faults: CallerFaults | None = None,
        observe: Callable[[Observation], None] | None = None,
        dial_status: str = "completed",
        **script: Any,
    ) -> CallOutcome:
        """One phone call to the process at *public_url*."""
        return await place_call(
            f"{public_url}/twilio/voice",
            CallerScript.parse({"patience": 15, **script, "steps": list(steps)}),
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            status_callback=f"{public_url}/twilio/status",
            rest=self.rest,
            voice=self.voice,
            faults=faults,
            observe=observe,
            dial_status=dial_status,
        )

    def faults(self) -> list[str]:
        """What the strict simulated model had against us."""
        return [f"{fault.code}: {fault.message}" for session in self.model.sessions for fault in session.core.faults]

    def unmet(self) -> list[str]:
        """What the model's script foresaw and nobody did."""
        return [step for session in self.model.sessions for step in session.core.unmet]


@contextlib.asynccontextmanager
async def outside(
    model: Mapping[str, Any],
    *,
    voice: Voice | None = None,
    caller_voice: Voice | None = None,
    on_event: OnEvent | None = None,
) -> AsyncIterator[Outside]:
    """Open both; *model* is the simulated model's script, and *on_event* sees what it is sent and sends."""
    async with contextlib.AsyncExitStack() as stack:
        running = await start_model(decode_script(model), voice=voice or ShortVoice("agent"), on_event=on_event)
        stack.push_async_callback(running.close)
        rest = await stack.enter_async_context(TwilioRest(ACCOUNT, TOKEN))
        yield Outside(running, rest, caller_voice or ShortVoice("caller"))


class World:
    """The process, and what is outside."""

    def __init__(self, office: Office, around: Outside, notes: list[tuple[str, float, Note]]) -> None:
        self.office = office
        self.outside = around
        self.notes = notes
        """Call id, seconds of the call, note."""
        self.records: list[CallRecord] = []
        self._told = asyncio.Event()
        office.calls.on_record = self._keep

    def _keep(self, record: CallRecord) -> None:
        self.records.append(record)
        self._told.set()

    async def call(self, *steps: Any, **more: Any) -> CallOutcome:
        """One phone call."""
        return await self.outside.call(self.office.settings.public_url, steps, **more)

    async def record(self, outcome: CallOutcome) -> CallRecord:
        """The one terminal record of a call, as it was told and as it lies in the database."""
        return await self.record_of(outcome.call_sid)

    async def record_of(self, sid: str) -> CallRecord:
        """The same, by the carrier's id of the call."""
        async with asyncio.timeout(10):
            while not any(record.carrier_call_id == sid for record in self.records):
                self._told.clear()
                await self._told.wait()
        told = [record for record in self.records if record.carrier_call_id == sid]
        stored = [record for record in await stored_records(self.office.settings) if record.carrier_call_id == sid]
        assert len(told) == len(stored) == 1, f"{len(told)} records were told and {len(stored)} stored"
        assert stored[0].termination is not None
        assert stored[0].termination == told[0].termination, (stored[0].termination, told[0].termination)
        return stored[0]

    def noted(self, outcome: CallOutcome, event: str) -> list[float]:
        """When *event* was noted in a call, in seconds of the call."""
        return [at for call, at, note in self.notes if call == outcome.call_sid and note.event == event]


async def stored_records(settings: Settings) -> list[CallRecord]:
    """Every record in the database of a process."""
    store = SqlStore(settings.database_url)
    try:
        await store.open()
        records = [await store.get(summary.id) for summary in await store.list(1000)]
    finally:
        await store.close()
    return [record for record in records if record is not None]


async def stored_audits(settings: Settings) -> list[AuditRow]:
    """What the calls of a process have asked for, as it lies in the database."""
    store = SqlStore(settings.database_url)
    try:
        await store.open()
        return await store.audits(500)
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def world(
    folder: Path,
    model: Mapping[str, Any],
    *agents: Agent,
    voice: Voice | None = None,
    caller_voice: Voice | None = None,
    on_event: OnEvent | None = None,
    provider: str = "xai/grok",
    provide: Sequence[Any] = (),
    **changes: Any,
) -> AsyncIterator[World]:
    """Open all of it; tools are given what *provide* opens."""
    async with outside(model, voice=voice, caller_voice=caller_voice, on_event=on_event) as around:
        settings = settings_for(folder, around.model.url, around.rest.base_url, provider=provider, **changes)
        async with opened(settings, around, *agents, provide=provide) as made:
            yield made


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    around: Outside,
    *agents: Agent,
    provide: Sequence[Any] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[World]:
    """Open the process between what is outside already."""
    notes: list[tuple[str, float, Note]] = []

    def watch(call_id: str, at: float, note: Note) -> None:
        notes.append((call_id, at, note))

    async with open_office(settings, environ or {}, agents=agents, watcher=watch, provide=provide) as office:
        yield World(office, around, notes)


def silences(outcome: CallOutcome) -> float:
    """The longest time, in seconds, that the caller heard nothing while waiting for the agent."""
    longest, since, speaking = 0.0, 0.0, False
    for seen in outcome.observations:
        if seen.kind in ("agent speaks", "caller speaks", "ended") and not speaking:
            longest = max(longest, seen.at - since)
        if seen.kind in ("agent speaks", "agent quiet"):
            speaking = seen.kind == "agent speaks"
        if seen.kind in ("agent quiet", "caller quiet"):
            since = seen.at
    return longest
