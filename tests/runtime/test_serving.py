"""What `serve` reads before it opens anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime.serving import read_settings, serve

MODELS = [{"model_name": "grok", "litellm_params": {"model": "xai/grok-voice-latest"}}]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env`, `telephony.yaml` or variable of the developer's takes part."""
    monkeypatch.chdir(tmp_path)
    for name in ("PUBLIC_URL", "PORT", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_keys_in_dotenv_reach_whoever_looks_them_up(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("XAI_API_KEY=from-dotenv\nPORT=9000\n", encoding="utf-8")
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    settings, environ = read_settings()
    assert environ["XAI_API_KEY"] == "from-dotenv"
    assert settings.port == 9000


def test_numbers_may_lead_to_agents_made_in_python() -> None:
    flags = {"numbers": {"*": "desk"}, "model_list": MODELS}
    settings, _ = read_settings(None, flags, [Agent("desk")])
    assert settings.numbers == {"*": "desk"}
    with pytest.raises(ConfigurationError, match="there is no agent desk"):
        read_settings(None, flags)


def test_what_is_missing_is_said_before_anything_listens() -> None:
    with pytest.raises(ConfigurationError) as caught:
        serve(Agent("desk"), model_list=MODELS, recordings="recordings")
    assert [
        name for name in ("public_url", "twilio.auth_token", "twilio.account_sid") if name not in str(caught.value)
    ] == []
    assert not Path("recordings").exists()
