"""The configuration: what serving would refuse is red, what would work badly amber, and every model has its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from offices import NOWHERE, settings_for
from telephony.agents.agent import Agent
from telephony.doctor.configuration import examined, read
from telephony.doctor.finding import Finding
from telephony.settings import DiallingSettings, LiteLLMParams, ModelEntry, RouterSettings, Settings


def entry(name: str, model: str, base: str | None = None, **info: str) -> ModelEntry:
    return ModelEntry(model_name=name, litellm_params=LiteLLMParams(model=model, api_base=base), model_info=info)


def told(found: list[Finding], state: str) -> list[str]:
    return [f"{finding.name}: {finding.what}" for finding in found if finding.state == state]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    desk = Agent("desk", instructions="Be brief.", tools=["builtin:hang_up"]).settings
    return settings_for(tmp_path, NOWHERE, agents={"desk": desk}, numbers={"*": "desk"})


def test_a_configuration_that_serves_is_one_green_line_and_one_for_each_key(settings: Settings) -> None:
    staff, found = examined(settings, {})
    assert told(found, "green") == [
        "configuration: agents: desk; numbers: *",
        "key xai/grok: none, and none is needed",
    ]
    assert len(found) == 2
    assert [spec.name for spec in staff.tools["desk"]] == ["hang_up"]
    assert [deployment.model for deployment in staff.deployments] == ["grok"]


def test_what_serving_would_refuse_is_red_one_line_each(settings: Settings) -> None:
    bare = Settings(agents=settings.agents, model_list=settings.model_list)
    _, found = examined(bare, {})
    assert [line.split(": ")[1] for line in told(found, "red")] == [
        "public_url",
        "twilio.auth_token",
        "twilio.account_sid",
        "numbers",
    ]
    assert all(finding.remedy for finding in found if finding.state == "red")


def test_nobody_to_answer_is_red(settings: Settings) -> None:
    staff, found = examined(settings.model_copy(update={"agents": {}, "numbers": {}}), {})
    assert "configuration: agents: it is not set, and calls cannot be answered without" in told(found, "red")
    assert staff.deployments == ()


def test_a_tool_that_is_not_there_is_red_and_the_rest_is_looked_at(settings: Settings) -> None:
    own = Agent("desk", instructions="Be brief.", tools=["nosuch:f"]).settings
    _, found = examined(settings.model_copy(update={"agents": {"desk": own}}), {})
    assert any("nosuch" in line for line in told(found, "red"))
    assert told(found, "green") == ["key xai/grok: none, and none is needed"]


def test_a_list_of_whom_not_to_call_that_cannot_be_read_is_red(settings: Settings, tmp_path: Path) -> None:
    rules = DiallingSettings(do_not_call_file=str(tmp_path / "nowhere.txt"))
    _, found = examined(settings.model_copy(update={"dialling": rules}), {})
    assert [line for line in told(found, "red") if "dialling.do_not_call_file" in line]


def test_tools_are_those_that_calls_offer(settings: Settings) -> None:
    desk = Agent("desk", instructions="x", tools=["builtin:transfer"]).settings
    rules = DiallingSettings(directory={"Sales": "+15550123"})
    staff, _ = examined(settings.model_copy(update={"agents": {"desk": desk}, "dialling": rules}), {})
    (transfer,) = staff.tools["desk"]
    assert transfer.description.endswith("The directory: Sales.")


def test_what_works_badly_is_amber(settings: Settings) -> None:
    _, found = examined(settings.model_copy(update={"agents": {"desk": Agent("desk").settings}}), {})
    assert any("there are no instructions" in line for line in told(found, "amber"))
    assert told(found, "red") == []


def test_keys_are_looked_for_of_every_model_that_may_come_to_speak_and_of_no_other(settings: Settings) -> None:
    several = settings.model_copy(
        update={
            "agents": {"desk": Agent("desk", instructions="x", model="main").settings},
            "model_list": [
                entry("main", "xai/grok-voice-latest"),
                entry("spare", "openai/gpt-realtime"),
                entry("unused", "azure/gpt-realtime"),
                entry("main", "openai/whisper-1", mode="audio_transcription"),
            ],
            "router_settings": RouterSettings(fallbacks=[{"main": ["spare"]}]),
        }
    )
    staff, found = examined(several, {"OPENAI_API_KEY": "planted-2c8f"})
    assert told(found, "red") == [
        "key xai/grok-voice-latest: XAI_API_KEY: it is not set, and xai/grok-voice-latest at api.x.ai needs a key"
    ]
    assert "key openai/gpt-realtime: there is one" in told(found, "green")
    assert [deployment.provider for deployment in staff.deployments] == ["openai"]
    assert not any("planted" in finding.what + finding.remedy for finding in found)


def test_a_file_with_mistakes_is_told_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "telephony.yaml"
    path.write_text("prt: 1\npublic_url: http://voice.example.com\n")
    settings, _, found = read(path)
    assert settings is None
    assert [(finding.state, finding.what.partition(" ")[0]) for finding in found] == [("red", "prt")]
    path.write_text("public_url: http://voice.example.com\n")
    settings, _, (finding,) = read(path)
    assert settings is None
    assert finding.what.endswith("telephony.yaml:1): it is not https")
    assert "Use https://" in finding.remedy


def test_a_file_without_mistakes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PLANTED=x\n")
    settings, environ, found = read(None)
    assert settings is not None
    assert (environ["PLANTED"], found) == ("x", [])
