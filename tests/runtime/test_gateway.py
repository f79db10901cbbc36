"""A gateway process: what it needs before it listens, and the same routes beside the telephone's."""

from __future__ import annotations

import json

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from gateways import MASTER, entry, gateway, model
from offices import settings_for
from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime.gateway import has_keys, open_gateway
from telephony.runtime.office import open_office
from telephony.settings import ModelEntry, Settings

KEYS = {"gateway": {"keys": {"a": {"key": "sk-a"}}}}
MODELS = {"model_list": [entry("ws://127.0.0.1:9")]}


async def complaint(**settings: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        async with open_gateway(Settings.model_validate({"port": 0, **settings}), {}):
            pass
    return str(caught.value)


async def test_without_a_key_nobody_else_may_reach_it():
    assert "general_settings.master_key" in await complaint(**MODELS)
    settings = Settings.model_validate({"host": "127.0.0.1", "port": 0, **MODELS})
    async with (
        open_gateway(settings, {}) as running,
        ClientSession() as http,
        http.get(f"{running.address}/v1/models") as response,
    ):
        assert response.status == 200


async def test_without_a_model_there_is_nothing_to_offer():
    assert "model_list" in await complaint(**KEYS)


async def test_a_key_that_is_missing_is_found_before_anybody_connects():
    models = [{"model_name": "m", "litellm_params": {"model": "xai/grok-voice-latest"}}]
    assert "XAI_API_KEY" in await complaint(model_list=models, **KEYS)


async def test_models_of_another_kind_are_passed_over_with_one_warning():
    """Of a proxy's `config.yaml` most is not for us, and few of its models say of what kind they are."""
    chat = [
        {"model_name": "claude", "litellm_params": {"model": "anthropic/claude", "api_key": "k"}},
        {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4o"}},
        {"model_name": "ears", "litellm_params": {"model": "whisper-1"}, "model_info": {"mode": "audio_transcription"}},
    ]
    with capture_logs() as logs:
        async with gateway([entry("ws://127.0.0.1:9"), *map(ModelEntry.model_validate, chat)]) as running:
            assert running.process.gateway.models == ["voice"]
    (warning,) = (log for log in logs if log["log_level"] == "warning")
    assert warning["models"] == "claude, gpt"
    realtime = {**chat[0], "model_info": {"mode": "realtime"}}
    assert "nobody can tell whose model" in await complaint(model_list=[*MODELS["model_list"], realtime], **KEYS)


def test_a_master_key_or_a_clients_key_make_a_gateway():
    assert not has_keys(Settings())
    assert has_keys(Settings.model_validate(KEYS))
    assert has_keys(Settings.model_validate({"general_settings": {"master_key": MASTER}}))


@pytest.mark.parametrize("master", [None, MASTER])
async def test_a_telephone_office_offers_it_too_once_there_is_a_key(master, tmp_path, nothing_left_behind):
    async with await model() as grok:
        settings = settings_for(tmp_path, grok.url, general_settings={"master_key": master})
        chat = {"model_name": "claude", "litellm_params": {"model": "anthropic/claude"}}
        settings = settings.model_copy(update={"model_list": [*settings.model_list, ModelEntry.model_validate(chat)]})
        address = settings.public_url.removeprefix("http")
        async with open_office(settings, {}, agents=[Agent("desk", model="sim")]), ClientSession() as http:
            async with http.get(f"http{address}/v1/models", headers={"api-key": MASTER}) as response:
                assert response.status == (200 if master else 404)
            if master:
                async with connect(f"ws{address}/v1/realtime", additional_headers={"api-key": MASTER}) as client:
                    assert json.loads(await client.recv())["type"] == "session.created"


async def test_an_address_in_use_is_told_in_words():
    async with gateway([entry("ws://127.0.0.1:9")]) as running:
        port = int(running.http.rpartition(":")[2])
        assert f"127.0.0.1:{port} cannot be listened on" in await complaint(
            host="127.0.0.1", port=port, **KEYS, **MODELS
        )


async def test_when_told_to_stop_it_waits_for_sessions_to_end(nothing_left_behind):
    async with await model() as grok, gateway([entry(grok.url)], drain=30) as running:
        headers = {"Authorization": f"Bearer {MASTER}"}
        async with connect(running.url, additional_headers=headers, proxy=None) as client:
            assert json.loads(await client.recv())["type"] == "session.created"
