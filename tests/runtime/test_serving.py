"""`serve`: it answers until it is told to stop, and a second word is the last."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from offices import ACCOUNT, TOKEN, outside, settings_for, stored_records
from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.records import Termination
from telephony.runtime.serving import read_settings, run_until_told, serve
from telephony.settings import Settings
from telephony.sim.caller import Observation

AGENT = Agent("frontdesk", greeting="Hello.")


async def listening(settings: Settings) -> None:
    """Wait until it answers."""
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{settings.public_url}/healthz"):
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(nothing_left_behind: None, tmp_path: Path, number: signal.Signals) -> None:
    settings = settings_for(tmp_path)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(run_until_told(settings, {}, [AGENT]), name="serve")
        await listening(settings)
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler), "whoever comes next is not stopped"


async def test_a_signal_before_it_listens_ends_it_too(nothing_left_behind: None, tmp_path: Path) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(run_until_told(settings_for(tmp_path), {}, [AGENT]), name="serve")
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)


async def test_cancelling_it_is_no_signal(nothing_left_behind: None, tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(run_until_told(settings, {}, [AGENT]), name="serve")
        await listening(settings)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


def test_what_is_wrong_is_told_line_by_line_and_ends_the_program_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        serve(AGENT, prot=8080, drain="long")
    assert end.value.code == 2
    told = capsys.readouterr().err.splitlines()
    assert sorted(line.partition(":")[0] for line in told) == ["error drain (--drain)", "error prot (--prot)"]
    assert any("there is no such setting. Did you mean port" in line for line in told)


def test_what_shows_only_when_it_opens_is_told_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PUBLIC_URL", "TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as end:
        serve(AGENT, model_list=[{"model_name": "m", "litellm_params": {"model": "xai/grok"}}])
    assert end.value.code == 2
    assert "error public_url: it is not set" in capsys.readouterr().err


class Warehouse:
    """What a function needs."""


def open_warehouse() -> Warehouse:
    raise ConnectionRefusedError("nobody there")


def test_what_functions_need_is_opened_before_anything_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        serve(
            AGENT,
            provide=[open_warehouse],
            public_url="https://voice.example.com",
            twilio={"account_sid": ACCOUNT, "auth_token": TOKEN},
            model_list=[{"model_name": "m", "litellm_params": {"model": "xai/grok", "api_base": "ws://127.0.0.1:9"}}],
        )
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "open_warehouse (provide): opening it failed with ConnectionRefusedError: nobody there" in told


async def test_programs_that_run_it_themselves_get_what_is_wrong_as_an_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"prot \(--prot\): there is no such setting. Did you mean port"):
        read_settings(None, {"prot": 8080}, [AGENT])
    with pytest.raises(ConfigurationError, match="public_url: it is not set"):
        await run_until_told(Settings(), {}, [AGENT])


def test_settings_of_the_call_win_over_the_file_and_dotenv_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setenv("HOST", "127.0.0.1")
    (tmp_path / ".env").write_text("XAI_API_KEY=planted\n")
    (tmp_path / "mine.yaml").write_text(
        "port: 1\nhost: 0.0.0.0\ndrain: 7\nnumbers: {'*': frontdesk}\n"
        "model_list: [{model_name: m, litellm_params: {model: xai/grok}}]\n"
    )
    settings, environ = read_settings(tmp_path / "mine.yaml", {"port": 2, "log_level": None}, [AGENT])
    assert (settings.port, settings.host, settings.drain) == (2, "127.0.0.1", 7)
    assert environ["XAI_API_KEY"] == "planted"


async def test_a_second_signal_cuts_the_calls_off_and_keeps_their_records(
    nothing_left_behind: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once, the running call may take its time; told twice, it ends now, and its record says so."""
    monkeypatch.setattr("telephony.runtime.serving.LAST_WORDS", 3600)  # it would be this process that ends
    async with outside({"replies": [{"on": "greeting", "say": "Hello."}]}) as around:
        settings = settings_for(tmp_path, around.model.url, around.rest.base_url, drain=60)
        heard = asyncio.Event()

        def observe(seen: Observation) -> None:
            if seen.kind == "agent quiet":
                heard.set()

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            serving = group.create_task(run_until_told(settings, {}, [AGENT]), name="serve")
            await listening(settings)
            call = group.create_task(around.call(settings.public_url, [{"wait": "end"}], observe=observe), name="call")
            await heard.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert not serving.done()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait([serving, call])
    (record,) = await stored_records(settings)
    assert record.termination == Termination("failed", "server", "server stopping")
    assert (tmp_path / "recordings" / f"{record.id}.wav").is_file()
