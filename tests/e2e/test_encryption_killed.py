"""Encrypted recordings of a server that is killed: nothing in clear before, and no more than a second missing after."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.audio.g711 import mulaw_to_pcm
from telephony.bridge.encrypted import open_encrypted
from telephony.encryption.keys import Key, KeyRing
from telephony.encryption.stream import HEADER_BYTES
from telephony.simulate.voice import Voice
from versions import STORY, Line, ended, versions, workers_of

pytestmark = pytest.mark.timeout(120)

SECRET = bytes(range(60, 92))
KEYS = KeyRing(Key(SECRET))
CALLS = 4
LOST = 1.0
"""Seconds of a recording that a killed process may take with it."""
SLACK = 0.5
"""Seconds between a moment and its being noticed, on a busy machine."""


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with versions(tmp_path) as made:
        made.configure(f"encryption: {{key: {SECRET.hex()}}}")
        yield made


def in_clear(path: Path) -> list[bytes]:
    """What of a recording stands in *path* for everybody to see: its header, or a stretch of the agent's voice."""
    found = path.read_bytes()
    sides = [np.frombuffer(found[at : len(found) - (len(found) - at) % 4], "<i2")[::2].tobytes() for at in range(4)]
    voice = mulaw_to_pcm(Voice("agent", synthesis=False)(STORY))[8000:8400]
    marks = [mark for mark in (b"RIFF", b"WAVEfmt ") if mark in found]
    return marks + [voice for side in sides if voice in side]


def with_sound(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.part") if path.stat().st_size > HEADER_BYTES + 20_000]


async def until_some_is_written(folder: Path, count: int) -> list[Path]:
    """The files of so many calls, each of which has sound in it by now."""
    async with asyncio.timeout(30):
        while True:
            if len(files := with_sound(folder)) == count:
                return files
            await asyncio.sleep(0.05)


async def test_without_a_key_all_of_it_would_be_seen(line: Line) -> None:
    """What the other test looks for is there to be found."""
    line.configure()
    server = await line.serve(1)
    await line.call()
    server.send(signal.SIGTERM)
    assert await ended(server) == 0, server.story
    (path,) = (line.desk.folder / "heard").glob("*.wav")
    assert len(in_clear(path)) == 3


async def test_a_killed_worker_leaves_nothing_in_clear_and_loses_at_most_a_second(line: Line) -> None:
    server = await line.serve()
    folder = line.desk.folder / "heard"
    calls = [line.call() for _ in range(CALLS)]
    await line.until_heard(server, CALLS)
    began = time.monotonic()
    growing = await until_some_is_written(folder, CALLS)
    assert {path.name.partition(".")[2] for path in growing} == {"wav.enc.part"}
    assert [path for path in folder.iterdir() if in_clear(path)] == []
    await asyncio.sleep(1.0)
    os.kill(workers_of(server)[0], signal.SIGKILL)
    ran = time.monotonic() - began
    outcomes = await asyncio.gather(*calls)
    assert '"a recording of a dead process was finished"' in server.errors, server.story
    server.send(signal.SIGTERM)
    assert await ended(server) == 0, server.story

    records = {call: found[0] for call, found in line.terminations().items()}
    endings = []
    for outcome in outcomes:
        _, result, recording = records[outcome.call_sid]
        path = line.desk.folder / recording
        with open_encrypted(path, KEYS) as file:
            endings.append((result, file.ending))
            sound = b"".join(file.pieces())
        heard = wav.read(sound)
        assert sound == wav.write(PCM16_8K, 2, heard.data), "its header says what is there"
        agent = np.frombuffer(wav.split(heard)[1], "<i2")
        assert np.abs(agent).max() > 1000, "the agent's voice is in it"
        if result == "aborted":
            assert ran - LOST - SLACK <= heard.seconds <= ran + LOST + SLACK
    lost, kept = ("aborted", "recovered"), ("completed", "whole")
    assert sorted(endings) == [lost] * (CALLS // 2) + [kept] * (CALLS // 2)
    assert [path.name for path in folder.iterdir() if path.is_file() and in_clear(path)] == []
    assert list(folder.glob("*.part")) == []
