"""A session with a simulated model, opened as calls open theirs, and everything that may come of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from offices import NOWHERE, ShortVoice, outside, settings_for
from telephony.agents.agent import Agent
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.doctor.configuration import examined
from telephony.doctor.finding import Finding, take
from telephony.doctor.models import checks, judge_ready
from telephony.events import SessionReady
from telephony.settings import Limits, LiteLLMParams, ModelEntry, SessionConfig, Settings

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left_behind")]


def settings_of(folder: Path, url: str, provider: str = "xai/grok", **agent: Any) -> Settings:
    desk = Agent("desk", instructions="Be brief.", tools=["builtin:hang_up"], **agent).settings
    return settings_for(folder, url, provider=provider, agents={"desk": desk}, numbers={"*": {"agent": "desk"}})


async def looked(settings: Settings) -> list[Finding]:
    staff, _ = examined(settings, {})
    return await take(checks(settings, staff), lambda finding: None)


async def met(folder: Path, script: Mapping[str, Any], provider: str = "xai/grok", **agent: Any) -> Finding:
    """What is said of a model with this *script*."""
    async with outside(script, voice=ShortVoice("agent")) as around:
        (found,) = await looked(settings_of(folder, around.model.url, provider, **agent))
        assert around.faults() == []
    assert found.name == f"model {provider}"
    return found


@pytest.mark.parametrize("provider", ["xai/grok", "openai/gpt-realtime"])
@pytest.mark.parametrize("audio", ["pcm16", "pcmu"])
async def test_a_session_that_takes_its_configuration_is_green(tmp_path: Path, provider: str, audio: Any) -> None:
    found = await met(tmp_path, {"profile": provider.partition("/")[0]}, provider, audio=audio)
    assert (found.state, found.what) == (
        "green",
        f"ready for desk, {PCM16_24K if audio == 'pcm16' else MULAW_8K} both ways",
    )


async def test_a_session_is_configured_and_nothing_is_said_in_it(tmp_path: Path) -> None:
    async with outside({}) as around:
        settings = settings_of(tmp_path, around.model.url)
        (found,) = await looked(settings)
        (session,) = around.model.sessions
    assert found.state == "green"
    assert session.core.received == {"session.update": 1}


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ({"refuse": 401}, "answered HTTP 401: the API key is wrong or missing"),
        ({"refuse": 404}, "answered HTTP 404"),
        ({"refuse": 429}, "answered HTTP 429"),
        ({"open_error": "invalid_api_key", "profile": "openai"}, "it opened a session and refused it"),
    ],
    ids=["key", "name", "quota", "in the session"],
)
async def test_a_model_that_refuses_is_red_by_its_cause(tmp_path: Path, script: dict[str, Any], cause: str) -> None:
    provider = "openai/gpt-realtime" if script.get("profile") else "xai/grok"
    found = await met(tmp_path, script, provider)
    assert found.state == "red"
    assert cause in found.what
    assert "401: the key" in found.remedy


async def test_a_model_that_never_takes_the_configuration_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.doctor.models.READY", 0.2)
    found = await met(tmp_path, {"never_ready": True})
    assert (found.state, found.what) == ("red", "it does not take the session of desk within 0.2 s")


async def test_a_model_with_another_format_is_amber(tmp_path: Path) -> None:
    found = await met(tmp_path, {"echo_wrong_format": True})
    assert found.state == "amber"
    assert f"though {PCM16_24K} was asked for" in found.what


async def test_a_model_that_is_ready_too_late_for_callers_is_amber(tmp_path: Path) -> None:
    found = await met(tmp_path, {"ready_ms": 300}, limits=Limits(connect=0.1))
    assert (found.state, "callers wait 0.1 s" in found.what) == ("amber", True)


async def test_a_model_that_is_not_there_is_red(tmp_path: Path) -> None:
    (found,) = await looked(settings_of(tmp_path, NOWHERE))
    assert (found.state, found.what) == ("red", "ws://127.0.0.1:9/v1/realtime: nothing listens there")


async def test_a_session_that_no_dialect_can_word_is_red(tmp_path: Path) -> None:
    (found,) = await looked(settings_of(tmp_path, NOWHERE, "openai/gpt-realtime", audio="pcm16-8k"))
    assert found.state == "red"
    assert found.remedy


async def test_each_deployment_that_may_come_to_speak_has_its_line_and_no_other(tmp_path: Path) -> None:
    async with outside({}) as around:
        settings = settings_of(tmp_path, around.model.url, model="sim")
        spare = ModelEntry(model_name="sim", litellm_params=LiteLLMParams(model="xai/spare", api_base=NOWHERE))
        unused = ModelEntry(model_name="unused", litellm_params=LiteLLMParams(model="xai/unused", api_base=NOWHERE))
        found = await looked(settings.model_copy(update={"model_list": [*settings.model_list, spare, unused]}))
        assert len(around.model.sessions) == 1
    assert [(one.name, one.state) for one in found] == [("model xai/grok", "green"), ("model xai/spare", "red")]


@pytest.mark.parametrize(
    ("ready", "state", "told"),
    [
        (SessionReady(), "green", "ready for desk"),
        (SessionReady(PCM16_24K, PCM16_24K, True), "green", "ready for desk"),
        (SessionReady(MULAW_8K, PCM16_24K, True), "amber", "it hears"),
        (SessionReady(PCM16_24K, MULAW_8K, True), "amber", "it speaks"),
        (SessionReady(PCM16_24K, PCM16_24K, False), "red", "would never answer"),
    ],
)
async def test_what_a_session_says_of_itself_is_compared_with_what_was_asked(
    ready: SessionReady, state: str, told: str
) -> None:
    found = judge_ready("model x", ready, SessionConfig(), "desk")
    assert found.state == state
    assert told in found.what
