"""A LiteLLM `config.yaml` starts as it is, and says what of it has no effect."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from telephony.errors import ConfigurationError
from telephony.runtime.configuration import load
from telephony.settings import RouterSettings, Settings

MODELS = """
model_list:
  - model_name: voice
    litellm_params: {model: xai/grok-voice-latest, api_key: os.environ/XAI_API_KEY, weight: 2, order: 1, rpm: 60}
    model_info: {mode: realtime, max_sessions: 25}
  - model_name: spare
    rpm: 7
    litellm_params: {model: openai/gpt-realtime, timeout: 30, max_parallel_requests: 4, input_cost_per_token: 0.1}
"""


@pytest.fixture
def read(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    def settings(text: str, **env: str) -> tuple[Settings, list[str]]:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        with caplog.at_level(logging.WARNING):
            found = load(path, env, {}, dotenv=None)
        return found, caplog.messages

    return settings


def test_what_applies_to_routing_is_read(read):
    settings, warnings = read("""
router_settings:
  routing_strategy: simple-shuffle
  fallbacks: [{voice: [spare]}]
  default_fallbacks: [spare]
  cooldown_time: 60
  allowed_fails: 3
  num_retries: 2
  timeout: 10
model_list: [{model_name: spare, litellm_params: {model: xai/m}}]
""")
    assert settings.router_settings == RouterSettings(
        routing_strategy="simple-shuffle",
        fallbacks=[{"voice": ["spare"]}],
        default_fallbacks=["spare"],
        cooldown_time=60,
        allowed_fails=3,
        num_retries=2,
        timeout=10,
    )
    assert warnings == []


def test_the_same_keys_are_read_from_the_other_section_and_lose(read):
    settings, warnings = read("""
litellm_settings: {request_timeout: 20, num_retries: 5, allowed_fails: 2}
router_settings: {num_retries: 0}
""")
    assert settings.router_settings == RouterSettings(timeout=20, num_retries=0, allowed_fails=2)
    assert warnings == []


def test_what_has_no_effect_is_named_once_with_the_first_place(read):
    settings, warnings = read(
        f"""
guardrails: [{{guardrail_name: x}}]
litellm_settings: {{drop_params: true, num_retries: 3}}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY, database_url: postgres://bob:planted@db}}
router_settings: {{routing_strategy: latency-based-routing, redis_host: cache, fallbacks: [{{voice: [gpt-4o, spare]}}]}}
{MODELS}""",
        LITELLM_MASTER_KEY="sk-planted",
    )
    [line] = warnings
    place, _, names = line.partition(": not used by this program: ")
    assert place.endswith("config.yaml:2")
    assert names.split(", ") == [
        "guardrails",
        "litellm_settings.drop_params",
        "general_settings.database_url",
        "router_settings.routing_strategy latency-based-routing",
        "router_settings.redis_host",
        "router_settings.fallbacks gpt-4o",
        "litellm_params.rpm",
        "model_list.rpm",
    ]
    assert settings.router_settings.routing_strategy == "least-busy"
    assert settings.general_settings.master_key is not None
    assert settings.general_settings.master_key.get_secret_value() == "sk-planted"
    assert "planted" not in line


def test_the_master_key_can_come_from_litellms_own_variable(read):
    settings, _ = read("general_settings:\nrouter_settings:\n", LITELLM_MASTER_KEY="sk-1")
    assert settings.general_settings.master_key is not None
    assert settings.general_settings.master_key.get_secret_value() == "sk-1"


def test_parameters_of_a_deployment_are_read(read):
    settings, _ = read(MODELS)
    first, second = (entry.litellm_params for entry in settings.model_list)
    assert (first.weight, first.order, first.timeout) == (2, 1, None)
    assert (second.weight, second.timeout, second.max_parallel_requests) == (None, 30, 4)


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("router_settings: {routing_strategy: least-bussy}", "router_settings.routing_strategy", "least-busy"),
        ("router_settings: {cooldown_time: soon}", "router_settings.cooldown_time", "30"),
        ("router_settings: {fallbacks: {voice: spare}}", "router_settings.fallbacks", "Correct it"),
        ("router_settings: {fallbacks: [[voice, spare]]}", "router_settings.fallbacks[0]", "Correct it"),
        ("router_settings: {routing_strategy: [a]}", "router_settings.routing_strategy", "least-busy"),
        ("model_list: [{model_name: [a], litellm_params: {model: a}}]", "model_list[0].model_name", "Correct it"),
        ("router_settings: fast", "router_settings", "Correct it"),
        ("general_settings: {master_key: os.environ/NOBODY}", "general_settings.master_key", "Set NOBODY"),
        ("litellm_settings: {request_timeout: -1}", "router_settings.timeout", "4"),
    ],
)
def test_a_value_that_is_wrong_is_a_mistake_with_its_place(read, text, key, remedy):
    with pytest.raises(ConfigurationError) as caught:
        read(f"port: 1\n{text}\n")
    assert (caught.value.key, caught.value.place.rpartition(":")[2]) == (key, "2")
    assert remedy in caught.value.remedy
