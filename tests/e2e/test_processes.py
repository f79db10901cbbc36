"""The server, the model and Twilio as three programs started apart, as somebody would try them: calls at once, a kill
in the middle of one, and an end that is asked for twice.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
import wave
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telephony.records import CallRecord, Termination
from telephony.store.sql import SqlStore
from terminals import Desk, Process, free_ports

TOKEN = "practice"
LOST = 1.0
"""Seconds of a recording that a killed process may take with it."""
SLACK = 0.3
"""Seconds between a moment and its being noticed, on a busy machine."""
LAST_WORDS = 3.0
"""Seconds that a process may live on after it was told twice."""

SCENARIO = """
model:
  replies:
    - {on: greeting, say: Good day.}
    - {on: speech, hears: "Are you open?", say: We are.}
    - {on: speech, hears: Goodbye., say: Goodbye., call: {name: hang_up}}
caller:
  patience: 10
  steps:
    - wait: agent
    - say: Are you open?
    - wait: agent
    - say: Goodbye.
    - wait: end
"""
PATIENT = """
caller: {steps: [{wait: agent}, {pause: 40}, hang_up]}
"""
CONFIGURATION = """
public_url: http://127.0.0.1:{server}
host: 127.0.0.1
port: {server}
recordings: heard
twilio: {{account_sid: AC00000000000000000000000000000000, auth_token: practice, api_base: "http://127.0.0.1:{rest}"}}
agents:
  desk: {{greeting: Good day., instructions: Be brief., tools: ["builtin:hang_up"]}}
numbers: {{"*": desk}}
model_list:
  - {{model_name: grok, litellm_params: {{model: xai/grok-voice-latest, api_base: "ws://127.0.0.1:{model}"}}}}
"""


class Line(Desk):
    """The three programs, on ports that are free here."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server_port, self.model_port, self.rest_port = free_ports(3)
        self.write("scenario.yaml", SCENARIO)
        self.write("patient.yaml", PATIENT)
        ports = {"server": self.server_port, "model": self.model_port, "rest": self.rest_port}
        self.write("ours.yaml", CONFIGURATION.format(**ports))

    def model(self) -> Process:
        process = self.start("simulate", "model", "--script", "scenario.yaml", "--port", str(self.model_port))
        process.until("A simulated model is at")
        return process

    def server(self) -> Process:
        process = self.start("serve", "--config", "ours.yaml")
        process.until('"listening"')
        return process

    def caller(self, script: str, *more: str) -> Process:
        url = f"http://127.0.0.1:{self.server_port}/twilio/voice"
        common = ["--url", url, "--auth-token", TOKEN, "--rest-port", str(self.rest_port)]
        return self.start("simulate", "caller", "--script", script, *common, *more)

    def calls(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.run("calls", "list", "--json", "--config", "ours.yaml").out)
        return listed

    async def record(self, call: str) -> CallRecord:
        """A record out of the database. Another process would say the same, and take another second to begin."""
        store = SqlStore(f"sqlite:///{self.folder / 'telephony.db'}")
        try:
            await store.open()
            record = await store.get(call)
        finally:
            await store.close()
        assert record is not None
        return record

    def recording(self, record: CallRecord) -> np.ndarray[Any, np.dtype[np.int16]]:
        """The samples of a call's WAV, a column for the caller and one for the agent."""
        with wave.open(str(self.folder / record.recording)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
            assert len(samples) == file.getnframes()
        return samples


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Line(tmp_path) as made:
        yield made


def test_three_callers_at_once_have_a_record_a_recording_and_a_transcript_each(line: Line) -> None:
    model, server = line.model(), line.server()
    assert line.caller("scenario.yaml", "--calls", "3").ended() == 0
    calls = line.calls()
    assert len({call["id"] for call in calls}) == len({call["carrier_call_id"] for call in calls}) == 3
    records = [asyncio.run(line.record(call["id"])) for call in calls]
    assert len({record.recording for record in records}) == 3
    for record in records:
        assert record.termination == Termination("completed", "agent", "agent hung up")
        said = [(turn.speaker, turn.heard, turn.unheard) for turn in record.turns]
        assert said == [
            ("agent", "Good day.", ""),
            ("caller", "Are you open?", ""),
            ("agent", "We are.", ""),
            ("caller", "Goodbye.", ""),
            ("agent", "Goodbye.", ""),
        ]
        samples = line.recording(record)
        assert abs(len(samples) / 8000 - record.duration) < 1.0
        assert (np.abs(samples).max(axis=0) > 1000).all(), "one side is silent"
    page = line.run("calls", "show", calls[0]["id"], "--config", "ours.yaml").out
    assert "Are you open?" in page
    assert "completed: agent hung up" in page
    for process in (server, model):
        process.send(signal.SIGTERM)
    assert server.ended() == model.ended() == 0
    assert "nothing wrong" in model.out
    assert model.out.count("nothing wrong") == 3


def test_killed_server_loses_no_call_and_at_most_a_second_of_its_recording(line: Line) -> None:
    line.model()
    killed = line.server()
    line.caller("patient.yaml")
    began = _began(killed.until('"agent said"'))
    time.sleep(max(0.0, 3.5 - (datetime.now(UTC) - began).total_seconds()))
    killed.send(signal.SIGKILL)
    ran = (datetime.now(UTC) - began).total_seconds()
    killed.ended()
    again = line.server()
    [call] = line.calls()
    assert call["termination"]["result"] == "aborted"
    samples = line.recording(asyncio.run(line.record(call["id"])))
    assert ran - LOST - SLACK <= len(samples) / 8000 <= ran + SLACK
    assert np.abs(samples[:, 1]).max() > 1000, "what the agent said is not in the recording"
    assert [path.suffix for path in (line.folder / "heard").iterdir() if path.is_file()] == [".wav"]
    again.send(signal.SIGINT)
    assert again.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_twice_the_server_cuts_its_calls_short_and_keeps_their_records(line: Line, number: int) -> None:
    line.model()
    server, caller = line.server(), line.caller("patient.yaml")
    server.until('"agent said"')
    server.send(signal.SIGTERM)
    server.until('"stopping"')
    server.send(number)
    server.ended(LAST_WORDS + SLACK)
    assert "Traceback" not in server.errors, server.story
    caller.ended()
    [call] = line.calls()
    assert call["termination"]["by"] == "server"
    assert len(line.recording(asyncio.run(line.record(call["id"]))))


def _began(line: str) -> datetime:
    """When a call's media began: each line of its log has the time of day and the seconds since then."""
    told = json.loads(line)
    return datetime.fromtimestamp(datetime.fromisoformat(told["timestamp"]).timestamp() - told["t"], UTC)
