"""A plan changes when the tools do, and only then."""

from __future__ import annotations

from telephony.bridge.plan import Plan
from telephony.runtime.plans import Plans
from telephony.settings import CallSettings, SessionConfig, ToolSpec
from telephony.tools import Toolbox

STOCK = ToolSpec("stock", "…", {"type": "object"})


async def never(*_: object) -> None:
    raise AssertionError("nobody connects here")


def test_a_call_gets_the_tools_that_are_there_when_it_begins() -> None:
    offered: list[ToolSpec] = []

    def make(specs: tuple[ToolSpec, ...]) -> Plan:
        return Plan(CallSettings("a", SessionConfig(tools=specs)), Toolbox([]), never, record=False)  # type: ignore[arg-type]

    plans = Plans(make, lambda: tuple(offered))
    before = plans.now()
    assert plans.now() is before
    offered.append(STOCK)
    with_stock = plans.now()
    assert with_stock.settings.session.tools == (STOCK,)
    assert plans.now() is with_stock
    assert before.settings.session.tools == ()
    offered.clear()
    assert plans.now().settings.session.tools == ()
