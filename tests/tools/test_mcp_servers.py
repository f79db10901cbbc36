"""Servers that come and go, and calls that go on. The servers are real: processes, made with the official SDK."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from offices import free_port
from remote_services import COMMAND, children, mcp_over_http
from telephony.commands import RunTool
from telephony.errors import ConfigurationError
from telephony.events import ToolFinished
from telephony.settings import McpServerSettings
from telephony.tools import CallContext, Toolbox
from telephony.tools import mcp_servers as module
from telephony.tools.mcp_servers import McpServers, McpTools

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

NEAR = McpServerSettings(command=COMMAND, timeout=20)
SILENT = McpServerSettings(command=[sys.executable, "-c", "import sys; sys.stdin.read()"], timeout=1)


@contextlib.asynccontextmanager
async def running(servers: McpServers) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(servers.run(), name="mcp servers")
    try:
        await servers.tried(30)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def answer(mine: McpTools, name: str, arguments: str = "{}") -> ToolFinished:
    box = Toolbox([], others=mine.find)
    try:
        return await box.run(RunTool("c1", name, arguments), CallContext("CA1"))
    finally:
        await box.close()


def names(mine: McpTools) -> list[str]:
    return [tool.spec.name for tool in mine.offered()]


async def until(mine: McpTools, alive: bool) -> None:
    async with asyncio.timeout(30):
        while bool(mine.offered()) is not alive:  # noqa: ASYNC110  another process is waited for
            await asyncio.sleep(0.02)


async def test_an_agent_gets_what_it_names_and_the_server_allows() -> None:
    some = NEAR.model_copy(update={"tools": ["stock", "price"], "prefix": "b_", "say": "One moment."})
    servers = McpServers({"a": NEAR, "b": some})
    everything, one = McpTools(servers, ["mcp:b", "shop:f"]), McpTools(servers, ["mcp:a/word"])
    async with running(servers):
        assert names(everything) == ["b_stock", "b_price"]
        assert names(one) == ["word"]
        stock, price = (tool.spec for tool in everything.offered())
        assert (stock.side_effects, price.side_effects, stock.say, stock.timeout) == (False, True, "One moment.", 20)
        assert stock.description == "Say how many of an item there are."
        assert stock.parameters["required"] == ["item"]
        assert (await answer(everything, "b_stock", '{"item": "tea"}')).output == "12 of tea"
        assert (await answer(everything, "stock")).outcome == "invalid"
    if sys.platform == "linux":
        assert not children()


async def test_arguments_are_checked_before_they_are_sent() -> None:
    servers = McpServers({"a": NEAR})
    mine = McpTools(servers, ["mcp:a"])
    async with running(servers):
        finished = await answer(mine, "stock", '{"item": 3}')
    assert finished.outcome == "invalid"
    assert "is not of type" in finished.output


async def test_a_server_that_dies_in_a_call_disables_its_tools_and_comes_back() -> None:
    servers = McpServers({"a": NEAR})
    mine = McpTools(servers, ["mcp:a"])
    async with running(servers):
        finished = await answer(mine, "die")
        assert finished.outcome == "error"
        assert "not reachable" in finished.output
        assert "may have taken effect" in finished.output
        await until(mine, alive=False)
        assert (await answer(mine, "word")).outcome == "error"
        await until(mine, alive=True)
        assert (await answer(mine, "word")).output == "nothing"


async def test_a_server_that_dies_between_calls_is_noticed() -> None:
    port = free_port()
    far = McpServerSettings(url=f"http://127.0.0.1:{port}/mcp", timeout=5)
    servers = McpServers({"far": far})
    mine = McpTools(servers, ["mcp:far"])
    async with mcp_over_http(port) as process, running(servers):
        assert "stock" in names(mine)
        process.kill()
        await process.wait()
        assert (await answer(mine, "stock", '{"item": "tea"}')).outcome == "error"
        await until(mine, alive=False)
        assert mine.missing()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (McpServerSettings(command=["/nowhere/to/be/found"], timeout=5), "No such file"),
        (McpServerSettings(command=[sys.executable, "-c", "raise SystemExit(3)"], timeout=5), "onnection closed"),
        (SILENT, "no answer within 1 s"),
        (McpServerSettings(url="http://127.0.0.1:9/mcp", timeout=5), "connection"),
    ],
    ids=["no program", "ends at once", "says nothing", "nobody listens"],
)
async def test_a_server_that_cannot_be_had_is_named_with_the_reason(settings: McpServerSettings, problem: str) -> None:
    servers = McpServers({"a": settings})
    mine = McpTools(servers, ["mcp:a"])
    with capture_logs() as logs:
        async with running(servers):
            assert names(mine) == []
            (missing,) = mine.missing()
    assert problem in missing
    assert any("lost" in line["event"] and problem in line["problem"] for line in logs)


async def test_the_wait_for_a_server_is_bounded() -> None:
    servers = McpServers({"a": SILENT.model_copy(update={"timeout": 60.0})})
    servers.want("mcp:a")
    task = asyncio.get_running_loop().create_task(servers.run(), name="mcp servers")
    async with asyncio.timeout(10):
        await servers.tried(0.1)
    task.cancel()
    await asyncio.wait([task])


async def test_of_two_tools_of_one_name_the_first_is_offered_and_the_other_named() -> None:
    servers = McpServers({"a": NEAR, "b": NEAR})
    mine = McpTools(servers, ["mcp:a/stock", "mcp:b"], taken=["word"])
    async with running(servers):
        with capture_logs() as logs:
            offered = mine.offered()
            mine.offered()
    assert [tool.reference for tool in offered if tool.spec.name == "stock"] == ["mcp:a/stock"]
    assert "word" not in [tool.spec.name for tool in offered]
    assert [line["tool"] for line in logs] == ["mcp:b/stock", "mcp:b/word"]


@pytest.mark.parametrize(
    ("reference", "problem", "remedy"),
    [
        ("mcp:shpo", "no server of that name", "Did you mean mcp:shop?"),
        ("mcp:", "no server of that name", "mcp:shop"),
        ("mcp:shop/nix", "does not have nix", "Add it there"),
    ],
)
def test_a_reference_that_leads_nowhere_says_so(reference: str, problem: str, remedy: str) -> None:
    servers = McpServers({"shop": NEAR.model_copy(update={"tools": ["stock"]})})
    with pytest.raises(ConfigurationError) as refused:
        servers.want(reference, "agents.a.tools")
    assert problem in refused.value.problem
    assert remedy in refused.value.remedy


def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        return None

    monkeypatch.setattr(module.importlib.util, "find_spec", missing)
    with pytest.raises(ConfigurationError, match=r"telephony-bridge\[mcp\]"):
        McpServers({"shop": NEAR}).want("mcp:shop")
