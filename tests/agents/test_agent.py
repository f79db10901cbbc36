"""An agent is the same thing whether it was written in YAML or in Python."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from telephony.agents import Agent, ToolLike, call_settings
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.errors import ConfigurationError
from telephony.settings import (
    AgentSettings,
    CallSettings,
    Clips,
    Fallback,
    Limits,
    SessionConfig,
    ToolSpec,
    TurnDetection,
)


class Lookup:
    """A tool as an agent sees it."""

    spec = ToolSpec(name="look_up", description="Look up.", parameters={"type": "object"})
    reference = "my_shop.tools:look_up"


FULL = AgentSettings(
    model="grok-voice",
    voice="eve",
    audio="pcmu",
    greeting="Hello.",
    greeting_interruptible=False,
    speaks_first=True,
    instructions="Be brief.",
    tools=["my_shop.tools:look_up", "builtin:hang_up"],
    directory=["sales"],
    language="en",
    keyterms=["Acme"],
    reasoning_effort="none",
    turn_detection=TurnDetection(threshold=0.7),
    limits=Limits(max_duration=60),
    fallback=Fallback(transfer="+1 (555) 010-0123", timeout=30),
    record=False,
    session={"tool_choice": "auto"},
)


def test_the_keywords_are_those_of_the_configuration_with_the_same_defaults() -> None:
    parameters = inspect.signature(Agent).parameters
    assert list(parameters) == ["name", *AgentSettings.model_fields]
    assert Agent("a").settings == AgentSettings()


def test_python_and_configuration_make_equal_agents() -> None:
    values: dict[str, Any] = {name: getattr(FULL, name) for name in AgentSettings.model_fields}
    assert Agent("a", **values) == Agent.from_settings("a", FULL)
    assert Agent.from_settings("a", FULL).settings is FULL


def test_tools_can_be_functions_and_are_named_in_the_settings() -> None:
    lookup = Lookup()
    agent = Agent("a", tools=[lookup, "builtin:hang_up"])
    assert agent.tools == (lookup, "builtin:hang_up")
    assert agent.settings.tools == ["my_shop.tools:look_up", "builtin:hang_up"]


def test_what_a_tool_is_follows_from_its_shape() -> None:
    assert isinstance(Lookup(), ToolLike)
    assert not isinstance(len, ToolLike)


@pytest.mark.parametrize(
    ("values", "key", "said"),
    [
        ({"audio": "mp3"}, "agents.a.audio", "'pcm16'"),
        ({"turn_detection": {"threshold": 2}}, "agents.a.turn_detection.threshold", "less than or equal to 1"),
        ({"limits": {"max_durations": 2}}, "agents.a.limits.max_durations", "Extra inputs"),
        ({"fallback": {"timeout": 3}}, "agents.a.fallback.timeout", "greater than or equal to 5"),
        ({"tools": [len]}, "agents.a.tools", "len is not a tool"),
        ({"tools": [3]}, "agents.a.tools", "3 is not a tool"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(values: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Agent("a", **values)
    assert caught.value.key == key
    assert said in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_an_agent_needs_a_name(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no name of an agent"):
        Agent(name)


def test_a_mapping_is_a_tool_of_the_providers() -> None:
    search = {"type": "web_search", "allowed_domains": ["example.com"]}
    agent = Agent("a", tools=["builtin:hang_up", search])
    assert agent.settings.tools == ["builtin:hang_up", search]
    session = call_settings(Agent.from_settings("a", agent.settings)).session
    assert (session.tools, session.provider_tools) == ((), (search,))


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="instruction"):
        Agent("a", instruction="…")  # type: ignore[call-arg]


def test_an_agent_cannot_be_changed_under_a_running_call() -> None:
    with pytest.raises(AttributeError):
        Agent("a").name = "b"  # type: ignore[misc]


def test_a_conversation_gets_everything_resolved() -> None:
    specs = [Lookup.spec, ToolSpec(name="hang_up", description="", parameters={})]
    clips = Clips(apology=b"sorry", goodbye=b"bye")
    assert call_settings(Agent.from_settings("a", FULL), specs, clips) == CallSettings(
        agent="a",
        session=SessionConfig(
            instructions="Be brief.",
            voice="eve",
            audio=MULAW_8K,
            turn_detection=TurnDetection(threshold=0.7),
            tools=tuple(specs),
            language="en",
            keyterms=("Acme",),
            reasoning_effort="none",
            extra={"tool_choice": "auto"},
        ),
        limits=Limits(max_duration=60),
        greeting="Hello.",
        greeting_interruptible=False,
        speaks_first=True,
        clips=clips,
        hang_up_tool="hang_up",
        transfer_to="+15550100123",
    )


def test_an_agent_without_the_builtin_has_no_hang_up_even_if_a_function_is_called_so() -> None:
    specs = [ToolSpec(name="hang_up", description="", parameters={})]
    settings = call_settings(Agent("a"), specs)
    assert settings.hang_up_tool is None
    assert settings.session.audio == PCM16_24K
