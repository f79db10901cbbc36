"""The agents of a process made ready. What can be wrong with one is in test_office.py, and calls are in tests/e2e."""

from __future__ import annotations

import pytest

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime.staffing import models_for
from telephony.settings import LiteLLMParams, ModelEntry, Settings
from telephony.settings.models import RouterSettings


def entry(name: str) -> ModelEntry:
    return ModelEntry(model_name=name, litellm_params=LiteLLMParams(model="xai/grok", api_key=f"os.environ/{name}_KEY"))


SETTINGS = Settings(
    model_list=[entry("day"), entry("night"), entry("spare")],
    router_settings=RouterSettings(fallbacks=[{"day": ["spare"]}]),
)


def test_nobody_needs_keys_for_models_that_nobody_speaks_with() -> None:
    found = models_for(SETTINGS, [Agent("desk", model="day")], {"day_KEY": "a", "spare_KEY": "b"})
    assert [deployment.model_name for deployment in found] == ["day", "spare"]


def test_the_key_of_a_model_that_stands_in_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="spare_KEY"):
        models_for(SETTINGS, [Agent("desk", model="day")], {"day_KEY": "a"})


def test_an_agent_that_names_no_model_needs_them_all() -> None:
    with pytest.raises(ConfigurationError, match="night_KEY"):
        models_for(SETTINGS, [Agent("desk")], {"day_KEY": "a", "spare_KEY": "b"})
