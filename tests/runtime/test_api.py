"""The API of a process put together. What it answers is in tests/server/api, and of whole processes in tests/e2e."""

from __future__ import annotations

from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.agents.directory import Directory
from telephony.bridge.plan import Plan
from telephony.runtime.api import agents_shown, api_keys
from telephony.settings import CallSettings, NumberSettings, SessionConfig, Settings
from telephony.settings.outbound import OutboundSettings
from telephony.tools.builtin import HANG_UP
from telephony.tools.toolbox import Toolbox


async def nobody(*args: object) -> None:
    """Reaches no model."""


def plan(name: str) -> Plan:
    session = SessionConfig(tools=(HANG_UP.spec,))
    return Plan(CallSettings(name, session), Toolbox([]), nobody, record=True)  # type: ignore[arg-type]  # never asked


def test_without_a_key_nobody_may_use_it_and_one_for_calls_alone_is_enough() -> None:
    assert not api_keys(Settings())
    assert api_keys(Settings(outbound=OutboundSettings(api_key=SecretStr("k" * 32))))


def test_agents_are_shown_with_the_numbers_that_they_answer_and_what_they_can_do() -> None:
    agents = [Agent("frontdesk", voice="ara", hand_over=["night"]), Agent("night", record=False)]
    numbers: dict[str, NumberSettings | str] = {"+15550100": "frontdesk", "*": "night"}
    day, night = agents_shown(Directory(agents, numbers), plan)
    assert (day.name, day.voice, day.numbers, day.tools) == ("frontdesk", "ara", ["+15550100"], ["hang_up"])
    assert day.hand_over == ["night"]
    assert (night.name, night.numbers, night.recorded) == ("night", ["*"], False)
