"""Tools of every fate in a call: each is answered to the model within its timeout, once, and the call goes on."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from bridged import SOON, BridgedCall, bridged
from telephony.commands import EndCall
from telephony.errors import ToolError
from telephony.settings import Limits
from telephony.tools import CallContext, tool

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

BRIEF = 0.1
"""Seconds that a tool of these has."""


class Address(BaseModel):
    street: str
    number: int


@tool(timeout=SOON)
async def lookup(order_id: str) -> dict[str, str]:
    """Look an order up."""
    return {"order": order_id, "status": "shipped"}


@tool(timeout=SOON)
def lookup_in_a_thread(order_id: str) -> dict[str, str]:
    """Look an order up, slowly."""
    return {"order": order_id, "thread": threading.current_thread().name}


@tool(timeout=SOON)
async def deliver(address: Address) -> str:
    """Deliver it there."""
    return f"on its way to {address.street}"


@tool(timeout=SOON)
async def refuse() -> str:
    """Refuse in the author's own words."""
    raise ToolError("The warehouse is closed on Sundays.")


@tool(timeout=SOON)
async def raise_something() -> str:
    """Have a bug."""
    raise ZeroDivisionError("a secret detail")


@tool(timeout=SOON)
async def exit_the_program() -> str:
    """Do what no tool should."""
    sys.exit(3)


@tool(timeout=SOON)
async def cancel_itself() -> str:
    """Wait for something that was cancelled."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future
    return "never"


@tool(timeout=BRIEF)
async def hang() -> str:
    """Never come back."""
    await asyncio.Event().wait()
    return "never"


RELEASE = threading.Event()
"""Lets a hanging thread go, so that no test leaves one behind."""


@tool(timeout=BRIEF)
def hang_in_a_thread() -> str:
    """Never come back, and hold a thread."""
    RELEASE.wait(SOON)
    return "never"


@tool(timeout=SOON)
async def return_junk() -> object:
    """Return something that is no JSON."""
    return object()


@tool(timeout=SOON)
async def return_nothing() -> None:
    """Return nothing."""


@tool(timeout=SOON)
async def return_too_much() -> list[int]:
    """Return more than a model should read."""
    return list(range(100_000))


@tool(timeout=SOON)
async def return_half_a_letter() -> str:
    """Return what UTF-8 cannot carry."""
    return "\ud800"


TOOLS = [
    lookup, lookup_in_a_thread, deliver, refuse, raise_something, exit_the_program, cancel_itself, hang,
    hang_in_a_thread, return_junk, return_nothing, return_too_much, return_half_a_letter,
]  # fmt: skip

FATES: list[tuple[str, str, str]] = [
    ("lookup", '{"order_id": "A-1042"}', "ok"),
    ("lookup_in_a_thread", '{"order_id": "A-1042"}', "ok"),
    ("deliver", '{"address": {"street": "Elm Street", "number": 5}}', "ok"),
    ("return_nothing", "{}", "ok"),
    ("return_nothing", "", "ok"),
    ("return_too_much", "{}", "ok"),
    ("return_half_a_letter", "{}", "ok"),
    ("refuse", "{}", "error"),
    ("raise_something", "{}", "error"),
    ("exit_the_program", "{}", "error"),
    ("cancel_itself", "{}", "error"),
    ("return_junk", "{}", "error"),
    ("hang", "{}", "timeout"),
    ("hang_in_a_thread", "{}", "timeout"),
    ("lookup", "{}", "invalid"),
    ("lookup", '{"order_id": 5, "more": 1}', "invalid"),
    ("lookup", "{", "invalid"),
    ("lookup", "[]", "invalid"),
    ("lookup", "\x00\x01", "invalid"),
    ("deliver", '{"address": "Elm Street 5"}', "invalid"),
    ("no_such_tool", "{}", "invalid"),
    ("", "{}", "invalid"),
]


@pytest.fixture(autouse=True)
def released() -> Any:
    RELEASE.clear()
    yield
    RELEASE.set()
    for thread in threading.enumerate():
        if thread.name.startswith("tool "):
            thread.join(SOON)


async def output(call: BridgedCall) -> tuple[str, str]:
    """The next answer to a function call: its id and what the model is told."""
    while True:
        message = await call.model.until("conversation.item.create")
        if message["item"]["type"] == "function_call_output":
            return message["item"]["call_id"], message["item"]["output"]


async def goes_on(call: BridgedCall, turn: str) -> None:
    """The model was asked to go on and is heard."""
    await call.model.until("response.create")
    await call.model.speak(turn, f"item-{turn}")
    await call.phone.heard(await call.phone.until("mark"))


@pytest.mark.parametrize(("name", "arguments", "outcome"), FATES, ids=[f"{n or 'nameless'} {a}" for n, a, _ in FATES])
async def test_every_fate_of_a_tool_is_told_to_the_model_and_the_call_goes_on(
    name: str, arguments: str, outcome: str
) -> None:
    call = BridgedCall(TOOLS)
    async with bridged(call) as task:
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", name, arguments)
        await call.model.done("r1")
        call_id, told = await output(call)
        assert call_id == "c1"
        assert "secret" not in told
        await goes_on(call, "r2")
        RELEASE.set()
        await call.phone.stop()
    assert task.result() == EndCall("completed", "caller", "caller hung up")
    assert call.uses == [("c1", outcome)]
    answers = [m for m in call.model.received if m.get("item", {}).get("type") == "function_call_output"]
    assert len(answers) == 1
    if outcome != "ok":
        assert set(json.loads(told)) == {"error", "retry"}


async def test_calls_of_one_response_run_together_and_one_reply_follows_the_last_answer() -> None:
    together = asyncio.Barrier(2)

    @tool(timeout=SOON)
    async def meet(number: int) -> int:
        """Wait for the other one."""
        await together.wait()
        return number

    call = BridgedCall([meet])
    async with bridged(call):
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", "meet", '{"number": 1}')
        await call.model.call("r1", "c2", "meet", '{"number": 2}')
        await call.model.done("r1")
        await call.model.until("response.create")
        answered = [m["item"]["call_id"] for m in call.model.received if "item" in m]
        assert sorted(answered) == ["c1", "c2"]
        assert call.model.kinds[-2:] == ["conversation.item.create", "response.create"]
        await call.phone.stop()
    assert sorted(call.uses) == [("c1", "ok"), ("c2", "ok")]


async def test_hanging_up_cancels_what_runs_and_it_may_clean_up() -> None:
    seen: list[str] = []
    began = asyncio.Event()

    @tool(timeout=SOON)
    async def work() -> str:
        """Work until cancelled."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")
        return "never"

    call = BridgedCall([work])
    async with bridged(call) as task:
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", "work")
        await call.model.done("r1")
        async with asyncio.timeout(SOON):
            await began.wait()
        await call.phone.stop()
    assert task.result().by == "caller"
    assert seen == ["cleaned up"]
    assert call.uses == [("c1", "cancelled")]


