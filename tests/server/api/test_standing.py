"""Agents and deployments over a socket."""

from __future__ import annotations

import json

import pytest

from apis import key_of, serving
from telephony.server.api.requests import Answers
from telephony.server.api.standing import AgentShown, StandingApi
from telephony.settings import LiteLLMParams, ModelEntry, RouterSettings
from telephony.upstream.deployment import deployments
from telephony.upstream.failures import Failure
from telephony.upstream.pool import Upstream

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

KEY = "xai-0123456789abcdef"


async def test_a_deployment_that_rests_says_why_and_how_long() -> None:
    params = LiteLLMParams.model_validate({"model": "xai/grok", "api_key": KEY})
    pool = Upstream(deployments([ModelEntry(model_name="voice", litellm_params=params)], {}), RouterSettings())
    agents = [AgentShown("desk", "voice", "eve", None, ["*"], ["look_up"], [], True)]
    async with serving(StandingApi(lambda: agents, pool, Answers(str)).routes()) as client:
        _, _, well = await client.ask("/deployments", key=key_of("deployments:read"))
        lease = pool.balancer.take("voice", pool._clock())
        assert lease is not None
        pool.balancer.failed(lease, Failure("fatal", "Incorrect API key."), pool._clock())
        _, _, resting = await client.ask("/deployments", key=key_of("deployments:read"))
        status, _, listed = await client.ask("/agents", key=key_of("agents:read"))
    (before,), (after,) = json.loads(well)["deployments"], json.loads(resting)["deployments"]
    assert (before["state"], before["why"], before["sessions"], before["max_sessions"]) == ("well", "", 0, 10)
    assert (after["state"], after["why"], after["sessions"]) == ("resting", "Incorrect API key.", 1)
    assert 590 < after["retry_in"] <= 600
    assert KEY not in well.decode()
    assert (status, json.loads(listed)["agents"][0]["name"]) == (200, "desk")
