"""One request gets one answer, however often it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from ringers import Clock
from telephony.server.repeats import MOST, Repeats

KEY = ("/twilio/voice", "digest", "token")


class Counting:
    """An answer that says how often it was asked for."""

    def __init__(self, *, status: int = 200) -> None:
        self.asked = 0
        self.status = status
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self) -> web.Response:
        self.asked += 1
        await self.may.wait()
        if self.status == 204:
            return web.Response(status=204)
        return web.Response(status=self.status, text=f"answer {self.asked}", content_type="text/xml")


async def test_a_second_try_gets_the_first_ones_answer() -> None:
    repeats, answer = Repeats(), Counting()
    first, second = await repeats.once(KEY, answer), await repeats.once(KEY, answer)
    assert first is not second
    assert (second.status, second.text, second.content_type) == (200, "answer 1", "text/xml")
    assert answer.asked == 1


async def test_an_answer_without_words_is_given_again_too() -> None:
    repeats, answer = Repeats(), Counting(status=204)
    await repeats.once(KEY, answer)
    again = await repeats.once(KEY, answer)
    assert (again.status, again.body) == (204, None)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_another_path_body_or_token_is_another_request(place: int) -> None:
    repeats, answer = Repeats(), Counting()
    other = tuple("other" if index == place else part for index, part in enumerate(KEY))
    await repeats.once(KEY, answer)
    await repeats.once(other, answer)  # type: ignore[arg-type]
    assert answer.asked == 2


async def test_a_try_that_comes_too_early_waits_for_the_answer() -> None:
    repeats, answer = Repeats(), Counting()
    answer.may.clear()
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(repeats.once(KEY, answer), name=f"try {number}") for number in range(3)]
        await asyncio.sleep(0)
        answer.may.set()
    assert [one.result().text for one in tries] == ["answer 1"] * 3


async def test_it_does_not_wait_for_ever() -> None:
    repeats, answer, clock = Repeats(), Counting(), Clock()
    answer.may.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(repeats.once(KEY, answer), name="first")
        await asyncio.sleep(0)
        second = group.create_task(repeats.once(KEY, answer), name="second")
        await clock.forward(20)
        assert (await second).status == 503
        answer.may.set()


def failing() -> Callable[[], Awaitable[web.Response]]:
    async def answer() -> web.Response:
        await asyncio.sleep(0)
        raise ValueError("no")

    return answer


async def test_a_try_that_failed_does_not_count() -> None:
    repeats, answer = Repeats(), Counting()
    first = asyncio.get_running_loop().create_task(repeats.once(KEY, failing()), name="first")
    await asyncio.sleep(0)
    assert (await repeats.once(KEY, answer)).status == 503
    with pytest.raises(ValueError, match="no"):
        await first
    assert (await repeats.once(KEY, answer)).text == "answer 1"


async def test_answers_are_forgotten_when_nobody_asks_again_any_more() -> None:
    repeats, answer, clock = Repeats(), Counting(), Clock()
    await repeats.once(KEY, answer)
    await clock.forward(59)
    assert (await repeats.once(KEY, answer)).text == "answer 1"
    await clock.forward(2)
    assert (await repeats.once(KEY, answer)).text == "answer 2"


async def test_what_is_kept_is_bounded() -> None:
    repeats, answer = Repeats(most=10), Counting()
    for number in range(100):
        await repeats.once(("/", "", str(number)), answer)
    assert len(repeats) == 10
    assert MOST <= 10_000
