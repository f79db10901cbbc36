"""What a call counts for, as the configuration has it."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.agents.agent import Agent
from telephony.agents.places import Cap
from telephony.runtime.reception import _caps
from telephony.settings import ModelEntry, Settings
from telephony.upstream.deployment import deployments
from telephony.upstream.pool import Upstream


def deployment(most: int | None, name: str = "grok") -> ModelEntry:
    params = {"model": "xai/grok-voice-latest", "api_base": "ws://127.0.0.1:1", "max_parallel_requests": most}
    return ModelEntry.model_validate({"model_name": name, "litellm_params": params})


def caps(*limits: int | None, **settings: Any) -> list[Cap]:
    upstream = Upstream(deployments([deployment(most) for most in limits], {"XAI_API_KEY": "k"}))
    agent = Agent("desk", max_calls=4)
    return _caps(Settings.model_validate(settings), {"desk": agent}, upstream, "w1")("desk")


def test_a_call_counts_for_its_agent_its_model_its_process_and_all() -> None:
    assert caps(3, max_calls=9, max_calls_per_worker=5) == [
        Cap("agent", "desk", 4),
        Cap("model", "grok", 3),
        Cap("all", "", 9),
        Cap("worker", "w1", 5),
    ]


@pytest.mark.parametrize(("limits", "most"), [((3, 4), 7), ((3, None), None), ((None,), None)])
def test_a_model_has_as_many_sessions_as_its_deployments_together(limits: Any, most: int | None) -> None:
    assert next(cap.most for cap in caps(*limits) if cap.kind == "model") == most
