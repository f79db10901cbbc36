"""Tools and the caller, over real sockets: who speaks while one runs, who is asked before it does, what it
says and tells meanwhile, what it is given, and what nobody may see of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from offices import World, world
from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.records import CallRecord
from telephony.tools import CallContext, tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

CARD = "4111111111111111"
LONG = 4.0
"""Seconds a slow tool takes."""
EFFECTS: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done_yet() -> None:
    EFFECTS.clear()


async def work() -> str:
    """What takes effect at its end, or not at all."""
    EFFECTS.append("begun")
    try:
        await asyncio.sleep(LONG)
    except asyncio.CancelledError:
        EFFECTS.append("stopped")
        raise
    EFFECTS.append("done")
    return "booked"


@tool(on_barge_in="keep")
async def keep() -> str:
    """Book, and be waited for."""
    return await work()


@tool(on_barge_in="cancel")
async def cancel() -> str:
    """Book, unless the caller speaks."""
    return await work()


@tool(on_barge_in="detach")
async def detach() -> str:
    """Book, whatever happens."""
    return await work()


@tool(confirm="Shall I really pay?", once=True, sensitive=("card",))
async def pay(call: CallContext, card: str) -> str:
    """Pay."""
    EFFECTS.append(card)
    call.logger.info("paid")
    return "paid"


@tool(say=lambda order: f"Looking for {order}.", say_after=0.3)
async def look_up(order: str) -> AsyncIterator[dict[str, int]]:
    """Look an order up."""
    yield {"found": 1}
    await asyncio.sleep(LONG)
    yield {"found": 2}


class Database:
    """Knows where orders are."""

    async def where(self, order: str) -> str:
        return f"{order} is in Graz"


@contextlib.asynccontextmanager
async def open_database() -> AsyncIterator[Database]:
    EFFECTS.append("opened")
    yield Database()
    EFFECTS.append("closed")


@tool
async def find(database: Database, order: str) -> str:
    """Find an order."""
    return await database.where(order)


ASKS: list[Any] = [{"wait": "agent"}, {"say": "Do it."}]
HELLO = {"on": "greeting", "say": "Hello."}


def calls(name: str, **arguments: Any) -> dict[str, Any]:
    return {"on": "speech", "hears": "Do it.", "call": {"name": name, "arguments": arguments}}


async def story(made: World, *steps: Any, strict: bool = True) -> CallRecord:
    """A call from its beginning to its record."""
    outcome = await made.call(*ASKS, *steps)
    record = await made.record(outcome)
    assert made.outside.faults() == []
    if strict:
        assert made.outside.unmet() == []
        assert outcome.complaints == []
    return record


def files_with(folder: Path, text: bytes) -> list[str]:
    """The files below *folder* in which *text* stands."""
    return [path.name for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def desk(*tools: Any) -> Agent:
    return Agent("frontdesk", greeting="Hello.", tools=tools, language="en")


AFTER: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "keep": ({"on": "tool", "expect": {"keep": "booked"}, "say": "Booked."}, ["begun", "done"], "ok"),
    "cancel": ({"on": "prompt", "optional": True, "say": "Booked."}, ["begun", "stopped"], "cancelled"),
    "detach": (
        {"on": "prompt", "knows_once": ["Its result: booked"], "say": "Booked."},
        ["begun", "done"],
        "ok",
    ),
}
"""What the model does in the end, what was done, and what the record says, by policy."""


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("policy", AFTER)
async def test_a_caller_who_speaks_while_a_tool_runs(tmp_path: Path, policy: str, profile: str) -> None:
    last, effects, end = AFTER[policy]
    answer = {"on": "speech", "hears": "Wait.", "say": "Yes?"}
    model = {"profile": profile, "replies": [HELLO, calls(policy), answer, last]}
    async with world(tmp_path, model, desk(keep, cancel, detach), provider=f"{profile}/m") as made:
        told = [{"wait": "agent"}] if policy != "cancel" else []
        record = await story(made, {"pause": 2.0}, {"say": "Wait."}, {"wait": "agent"}, *told, "hang_up")
    assert effects == EFFECTS
    assert [use.outcome for use in record.tools] == [end]
    spoken = [turn.heard for turn in record.turns if turn.speaker == "agent"]
    assert spoken[:2] == ["Hello.", "Yes?"]
    assert spoken[2:] == ([] if policy == "cancel" else ["Booked."])


async def test_a_tool_that_needs_a_yes_runs_once_with_it_and_shows_nothing_that_is_sensitive(tmp_path: Path) -> None:
    replies = [
        HELLO,
        calls("pay", card=CARD),
        {"on": "tool", "expect": {"pay": "Shall I really pay?"}, "say": "Shall I pay?"},
        {"on": "speech", "hears": "Yes.", "call": {"name": "pay", "arguments": {"card": CARD}}},
        {"on": "tool", "expect": {"pay": "paid"}, "call": {"name": "pay", "arguments": {"card": CARD}}},
        {"on": "tool", "expect": {"pay": "paid"}, "say": "Paid."},
    ]
    with capture_logs() as logs:
        async with world(tmp_path, {"replies": replies}, desk(pay)) as made:
            record = await story(made, {"wait": "agent"}, {"say": "Yes."}, {"wait": "agent"}, "hang_up")
    assert EFFECTS == [CARD], "the tool itself has the number, and is run once"
    assert [use.outcome for use in record.tools] == ["cancelled", "ok", "ok"]
    assert "paid" in [line["event"] for line in logs]
    assert CARD not in str(logs)
    assert files_with(tmp_path, CARD.encode()) == []
    assert {".jsonl", ".db"} <= {Path(name).suffix for name in files_with(tmp_path, b"pay")}


async def test_a_tool_that_needs_a_yes_does_not_run_after_a_no(tmp_path: Path) -> None:
    replies = [
        HELLO,
        calls("pay", card=CARD),
        {"on": "tool", "say": "Shall I pay?"},
        {"on": "speech", "hears": "No!", "call": {"name": "pay", "arguments": {"card": CARD}}},
        {"on": "tool", "expect": {"pay": "said no"}, "say": "Fine."},
    ]
    async with world(tmp_path, {"replies": replies}, desk(pay)) as made:
        await story(made, {"wait": "agent"}, {"say": "No!"}, {"wait": "agent"}, "hang_up")
    assert EFFECTS == []


async def test_a_slow_tool_says_its_own_words_and_tells_how_far_it_is(tmp_path: Path) -> None:
    replies = [
        HELLO,
        calls("look_up", order="A-1042"),
        {"on": "tool", "knows_once": ['It tells: {"found":1}'], "expect": {"look_up": {"found": 2}}, "say": "Here."},
    ]
    async with world(tmp_path, {"replies": replies}, desk(look_up)) as made:
        record = await story(made, {"wait": "agent"}, {"wait": "agent"}, "hang_up")
    spoken = [turn.heard for turn in record.turns if turn.speaker == "agent"]
    assert spoken == ["Hello.", "Looking for A-1042.", "Here."]


async def test_a_tool_is_given_what_was_opened_when_the_process_started(tmp_path: Path) -> None:
    replies = [HELLO, calls("find", order="A"), {"on": "tool", "expect": {"find": "A is in Graz"}, "say": "Here."}]
    async with world(tmp_path, {"replies": replies}, desk(find), provide=[open_database]) as made:
        assert EFFECTS == ["opened"]
        await story(made, {"wait": "agent"}, "hang_up")
        assert EFFECTS == ["opened"]
    assert EFFECTS == ["opened", "closed"]


async def test_a_tool_that_nobody_provides_for_keeps_the_process_from_starting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing provides it"):
        async with world(tmp_path, {"replies": []}, desk(find)):
            pass
