"""From the configuration's strings to tools, and what is said of strings that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telephony.errors import ConfigurationError
from telephony.tools import HANG_UP, load_tools, tool

Write = Callable[[str, str], None]

TOOLS = """
from telephony.tools import tool

@tool
def look_up(order_id: str) -> str:
    return order_id

@tool
async def cancel(order_id: str) -> str:
    return order_id

def plain(order_id: str) -> str:
    return order_id

class Depot:
    @staticmethod
    def count(sku: str) -> int:
        return len(sku)

class Shop:
    count = tool(Depot.count, name="count")

shop = Shop()
NUMBER = 3
"""


def names(*references: object) -> list[str]:
    return [found.spec.name for found in load_tools(references)]


def refusal(*references: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load_tools(references, place="agents.frontdesk.tools")
    assert caught.value.place == "agents.frontdesk.tools"
    assert caught.value.remedy
    return caught.value


def test_a_function_an_attribute_of_an_object_and_a_builtin_are_found(write_module: Write) -> None:
    write_module("my_tools", TOOLS)
    assert names("my_tools:look_up", "my_tools:shop.count", "builtin:hang_up") == ["look_up", "count", "hang_up"]


def test_a_module_stands_for_the_tools_it_defines(write_module: Write) -> None:
    write_module("my_tools", TOOLS)
    write_module("borrower", "from my_tools import look_up\nfrom telephony.tools import tool\n@tool\ndef own(): ...\n")
    assert names("my_tools") == ["look_up", "cancel"]
    assert names("borrower") == ["own"]


def test_a_package_stands_for_the_tools_its_modules_define(write_module: Write) -> None:
    write_module("my_shop.tools", TOOLS)
    write_module("my_shop.__init__", "from my_shop.tools import look_up")
    assert names("my_shop") == ["look_up"]


def test_the_example_shop_loads(shop: str) -> None:
    assert names(shop, "builtin:hang_up") == ["lookup_order", "place_order", "opening-hours", "stock", "hang_up"]


def test_tools_stand_for_themselves() -> None:
    @tool
    def ping() -> None: ...

    assert load_tools([ping, HANG_UP]) == [ping, HANG_UP]


def test_the_same_tool_named_twice_is_loaded_once(write_module: Write) -> None:
    write_module("my_tools", TOOLS)
    assert names("my_tools", "my_tools:look_up") == ["look_up", "cancel"]


def test_two_tools_of_one_name_are_refused(write_module: Write) -> None:
    write_module("one", TOOLS)
    write_module("two", TOOLS)
    error = refusal("one:look_up", "two:look_up")
    assert error.key == "two:look_up"
    assert "one:look_up and two:look_up" in error.problem


def test_a_missing_module_says_where_it_was_looked_for(
    write_module: Write, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    error = refusal("nowhere.tools:look_up")
    assert "no module nowhere in the working directory" in error.problem
    assert "not on sys.path" not in error.problem
    assert "nowhere.py or nowhere/" in error.remedy
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert "not on sys.path" in refusal("nowhere:look_up").problem


def test_a_missing_submodule_is_named_in_full(write_module: Write) -> None:
    write_module("my_shop.tools", TOOLS)
    assert "no module my_shop.tulls" in refusal("my_shop.tulls:look_up").problem


def test_a_module_that_imports_what_is_not_installed_says_what(write_module: Write) -> None:
    write_module("my_tools", "import not_installed_anywhere")
    assert "my_tools imports not_installed_anywhere, which is not installed" in refusal("my_tools").problem


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def broken(:", "SyntaxError"),
        ("\n\n1 / 0", "ZeroDivisionError: division by zero ("),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
    ],
)
def test_a_module_that_fails_says_how_and_where(write_module: Write, source: str, said: str) -> None:
    write_module("my_tools", source)
    error = refusal("my_tools:look_up")
    assert said in error.problem
    assert f"my_tools.py, line {source.count(chr(10)) + 1}" in error.problem
    assert "python -c 'import my_tools'" in error.remedy


def test_a_tool_that_cannot_be_offered_says_so_itself(write_module: Write) -> None:
    write_module("my_tools", "from telephony.tools import tool\n@tool\ndef f(a): ...\n")
    with pytest.raises(ConfigurationError, match="parameter `a` has no type annotation"):
        load_tools(["my_tools"])


@pytest.mark.parametrize(
    ("reference", "problem", "remedy"),
    [
        ("my_tools:lookup", "my_tools has no lookup", "Did you mean my_tools:look_up?"),
        ("my_tools:zzz", "my_tools has no zzz", "Its tools are: look_up, cancel."),
        ("my_tools:shop.zzz", "my_tools has no shop.zzz", ""),
        (
            "my_tools:plain",
            "is a function and not a tool",
            "above `def plain`",
        ),
        ("my_tools:Shop", "is a type and not a tool", "Name a function"),
        ("my_tools:NUMBER", "is a int and not a tool", "Name a function"),
        ("json", "no function in json is a tool", "Put `@tool` above"),
        ("my_tools.py:look_up", "not the name of a tool", "my_tools:look_up"),
        ("./my_shop/tools.py:look_up", "not the name of a tool", "my_shop.tools:look_up"),
        ("my_tools:", "not the name of a tool", "module:function"),
        (":look_up", "not the name of a tool", "module:function"),
        ("", "not the name of a tool", "module:function"),
        ("my tools", "not the name of a tool", "module:function"),
        ("builtin:hangup", "no such built-in tool", "builtin:hang_up"),
        (len, "is not a tool", "@tool"),
        (3, "is not a tool", "@tool"),
    ],
)
def test_what_leads_to_no_tool_is_refused_with_the_way_out(
    write_module: Write, reference: object, problem: str, remedy: str
) -> None:
    write_module("my_tools", TOOLS)
    error = refusal(reference)
    assert problem in error.problem
    assert remedy in error.remedy


def test_what_the_provider_runs_is_not_loaded() -> None:
    assert [loaded.spec.name for loaded in load_tools(["builtin:hang_up", {"type": "web_search"}])] == ["hang_up"]
