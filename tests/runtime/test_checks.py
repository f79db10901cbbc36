"""Names that refer to nothing and addresses that cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.runtime.checks import check, is_loopback, serving_problems
from telephony.settings import Settings, TwilioSettings

MODELS = [{"model_name": name, "litellm_params": {"model": f"xai/{name}"}} for name in ("grok", "grok", "other")]


def problems(**values: Any) -> list[tuple[str, str, str]]:
    found = check(Settings.model_validate(values), lambda path: "here")
    assert all(problem.place == "here" for problem in found)
    return [(problem.key, problem.problem, problem.remedy) for problem in found]


@pytest.mark.parametrize(
    "url",
    [
        "https://voice.example.com",
        "https://voice.example.com:8443/",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:80",
        "",
    ],
)
def test_public_urls_that_work(url: str) -> None:
    assert problems(public_url=url) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://voice.example.com", "not https"),
        ("https://voice.example.com/app", "a path"),
        ("https://voice.example.com?x=1", "a query"),
        ("https://voice.example.com/#x", "a fragment"),
        ("wss://voice.example.com", "begins with wss://"),
        ("voice.example.com", "not a URL"),
        ("https://", "not a URL"),
        ("https://voice.example.com:99999", "not a URL"),
        ("https://voice example.com", "not a URL"),
        ("https://bob:planted@voice.example.com", "user name or password"),
    ],
)
def test_public_urls_that_do_not(url: str, words: str) -> None:
    [(key, problem, remedy)] = problems(public_url=url)
    assert key == "public_url"
    assert words in problem
    assert "https://" in remedy or "signed" in remedy
    assert "planted" not in problem + remedy


def test_the_url_of_one_server_among_several_may_have_a_path() -> None:
    assert problems(public_url="https://voice.example.com", instance_url="https://voice.example.com/at/b/") == []
    [(key, problem, remedy)] = problems(instance_url="https://voice.example.com/at/b?x=1")
    assert (key, problem, remedy) == ("instance_url", "it has a query or a fragment", "Take it out; a path is allowed.")
    [(key, problem, _)] = problems(instance_url="http://voice.example.com/at/b")
    assert (key, problem) == ("instance_url", "it is not https")


def test_agents_need_a_model() -> None:
    assert [key for key, *_ in problems(agents={"a": {}})] == ["model_list"]
    assert problems(agents={"a": {}}, model_list=MODELS[:2]) == []
    [(key, problem, remedy)] = problems(agents={"a": {"model": "grog"}}, model_list=MODELS)
    assert (key, problem, remedy) == ("agents.a.model", "model_list has no 'grog'", "Did you mean grok?")
    [(key, problem, remedy)] = problems(agents={"a": {}}, model_list=MODELS)
    assert (key, remedy) == ("agents.a.model", "Choose one of grok, other.")


def test_numbers_name_agents_that_exist() -> None:
    numbers = {"*": "frontdsk", "+15550100": "frontdesk"}
    found = problems(agents={"frontdesk": {}}, model_list=MODELS[:1], numbers=numbers)
    assert found == [("numbers.*", "there is no agent frontdsk", "Did you mean frontdesk?")]


def test_every_number_that_cannot_be_called_is_named() -> None:
    numbers = {"+0123": "a", "+15550100": "a", "15*5": "a", "+1555*": "a", "sip:desk@example.com": "a"}
    found = problems(agents={"a": {}}, model_list=MODELS[:1], numbers=numbers)
    assert [key for key, *_ in found] == ["numbers.+0123", "numbers.15*5"]


def test_one_number_written_in_two_ways_cannot_have_two_agents() -> None:
    numbers = {"+15550100": "a", "+1 (555) 0100": "b"}
    [(key, problem, _)] = problems(agents={"a": {}, "b": {}}, model_list=MODELS[:1], numbers=numbers)
    assert key == "numbers.+1 (555) 0100"
    assert "is given to a and to b" in problem


def test_agents_made_in_python_count() -> None:
    settings = Settings.model_validate({"numbers": {"*": "desk"}, "model_list": MODELS})
    assert check(settings, lambda path: "", [Agent("desk", model="grok")]) == []
    [error] = check(settings, lambda path: "", [Agent("desk", model="grog")])
    assert (error.key, error.remedy) == ("agents.desk.model", "Did you mean grok?")


def fallback(numbers: dict[str, str] | None = None, **values: str) -> list[tuple[str, str, str]]:
    return problems(agents={"a": {"fallback": values}, "b": {}}, model_list=MODELS[:1], numbers=numbers or {})


@pytest.mark.parametrize("number", ["+15550100", "+1 (555) 010-0123", "tel:+15550100123", "0015550100123", ""])
def test_callers_can_be_sent_on_to_a_number(number: str) -> None:
    assert fallback(transfer=number, caller_id=number) == []


@pytest.mark.parametrize("number", ["911", "frontdesk", "+0305550100", "02071838750", "sip:desk@example.com"])
def test_callers_cannot_be_sent_on_to_what_nobody_could_dial(number: str) -> None:
    found = fallback(transfer=number, caller_id=number)
    assert [key for key, *_ in found] == ["agents.a.fallback.transfer", "agents.a.fallback.caller_id"]
    for _, problem, remedy in found:
        assert "is no phone number" in problem
        assert "the country code" in remedy


def test_a_caller_is_not_sent_back_to_the_agent_whose_model_is_silent() -> None:
    [(key, problem, remedy)] = fallback({"+1 555 0100": "a", "*": "b"}, transfer="+15550100")
    assert key == "agents.a.fallback.transfer"
    assert "leads back to a" in problem
    assert "people" in remedy
    assert fallback({"+15550100": "b", "*": "a"}, transfer="+15550100") == []


def test_every_recording_that_cannot_be_played_is_named() -> None:
    found = fallback(apology="no/such.wav", goodbye=__file__)
    assert [(key, problem.partition(".py")[0].partition(".wav")[0]) for key, problem, _ in found] == [
        ("agents.a.fallback.apology", "no/such"),
        ("agents.a.fallback.goodbye", __file__.removesuffix(".py")),
    ]


def test_addresses_of_models_and_of_the_carrier_can_be_connected_to() -> None:
    def entry(base: str) -> dict[str, object]:
        return {"model_name": "x", "litellm_params": {"model": "xai/x", "api_base": base}}

    good = ["ws://127.0.0.1:9100", "wss://a/b?c=d", "https://a/v1", "os.environ/XAI_BASE"]
    assert problems(model_list=[entry(base) for base in good]) == []
    found = problems(model_list=[entry("127.0.0.1:9100"), entry("ftp://x")], twilio={"api_base": "api.twilio.com"})
    assert [key for key, *_ in found] == [
        "twilio.api_base",
        "model_list[0].litellm_params.api_base",
        "model_list[1].litellm_params.api_base",
    ]


def test_an_api_key_is_not_an_account() -> None:
    [(key, problem, _)] = problems(twilio={"account_sid": "SK0123"})
    assert key == "twilio.account_sid"
    assert "API key" in problem


def test_what_serving_needs_is_named_all_at_once() -> None:
    keys = [problem.key for problem in serving_problems(Settings())]
    assert keys == ["public_url", "twilio.auth_token", "twilio.account_sid", "agents", "numbers"]
    ready = Settings.model_validate(
        {
            "public_url": "https://voice.example.com",
            "twilio": TwilioSettings(account_sid="AC1", auth_token=SecretStr("x")),
            "agents": {"a": {}},
            "numbers": {"*": "a"},
        }
    )
    assert serving_problems(ready) == []


def test_loopback() -> None:
    assert all(is_loopback(host) for host in ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1"])
    assert not any(is_loopback(host) for host in ["localhost.example.com", "10.0.0.1", "voice.example.com", "::2"])


@pytest.mark.parametrize(
    ("written", "key", "words"),
    [
        ({"tools": ["m:f", {"name": "search"}]}, "agents.a.tools[1]", "what type"),
        ({"tools": [{"type": 3}]}, "agents.a.tools[0]", "what type"),
        ({"tools": [{"type": "function", "name": "f"}]}, "agents.a.tools[0]", "no provider runs a function"),
        ({"session": {"tools": [{"type": "function"}]}}, "agents.a.session.tools[0]", "no provider runs a function"),
        ({"session": {"tools": ["web_search"]}}, "agents.a.session.tools[0]", "what type"),
        ({"session": {"tools": {"type": "web_search"}}}, "agents.a.session.tools", "not a list"),
    ],
)
def test_a_tool_that_no_provider_can_run(written: dict[str, Any], key: str, words: str) -> None:
    (found,) = problems(agents={"a": {"model": "grok", **written}}, model_list=MODELS)
    assert found[0] == key
    assert words in found[1]


def test_tools_that_providers_run() -> None:
    tools = ["m:f", {"type": "web_search"}, {"type": "mcp", "server_url": "https://example.com"}]
    agent = {"model": "grok", "tools": tools, "session": {"tools": [{"type": "x_search"}]}}
    assert problems(agents={"a": agent}, model_list=MODELS) == []


@pytest.mark.parametrize(
    ("written", "key", "words"),
    [
        ({"http_tools": {"a": {"url": "https://{h}/"}}}, "http_tools.a.url", "must not choose the host"),
        ({"http_tools": {"a": {"url": "http://127.0.0.1/"}}}, "http_tools.a.url", "not a public address"),
        ({"http_tools": {"a.b": {"url": "https://shop.example.com/"}}}, "http_tools.a.b", "no name that models accept"),
        ({"mcp": {"a": {}}}, "mcp.a", "neither command nor url"),
        ({"mcp": {"a": {"command": ["x"], "url": "https://mcp.example.com"}}}, "mcp.a", "both command and url"),
        ({"mcp": {"a": {"url": "mcp.example.com"}}}, "mcp.a.url", "not an address"),
        ({"mcp": {"a": {"url": "https://u:planted@mcp.example.com/"}}}, "mcp.a.url", "user name or password"),
        ({"mcp": {"a/b": {"command": ["x"]}}}, "mcp.a/b", "cannot be named"),
        ({"mcp": {"a": {"command": ["x"], "prefix": "a b"}}}, "mcp.a.prefix", "no model accepts it"),
    ],
)
def test_a_declared_tool_that_cannot_be_used(written: dict[str, Any], key: str, words: str) -> None:
    for tool in written.get("http_tools", {}).values():
        tool["description"] = "Look."
    (found,) = problems(**written)
    assert found[0] == key
    assert words in found[1]
    assert "planted" not in str(found)


def test_declared_tools_that_can_be_used() -> None:
    tool = {"description": "Look.", "url": "https://shop.example.com/orders"}
    servers = {"near": {"command": ["shop-mcp"]}, "far.away": {"url": "https://mcp.example.com/mcp", "prefix": "far_"}}
    assert problems(http_tools={"orders": tool}, mcp=servers) == []


def test_whom_agents_may_call_is_judged_with_everything_else() -> None:
    dialling = {"directory": {"sales": "+14155552671", "loop": "+14155550100"}}
    agent = {"model": "grok", "directory": ["sales", "night"]}
    found = problems(agents={"a": agent}, numbers={"+14155550100": "a"}, dialling=dialling, model_list=MODELS)
    assert [(key, problem) for key, problem, _ in found] == [
        ("dialling.directory.loop.number", "it is one that is answered here, under `numbers`"),
        ("agents.a.directory[1]", "dialling.directory has no 'night'"),
    ]
