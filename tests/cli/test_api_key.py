"""Making a key for the API."""

from __future__ import annotations

import re

import pytest
import yaml
from typer.testing import CliRunner

from telephony.cli import app
from telephony.server.api.keys import ApiKeys
from telephony.settings import ApiSettings


def made(*options: str) -> tuple[str, ApiSettings]:
    """The key, and what goes into the configuration."""
    result = CliRunner().invoke(app, ["api-key", "ops", *options])
    assert result.exit_code == 0, result.output
    key = re.findall(r"shown this once: (\S+)", result.output)[0]
    return key, ApiSettings.model_validate(yaml.safe_load(result.output[result.output.index("api:") :])["api"])


def test_what_is_printed_is_a_configuration_that_knows_the_key_and_does_not_hold_it() -> None:
    key, settings = made("--scope", "calls:read", "--scope", "live:write")
    holder = ApiKeys(settings.keys).holder(key)
    assert holder is not None
    assert (holder.name, holder.scopes) == ("ops", {"calls:read", "live:write"})
    assert key not in settings.model_dump_json()
    assert made()[0] != key


def test_without_a_scope_it_may_look_and_nothing_else() -> None:
    _, settings = made()
    assert settings.keys["ops"].scopes == ["calls:read", "live:read", "agents:read", "deployments:read"]


@pytest.mark.parametrize("scope", ["everything", "calls", ""])
def test_a_scope_that_is_none_is_told(scope: str) -> None:
    result = CliRunner().invoke(app, ["api-key", "ops", "--scope", scope])
    assert result.exit_code == 2
