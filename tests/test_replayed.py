"""A replayed call in the hands of somebody who writes asserts."""

from __future__ import annotations

from pathlib import Path

import pytest

import tapes
from telephony.agents.agent import Agent
from telephony.errors import CassetteError, ConfigurationError
from telephony.replayed import ReplayedCall, replay_call
from telephony.tools.tool import tool

CONFIG = """
agents: {test: {instructions: Be kind.}}
model_list: [{model_name: grok, litellm_params: {model: xai/grok-voice-latest}}]
"""


@tool
def lookup_order() -> dict[str, str]:
    """Look an order up."""
    return {}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tapes.put(tmp_path_factory.mktemp("calls") / "order.jsonl", tapes.call())


@pytest.fixture(scope="module")
def call(path: Path) -> ReplayedCall:
    return replay_call(path)


@pytest.mark.parametrize(
    ("words", "by", "said"),
    [
        ("Thanks for calling.", None, True),
        ("thanks  FOR\ncalling", "agent", True),
        ("thanks for calling", "caller", False),
        ("Just the day", "caller", True),
        ("it was shipped ON", "agent", True),
        ("shipped on Tuesday, It was shipped on Tuesday", "agent", False),  # generated, and never heard
        ("thanks for calling!", "agent", True),
        ("hanks for calling", "agent", False),
        ("no such thing", None, False),
    ],
)
def test_what_was_heard_was_said(call: ReplayedCall, words: str, by: str | None, said: bool) -> None:
    assert call.said(words, by=by) is said  # type: ignore[arg-type]


def test_tools_turns_and_the_end_are_there(call: ReplayedCall) -> None:
    lookup, hang_up = call.tools
    assert (lookup.name, lookup.arguments, lookup.output, lookup.outcome) == (
        "lookup_order",
        {},
        {"status": "shipped"},
        "ok",
    )
    assert hang_up.name == "hang_up"
    assert call.turns[2].latency is not None
    assert call.turns[2].latency < 1.5
    assert call.ended
    assert (call.ended.result, call.ended.by) == ("completed", "agent")
    assert 13 < call.duration < 14
    assert call.findings == []
    assert (call.same, call.divergence, call.differences) == (True, None, [])


def test_a_failing_assert_shows_the_transcript(call: ReplayedCall) -> None:
    (line,) = repr(call).splitlines()
    assert "order.jsonl, 13.2 s | agent: Thanks for calling. | caller: Where is it? | " in line
    assert line.endswith(" | agent: Goodbye. | completed: agent hung up>")
    shown = str(call)
    assert "agent   Thanks for calling." in shown
    assert "lookup_order() → ok after 0.51 s" in shown
    assert "completed: agent hung up" in shown


def test_a_call_that_differs_raises_nothing_and_says_so(tmp_path: Path) -> None:
    path = tapes.put(tmp_path / "call.jsonl", tapes.truncated_later())
    call = replay_call(path)
    assert not call.same
    assert call.divergence
    assert tapes.told_later() in call.report
    assert replay_call(path, policy="semantic").same


def test_another_agent_takes_the_call(path: Path) -> None:
    call = replay_call(path, agent=Agent("another", greeting="Hi.", tools=[lookup_order, "builtin:hang_up"]))
    assert not call.same
    assert call.tools[0].name == "lookup_order"


def test_other_tools_are_offered_by_the_same_agent(path: Path) -> None:
    call = replay_call(path, tools=[lookup_order, "builtin:hang_up"])
    assert call.divergence
    assert {each.path.partition("[")[0] for each in call.divergence.differences} == {"session.tools"}


def test_an_agent_of_a_configuration_takes_the_call(path: Path, tmp_path: Path) -> None:
    config = tmp_path / "telephony.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    call = replay_call(path, config=config)
    assert call.divergence
    assert "Be kind." in str(call.divergence.got and call.divergence.got.message)
    with pytest.raises(ConfigurationError, match=r"^config: there is no file nothere\.yaml"):
        replay_call(path, config="nothere.yaml")
    with pytest.raises(ConfigurationError, match="config is given as well"):
        replay_call(path, config=config, agent=Agent("test"))


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="this is no cassette"):
        replay_call(tapes.put(tmp_path / "x.jsonl", (b"{}\n",)))
