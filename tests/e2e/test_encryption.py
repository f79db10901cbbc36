"""Calls whose sound is encrypted on the disk, from the telephone to the API, over real sockets."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from api_world import serving
from telephony.audio import wav
from telephony.bridge.encrypted import open_encrypted
from telephony.cassette.replay import replay
from telephony.encryption.keys import Key, KeyRing
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.runtime.retention import Retention
from telephony.settings import EncryptionSettings, Settings
from telephony.store.sql import SqlStore

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

TEXT = base64.b64encode(bytes(range(40, 72))).decode()
KEYS = KeyRing(Key.read(TEXT))
STEPS: list[Any] = [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, "hang_up"]


def kept(path: str) -> bytes:
    """What is in a file."""
    return Path(path).read_bytes()


async def test_what_a_call_leaves_cannot_be_heard_on_the_disk_and_can_through_the_api(tmp_path: Path) -> None:
    encryption = EncryptionSettings(key=SecretStr(TEXT))
    async with serving(tmp_path, encryption=encryption) as (made, client):
        outcome = await made.call(*STEPS)
        record = await made.record(outcome)
        assert (record.recording, record.cassette) == (
            str(tmp_path / "recordings" / f"{record.id}.wav.enc"),
            str(tmp_path / "cassettes" / f"{record.id}.jsonl.enc"),
        )
        _, _, sound = await client.ask(f"/calls/{record.id}/recording")
        heard = wav.read(sound)
        assert sound == wav.write(heard.format, 2, heard.data), "its header says what is there"
        caller, agent = (np.frombuffer(side, "<i2") for side in wav.split(heard))
        assert np.abs(caller).max() > 1000
        assert np.abs(agent).max() > 1000
        _, _, lines = await client.ask(f"/calls/{record.id}/cassette")
        (tmp_path / "fetched.jsonl").write_bytes(lines)
        assert replay(open_cassette(tmp_path / "fetched.jsonl"), new_carrier).divergence is None

        loud = caller[np.flatnonzero(np.abs(caller) > 500)[0] :][:16].tobytes()
        files = [path for folder in ("recordings", "cassettes") for path in (tmp_path / folder).rglob("*.*")]
        assert len(files) == 2
        for path in files:
            data = path.read_bytes()
            assert not [mark for mark in (b"RIFF", b"media", b"cassette", loud, TEXT.encode()) if mark in data]
        with open_encrypted(Path(record.recording), KEYS) as file:
            assert (file.ending, b"".join(file.pieces())) == ("whole", sound)

        store = SqlStore(made.office.settings.database_url)
        await store.open()
        erased = await Retention(store, made.office.settings).erase(record.from_number)
        await store.close()
        assert (erased.calls, erased.files) == (1, 2)
        assert not any(path.exists() for path in files)


async def test_recordings_from_before_there_was_a_key_are_still_heard(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, client):
        record = await made.record(await made.call(*STEPS))
        _, _, before = await client.ask(f"/calls/{record.id}/recording")
    async with serving(tmp_path, encryption=EncryptionSettings(key=SecretStr(TEXT))) as (_, client):
        _, _, after = await client.ask(f"/calls/{record.id}/recording")
    assert before == after
    assert before.startswith(b"RIFF")


async def test_what_is_said_after_the_carriers_tone_is_fetched_into_an_encrypted_file(tmp_path: Path) -> None:
    closed = {"say": "Please leave a message.", "voicemail": True}
    values = Settings.model_validate(
        {
            "numbers": {"*": {"agent": "frontdesk", "hours": "never", "closed": closed}},
            "hours": {"never": {"timezone": "Europe/Berlin"}},
        }
    )
    encryption = EncryptionSettings(key=SecretStr(TEXT))
    async with serving(tmp_path, encryption=encryption, numbers=values.numbers, hours=values.hours) as (made, client):
        outcome = await made.call({"pause": 0.2}, {"say": "Call me back."}, {"pause": 0.6}, "hang_up")
        record = await made.record(outcome)
        (left,) = made.outside.rest.board.recordings.values()
        _, _, heard = await client.ask(f"/calls/{record.id}/recording")
    assert record.recording.endswith("-message.wav.enc")
    assert [path.name for path in (tmp_path / "recordings").glob("*.*")] == [Path(record.recording).name]
    data = kept(record.recording)
    assert heard == left.audio
    assert b"RIFF" not in data
    assert left.audio[2000:2032] not in data
