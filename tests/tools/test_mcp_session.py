"""One connection: what a server's answers become, and what it is told and says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from offices import free_port
from remote_services import COMMAND, mcp_over_http
from telephony.errors import ToolError
from telephony.settings import McpServerSettings
from telephony.tools.mcp_session import connect
from telephony.tools.remote import RemoteFailed

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

NEAR = McpServerSettings(command=COMMAND, env={"SHOP_WORD": SecretStr("hush")})


@pytest.fixture(params=["stdio", "http"])
async def settings(request: pytest.FixtureRequest) -> Any:
    if request.param == "stdio":
        yield NEAR
        return
    port = free_port()
    async with mcp_over_http(port):
        yield McpServerSettings(url=f"http://127.0.0.1:{port}/mcp")


async def test_answers_become_text(settings: McpServerSettings) -> None:
    async with connect("shop", settings) as session:
        assert await session.call("stock", {"item": "tea"}) == "12 of tea"
        assert '"total": 15' in await session.call("price", {"item": "tea", "amount": 3})
        picture = await session.call("picture", {"item": "tea"})
        assert picture == "This is tea:\n[image, image/png: it cannot be shown on the telephone]"


async def test_a_tool_that_says_it_failed_is_an_answer(settings: McpServerSettings) -> None:
    async with connect("shop", settings) as session:
        with pytest.raises(ToolError, match="fail"):
            await session.call("fail", {"item": "tea"})
        assert await session.call("stock", {"item": "tea"}) == "12 of tea"
        assert not session.doubted.is_set()


@contextlib.asynccontextmanager
async def _torn() -> AsyncIterator[None]:
    """Over HTTP the SDK raises what the connection was lost by, once it is left."""
    with contextlib.suppress(ExceptionGroup):
        yield


async def test_a_connection_that_ends_fails_its_calls(settings: McpServerSettings) -> None:
    async with _torn(), connect("shop", settings) as session:
        waiting = asyncio.get_running_loop().create_task(session.call("linger", {}), name="linger")
        await asyncio.sleep(0)
        with pytest.raises(RemoteFailed):
            await session.call("die", {})
        with pytest.raises(RemoteFailed):
            await waiting


async def test_tools_say_whether_they_change_something(settings: McpServerSettings) -> None:
    async with connect("shop", settings) as session:
        listed = {tool.name: tool for tool in await session.tools()}
    assert listed["stock"].read_only
    assert not listed["price"].read_only
    assert listed["stock"].schema["properties"]["item"]["type"] == "string"


async def test_a_call_that_is_given_up_is_cancelled_at_the_server_whose_stderr_is_logged() -> None:
    def said(word: str) -> bool:
        return any(line.get("line") == word for line in logs)

    with capture_logs() as logs:
        async with connect("shop", NEAR) as session:
            task = asyncio.get_running_loop().create_task(session.call("linger", {}), name="linger")
            async with asyncio.timeout(20):
                while not said("lingering"):  # noqa: ASYNC110  another process is waited for
                    await asyncio.sleep(0.02)
                task.cancel()
                await asyncio.wait([task])
                while not said("no longer wanted"):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)


async def test_a_child_gets_its_own_environment_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_WORD", "ours")
    async with connect("shop", NEAR) as session:
        assert await session.call("word", {}) == "hush"
    async with connect("shop", NEAR.model_copy(update={"env": {}})) as session:
        assert await session.call("word", {}) == "nothing"
