"""What `agents check` finds before a caller does."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.agents import Agent, Directory, Finding, check, check_agent
from telephony.settings import DiallingSettings, ToolSpec, TurnDetection

GOOD: dict[str, Any] = {
    "model": "grok-voice",
    "greeting": "Acme, good morning.",
    "instructions": "You are the front desk.",
    "tools": ["shop:look_up", "builtin:hang_up"],
}
ARGUMENTS = {"type": "object", "properties": {"order_id": {"type": "string", "description": "The number."}}}
LOOK_UP = ToolSpec(name="look_up", description="Look up.", parameters=ARGUMENTS, timeout=3)
HANG_UP = ToolSpec(name="hang_up", description="Hang up.", parameters={"type": "object", "properties": {}})


def spec(**changes: Any) -> ToolSpec:
    values = {"name": "look_up", "description": "Look up.", "parameters": ARGUMENTS, "timeout": 3.0}
    return ToolSpec(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"language": "en-GB"},
        {"language": "es", "fallback": {"apology": "a.wav", "filler": "f.wav", "goodbye": "g.wav"}},
        {"fallback": {"transfer": "+15550177", "caller_id": "+15550100"}},
    ],
)
def test_nothing_is_said_of_a_good_fallback(changes: dict[str, Any]) -> None:
    assert check_agent(Agent("a", **{**GOOD, **changes}), ["grok-voice"], [LOOK_UP, HANG_UP]) == []


def test_nothing_is_said_of_a_good_agent() -> None:
    directory = Directory([Agent("a", **GOOD)], {"*": "a"})
    assert check(directory, ["grok-voice"], {"a": [LOOK_UP, HANG_UP]}) == []


@pytest.mark.parametrize(
    ("changes", "level", "key", "said"),
    [
        ({"model": "grok-voise"}, "problem", "model", "grok-voise"),
        ({"model": ""}, "problem", "model", "no model is named"),
        ({"instructions": " "}, "warning", "instructions", "no instructions"),
        ({"greeting": "x" * 400}, "warning", "greeting", "400 characters"),
        ({"speaks_first": False}, "warning", "greeting", "the caller speaks first"),
        ({"tools": []}, "warning", "tools", "cannot end a call"),
        ({"session": {"turn_detection": None}}, "warning", "session.turn_detection", "merges over"),
        ({"language": "de-CH"}, "warning", "fallback", "speaks de-CH"),
        ({"language": "es", "fallback": {"apology": "a.wav"}}, "warning", "fallback", "hears English"),
        ({"fallback": {"caller_id": "+15550100"}}, "warning", "fallback.caller_id", "nobody to call"),
        ({"turn_detection": TurnDetection(type="semantic_vad")}, "warning", "turn_detection.type", "never notice"),
    ],
)
def test_each_flaw_of_an_agent_is_found_alone(changes: dict[str, Any], level: str, key: str, said: str) -> None:
    found = check_agent(Agent("a", **{**GOOD, **changes}), ["grok-voice", "gpt-realtime"], [LOOK_UP, HANG_UP])
    assert [(finding.level, finding.key) for finding in found] == [(level, f"agents.a.{key}")]
    assert said in found[0].message
    assert found[0].remedy


def test_the_only_model_need_not_be_named() -> None:
    assert check_agent(Agent("a", **{**GOOD, "model": ""}), ["grok-voice"], []) == []


def test_the_nearest_model_is_suggested() -> None:
    found = check_agent(Agent("a", **{**GOOD, "model": "grok-vioce"}), ["grok-voice"], [])
    assert found[0].remedy == "Did you mean grok-voice?"


@pytest.mark.parametrize(
    ("specs", "level", "said"),
    [
        ([spec(description="")], "warning", "look_up has no description"),
        ([spec(parameters={"properties": {"a": {"type": "string"}}})], "warning", "nothing describes a of look_up"),
        ([spec(timeout=10.0)], "warning", "10 s of silence"),
        ([LOOK_UP, LOOK_UP], "problem", "2 tools are called look_up"),
    ],
)
def test_each_flaw_of_a_tool_is_found_alone(specs: list[ToolSpec], level: str, said: str) -> None:
    found = check_agent(Agent("a", **GOOD), ["grok-voice"], specs)
    assert [finding.level for finding in found] == [level]
    assert said in found[0].message


def test_a_slow_tool_that_words_what_it_says_is_well_behaved() -> None:
    assert check_agent(Agent("a", **GOOD), ["grok-voice"], [spec(timeout=10.0, words_say=True)]) == []


def test_a_slow_tool_that_says_something_is_well_behaved() -> None:
    assert check_agent(Agent("a", **GOOD), ["grok-voice"], [spec(timeout=10.0, say="One moment.")]) == []


def test_agents_that_no_number_leads_to_are_found() -> None:
    directory = Directory([Agent("a", **GOOD), Agent("b", **GOOD)], {"*": "a"})
    assert [finding.key for finding in check(directory, ["grok-voice"])] == ["agents.b"]


def test_no_agent_at_all_is_a_problem() -> None:
    assert check(Directory([])) == [
        Finding("problem", "agents", "there is no agent, so nobody answers", "Describe one under `agents:`."),
    ]


def test_problems_come_first() -> None:
    directory = Directory([Agent("a", instructions="Be kind."), Agent("b")], {"*": "a"})
    levels = [finding.level for finding in check(directory, ["one", "two"])]
    assert levels == sorted(levels)
    assert {"problem", "warning"} == set(levels)


def test_of_a_built_in_tool_nothing_is_said_that_its_user_could_not_change() -> None:
    slow = spec(timeout=600.0)
    built_in = Agent("a", **{**GOOD, "tools": ["builtin:hang_up", f"builtin:{slow.name}"]})
    assert check_agent(built_in, ["grok-voice"], [slow]) == []
    (finding,) = check_agent(Agent("a", **GOOD), ["grok-voice"], [slow])
    assert "600 s of silence" in finding.message


@pytest.mark.parametrize(
    ("tool", "dialling", "says"),
    [
        ("builtin:transfer", {}, "builtin:transfer has nobody to reach"),
        ("builtin:transfer", {"directory": {"sales": "+14155552671"}}, ""),
        ("builtin:transfer", {"allow": {"countries": ["US"]}}, ""),
        ("builtin:send_sms", {}, ""),
        ("builtin:send_sms", {"sms": {"to_caller": False}}, "builtin:send_sms has nobody to reach"),
        ("builtin:send_sms", {"sms": {"to_caller": False, "countries": ["US"]}}, ""),
        (
            "builtin:send_sms",
            {"sms": {"to_caller": False}, "directory": {"sales": {"number": "+14155552671", "messages": True}}},
            "",
        ),
        ("shop:look_up", {"sms": {"to_caller": False}}, ""),
    ],
)
def test_a_tool_that_can_reach_nobody_is_told_of(tool: str, dialling: dict[str, Any], says: str) -> None:
    directory = Directory([Agent("a", **{**GOOD, "tools": [tool, "builtin:hang_up"]})], {"*": "a"})
    found = check(directory, ["grok-voice"], dialling=DiallingSettings.model_validate(dialling))
    assert [(finding.level, finding.key) for finding in found] == ([("warning", "agents.a.tools")] if says else [])
    assert all(finding.message.startswith(says) for finding in found)
