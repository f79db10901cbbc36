"""`telephony config show`: what is in force, and no secret."""

from __future__ import annotations

import json

import pytest
import yaml

from terminals import Desk, Telephony


@pytest.mark.parametrize("flags", [[], ["--json"], ["--redact"]])
@pytest.mark.usefixtures("good")
def test_no_secret_is_shown_wherever_it_comes_from(
    telephony: Telephony, desk: Desk, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    desk.write(".env", "TWILIO_AUTH_TOKEN_SECONDARY=planted-dotenv-5b1a\n")
    desk.write("token", "planted-file-44aa\n")
    monkeypatch.setenv("TELEPHONY_TWILIO__SHARED_KEYS", '{"k": "planted-shared-0c0c"}')
    monkeypatch.setenv("TWILIO_AUTH_TOKEN_FILE", "token")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:planted-password@db.example.com/calls")
    said = telephony("config", "show", *flags)
    assert (said.code, said.errors) == (0, "")
    assert "planted" not in said.out
    shown = json.loads(said.out) if "--json" in flags else yaml.safe_load(said.out)
    assert shown["twilio"]["auth_token"] == "***"
    assert shown["database_url"] == "postgresql://***@db.example.com/calls"
    assert shown["model_list"][0]["litellm_params"]["model"] == "xai/grok-voice-latest"


@pytest.mark.usefixtures("good")
def test_environment_wins_over_the_file(telephony: Telephony, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert json.loads(telephony("config", "show", "--json").out)["port"] == 9000
