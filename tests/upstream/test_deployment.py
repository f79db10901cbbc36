"""From a `model_list` to addresses and headers, by LiteLLM's rules."""

from __future__ import annotations

import pytest

from telephony.errors import ConfigurationError
from telephony.upstream import deployments, realtime_only, resolve

KEYS = {"XAI_API_KEY": "xai-1", "OPENAI_API_KEY": "sk-2", "AZURE_API_KEY": "az-3", "LITELLM_API_KEY": "sk-4"}


@pytest.mark.parametrize(
    ("model", "base", "provider", "dialect", "url"),
    [
        ("xai/grok-voice-latest", None, "xai", "xai", "wss://api.x.ai/v1/realtime?model=grok-voice-latest"),
        ("openai/gpt-realtime", None, "openai", "openai", "wss://api.openai.com/v1/realtime?model=gpt-realtime"),
        ("gpt-realtime", None, "openai", "openai", "wss://api.openai.com/v1/realtime?model=gpt-realtime"),
        ("grok-voice-3.0", None, "xai", "xai", "wss://api.x.ai/v1/realtime?model=grok-voice-3.0"),
        (
            "azure/my-voice",
            "https://acme.openai.azure.com",
            "azure",
            "openai",
            "wss://acme.openai.azure.com/openai/v1/realtime?model=my-voice",
        ),
        (
            "litellm_proxy/phone-agent",
            "http://litellm:4000",
            "litellm_proxy",
            "litellm",
            "ws://litellm:4000/v1/realtime?model=phone-agent",
        ),
        (
            "Qwen/Qwen3-Omni",
            "ws://10.0.0.5:8765",
            "openai",
            "openai",
            "ws://10.0.0.5:8765/v1/realtime?model=Qwen%2FQwen3-Omni",
        ),
    ],
)
def test_the_prefix_says_whose_model_it_is(entry, model, base, provider, dialect, url):
    found = resolve(entry(model, api_base=base), KEYS)
    assert (found.provider, found.dialect, found.url) == (provider, dialect, url)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("ws://127.0.0.1:9100", "ws://127.0.0.1:9100/v1/realtime?model=m"),
        ("ws://127.0.0.1:9100/", "ws://127.0.0.1:9100/v1/realtime?model=m"),
        ("http://127.0.0.1:9100/v1", "ws://127.0.0.1:9100/v1/realtime?model=m"),
        ("https://gw.example.com/v1/", "wss://gw.example.com/v1/realtime?model=m"),
        ("wss://gw.example.com/v1/realtime", "wss://gw.example.com/v1/realtime?model=m"),
        ("wss://gw.example.com/openai", "wss://gw.example.com/openai/v1/realtime?model=m"),
        ("wss://gw.example.com/realtime?tenant=7&model=x", "wss://gw.example.com/realtime?model=m&tenant=7"),
        ("ws://[::1]:9100#top", "ws://[::1]:9100/v1/realtime?model=m"),
        ("HTTPS://gw.example.com", "wss://gw.example.com/v1/realtime?model=m"),
    ],
)
def test_an_address_is_completed_from_any_of_its_forms(entry, base, url):
    assert resolve(entry("xai/m", api_base=base), KEYS).url == url


@pytest.mark.parametrize(
    ("model", "base", "headers"),
    [
        ("xai/m", None, {"Authorization": "Bearer xai-1"}),
        ("openai/m", None, {"Authorization": "Bearer sk-2"}),
        ("azure/m", "https://acme.openai.azure.com", {"api-key": "az-3"}),
        ("litellm_proxy/m", "http://litellm:4000", {"Authorization": "Bearer sk-4"}),
    ],
)
def test_the_key_comes_from_the_providers_own_variable(entry, model, base, headers):
    assert resolve(entry(model, api_base=base), KEYS).headers == headers


def test_a_key_can_be_written_or_referred_to(entry):
    written = resolve(entry("xai/m", api_key="secret"), {})
    referred = resolve(entry("xai/m", api_key="os.environ/MY_KEY"), {"MY_KEY": "mine"} | KEYS)
    assert written.headers == {"Authorization": "Bearer secret"}
    assert referred.headers == {"Authorization": "Bearer mine"}


def test_model_and_address_can_be_referred_to(entry):
    environ = {"MODEL": "xai/m", "BASE": "ws://127.0.0.1:9100"}
    found = resolve(entry("os.environ/MODEL", api_base="os.environ/BASE"), environ)
    assert found.url == "ws://127.0.0.1:9100/v1/realtime?model=m"


def test_the_providers_own_variable_can_hold_the_address(entry):
    found = resolve(entry("xai/m"), KEYS | {"XAI_API_BASE": "https://eu.example.com/v1"})
    assert found.url == "wss://eu.example.com/v1/realtime?model=m"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "[::1]", "model.localhost"])
def test_a_server_on_this_machine_needs_no_key(entry, host):
    assert resolve(entry("xai/m", api_base=f"ws://{host}:9100", api_key="os.environ/UNSET"), {}).headers == {}


@pytest.mark.parametrize(
    ("params", "variable"),
    [
        ({}, "XAI_API_KEY"),
        ({"api_key": "os.environ/MY_KEY"}, "MY_KEY"),
        ({"api_base": "ws://10.0.0.5:1"}, "XAI_API_KEY"),
    ],
)
def test_a_missing_key_is_refused_by_its_name(entry, params, variable):
    with pytest.raises(ConfigurationError, match=rf"{variable} \(model_list, voice\).*Set {variable}") as refusal:
        resolve(entry("xai/m", **params), {})
    assert refusal.value.key == variable


