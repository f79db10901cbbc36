"""What may stand where, asked of the settings' own schema."""

from __future__ import annotations

import pytest

from telephony.runtime.schema import settings_schema
from telephony.settings import AgentSettings, Settings


@pytest.mark.parametrize(
    ("path", "expectation"),
    [
        (("port",), "a whole number from 0 to 65535"),
        (("drain",), "a number of at least 0"),
        (("log_level",), "one of debug, info, warning, error"),
        (("agents", "anyone", "limits", "dead_air"), "a number above 0"),
        (("agents", "anyone", "record"), "true or false"),
        (("agents", "anyone", "voice"), "text"),
        (("agents", "anyone", "tools"), "a list"),
        (("agents", "anyone"), "a mapping"),
        (("agents", "anyone", "session", "anything", "deep"), "a value"),
        (("model_list", 3, "litellm_params", "whatever"), "a value"),
    ],
)
def test_expectations_are_words(path: tuple[str | int, ...], expectation: str) -> None:
    schema = settings_schema().at(path)
    assert schema is not None
    assert schema.expectation == expectation


@pytest.mark.parametrize("path", [("prot",), ("twilio", "token"), ("numbers", "x", "y"), ("port", "x"), ("numbers", 0)])
def test_where_nothing_may_stand_there_is_no_schema(path: tuple[str | int, ...]) -> None:
    assert settings_schema().at(path) is None


def test_secrets_are_known_wherever_they_are() -> None:
    secret = [path for path, schema in settings_schema().leaves() if schema.secret]
    assert ("twilio", "auth_token") in secret
    assert ("model_list", "*", "litellm_params", "api_key") in secret
    shared = settings_schema().at(("twilio", "shared_keys", "CR1"))
    assert shared is not None
    assert shared.secret


def test_settings_that_name_files_are_known() -> None:
    named = {".".join(path) for path, schema in settings_schema().leaves() if schema.path}
    clips = {f"agents.*.fallback.{name}" for name in ("apology", "filler", "goodbye")}
    assert named == {*clips, "dialling.do_not_call_file", "tariffs"}


def test_leaves_are_every_setting() -> None:
    leaves = {".".join(path) for path, _ in settings_schema().leaves()}
    plain = {"twilio", "cassettes", "agents", "model_list", "router_settings", "general_settings", "gateway"}
    plain |= {
        "http_tools",
        "mcp",
        "dialling",
        "outbound",
        "numbers",
        "hours",
        "retention",
        "encryption",
        "connections",
        "api",
    }
    assert set(Settings.model_fields) - plain <= leaves
    groups = {"turn_detection", "limits", "fallback", "outbound"}
    assert {f"agents.*.{name}" for name in set(AgentSettings.model_fields) - groups} <= leaves
