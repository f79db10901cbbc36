"""The built-in tools, with a call that answers as it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from telephony.commands import ErrandDone, RunTool
from telephony.errors import ToolError
from telephony.events import Event, HangUpWanted, KeysWanted, MessageWanted, SpeechWanted, TonesWanted
from telephony.tools import telephone
from telephony.tools.builtin import BUILTINS
from telephony.tools.context import CallContext
from telephony.tools.toolbox import Toolbox


class Answered:
    def __init__(self, done: ErrandDone, path: str = "") -> None:
        self.done, self.path = done, path


class Line:
    """A call, as far as tools know it: remembers what was wanted and gives one answer."""

    function = "c1"

    def __init__(self, outcome: Any = "ok", **done: Any) -> None:
        self.wanted: list[Event] = []
        self._answer = ErrandDone("e", outcome, **done)

    def feed(self, event: Event) -> None:
        self.wanted.append(event)

    async def errand(self, wanted: Callable[[str], Event]) -> Answered:
        self.wanted.append(wanted("e"))
        return Answered(self._answer, "left.wav")


def on(line: Line) -> CallContext:
    return CallContext("CA1", control=line)


async def test_keys_are_sounded() -> None:
    line = Line()
    assert await telephone.send_digits(on(line), "1w#") == {"status": "ok"}
    assert line.wanted == [TonesWanted("e", "1w#")]
    assert await telephone.send_digits(on(Line("cut")), "1") == {"status": "interrupted"}


@pytest.mark.parametrize("keys", ["", "12x", "1" * 65, "１"])
async def test_what_is_no_key_is_refused_by_name(keys: str) -> None:
    with pytest.raises(ToolError, match="no keys"):
        await on(Line()).send_digits(keys)


async def test_digits_are_collected_and_told() -> None:
    line = Line(keys="4711")
    result = await telephone.collect_digits(on(line), prompt="Number?", length=4)
    assert result == {"status": "ok", "digits": "4711"}
    assert line.wanted == [KeysWanted("e", 4, 4, prompt="Number?")]


@pytest.mark.parametrize(("outcome", "advice"), [("timeout", "in time"), ("spoke", "spoke instead"), ("busy", "wait")])
async def test_what_came_instead_is_told_with_what_to_do(outcome: str, advice: str) -> None:
    result = await telephone.collect_digits(on(Line(outcome)))
    assert result["status"] == outcome
    assert advice in result["note"]


async def test_secret_digits_become_a_handle_that_works_once() -> None:
    call = on(line := Line(keys="4929137562083614", secret=True))
    result = await telephone.collect_secret_digits(call, "Card?")
    assert result == {"status": "ok", "handle": "secret-1", "count": 16}
    assert isinstance(wanted := line.wanted[0], KeysWanted)
    assert wanted.secret
    assert call.redeem("secret-1") == "4929137562083614"
    with pytest.raises(ToolError, match="collect the digits again"):
        call.redeem("secret-1")
    assert "4929" not in repr(call)


async def test_a_message_is_told_by_its_length() -> None:
    line = Line(seconds=12.4)
    assert await telephone.voicemail(on(line)) == {"status": "ok", "seconds": 12}
    assert line.wanted == [MessageWanted("e", telephone.LONGEST_MESSAGE)]
    assert (await telephone.voicemail(on(Line("timeout"))))["status"] == "empty"
    assert (await on(Line()).take_message()).path == "left.wav"


async def test_words_and_the_end_are_told_to_the_conversation() -> None:
    line = Line()
    await on(line).say("Hold on.", interruptible=False)
    await on(line).hang_up("done")
    assert line.wanted == [SpeechWanted("Hold on.", interruptible=False), HangUpWanted("done", "c1")]


@pytest.mark.parametrize(
    "act", [lambda call: call.say("x"), lambda call: call.send_digits("1"), lambda call: call.collect_digits()]
)
async def test_without_a_call_they_say_so(act: Callable[[CallContext], Any]) -> None:
    with pytest.raises(ToolError, match="There is no call"):
        await act(CallContext())


@pytest.mark.parametrize("bounds", [{"length": 65}, {"least": 5, "most": 4}, {"terminator": "##"}, {"tries": 0}])
async def test_bounds_that_make_no_sense_are_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="Collect 1 to 64 keys"):
        await on(Line()).collect_digits(**bounds)


async def test_a_model_that_asks_for_nonsense_is_told_so() -> None:
    toolbox = Toolbox([BUILTINS["builtin:send_digits"]])
    answer = await toolbox.run(RunTool("c1", "send_digits", '{"keys": "call me"}'), on(Line()))
    assert answer.outcome == "invalid"
    await toolbox.close()
