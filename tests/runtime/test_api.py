"""How the settings become the API: its keys, and what it shows of agents. The rest is in tests/e2e/test_api.py."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from telephony.agents.agent import Agent
from telephony.agents.directory import Directory
from telephony.bridge.calls import Plan
from telephony.runtime.api import agents_shown, api_keys
from telephony.runtime.checks import check
from telephony.server.keys import hashed
from telephony.settings import ApiKey, ApiSettings, CallSettings, OutboundSettings, SessionConfig, Settings, ToolSpec


def test_the_key_of_telephony_call_is_for_asking_for_calls_and_nothing_else() -> None:
    keys = api_keys(Settings(outbound=OutboundSettings(api_key=SecretStr("ours"))))
    holder = keys.holder("ours")
    assert holder is not None
    assert holder.scopes == {"calls:write"}
    assert not api_keys(Settings())


def test_a_hash_that_is_none_is_told_with_its_place() -> None:
    good = ApiKey(sha256=hashed("a key"), scopes=["live:read"])
    bad = ApiKey(sha256="a key", scopes=["live:read"])
    problems = check(Settings(api=ApiSettings(keys={"good": good, "bad": bad})), lambda path: "")
    assert [(problem.key, problem.remedy) for problem in problems if "api" in problem.key] == [
        ("api.keys.bad.sha256", "telephony api-key bad makes a key and shows it.")
    ]


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_a_key_is_for_something_that_there_is(scopes: list[str]) -> None:
    with pytest.raises(ValidationError):
        ApiKey.model_validate({"sha256": hashed("a key"), "scopes": scopes})


def test_an_agent_is_shown_with_its_numbers_and_functions_and_without_its_instructions() -> None:
    tool = ToolSpec("look_up", "Look it up.", {})

    def plan_for(name: str) -> Plan:
        settings = CallSettings(name, SessionConfig("Secret instructions.", tools=(tool,)))
        return Plan(settings, None, None, record=False)  # type: ignore[arg-type]  # nobody calls

    agents = [Agent("desk", instructions="Secret instructions.", voice="eve", record=False), Agent("billing")]
    desk, billing = agents_shown(Directory(agents, {"+15550100": "desk", "+1555*": "desk"}), plan_for)
    assert (desk.name, desk.voice, desk.numbers, desk.tools) == ("desk", "eve", ["+15550100", "+1555*"], ["look_up"])
    assert (billing.numbers, billing.recorded, desk.recorded) == ([], True, False)
    assert "Secret" not in repr(desk)
