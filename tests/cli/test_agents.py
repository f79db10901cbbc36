"""`telephony agents check`: what a caller would find out otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from remote_services import COMMAND
from terminals import Desk, Telephony

Spoil = Callable[[str, str], None]


@pytest.mark.usefixtures("good")
def test_agents_that_can_take_calls_are_listed_with_their_tools(telephony: Telephony) -> None:
    said = telephony("agents", "check")
    assert (said.code, said.errors) == (0, "")
    assert said.out == "desk: the only model; hang_up\nok\n"


@pytest.mark.usefixtures("good")
def test_what_works_badly_is_a_warning(telephony: Telephony, spoil: Spoil) -> None:
    spoil("instructions: Be brief.", "voice: eve")
    said = telephony("agents", "check")
    assert said.code == 0
    assert "warning: agents.desk.instructions: there are no instructions" in said.out
    assert said.out.endswith("ok\n")


@pytest.mark.usefixtures("good")
def test_a_transfer_that_can_reach_nobody_is_a_warning(telephony: Telephony, spoil: Spoil) -> None:
    spoil("builtin:hang_up", 'builtin:hang_up", "builtin:transfer')
    said = telephony("agents", "check")
    assert said.code == 0
    assert "warning: agents.desk.tools: builtin:transfer has nobody to reach" in said.out


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize(
    ("part", "by", "place"),
    [
        ("builtin:hang_up", "nosuch:f", "error nosuch:f (agents.desk.tools)"),
        ("instructions: Be brief.", "model: grk", "error agents.desk.model (telephony.yaml:7)"),
        (
            "instructions: Be brief.",
            "fallback: {filler: no.wav}",
            "error agents.desk.fallback.filler (telephony.yaml:7)",
        ),
        (", api_key: planted-key-9d2e", "", "error XAI_API_KEY (model_list, grok)"),
    ],
    ids=["tool", "model", "recording", "key"],
)
def test_what_serving_would_refuse_is_refused_by_the_check(
    telephony: Telephony, spoil: Spoil, part: str, by: str, place: str
) -> None:
    spoil(part, by)
    said = telephony("agents", "check")
    assert said.code == 2
    assert said.errors.startswith(place)
    assert "ok" not in said.out.split()


def test_nobody_to_check_is_no_success(telephony: Telephony) -> None:
    said = telephony("agents", "check")
    assert said.code == 2
    assert "error agents: there are none" in said.errors


@pytest.mark.usefixtures("good")
def test_tools_are_found_beside_the_configuration(telephony: Telephony, spoil: Spoil, desk: Desk) -> None:
    desk.write(
        "orders_of_this_test.py",
        'from telephony import tool\n\n\n@tool\ndef look_up(order: str) -> str:\n    """Look."""\n    return order\n',
    )
    spoil("builtin:hang_up", "orders_of_this_test:look_up")
    assert "desk: the only model; look_up\n" in telephony("agents", "check").out


@pytest.mark.usefixtures("good")
def test_what_a_model_does_not_have_is_a_warning(telephony: Telephony, spoil: Spoil) -> None:
    spoil('"builtin:hang_up"', '"builtin:hang_up", {type: web_search}')
    said = telephony("agents", "check")
    assert said.out == "desk: the only model; hang_up, web_search\nok\n"
    spoil("xai/grok-voice-latest", "openai/gpt-realtime")
    said = telephony("agents", "check")
    assert "warning: agents.desk.tools: openai/gpt-realtime has no web_search and goes without" in said.out
    assert said.code == 0


DECLARED = """
http_tools:
  orders: {description: Look up an order., url: "https://shop.example.com/orders", say: One moment.}
mcp:
  near: {command: COMMAND, tools: [stock, word], timeout: 30, say: One moment.}
  far: {url: "http://127.0.0.1:9/mcp"}
"""


@pytest.fixture
def declared(desk: Desk, spoil: Spoil) -> None:
    spoil('"builtin:hang_up"', '"builtin:hang_up", "http:orders", "mcp:near", "mcp:far/find"')
    path = desk.folder / "telephony.yaml"
    path.write_text(path.read_text() + DECLARED.replace("COMMAND", json.dumps(COMMAND)))


@pytest.mark.usefixtures("good", "declared")
def test_declared_tools_are_listed_with_where_they_come_from_and_nobody_is_asked(telephony: Telephony) -> None:
    said = telephony("agents", "check")
    assert said.out == "desk: the only model; hang_up, orders (GET shop.example.com), mcp:near, mcp:far/find\nok\n"
    assert said.code == 0


@pytest.mark.usefixtures("good", "declared")
def test_with_connect_the_servers_list_their_tools_and_one_that_is_missing_is_a_warning(telephony: Telephony) -> None:
    said = telephony("agents", "check", "--connect")
    tools = "hang_up, orders (GET shop.example.com), stock (mcp:near/stock), word (mcp:near/word)"
    assert said.out.startswith(f"desk: the only model; {tools}\n")
    assert "warning: agents.desk.tools: mcp:far cannot be reached: " in said.out
    assert (said.code, said.errors) == (0, "")


@pytest.mark.usefixtures("good", "declared")
def test_a_server_that_is_not_declared_is_refused(telephony: Telephony, spoil: Spoil) -> None:
    spoil("mcp:near", "mcp:neer")
    said = telephony("agents", "check")
    assert said.code == 2
    assert "error mcp:neer (agents.desk.tools): mcp has no server of that name. Did you mean mcp:near?" in said.errors


NEEDY = """
import sqlite3
from telephony import tool

def open_it() -> sqlite3.Connection:
    raise AssertionError("nothing is opened to be checked")

@tool
async def count(connection: sqlite3.Connection) -> int:
    return 0
"""


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize("provided", [True, False])
def test_a_tool_that_nobody_provides_for_is_refused_and_nothing_is_opened(
    telephony: Telephony, spoil: Spoil, desk: Desk, provided: bool
) -> None:
    desk.write("needy.py", NEEDY)
    spoil("builtin:hang_up", "needy:count")
    if provided:
        spoil("agents:", "provide: [needy:open_it]\nagents:")
    said = telephony("agents", "check")
    assert said.code == (0 if provided else 2)
    assert ("nothing provides it" in said.errors) is not provided
