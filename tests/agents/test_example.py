"""The example in `fixtures/agents` is one to copy: it loads, and `agents check` has nothing to say of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from telephony.agents import Agent, Directory, check
from telephony.settings import Settings
from telephony.tools import load_tools

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "agents"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.syspath_prepend(FOLDER)
    yield Settings.model_validate(yaml.safe_load((FOLDER / "frontdesk.yaml").read_text(encoding="utf-8")))
    sys.modules.pop("shop", None)


def test_the_example_agent_is_without_a_flaw(example: Settings) -> None:
    directory = Directory((Agent.from_settings(*item) for item in example.agents.items()), example.numbers)
    models = [entry.model_name for entry in example.model_list]
    specs = {name: [tool.spec for tool in load_tools(agent.tools)] for name, agent in directory.agents.items()}
    assert check(directory, models, specs) == []
    assert [spec.name for spec in specs["frontdesk"]][-1] == "hang_up"
