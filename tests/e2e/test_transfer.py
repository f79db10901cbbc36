"""When no model answers, over real sockets: an apology, then a person, or somebody who says that nobody is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offices import ACCOUNT, NOWHERE, TOKEN, outside, settings_for, stored_records
from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.records import CallRecord, Termination
from telephony.runtime.office import open_office
from telephony.server.reception import NOBODY_THERE
from telephony.settings import Fallback, Limits
from telephony.sim.caller_script import CallerScript
from telephony.sim.noise import white_noise
from telephony.simulate.caller import CallOutcome, place_call

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

PERSON = "+15550177"


async def called(
    folder: Path, dial_status: str = "completed", **fallback: Any
) -> tuple[CallOutcome, CallRecord, list[str]]:
    """A call to an agent whose model cannot be reached: its outcome, its record, and what Twilio was asked for."""
    apology = recorded(folder)
    agent = Agent(
        "frontdesk",
        fallback=Fallback(apology=str(apology), **fallback),
        limits=Limits(connect=1, dead_air=2),
    )
    async with outside({"replies": []}) as around:
        settings = settings_for(folder, NOWHERE, around.rest.base_url)
        async with open_office(settings, {}, agents=[agent]):
            outcome = await place_call(
                f"{settings.public_url}/twilio/voice",
                CallerScript.parse({"patience": 30, "steps": [{"wait": "end"}]}),
                account_sid=ACCOUNT,
                auth_token=TOKEN,
                status_callback=f"{settings.public_url}/twilio/status",
                rest=around.rest,
                voice=around.voice,
                dial_status=dial_status,
            )
        (record,) = await stored_records(settings)
        return outcome, record, [form.get("Twiml", form.get("Status", "")) for _, _, form in around.rest.requests]


def recorded(folder: Path) -> Path:
    """A second of something to hear."""
    folder.mkdir(exist_ok=True)
    apology = folder / "apology.wav"
    apology.write_bytes(wav.write(PCM16_8K, 1, mulaw_to_pcm(white_noise(-20, 8000))))
    return apology


def carrier(outcome: CallOutcome) -> list[tuple[str, str]]:
    """What Twilio did by itself."""
    return [(seen.kind, seen.text) for seen in outcome.observations if seen.kind.startswith("carrier")]


async def test_a_caller_speaks_with_a_person_or_is_told_that_nobody_is_there(tmp_path: Path) -> None:
    fallback = {"transfer": PERSON, "caller_id": "+15550100", "timeout": 25}
    async with asyncio.TaskGroup() as group:
        calls = {
            status: group.create_task(called(tmp_path / status, status, **fallback), name=status)
            for status in ("completed", "busy", "no-answer", "failed")
        }
    for status, call in calls.items():
        outcome, record, asked = call.result()
        assert outcome.complaints == []
        assert outcome.dialled == (PERSON,)
        said = [] if status == "completed" else [("carrier says", NOBODY_THERE)]
        assert carrier(outcome) == [("carrier dials", PERSON), ("carrier dialled", f"{PERSON}: {status}"), *said]
        assert (outcome.status, outcome.ended_by) == ("completed", "agent")
        assert rms_dbfs(mulaw_to_pcm(outcome.heard)) > -40, "the apology comes first"
        (twiml,) = asked
        for part in (f"<Number>{PERSON}</Number>", 'callerId="+15550100"', 'timeout="25"', "/twilio/dial-ended"):
            assert part in twiml
        assert record.termination is not None
        assert (record.termination.result, record.termination.by) == ("failed", "model")
        assert any(PERSON in note for note in record.notes)


async def test_without_a_number_the_call_ends_with_the_apology(tmp_path: Path) -> None:
    outcome, record, asked = await called(tmp_path)
    assert outcome.complaints == []
    assert (outcome.dialled, carrier(outcome), asked) == ((), [], ["completed"])
    assert rms_dbfs(mulaw_to_pcm(outcome.heard)) > -40
    assert isinstance(record.termination, Termination)
    assert record.termination.by == "model"
