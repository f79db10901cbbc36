"""The demo as machines run it, once and for real; and that it would notice if something were missing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import readme
from telephony.demo import GREETING, run_demo

LONGEST = 80
"""Seconds; it takes a third of that."""


def loudness(samples: np.ndarray[Any, np.dtype[np.int16]], turn: dict[str, Any]) -> list[float]:
    """The rms of both sides, left and right, in the middle of a turn."""
    middle = (turn["started_at"] + turn["ended_at"]) / 2
    part = samples[int((middle - 0.5) * 8000) : int((middle + 0.5) * 8000)].astype(float)
    return [float(rms) for rms in np.sqrt((part**2).mean(axis=0))]


@pytest.mark.timeout(LONGEST + 10)
async def test_the_demo_passes_and_leaves_a_recording(nothing_left_behind: None, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "telephony", "demo", "--json", "--out", "here", cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(LONGEST):
        out, errors = await process.communicate()
    told = out.decode() + errors.decode()
    assert process.returncode == 0, told
    assert errors == b"", told
    shown = json.loads(out)
    assert shown["passed"] is True
    assert shown["complaints"] == []
    assert shown["call"]["turns"][0]["heard"] == GREETING
    with wave.open(str(tmp_path / shown["recording"])) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert abs(len(samples) / 8000 - shown["call"]["duration"]) < 1.0
    greeting, question = shown["call"]["turns"][:2]
    for turn, speaks in ((greeting, 1), (question, 0)):
        loud = loudness(samples, turn)
        assert loud[speaks] > 500, f"{turn['speaker']} is not to be heard"
        assert loud[1 - speaks] < 50, f"somebody else is to be heard while the {turn['speaker']} speaks"
    assert (tmp_path / "here" / "telephony.db").is_file()
    await holds_as_a_test(tmp_path)


async def holds_as_a_test(folder: Path) -> None:
    """Its cassette in *folder* becomes a test as the README has it: scrubbed, and asserted on in Python."""
    (cassette,) = (folder / "here").glob("*.jsonl")
    for name, text in readme.files().items():
        (folder / name).write_text(text, encoding="utf-8")
    plugin = ("-p", "no:telephony", "-p", "telephony.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:asyncio")
    commands = (
        ("telephony", "cassette", "scrub", str(cassette), "fixtures/calls/slow-lookup.jsonl"),
        ("pytest", *plugin, "-v", "--rootdir", ".", "test_calls.py", "fixtures"),
    )
    for command in commands:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, cwd=folder, env={**os.environ, "PYTHONPATH": str(readme.ROOT)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(LONGEST):
            out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
    assert "2 passed" in out.decode()


async def test_the_demo_notices_what_is_missing(
    nothing_left_behind: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who hangs up after the first word leaves nearly everything out."""
    short = {
        "model": {"replies": [{"on": "greeting", "say": GREETING}, {"on": "speech", "say": "Never said."}]},
        "caller": {"steps": [{"wait": {"agent_ms": 100}}, "hang_up"]},
    }
    monkeypatch.setattr("telephony.demo.load_scenario", lambda name: (short, name))
    notes: list[str] = []
    stages: list[str] = []
    demo = await run_demo(tmp_path, lambda at, note: notes.append(note.event), stages.append)
    assert not demo.passed
    told = " ".join(demo.complaints)
    for missing in ("agent hanging up", "Other tools ran", "greeting was not heard", "The model: "):
        assert missing in told, told
    assert "There is no recording." not in told
    assert "agent speaks" in notes
    assert any("a simulated Grok at ws://127.0.0.1:" in stage for stage in stages)
