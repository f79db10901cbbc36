"""A toolbox bounds and answers for a tool that somebody else runs as it does for a function."""

from __future__ import annotations

import asyncio

import pytest

from telephony.commands import RunTool
from telephony.errors import ToolError
from telephony.settings import ToolSpec
from telephony.tools import CallContext, Toolbox
from telephony.tools.arguments import InvalidArguments
from telephony.tools.remote import RemoteTool


class Remote(RemoteTool):
    spec = ToolSpec("remote", "…", {"type": "object"}, timeout=0.2)
    reference = origin = "test:remote"

    def __init__(self) -> None:
        self.cancelled = False

    async def run(self, arguments: str, context: CallContext) -> object:
        if arguments == "wrong":
            raise InvalidArguments("No.")
        if arguments == "refuse":
            raise ToolError("Not today.")
        if arguments == "break":
            raise ZeroDivisionError("inside")
        if arguments == "hang":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        return {"said": arguments, "call": context.call_id}


@pytest.mark.parametrize(
    ("arguments", "outcome", "told"),
    [
        ("hello", "ok", '{"said":"hello","call":"CA1"}'),
        ("wrong", "invalid", "No. Correct the arguments"),
        ("refuse", "error", "Not today."),
        ("break", "error", "technical reason"),
        ("hang", "timeout", "longer than 0.2 s"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["from the start", "found later"])
async def test_every_fate_is_answered(arguments: str, outcome: str, told: str, known: bool) -> None:
    tool = Remote()
    box = Toolbox([tool]) if known else Toolbox([], others={"remote": tool}.get)
    finished = await box.run(RunTool("c1", "remote", arguments), CallContext("CA1"))
    await box.close()
    assert finished.outcome == outcome
    assert told in finished.output
    assert "inside" not in finished.output
    assert tool.cancelled is (arguments == "hang")
