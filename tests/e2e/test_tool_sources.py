"""Tools from an HTTP endpoint, from two MCP servers and from the provider in one call, and each of them dying in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from offices import free_port, world
from remote_services import COMMAND, children, http_service, mcp_over_http
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.settings import HttpToolSettings, McpServerSettings

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(90)]

SECRET = "planted-shop-token-71c3"
ORDER: dict[str, Any] = {
    "properties": {"order_id": {"type": "string", "description": "As on the receipt"}},
    "required": ["order_id"],
}
REFERENCES = ["mcp:near", "mcp:far", "http:order_status", "http:break_off"]
GONE = "not reachable"


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def spoken(words: str, calls: list[dict[str, Any]], answer: str, expect: dict[str, str]) -> list[dict[str, Any]]:
    return [{"on": "speech", "hears": words, "calls": calls}, {"on": "tool", "say": answer, "expect": expect}]


@pytest.mark.parametrize(("profile", "provided"), [("xai", {"type": "web_search"}), ("openai", {"type": "mcp"})])
async def test_every_source_works_in_one_call_and_may_die_in_it(
    tmp_path: Path, profile: str, provided: dict[str, Any]
) -> None:
    asked: list[tuple[str, str]] = []

    async def service(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers.get("Authorization", "")))
        if request.path == "/break":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"status": "shipped", "due": "Thursday"})

    replies = [
        {"on": "greeting", "say": "Hello."},
        *spoken(
            "One.",
            [call("stock", item="tea"), call("far_stock", item="rice"), call("order_status", order_id="A 1/2")],
            "Here it is.",
            {"stock": "12 of tea", "far_stock": "12 of rice", "order_status": "Thursday"},
        ),
        *spoken(
            "Two.",
            [call("linger"), call("die"), call("far_linger"), call("far_die"), call("break_off")],
            "It did not work.",
            {"linger": GONE, "die": GONE, "far_linger": GONE, "far_die": GONE, "break_off": "could not be reached"},
        ),
        *spoken("Three.", [call("far_stock", item="oil")], "Still not.", {"far_stock": GONE}),
    ]
    if provided["type"] == "mcp":
        provided = {"type": "mcp", "server_label": "docs", "server_url": "https://mcp.example.com"}
    agent = Agent("frontdesk", greeting="Hello.", tools=[*REFERENCES, provided])
    port = free_port()
    async with http_service(service) as address, mcp_over_http(port):
        reach = {"allow_private": True, "bearer_token": SecretStr(SECRET)}
        changes: dict[str, Any] = {
            "http_tools": {
                "order_status": HttpToolSettings(
                    description="Look up.", url=f"{address}/orders/{{order_id}}", parameters=ORDER, **reach
                ),
                "break_off": HttpToolSettings(description="Break.", url=f"{address}/break", method="POST", **reach),
            },
            "mcp": {
                "near": McpServerSettings(command=COMMAND, env={"SHOP_WORD": SecretStr(SECRET)}),
                "far": McpServerSettings(url=f"http://127.0.0.1:{port}/mcp", prefix="far_"),
            },
        }
        async with world(
            tmp_path, {"profile": profile, "replies": replies}, agent, provider=f"{profile}/m", **changes
        ) as made:
            steps: list[Any] = [{"wait": "agent"}]
            for words in ("One.", "Two.", "Three."):
                steps += [{"say": words}, {"wait": "agent"}]
            outcome = await made.call(*steps, "hang_up")
            record = await made.record(outcome)
            assert made.outside.faults() == made.outside.unmet() == []
    assert outcome.complaints == []
    assert record.termination == Termination("completed", "caller", "caller hung up")
    assert [turn.heard for turn in record.turns if turn.speaker == "agent"] == [
        "Hello.",
        "Here it is.",
        "It did not work.",
        "Still not.",
    ]
    assert sorted((use.name, use.outcome) for use in record.tools) == [
        ("break_off", "error"),
        ("die", "error"),
        ("far_die", "error"),
        ("far_linger", "error"),
        ("far_stock", "error"),
        ("far_stock", "ok"),
        ("linger", "error"),
        ("order_status", "ok"),
        ("stock", "ok"),
    ]
    assert ("/orders/A 1/2", f"Bearer {SECRET}") in asked
    if sys.platform == "linux":
        assert not children()
    assert SECRET.encode() not in everything_in(tmp_path)
