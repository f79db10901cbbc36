"""Node's `ws`, which most of the world's realtime clients are made of: with a header, and as a browser would."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gateways import MASTER, entry, gateway, model

NODE = shutil.which("node")
MODULES = os.environ.get("NODE_PATH") or str(Path(__file__).resolve().parents[2] / ".clients" / "node_modules")

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(NODE is None, reason="there is no node on this machine"),
    pytest.mark.skipif(not (Path(MODULES) / "ws").is_dir(), reason="node has no ws here: make clients, or NODE_PATH"),
]

PROGRAM = r"""
const WebSocket = require("ws");
const [url, key, manner] = process.argv.slice(1);
const ws = manner === "header"
  ? new WebSocket(url, { headers: { Authorization: "Bearer " + key, "OpenAI-Beta": "realtime=v1" } })
  : new WebSocket(url, ["realtime", "openai-insecure-api-key." + key, "openai-beta.realtime-v1"]);
const seen = [];
ws.on("open", () => {
  const item = { type: "message", role: "user", content: [{ type: "input_text", text: "Hello!" }] };
  ws.send(JSON.stringify({ type: "conversation.item.create", item }));
  ws.send(JSON.stringify({ type: "response.create" }));
});
ws.on("message", (data) => {
  const event = JSON.parse(data.toString());
  seen.push(event.type);
  if (event.type === "response.done") ws.close(1000);
});
ws.on("close", (code) => console.log(JSON.stringify({ code, protocol: ws.protocol, seen })));
ws.on("unexpected-response", (_, response) => {
  let body = "";
  response.on("data", (part) => (body += part));
  response.on("end", () => console.log(JSON.stringify({ status: response.statusCode, body: JSON.parse(body) })));
});
ws.on("error", (error) => console.error(String(error)));
setTimeout(() => process.exit(3), 20000).unref();
"""


async def run(*arguments: str) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        str(NODE), "-e", PROGRAM, *arguments, stdout=subprocess.PIPE, env={**os.environ, "NODE_PATH": MODULES}
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found: dict[str, object] = json.loads(output)
    return found


@pytest.mark.parametrize(("manner", "protocol"), [("header", ""), ("subprotocol", "realtime")])
async def test_it_holds_a_conversation(manner, protocol):
    async with await model() as grok, gateway([entry(grok.url)]) as running:
        found = await run(f"{running.url}?model=voice", MASTER, manner)
    assert (found["code"], found["protocol"]) == (1000, protocol)
    assert found["seen"][0] == "session.created"
    assert found["seen"][-1] == "response.done"


async def test_it_is_told_why_it_is_refused():
    async with gateway([entry("ws://127.0.0.1:9")]) as running:
        found = await run(f"{running.url}?model=voice", "wrong", "header")
    assert found["status"] == 401
    assert found["body"]["error"]["code"] == "invalid_api_key"
