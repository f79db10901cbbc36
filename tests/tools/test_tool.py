"""`@tool`: what a function becomes, and that it stays the function it was."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from telephony.errors import ConfigurationError
from telephony.settings import ToolSpec
from telephony.tools.arguments import InvalidArguments
from telephony.tools.context import CallContext
from telephony.tools.options import DEFAULT_TIMEOUT
from telephony.tools.tool import Tool, tool


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


@tool(timeout=8, say="One moment.", side_effects=False, name="look-up")
async def look_up(call: CallContext, order_id: str) -> str:
    """Look an order up."""
    return f"{order_id} for {call.from_number}"


def test_the_spec_is_what_the_model_and_the_conversation_need() -> None:
    assert add.spec == ToolSpec(
        name="add",
        description="Add two numbers.",
        parameters={
            "type": "object",
            "properties": {
                "a": {"type": "integer", "description": "The first."},
                "b": {"type": "integer", "description": "The second.", "default": 1},
            },
            "required": ["a"],
            "additionalProperties": False,
        },
        timeout=DEFAULT_TIMEOUT,
        side_effects=True,
        say=None,
    )


def test_options_go_into_the_spec() -> None:
    spec = look_up.spec
    assert (spec.name, spec.timeout, spec.say, spec.side_effects) == ("look-up", 8.0, "One moment.", False)


async def test_a_tool_is_still_the_plain_function() -> None:
    assert add(2, b=3) == 5
    assert add(2) == 3
    assert await look_up(CallContext(from_number="+15550123"), "A") == "A for +15550123"


def test_a_tool_looks_like_its_function() -> None:
    assert add.__name__ == "add"
    assert (add.__doc__ or "").startswith("Add two numbers.")
    assert str(inspect.signature(add)) == "(a: 'int', b: 'int' = 1) -> 'int'"
    assert repr(add) == f"<tool add from {__name__}:add>"


def test_it_knows_how_it_wants_to_be_run() -> None:
    assert (add.is_async, add.takes_context) == (False, False)
    assert (look_up.is_async, look_up.takes_context) == (True, True)


def test_it_reads_what_a_model_wrote() -> None:
    assert add.read('{"a": 2}') == {"a": 2}
    assert look_up.read('{"order_id": "A"}') == {"order_id": "A"}
    with pytest.raises(InvalidArguments):
        look_up.read('{"order_id": "A", "call": {}}')


def test_a_bound_method_becomes_a_tool() -> None:
    class Depot:
        stock = 7

        def count(self, sku: str) -> str:
            return f"{self.stock} of {sku}"

    counted = tool(Depot().count, name="count_stock", timeout=2)
    assert counted("bolts") == "7 of bolts"
    assert counted.read('{"sku": "bolts"}') == {"sku": "bolts"}
    assert (counted.spec.name, counted.spec.timeout) == ("count_stock", 2.0)


def test_a_wrapped_function_keeps_its_signature() -> None:
    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @tool
    @logged
    def double(number: int) -> int:
        return 2 * number

    assert list(double.spec.parameters["properties"]) == ["number"]
    assert double(**double.read('{"number": 4}')) == 8


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("wrong", [staticmethod(len), int, "text", 3, functools.partial(print), add])
def test_only_functions_and_bound_methods_become_tools(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="not a function or a bound method"):
        tool(wrong)


def test_a_generator_that_would_hold_up_everybody_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Write `async def`"):
        tool(generator)


def test_an_async_generator_tells_progress() -> None:
    assert tool(async_generator).tells_progress
    assert not add.tells_progress


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan, True, "8", None])
def test_a_timeout_must_bound_something(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"tool ping .*timeout"):

        @tool(timeout=timeout)
        def ping() -> None: ...


@pytest.mark.parametrize("name", ["", "look up", "größe", "a" * 65, "a.b", "name\n"])
def test_a_name_must_be_one_that_models_accept(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name that models accept"):

        @tool(name=name)
        def ping() -> None: ...


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(ConfigurationError, match=r"@tool\(name="):
        tool(lambda: None)
    named: Tool[[], None] = tool(lambda: None, name="ping")
    assert named.spec.name == "ping"