@pytest.mark.parametrize(
    ("model", "params", "key"),
    [
        ("gemini/live", {}, "litellm_params.model"),
        ("mystery", {}, "litellm_params.model"),
        ("azure/m", {}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "api.x.ai"}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "ftp://api.x.ai"}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "wss://host:port"}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "wss://[::1"}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "wss://me:hunter2@api.x.ai"}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "me:hunter2@:x"}, "litellm_params.api_base"),
        ("xai/m", {"api_base": "os.environ/UNSET"}, "UNSET"),
    ],
)
def test_what_cannot_be_resolved_is_refused_with_key_and_place(entry, model, params, key):
    with pytest.raises(ConfigurationError) as refusal:
        resolve(entry(model, **params), KEYS)
    assert refusal.value.key == key
    assert refusal.value.place == "model_list, voice"
    assert refusal.value.remedy
    assert "hunter2" not in str(refusal.value)


def test_what_stands_behind_an_address_can_be_said(entry):
    found = resolve(entry("litellm_proxy/m", api_base="http://127.0.0.1:4000", info={"dialect": "xai"}), {})
    assert found.dialect == "xai"
    with pytest.raises(ConfigurationError, match="litellm, openai, xai"):
        resolve(entry("xai/m", info={"dialect": "klingon"}), KEYS)


def test_litellms_own_way_to_name_a_provider_is_understood(entry):
    found = resolve(entry("my/model", custom_llm_provider="xai", api_base="ws://127.0.0.1:1"), {})
    assert (found.provider, found.model) == ("xai", "my/model")


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda it: f"{it!r:>5}", lambda it: str([it])])
def test_no_key_is_ever_shown(entry, show):
    found = resolve(entry("xai/m", api_key="secret", api_base="wss://gw.example.com?code=secret"), {})
    assert "secret" not in show(found)
    assert "gw.example.com" in show(found)


@pytest.mark.parametrize(
    ("model", "base", "query"),
    [
        ("xai/m", "ws://127.0.0.1", "model=m&conversation_id=c&reasoning.effort=none"),
        ("xai/m", "ws://127.0.0.1?reasoning.effort=high", "model=m&reasoning.effort=high&conversation_id=c"),
        ("openai/m", "ws://127.0.0.1?x=", "model=m&x="),
    ],
)
def test_a_client_adds_to_the_query_what_its_provider_understands(entry, model, base, query):
    """But it chooses neither the model nor a call of somebody else's."""
    came_with = {"model": "voice", "conversation_id": "c", "reasoning.effort": "none", "call_id": "rtc_1", "key": "k"}
    assert resolve(entry(model, api_base=base), {}).for_client(came_with).partition("?")[2] == query


def test_a_conversation_is_resumed_at_the_address_of_its_model(entry):
    found = resolve(entry("xai/m", api_base="ws://127.0.0.1:9100?zone=eu"), KEYS)
    assert found.resuming("conv 1") == found.url + "&conversation_id=conv+1"
    assert "zone=eu" in found.resuming("conv 1")


def test_entries_of_other_modes_and_of_names_nobody_uses_are_passed_over(entry):
    model_list = [
        entry("gpt-5", name="chat", info={"mode": "chat"}),
        entry("xai/m", info={"mode": "realtime"}),
        entry("openai/m", name="spare"),
        entry("openai/m"),
    ]
    found = deployments(model_list, {"XAI_API_KEY": "k", "OPENAI_API_KEY": "k"}, wanted={"voice"})
    assert [deployment.provider for deployment in found] == ["xai", "openai"]
    assert len(deployments(model_list, KEYS)) == 3


@pytest.mark.parametrize(
    ("params", "info", "limit"),
    [
        ({}, {}, 10),  # xAI's own address
        ({"api_base": "wss://api.x.ai/v1"}, {}, 10),
        ({"api_base": "ws://127.0.0.1:9100"}, {}, None),
        ({"max_parallel_requests": 40}, {}, 40),
        ({"max_parallel_requests": 40}, {"max_sessions": 50}, 50),
    ],
)
def test_a_deployment_holds_as_many_sessions_as_is_written_or_known(entry, params, info, limit):
    assert resolve(entry("xai/m", info=info, **params), KEYS).max_sessions == limit
    assert resolve(entry("openai/m"), KEYS).max_sessions is None


@pytest.mark.parametrize("written", [0, "many", True, 1.5])
def test_a_limit_that_is_none_is_refused(entry, written):
    with pytest.raises(ConfigurationError, match=r"model_info\.max_sessions \(model_list, voice\)"):
        resolve(entry("xai/m", info={"max_sessions": written}), KEYS)


def test_share_order_and_patience_are_the_deployments_own(entry):
    found = resolve(entry("xai/m", weight=0, order=2, timeout=3), KEYS)
    assert (found.weight, found.order, found.timeout) == (0, 2, 3)
    assert resolve(entry("xai/m"), KEYS).weight == 1


def test_of_a_list_for_every_kind_of_model_the_realtime_ones_are_served(entry):
    model_list = [
        entry("anthropic/claude", name="chat"),
        entry("dall-e", name="image", info={"mode": "image_generation"}),
        entry("xai/m"),
        entry("openai/m", info={"mode": "realtime"}),
    ]
    found, passed_over = realtime_only(model_list, {"XAI_API_KEY": "k", "OPENAI_API_KEY": "k"})
    assert [deployment.provider for deployment in found] == ["xai", "openai"]
    assert [error.place for error in passed_over] == ["model_list, chat"]
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        realtime_only(model_list, {"XAI_API_KEY": "k"})
