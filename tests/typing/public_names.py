"""What a type checker sees of `@tool`, `Agent` and the rest. Nothing here runs: `mypy --strict` reads it.

Lines that must be refused carry a `type: ignore`, and strict mode complains about one that is not needed; so this file
holds both what is allowed and what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from telephony.agents import Agent, Directory, ToolLike, call_settings
from telephony.commands import RunTool
from telephony.events import ToolFinished
from telephony.settings import AgentSettings, CallSettings, ToolSpec
from telephony.tools import HANG_UP, CallContext, Tool, Toolbox, load_tools, tool


@tool
def count(sku: str, depot: int = 1) -> int:
    return len(sku) * depot


@tool(timeout=8, say="Let me look that up.", side_effects=True, name="look-up")
async def look_up(call: CallContext, order_id: str) -> dict[str, str]:
    return {call.call_id: order_id}


class Depot:
    def stock(self, sku: str) -> int:
        return len(sku)


stock = tool(Depot().stock, timeout=2)


async def tools_keep_the_type_of_their_function() -> None:
    assert_type(count("bolt", depot=2), int)
    pending: Coroutine[Any, Any, dict[str, str]] = look_up(CallContext(), "A")
    assert_type(await pending, dict[str, str])
    assert_type(await look_up(CallContext(), order_id="A"), dict[str, str])
    assert_type(stock("bolt"), int)
    as_tool: Tool[[str], int] = stock
    as_tool("bolt")
    assert_type(count.spec, ToolSpec)
    assert_type(count.read("{}"), dict[str, Any])
    as_callable: Callable[[str], int] = count
    as_callable("bolt")


async def wrong_calls_are_refused() -> None:
    count(3)  # type: ignore[arg-type]
    count()  # type: ignore[call-arg]
    await look_up("A")  # type: ignore[call-arg, arg-type]
    tool(count, timeout="8")  # type: ignore[call-overload]
    tool("count")  # type: ignore[call-overload]

    @tool(retries=3)  # type: ignore[call-overload, untyped-decorator]
    def again() -> None: ...


async def tools_fit_where_they_are_used() -> None:
    like: list[ToolLike] = [count, look_up, HANG_UP]
    agent = Agent("frontdesk", model="grok-voice", tools=[*like, "builtin:hang_up"])
    assert_type(agent.settings, AgentSettings)
    box = Toolbox([count, look_up, HANG_UP, *load_tools(agent.tools)])
    assert_type(box.specs, tuple[ToolSpec, ...])
    assert_type(await box.run(RunTool("1", "count", "{}"), CallContext("CA1")), ToolFinished)
    assert_type(call_settings(agent, box.specs), CallSettings)
    assert_type(Directory([agent], {"*": "frontdesk"}).for_number("+15550100"), Agent | None)
    Agent("frontdesk", tools=[len])  # type: ignore[list-item]
    Agent("frontdesk", audio="mp3")  # type: ignore[arg-type]
