"""The front desk's whole story over real sockets: on both providers, without transcoding, and three callers at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offices import World, world
from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.g711 import mulaw_to_pcm
from telephony.records import CallRecord, Termination
from telephony.simulate.caller import CallOutcome
from telephony.simulate.scenario import FRONT_DESK, load_scenario
from telephony.simulate.voice import Voice
from telephony.tools import tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(90)]

GREETING = "Thanks for calling Acme. How can I help you?"
LONGEST = 60.0
"""Seconds; the story takes a third of it."""
FRAME = 160
"""Samples: 20 ms."""


@tool(timeout=5)
async def lookup_order(order_id: str) -> dict[str, str]:
    """Look an order up by its number."""
    await asyncio.sleep(0.2)
    return {"order_id": order_id, "status": "shipped"}


def frontdesk(**values: Any) -> Agent:
    return Agent("frontdesk", greeting=GREETING, tools=[lookup_order, "builtin:hang_up"], **values)


async def story(folder: Path, profile: str, provider: str, calls: int, **values: Any) -> list[CallRecord]:
    """Take *calls* calls at once and hold all that was scripted against what every side saw."""
    document, _ = load_scenario(FRONT_DESK)
    voices = {"voice": Voice("agent", synthesis=False), "caller_voice": Voice("caller", synthesis=False)}
    model = {**document["model"], "profile": profile}
    async with world(folder, model, frontdesk(**values), provider=provider, **voices) as made, asyncio.timeout(LONGEST):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(made.call(*document["caller"]["steps"]), name=f"{n}") for n in range(calls)]
        records = [await told(made, task.result()) for task in tasks]
        assert made.outside.faults() == []
        assert made.outside.unmet() == []
        assert len(made.outside.model.sessions) == calls
    assert len({record.id for record in records}) == calls
    assert len({record.recording for record in records}) == calls
    return records


async def told(made: World, outcome: CallOutcome) -> CallRecord:
    """The record of one caller's story."""
    record = await made.record(outcome)
    assert outcome.complaints == []
    assert (outcome.status, outcome.ended_by) == ("completed", "agent")
    assert record.termination == Termination("completed", "agent", "agent hung up")
    assert record.notes == []
    assert [(use.name, use.outcome) for use in record.tools] == [("lookup_order", "ok"), ("hang_up", "ok")]
    speakers = [turn.speaker for turn in record.turns]
    assert speakers == ["agent", "caller", "agent", "agent", "caller", "agent", "caller", "agent"]
    assert record.turns[0].heard == GREETING
    assert "A 1042" in record.turns[1].heard
    cut = record.turns[3]
    assert cut.interrupted
    assert cut.heard.startswith("Your order shipped")
    assert cut.unheard.endswith("neighbour.")
    assert [turn.heard for turn in record.turns[5:]] == [
        "It arrives on Thursday.",
        "Great, thank you, goodbye.",
        "You are welcome. Goodbye!",
    ]
    assert not any(turn.unheard for turn in record.turns if turn is not cut)
    assert all(turn.latency is not None and turn.latency < 3 for turn in (record.turns[2], *record.turns[5::2]))
    recording = await asyncio.to_thread(Path(record.recording).read_bytes)
    as_heard(recording, outcome)
    return record


def as_heard(recording: bytes, outcome: CallOutcome) -> None:
    """The recording is what was said, to the sample, and what was heard, give or take the way of a frame through two
    busy programs on one processor; not the time in which the stream's beginning waited to be noticed."""
    left, right = (np.frombuffer(side, "<i2").astype(float) for side in wav.split(wav.read(recording)))
    said, heard = (np.frombuffer(mulaw_to_pcm(side), "<i2").astype(float) for side in (outcome.said, outcome.heard))
    common = min(len(left), len(said)) - FRAME
    assert np.array_equal(left[:common], said[:common]), "the caller's channel is not the caller"
    common = min(len(right), len(heard))
    lag = _lag(right[:common], heard[:common])
    assert abs(lag) <= 4 * FRAME, f"the agent's channel is {lag / 8:.1f} ms beside what was heard"
    recorded, played = _loudness(np.roll(right[:common], -lag)), _loudness(heard[:common])
    assert np.corrcoef(recorded, played)[0, 1] > 0.95, "the agent's channel is not what was heard"


def _loudness(samples: np.ndarray) -> np.ndarray:
    """The level of each tenth of a second."""
    tenth = 5 * FRAME
    whole = samples[: len(samples) // tenth * tenth].reshape(-1, tenth)
    return np.asarray(np.sqrt(np.mean(whole**2, axis=1)))


def _lag(one: np.ndarray, other: np.ndarray) -> int:
    """By how many samples *one* is later than *other*: where their correlation is largest."""
    size = 2 ** (2 * len(one) - 1).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    at = int(np.argmax(correlation))
    return at if at < size // 2 else at - size


async def test_the_story_is_the_same_on_every_provider_and_for_every_caller(tmp_path: Path) -> None:
    """At the same time, since it lasts as long as people talk: five calls to three processes' worth of servers."""
    folders = [tmp_path / name for name in ("xai", "openai", "pcmu")]
    for folder in folders:
        folder.mkdir()
    async with asyncio.TaskGroup() as group:
        several = group.create_task(story(folders[0], "xai", "xai/grok-voice-latest", 3), name="xai")
        openai = group.create_task(story(folders[1], "openai", "openai/gpt-realtime", 1), name="openai")
        direct = group.create_task(story(folders[2], "xai", "xai/grok", 1, audio="pcmu"), name="pcmu")
    assert {record.model for record in several.result()} == {"xai/grok-voice-latest"}
    assert [record.model for record in openai.result()] == ["openai/gpt-realtime"]
    assert [record.model for record in direct.result()] == ["xai/grok"]
