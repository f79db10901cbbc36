"""What a tool can be told about how it is run, and the complaints about what it cannot."""

from __future__ import annotations

import math
from typing import Any

import pytest

from telephony.errors import ConfigurationError
from telephony.settings import ToolSpec
from telephony.tools.output import MAX_BYTES
from telephony.tools.tool import tool


async def wait(order: str) -> None: ...


def test_every_option_reaches_the_conversation() -> None:
    @tool(
        name="pay-now",
        timeout=30,
        side_effects=False,
        say="One moment.",
        say_after=2,
        on_barge_in="detach",
        once=True,
        confirm="Shall I pay?",
        sensitive=["card", "owner.name"],
        max_bytes=500,
    )
    def pay(card: str, owner: dict[str, str]) -> str:
        """Pay."""
        return ""

    assert pay.spec == ToolSpec(
        "pay-now",
        "Pay.",
        pay.spec.parameters,
        timeout=30.0,
        side_effects=False,
        say="One moment.",
        say_after=2.0,
        on_barge_in="detach",
        once=True,
        confirm="Shall I pay?",
        sensitive=("card", "owner.name"),
    )
    assert pay.max_bytes == 500


def test_without_options_a_tool_is_left_to_run() -> None:
    @tool
    def ping() -> None: ...

    assert ping.spec == ToolSpec("ping", "", ping.spec.parameters)
    assert ping.max_bytes == MAX_BYTES


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"on_barge_in": "stop"}, "on_barge_in is 'stop'"),
        ({"say_after": -1}, "say_after"),
        ({"say_after": math.inf}, "say_after"),
        ({"say_after": "2"}, "say_after"),
        ({"say": 3}, "say is 3"),
        ({"say": wait}, "say is"),
        ({"say": lambda oder: oder}, "`oder`, which is no argument"),
        ({"sensitive": "card"}, r"sensitive=\('card',\)"),
        ({"sensitive": ("crad",)}, "`crad`, which is no argument"),
        ({"max_bytes": 10}, "max_bytes is 10"),
        ({"max_bytes": "many"}, "max_bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:

        @tool(**options)
        def pay(card: str, order: int = 1) -> None: ...

    assert caught.value.key == "tool pay"
    assert caught.value.remedy


def test_say_may_be_made_of_the_arguments_it_names_and_of_defaults() -> None:
    @tool(say=lambda order, place: f"Looking for {order} in {place}.")
    def look_up(order: str, place: str = "Graz", more: bool = False) -> None: ...

    assert look_up.spec.say is None
    assert look_up.spec.words_say
    assert look_up.words(look_up.read('{"order": "A-1"}')) == "Looking for A-1 in Graz."
    assert tool(wait).words({"order": "A"}) is None
