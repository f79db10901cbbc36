"""How the settings become what places calls."""

from __future__ import annotations

import pytest

from telephony.agents.agent import Agent
from telephony.runtime.checks import check
from telephony.runtime.outbound import terms
from telephony.settings import AgentSettings, Limits, OutboundPolicy, OutboundSettings, Settings


@pytest.mark.parametrize(("limit", "carriers"), [(1800, 1860), (0, 14_400), (86_400, 14_400), (0.4, 60)])
def test_the_carrier_always_hangs_up_some_time(limit: float, carriers: int) -> None:
    agent = Agent("desk", limits=Limits(max_duration=limit), outbound=OutboundPolicy(ring=20, machine="hang_up"))
    own = terms(agent)
    assert (own.time_limit, own.ring, own.machine) == (carriers, 20, "hang_up")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (Settings(outbound=OutboundSettings(hours="9 to 5")), "outbound.hours"),
        (Settings(outbound=OutboundSettings(from_number="Acme")), "outbound.from_number"),
        (
            Settings(agents={"desk": AgentSettings(outbound=OutboundPolicy(machine="message"))}),
            "agents.desk.outbound.message",
        ),
    ],
)
def test_what_single_settings_cannot_show_is_found(settings: Settings, key: str) -> None:
    assert key in [problem.key for problem in check(settings, lambda path: "")]


def test_good_settings_have_no_problem() -> None:
    policy = OutboundPolicy(machine="message", message="Please call back.")
    settings = Settings(
        outbound=OutboundSettings(from_number="+1 555 010-0100"), agents={"desk": AgentSettings(outbound=policy)}
    )
    assert not [problem for problem in check(settings, lambda path: "") if "outbound" in problem.key]
