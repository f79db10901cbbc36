"""Policies, other agents and accepting what is new, on files."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

import tapes
from telephony.agents.agent import Agent
from telephony.cassette.format import Header
from telephony.errors import CassetteError, ConfigurationError
from telephony.runtime.cassettes import open_cassette
from telephony.runtime.replaying import (
    DEFAULT,
    POLICIES,
    bless,
    configured,
    perform,
    policy_named,
    settings_of,
    with_tools,
)
from telephony.settings import AgentSettings, CallSettings, Settings
from telephony.tools.tool import tool


@tool
def find(order: str) -> str:
    """Find an order."""
    return order


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tapes.put(tmp_path / "call.jsonl", tapes.call())


def test_strict_is_what_is_meant_when_nothing_is_said(path: Path) -> None:
    assert DEFAULT == "strict"
    outcome = perform(path)
    assert (outcome.same, outcome.policy, outcome.differences) == (True, "strict", [])


def test_every_policy_says_what_it_is_about_and_finds_a_call_the_same(path: Path) -> None:
    for name, policy in POLICIES.items():
        assert policy.about
        assert perform(path, name).same


def test_a_policy_that_is_none_is_the_user_s_mistake(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no policy 'lax'\. Use strict, semantic"):
        policy_named("lax")


def test_every_complaint_names_the_file(tmp_path: Path) -> None:
    header = json.loads(tapes.call()[0]) | {"carrier": "pigeon"}
    path = tapes.put(tmp_path / "call.jsonl", (json.dumps(header).encode() + b"\n", *tapes.call()[1:]))
    with pytest.raises(CassetteError) as refused:
        perform(path)
    assert str(refused.value) == f"{path}: there is no carrier 'pigeon'; known: twilio"


def test_an_agent_of_the_recorded_name_is_looked_up(path: Path) -> None:
    header = open_cassette(path).header
    settings = Settings(agents={"test": AgentSettings(instructions="Be kind.")})
    assert configured(settings, header).session.instructions == "Be kind."
    with pytest.raises(ConfigurationError, match=r"agents\.test: the recorded call was this agent's"):
        configured(Settings(agents={"desk": AgentSettings()}), header)


def test_tools_are_those_that_are_given() -> None:
    settings = settings_of(Agent("test", tools=["builtin:hang_up"]))
    assert [each.name for each in settings.session.tools] == ["hang_up"]
    assert settings.clips.apology
    only = with_tools(settings, [find])
    assert [each.name for each in only.session.tools] == ["find"]
    assert only.hang_up_tool is None
    assert with_tools(only, [find, "builtin:hang_up"]).hang_up_tool == "hang_up"


def test_what_was_accepted_is_the_same_from_then_on(path: Path) -> None:
    tapes.put(path, tapes.without(b'"RunTool"'))
    assert bless(path) == ""
    assert perform(path).same
    assert path.read_bytes().splitlines()[1:] == [line.rstrip(b"\n") for line in tapes.call()[1:]]


def test_an_agent_with_other_bounds_is_accepted_with_its_own_timers(path: Path) -> None:
    def hasty(header: Header) -> CallSettings:
        agent = Agent("test", greeting="Hi.", tools=["builtin:hang_up"])
        limits = agent.settings.limits.model_copy(update={"max_duration": 6.0})
        return msgspec.structs.replace(settings_of(agent), limits=limits)

    assert bless(path, agent=hasty) == ""
    outcome = perform(path)
    assert outcome.same
    assert outcome.header.settings["limits"]["max_duration"] == 6.0


def test_a_disk_without_room_leaves_the_file_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(path.parent / "nowhere"))
    with pytest.raises(CassetteError, match="there is no room to prepare the new one"):
        bless(path)
    assert path.read_bytes() == b"".join(tapes.call())


def test_a_file_is_left_alone_whose_replay_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from telephony.conversation.machine import Conversation

    def stumble(*_: object) -> None:
        raise TypeError("a mistake")

    before = path.read_bytes()
    monkeypatch.setattr(Conversation, "handle", stumble)
    assert bless(path) == "it cannot be accepted, for the replay failed: TypeError: a mistake"
    assert path.read_bytes() == before