async def test_a_call_whose_response_was_interrupted_does_not_run() -> None:
    ran: list[int] = []

    @tool(timeout=SOON)
    async def charge() -> str:
        """Take the caller's money."""
        ran.append(1)
        return "done"

    call = BridgedCall([charge])
    async with bridged(call):
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", "charge")
        await call.model.hears_speech()
        _, told = await output(call)
        assert json.loads(told)["status"] == "cancelled"
        await call.model.done("r1")
        await call.phone.stop()
    assert ran == []
    assert call.uses == [("c1", "cancelled")]


async def test_calls_beyond_the_limit_are_refused_without_running() -> None:
    call = BridgedCall([lookup], limits=Limits(tool_calls=1))
    async with bridged(call):
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        await call.model.call("r1", "c1", "lookup", '{"order_id": "1"}')
        await call.model.call("r1", "c2", "lookup", '{"order_id": "2"}')
        await call.model.done("r1")
        await call.model.until("response.create")
        await call.phone.stop()
    assert sorted(call.uses) == [("c1", "ok"), ("c2", "error")]


async def test_a_call_announced_twice_runs_once() -> None:
    call = BridgedCall([lookup])
    async with bridged(call):
        await call.begin()
        await call.model.send(type="response.created", response={"id": "r1"})
        for _ in range(2):
            await call.model.call("r1", "c1", "lookup", '{"order_id": "1"}')
        await call.model.done("r1")
        await call.model.until("response.create")
        await call.phone.stop()
    assert call.uses == [("c1", "ok")]


async def test_a_tool_knows_its_call() -> None:
    seen: list[CallContext] = []

    @tool(timeout=SOON)
    async def look_around(call: CallContext) -> str:
        """Look around."""
        seen.append(call)
        call.state["visits"] = call.state.get("visits", 0) + 1
        return "seen"

    call = BridgedCall([look_around])
    async with bridged(call):
        await call.begin()
        for turn in ("1", "2"):
            await call.model.send(type="response.created", response={"id": turn})
            await call.model.call(turn, f"c{turn}", "look_around")
            await call.model.done(turn)
            await goes_on(call, f"reply-{turn}")
        await call.phone.stop()
    assert seen[0] is seen[1] is call.context
    assert call.context.state == {"visits": 2}
