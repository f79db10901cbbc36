"""`telephony gateway` as a user starts it: a LiteLLM file, a port, a signal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.asyncio.client import connect

from gateways import model
from telephony.cli import app
from telephony.server.keys import hashed

pytestmark = pytest.mark.timeout(60)

LITELLM = """
model_list:
  - model_name: grok-voice
    litellm_params: {{model: xai/grok-voice-latest, api_key: os.environ/XAI_API_KEY, api_base: "{base}"}}
    model_info: {{mode: realtime}}
gateway:
  keys:
    shop: {{key: os.environ/SHOP_KEY}}
"""


def test_a_new_key_is_shown_with_its_hash_and_nothing_else_happens():
    result = CliRunner().invoke(app, ["gateway", "--new-key", "shop"])
    assert result.exit_code == 0
    key = next(word for word in result.output.split() if word.startswith("sk-"))
    assert f"shop: {{sha256: {hashed(key)}}}" in result.output


async def listening(port: int) -> None:
    """Wait until somebody answers at *port*."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def test_it_serves_a_litellm_file_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with await model() as grok:
        config = tmp_path / "config.yaml"
        config.write_text(LITELLM.format(base=grok.url), encoding="utf-8")
        command = [sys.executable, "-m", "telephony", "gateway", "-c", str(config), "--port", str(port)]
        env = {**os.environ, "XAI_API_KEY": "k", "SHOP_KEY": "sk-shop-of-this-test"}
        process = await asyncio.create_subprocess_exec(
            *command, "--host", "127.0.0.1", env=env, stderr=asyncio.subprocess.STDOUT, stdout=asyncio.subprocess.PIPE
        )
        try:
            await listening(port)
            headers = {"Authorization": "Bearer sk-shop-of-this-test"}
            url = f"ws://127.0.0.1:{port}/v1/realtime?model=grok-voice"
            async with connect(url, additional_headers=headers, proxy=None) as client:
                assert json.loads(await client.recv())["type"] == "session.created"
            process.send_signal(signal.SIGTERM)
            output, _ = await asyncio.wait_for(process.communicate(), 20)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0
    assert b"sk-shop-of-this-test" not in output
    assert b"listening" in output
