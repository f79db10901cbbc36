"""A real LiteLLM proxy on either side: before our gateway as its upstream's client, and behind a phone call.

LiteLLM is heavy and pins much, so it lives in an environment of its own, into which `make clients` installs it. It
takes many seconds to start, on all cores, so these tests run by themselves: `make test ARGS="-m litellm -n 0"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from pydantic import SecretStr
from websockets.asyncio.client import connect

from gateways import MASTER, entry, gateway, model
from telephony.agents.agent import Agent
from telephony.records import CallRecord
from telephony.runtime.office import open_office
from telephony.settings import CassetteSettings, Settings, TwilioSettings
from telephony.sim.caller_script import CallerScript
from telephony.sim.model_client import hum
from telephony.simulate.caller import place_call
from telephony.simulate.rest import TwilioRest

CLIENTS = Path(__file__).resolve().parents[2] / ".clients"
LITELLM = os.environ.get("LITELLM") or shutil.which("litellm", path=CLIENTS / "litellm" / "bin")
START = 120.0
"""Seconds that LiteLLM may take to answer for the first time."""
KEY = "sk-litellm-of-this-test"
NO_TRANSCRIPTS = {"audio": {"input": {"transcription": None}}}
"""Before 1.108 LiteLLM asks for a reply of its own after every transcript of the caller, on top of the model's (its
issue 31726), in the middle of a sentence if need be; so there transcripts are switched off."""
ACCOUNT, TOKEN = "AC" + "0" * 32, "0123456789abcdef"

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.timeout(240),
    pytest.mark.skipif(LITELLM is None, reason="there is no LiteLLM proxy here: make clients, or set LITELLM to one"),
]


def outdated() -> bool:
    found = Path(str(LITELLM)).parent.parent.glob("lib/python*/site-packages/litellm-*.dist-info")
    return any(tuple(map(int, path.name.split("-")[1].split(".")[:2])) < (1, 108) for path in found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def litellm(folder: Path, *models: dict[str, Any]) -> AsyncIterator[str]:
    """A proxy for *models*; its address, as `http://…`."""
    port, config, log = free_port(), folder / "litellm.yaml", folder / "litellm.log"
    general = {"master_key": KEY}
    config.write_text(yaml.safe_dump({"model_list": list(models), "general_settings": general}), encoding="utf-8")
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    env.pop("PYTHONPATH", None)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            str(LITELLM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port),
            env=env, stdout=output, stderr=output, cwd=folder,
        )  # fmt: skip
        try:
            await alive(f"http://127.0.0.1:{port}/health/liveliness", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 15)
            if process.returncode is None:
                process.kill()
                await process.wait()
            sys.stdout.write(log.read_text(encoding="utf-8", errors="replace")[-6000:])


async def alive(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START), aiohttp.ClientSession() as http:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise AssertionError("LiteLLM ended instead of starting")


def deployment(name: str, model_name: str, base: str, key: str = "k") -> dict[str, Any]:
    params = {"model": model_name, "api_base": base, "api_key": key}
    return {"model_name": name, "litellm_params": params, "model_info": {"mode": "realtime"}}


@pytest.mark.parametrize("profile", ["xai", "openai"])
async def test_litellm_takes_our_gateway_for_a_provider(profile, tmp_path):
    async with (
        await model(profile=profile) as behind,
        gateway([entry(behind.url, provider=profile)]) as running,
        litellm(tmp_path, deployment("ours", f"{profile}/voice", running.http, MASTER)) as proxy,
    ):
        url = f"ws{proxy.removeprefix('http')}/v1/realtime?model=ours"
        headers = {"Authorization": f"Bearer {KEY}"}
        kinds: list[str] = []
        async with asyncio.timeout(30), connect(url, additional_headers=headers, proxy=None, max_size=None) as client:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}
            await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await client.send('{"type": "response.create"}')
            async for message in client:
                kinds.append(json.loads(message)["type"])
                if kinds[-1] in ("response.done", "error"):
                    break
        report = await running.reports.get()
    assert kinds[0] == "session.created"
    assert kinds[-1] == "response.done"
    assert "response.output_audio.delta" in kinds
    assert report.usage.responses == 1


@pytest.mark.parametrize("profile", ["xai", "openai"])
async def test_a_phone_call_goes_through_litellm(profile, tmp_path):
    hurried = profile == "xai" and outdated()  # xAI transcribes whole turns unasked, and the proxy asks first
    turn = {"on": "prompt"} if hurried else {"on": "speech", "hears": "Goodbye."}
    replies = [{"on": "greeting", "say": "Thanks for calling."}, {**turn, "say": "Bye.", "call": {"name": "hang_up"}}]
    document = {"steps": [{"wait": "agent"}, {"say": "Goodbye, and thank you."}, {"wait": "end"}]}
    records: list[CallRecord] = []
    async with (
        await model(profile=profile, replies=replies, speed=[8, 8]) as behind,
        litellm(tmp_path, deployment("far", f"{profile}/grok-voice-latest", behind.url)) as proxy,
        TwilioRest(ACCOUNT, TOKEN) as rest,
    ):
        port = free_port()
        settings = Settings(
            public_url=f"http://127.0.0.1:{port}",
            host="127.0.0.1",
            port=port,
            database_url="sqlite://",
            recordings=str(tmp_path),
            cassettes=CassetteSettings(folder=str(tmp_path)),
            drain=2,
            twilio=TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base=rest.base_url),
            model_list=[entry(proxy, provider="litellm_proxy", model="litellm_proxy/far", api_key=KEY)],
        )
        agent = Agent(
            "desk",
            model="voice",
            greeting="Thanks for calling.",
            tools=["builtin:hang_up"],
            session=NO_TRANSCRIPTS if outdated() else {},
        )
        async with open_office(settings, {}, agents=[agent]) as office:
            office.calls.on_record = records.append
            script = CallerScript.parse(document, "script")
            async with asyncio.timeout(60):
                webhook = f"{settings.public_url}/twilio/voice"
                await place_call(webhook, script, account_sid=ACCOUNT, auth_token=TOKEN, rest=rest, voice=hum)
                await office.calls.idle()
        session = behind.sessions[-1]  # of xAI's the first was for looking at
    (record,) = records
    assert record.termination is not None
    assert (record.termination.result, record.termination.by) == ("completed", "agent")
    heard = [turn.heard for turn in record.turns if turn.speaker == "agent"]
    assert heard[:2] == ["Thanks for calling.", "Bye."]
    assert heard[2:] == [] or hurried
    assert record.notes == []
    assert session.core.unmet == []
