"""Placing simulated calls: several at once, a line for each, and an exit code for all of them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from offices import ACCOUNT, NOWHERE, TOKEN, free_port, outside, settings_for, world
from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.cli.placing import Placing, place_calls
from telephony.errors import ScriptError, TelephonyError
from telephony.runtime.office import open_office

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

BRIEF = "caller: {patience: 5, steps: [{wait: agent}, hang_up]}\n"
WAITING = "caller: {patience: 0.2, steps: [{wait: {agent_ms: 60000}}]}\n"


def placing(url: str, **values: Any) -> Placing:
    given = {"public_url": None, "rest_port": 0, "out": None, "verbose": False, **values}
    return Placing(url=f"{url}/twilio/voice", account_sid=ACCOUNT, auth_token=TOKEN, **given)


async def test_each_call_gets_a_line_and_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "brief.yaml"
    script.write_text(BRIEF)
    replies = {"replies": [{"on": "greeting", "say": "Hello."}]}
    async with world(tmp_path, replies, Agent("frontdesk", greeting="Hello.")) as made:
        where = placing(made.office.settings.public_url, out=tmp_path / "wavs")
        assert await place_calls(where, str(script), None, 3)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("call ")]
    assert sorted(line[:7] for line in lines) == ["call 1:", "call 2:", "call 3:"]
    assert all(line.endswith("ended by the caller: ok") for line in lines)
    recordings = sorted((tmp_path / "wavs").glob("CA*.wav"))
    assert len(recordings) == 3
    assert wav.read(recordings[0].read_bytes()).channels == 2


async def test_a_call_that_goes_wrong_is_told_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "waiting.yaml"
    script.write_text(WAITING)
    async with world(tmp_path, {"replies": []}, Agent("frontdesk", speaks_first=False)) as made:
        assert not await place_calls(placing(made.office.settings.public_url), str(script), None, 1)
    assert "did not happen within" in capsys.readouterr().out


async def test_a_server_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "brief.yaml"
    script.write_text(BRIEF)
    assert not await place_calls(placing(f"http://127.0.0.1:{free_port()}"), str(script), None, 1)
    assert "Twilio 11200" in capsys.readouterr().out


async def test_a_server_with_another_token_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "brief.yaml"
    script.write_text(BRIEF)
    settings = settings_for(tmp_path, NOWHERE)
    async with open_office(settings, {}, agents=[Agent("frontdesk")]):
        where = Placing(f"{settings.public_url}/twilio/voice", ACCOUNT, "other", None, 0, None, verbose=True)
        assert not await place_calls(where, str(script), None, 1)
    told = capsys.readouterr().out
    assert "answered 403" in told
    assert "does --auth-token match the server's TWILIO_AUTH_TOKEN" in told


async def test_a_recording_can_be_the_caller(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speech = tmp_path / "caller.wav"
    speech.write_bytes(wav.header(PCM16_8K, 1, 8000) + b"\0\x10" * 4000)
    async with outside({"replies": [{"on": "greeting", "say": "Hello."}]}) as around:
        settings = settings_for(tmp_path, around.model.url)
        async with open_office(settings, {}, agents=[Agent("frontdesk")]):
            assert await place_calls(placing(settings.public_url), "front_desk", speech, 1)
    assert "ended by the caller: ok" in capsys.readouterr().out


async def test_everything_is_shown_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "brief.yaml"
    script.write_text(BRIEF)
    replies = {"replies": [{"on": "greeting", "say": "Hello."}]}
    async with world(tmp_path, replies, Agent("frontdesk", greeting="Hello.")) as made:
        assert await place_calls(placing(made.office.settings.public_url, verbose=True), str(script), None, 1)
    shown = capsys.readouterr().out
    assert "agent speaks" in shown
    assert "stream opened" in shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model: {}\n", "no part called caller:"),
        ("caller: {steps: []}\n", "at least one step"),
        ("- 1\n", "no mapping"),
    ],
)
async def test_a_script_that_cannot_be_followed_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    script = tmp_path / "wrong.yaml"
    script.write_text(text)
    with pytest.raises(ScriptError, match=told) as caught:
        await place_calls(placing("http://127.0.0.1:1"), str(script), None, 1)
    assert "wrong.yaml" in str(caught.value)


async def test_a_rest_port_that_is_taken_is_told_with_the_remedy() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(TelephonyError, match=f"127.0.0.1:{taken} cannot be listened on.*--rest-port"):
            await place_calls(placing("http://127.0.0.1:1", rest_port=taken), "front_desk", None, 1)
    await asyncio.sleep(0)
