"""References of declared tools lead to them, and nothing is opened on the way."""

from __future__ import annotations

import pytest

from telephony.errors import ConfigurationError
from telephony.settings import HttpToolSettings, McpServerSettings
from telephony.tools.load import load_tools
from telephony.tools.sources import ToolSources

ORDERS = HttpToolSettings(description="Look.", url="https://shop.example.com/orders")
SHOP = McpServerSettings(command=["/nowhere"])


def test_a_declared_tool_is_loaded_beside_the_others() -> None:
    loaded = load_tools(
        ["http:orders", "builtin:hang_up", "mcp:shop"], "", ToolSources({"orders": ORDERS}, {"shop": SHOP})
    )
    assert [tool.reference for tool in loaded] == ["http:orders", "builtin:hang_up"]


def test_a_server_is_wanted_once_an_agent_names_it() -> None:
    sources = ToolSources({}, {"shop": SHOP, "other": SHOP})
    load_tools(["mcp:shop/a", "mcp:shop/b"], "", sources)
    assert list(sources.servers.wanted) == ["shop"]


@pytest.mark.parametrize(
    ("sources", "remedy"),
    [
        (ToolSources({"orders": ORDERS}), "Did you mean http:orders?"),
        (ToolSources({"zzz": ORDERS}), "There is http:zzz."),
        (None, "Describe it under http_tools."),
    ],
)
def test_a_tool_that_is_not_declared_is_refused_with_the_way_out(sources: ToolSources | None, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_tools(["http:order"], "agents.a.tools", sources)
    assert refused.value.remedy == remedy
    assert refused.value.place == "agents.a.tools"
