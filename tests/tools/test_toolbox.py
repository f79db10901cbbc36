"""A toolbox answers every call, in time, whatever the model asks for and whatever the tool does."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator
from structlog.testing import capture_logs

from telephony.commands import RunTool
from telephony.errors import ConfigurationError, ToolError
from telephony.events import Event, ToolFinished, ToolProgress, ToolSays
from telephony.tools import HANG_UP, CallContext, Tool, Toolbox, load_tools, tool
from telephony.tools.output import MAX_BYTES

CALL = CallContext("CA1", "+15550123", "+15550100", "frontdesk")


class Touchy(BaseModel):
    value: int

    @field_validator("value")
    @classmethod
    def trip(cls, value: int) -> int:
        return 1 // value


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


class Abort(BaseException):
    """Such as test frameworks and other loops raise."""


def asked(name: str, arguments: str = "{}") -> RunTool:
    return RunTool("call_1", name, arguments)


async def answer(function: Tool[..., Any], arguments: str = "{}") -> ToolFinished:
    return await Toolbox([function]).run(asked(function.spec.name, arguments), CALL)


def failed(finished: ToolFinished, outcome: str) -> dict[str, Any]:
    assert finished.call_id == "call_1"
    assert finished.outcome == outcome
    told: dict[str, Any] = json.loads(finished.output)
    assert set(told) == {"error", "retry"}
    return told


# -- what goes well ------------------------------------------------------------------------------------------------


def test_specs_are_offered_in_order_with_the_builtins(shop: str) -> None:
    box = Toolbox(load_tools([shop, HANG_UP]))
    names = [spec.name for spec in box.specs]
    assert names == ["lookup_order", "place_order", "opening-hours", "stock", "hang_up"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("lookup_order", '{"order_id": "A-1042"}', '{"order":"A-1042","status":"on its way, arriving tomorrow"}'),
        (
            "place_order",
            '{"items": [{"sku": "bolt", "quantity": 7}], "size": "large"}',
            '{"items":[{"sku":"bolt","quantity":7}],"size":"large","note":null}',
        ),
        ("opening-hours", '{"day": "weekend"}', "ten to two"),
        ("opening-hours", "", "nine to six"),
        ("stock", '{"sku": "bolts"}', "There are 7 of bolts in Graz."),
    ],
)
async def test_async_and_sync_functions_and_methods_answer(shop: str, name: str, arguments: str, told: str) -> None:
    box = Toolbox(load_tools([shop]))
    assert await box.run(asked(name, arguments), CALL) == ToolFinished("call_1", told)
    await box.close()


async def test_tools_of_one_call_share_its_state(shop: str) -> None:
    context = CallContext("CA1")
    await Toolbox(load_tools([shop])).run(asked("lookup_order", '{"order_id": "A-1042"}'), context)
    assert context.state == {"last_order": "A-1042"}


async def test_a_sync_tool_gets_the_context_too() -> None:
    @tool
    def who(call: CallContext) -> str:
        return call.from_number

    assert (await answer(who)).output == "+15550123"


async def test_defaults_that_have_no_json_form_reach_the_function() -> None:
    @tool
    def same(marker: Any = sys) -> bool:
        return marker is sys

    assert (await answer(same)).output == "true"


async def test_what_a_sync_wrapper_around_an_async_function_returns_is_awaited() -> None:
    async def inner() -> str:
        return "awaited"

    @tool
    def outer() -> Any:
        return inner()

    assert (await answer(outer)).output == "awaited"


# -- what the model gets wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    ["{", "[]", "null", "3", "{}", '{"order_id": 3}', '{"order_id": "A", "x": 1}', '{"order_id": {"a": []}}'],
)
async def test_invalid_arguments_are_explained_and_nothing_runs(arguments: str) -> None:
    ran = []

    @tool
    async def look_up(order_id: str) -> None:
        ran.append(order_id)

    told = failed(await answer(look_up, arguments), "invalid")
    assert told["retry"] is True
    assert told["error"].endswith("Correct the arguments and call look_up again.")
    assert ran == []


@pytest.mark.parametrize(
    ("name", "advice"),
    [("lookup_oder", "Did you mean lookup_order?"), ("sing", "The functions are: lookup_order,"), ("x" * 9999, "")],
)
async def test_an_unknown_function_is_answered_with_the_known_ones(shop: str, name: str, advice: str) -> None:
    told = failed(await Toolbox(load_tools([shop])).run(asked(name), CALL), "invalid")
    assert advice in told["error"]


async def test_a_builtin_is_offered_but_never_run_here() -> None:
    failed(await Toolbox([HANG_UP]).run(asked("hang_up"), CALL), "error")


async def test_an_empty_toolbox_answers_too() -> None:
    assert failed(await Toolbox([]).run(asked("any"), CALL), "invalid")["retry"] is False


# -- what the tool gets wrong --------------------------------------------------------------------------------------


async def test_a_tool_error_reaches_the_model_in_its_own_words() -> None:
    @tool
    def look_up() -> None:
        raise ToolError("There is no such order. Ask for the number again.")

    told = failed(await answer(look_up), "error")
    assert told == {"error": "There is no such order. Ask for the number again.", "retry": False}


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("password=hunter2"),
        Unspeakable(),
        SystemExit(1),
        Abort("password=hunter2"),
        StopIteration(),
        ExceptionGroup("hunter2", [KeyError("hunter2")]),
        ToolError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_any_other_error_is_told_neutrally(error: BaseException, is_async: bool) -> None:
    @tool
    async def fail() -> None:
        raise error

    @tool(name="fail")
    def fail_in_thread() -> None:
        raise error

    told = failed(await answer(fail if is_async else fail_in_thread), "error")
    assert told["error"].startswith("The function fail failed for a technical reason.")
    assert "hunter2" not in told["error"]


async def test_the_developer_finds_the_traceback_in_the_log_and_no_arguments() -> None:
    @tool
    async def fail(card: str) -> None:
        raise LookupError("no table orders")

    with capture_logs() as lines:
        await answer(fail, '{"card": "4111111111111111"}')
    assert [(line["event"], line["tool"], line["call_id"]) for line in lines] == [("tool raised", "fail", "CA1")]
    assert lines[0]["exc_info"]
    assert "4111" not in repr(lines)


async def test_a_validator_that_breaks_is_a_failure_of_the_tool() -> None:
    @tool
    def divide(by: Touchy) -> int:
        return by.value

    failed(await answer(divide, '{"by": {"value": 0}}'), "error")


@pytest.mark.parametrize("junk", [object(), b"\xff", {"a": object()}, iter([1]), Toolbox])
async def test_junk_is_a_failure_and_the_log_says_what_was_returned(junk: Any) -> None:
    @tool
    async def produce() -> Any:
        return junk

    with capture_logs() as lines:
        failed(await answer(produce), "error")
    assert [line["event"] for line in lines] == ["tool returned something unusable"]
    assert "it returned a" in lines[0]["problem"]


@pytest.mark.parametrize("result", ["x" * 10_000_000, [math.nan] * 100_000, {"a": {1, 2, 3}}])
async def test_what_can_be_told_is_told_within_the_limit(result: Any) -> None:
    @tool
    async def produce() -> Any:
        return result

    finished = await answer(produce)
    assert finished.outcome == "ok"
    assert len(finished.output.encode()) <= MAX_BYTES


@settings(max_examples=50, deadline=None)
@given(name=st.sampled_from(["echo", "ech", ""]) | st.text(), arguments=st.text() | st.just('{"value": [1, {}]}'))
async def test_whatever_the_model_writes_is_answered(name: str, arguments: str) -> None:
    @tool
    async def echo(value: Any) -> Any:
        return value

    finished = await Toolbox([echo]).run(RunTool("call_1", name, arguments), CALL)
    assert finished.output
    assert len(finished.output.encode()) <= MAX_BYTES


def test_two_tools_of_one_name_are_refused() -> None:
    @tool(name="same")
    def one() -> None: ...

    @tool(name="same")
    def two() -> None: ...

    with pytest.raises(ConfigurationError, match=r"two tools are called same: .*one and .*two"):
        Toolbox([one, HANG_UP, two])


# -- what a tool tells the conversation ------------------------------------------------------------------------------


class Told(CallContext):
    """A context whose call writes down what it is told."""

    def __init__(self) -> None:
        super().__init__("CA1")
        self.events: list[Event] = []
        self.control = self  # type: ignore[assignment]

    def feed(self, event: Event) -> None:
        self.events.append(event)


async def test_words_made_of_the_arguments_are_told_when_the_tool_begins() -> None:
    @tool(say=lambda order: f"Looking for {order}.")
    async def look_up(order: str) -> str:
        return str(told.events)

    told = Told()
    finished = await Toolbox([look_up]).run(asked("look_up", '{"order": "A-1"}'), told)
    assert told.events == [ToolSays("call_1", "Looking for A-1.")]
    assert "Looking" in finished.output


@pytest.mark.parametrize("words", [lambda: 1 / 0, lambda: None, lambda: 3])
async def test_words_that_cannot_be_made_do_not_keep_the_tool_from_running(words: Any) -> None:
    @tool(say=words)
    async def work() -> str:
        return "done"

    told = Told()
    with capture_logs():
        assert (await Toolbox([work]).run(asked("work"), told)).output == "done"
    assert told.events == []


async def test_an_async_generator_tells_news_and_answers_with_what_it_yields_last() -> None:
    @tool
    async def count() -> AsyncIterator[object]:
        yield {"found": 1}
        await asyncio.sleep(0.5)
        yield {"found": 2}

    told = Told()
    finished = await Toolbox([count]).run(asked("count"), told)
    assert finished == ToolFinished("call_1", '{"found":2}')
    assert told.events == [ToolProgress("call_1", '{"found":1}')]


async def test_news_that_no_model_could_read_are_left_out() -> None:
    @tool
    async def count() -> AsyncIterator[object]:
        yield object()
        await asyncio.sleep(0.5)
        yield "x"

    told = Told()
    with capture_logs() as logs:
        assert (await Toolbox([count]).run(asked("count"), told)).output == "x"
    assert told.events == []
    assert [line["event"] for line in logs] == ["tool told something unusable"]


async def test_a_result_is_cut_where_the_tool_says() -> None:
    @tool(max_bytes=300)
    def long() -> str:
        return "x" * 1000

    output = (await answer(long)).output
    assert len(output.encode()) <= 300
    assert "longer than 300 bytes" in output


@pytest.mark.parametrize("arguments", ['{"card": "4111111111"}', '{"card": 4111111111}'])
async def test_what_is_sensitive_is_in_no_complaint_and_in_no_log(arguments: str) -> None:
    @tool(sensitive=("card",))
    async def pay(card: str) -> str:
        raise ValueError(f"cannot pay with {card}")

    with capture_logs() as logs:
        finished = await answer(pay, arguments)
    assert "4111" not in str(logs) + finished.output
    assert ("cannot pay with **********" in str(logs)) is (finished.outcome == "error")
