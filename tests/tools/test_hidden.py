"""What came up in a call and nobody may read: known in all that is done for it, and forgotten with it."""

from __future__ import annotations

import asyncio

import pytest

from telephony.tools.hidden import MOST, hidden, hide, hiding, without_typed

CARD = "4111111111111111"
PIN = "4711"


def test_what_is_hidden_is_so_until_the_call_is_over() -> None:
    with hiding():
        hide(CARD)
        hide("")
        assert hidden() == {CARD}
    assert hidden() == frozenset()


def test_outside_of_a_call_nothing_is_hidden() -> None:
    hide(CARD)
    assert hidden() == frozenset()


async def test_a_tool_in_a_task_or_a_thread_hides_for_its_call_and_long_values_for_all_calls() -> None:
    over = asyncio.Event()

    async def other() -> frozenset[str]:
        with hiding():
            await over.wait()
            return hidden()

    async with asyncio.TaskGroup() as group:
        beside = group.create_task(other(), name="other call")
        with hiding():
            await group.create_task(asyncio.to_thread(hide, CARD), name="tool")
            hide(PIN)
            assert await group.create_task(asyncio.to_thread(hidden), name="library") == {CARD, PIN}
            over.set()
            assert await beside == {CARD}


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    with hiding():
        for number in range(MOST + 1):
            hide(f"{number:04}")
        assert len(hidden()) == MOST
        assert "0000" not in hidden()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"card {CARD} was declined", "card •••••••••••••••• was declined"),
        ("4111 1111-1111 1111", "•••••••••••••••••••"),
        ("PIN 4711, order 47110", "PIN ••••, order 47110"),
        ('{"card": 4111111111111111}', '{"card": ••••••••••••••••}'),
        ("12 and 4242", "12 and 4242"),
    ],
)
def test_what_a_caller_typed_in_secret_is_dotted_out_and_nothing_else_is(text: str, shown: str) -> None:
    with hiding():
        hide(CARD, typed=True)
        hide(PIN, typed=True)
        hide("12", typed=True)
        hide("4242")
        assert without_typed(text) == shown
    assert without_typed(text) == text
