"""Precedence, and every complaint with key, place and remedy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.errors import ConfigurationError
from telephony.runtime.configuration import ConfigurationErrors, load, problems_of
from telephony.settings import NumberSettings, Settings

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "config"


def write(folder: Path, text: str) -> Path:
    path = folder / "telephony.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str = "", env: dict[str, str] | None = None, **flags: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(write(folder, text), env or {}, flags, dotenv=None)
    assert not isinstance(caught.value, ConfigurationErrors), caught.value
    return caught.value


def test_flags_over_environment_over_dotenv_over_file_over_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, "host: file\nport: 1\ndrain: 1\nrecordings: file\n")
    dotenv = tmp_path / ".env"
    dotenv.write_text("HOST=dotenv\nPORT=2\nTELEPHONY_DRAIN=2\n", encoding="utf-8")
    env = {"HOST": "environment", "PORT": "3"}
    settings = load(file, env, {"host": "flag", "log_level": None}, dotenv=dotenv)
    assert (settings.host, settings.port, settings.drain, settings.recordings) == ("flag", 3, 2, "file")
    assert settings.log_level == "info"


def test_a_complete_file_becomes_settings() -> None:
    settings = load(FIXTURES / "complete.yaml", {"ACME_TWILIO_TOKEN": "t0ken"}, {}, dotenv=None)
    numbers = {"+15550100": NumberSettings(agent="frontdesk"), "*": NumberSettings(agent="night-desk")}
    assert settings.numbers == numbers
    assert settings.agents["frontdesk"].limits.max_duration == 900
    assert settings.agents["night-desk"].instructions == settings.agents["frontdesk"].instructions
    assert settings.twilio.auth_token.get_secret_value() == "t0ken"
    first = settings.model_list[0].litellm_params
    assert first.api_key is not None
    assert first.api_key.get_secret_value() == "os.environ/XAI_API_KEY"  # upstream looks it up when it dials


def test_mistakes_are_reported_together_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        load(FIXTURES / "mistakes.yaml", {}, {}, dotenv=None)
    found = [(p.key, int(p.place.rpartition(":")[2])) for p in problems_of(caught.value)]
    assert found == [
        ("prot", 3),
        ("port", 4),
        ("log_level", 5),
        ("auth_token", 6),
        ("agents.frontdesk.voice", 10),
        ("agents.frontdesk.instrctions", 11),
        ("agents.frontdesk.limits.dead_air", 13),
        ("agents.backdesk", 14),
        ("numbers", 15),
        ("twilio.auth_token", 17),
        ("model_list[0].model_name", 19),
    ]
    assert all(problem.remedy for problem in problems_of(caught.value))
    assert len(str(caught.value).splitlines()) == len(found)
    assert "planted" not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_wrong_value_is_shown_with_what_was_expected(tmp_path: Path) -> None:
    error = complaint(tmp_path, "host: here\nport: eighty\n")
    assert error.key == "port"
    assert error.place == f"{tmp_path}/telephony.yaml:2"
    assert error.problem == "expected a whole number from 0 to 65535, got 'eighty'"
    assert "8080" in error.remedy


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("prot: 1\n", "prot", "Did you mean port?"),
        ("agents: {a: {voise: eve}}\n", "agents.a.voise", "Did you mean voice?"),
        ("auth_token: x\n", "auth_token", "It belongs elsewhere: twilio.auth_token."),
        ("agents: {a: {dead_air: 3}}\n", "agents.a.dead_air", "It belongs elsewhere: agents.*.limits.dead_air."),
        ("twilio: {zzz: 1}\n", "twilio.zzz", "Known here: account_sid, auth_token,"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path, text: str, key: str, remedy: str) -> None:
    error = complaint(tmp_path, text)
    assert error.key == key
    assert remedy in error.remedy


def test_an_unknown_variable_names_the_nearest_known_one(tmp_path: Path) -> None:
    error = complaint(tmp_path, env={"TELEPHONY_TWILIO__API_BSE": "x"})
    assert error.place == "environment variable TELEPHONY_TWILIO__API_BSE"
    assert error.remedy == "Did you mean TELEPHONY_TWILIO__API_BASE?"


def test_a_wrong_flag_is_named_as_it_was_typed(tmp_path: Path) -> None:
    assert complaint(tmp_path, public_url="http://voice.example.com").place == "--public-url"


def test_a_wrong_choice_names_the_nearest_right_one(tmp_path: Path) -> None:
    assert complaint(tmp_path, "log_level: warn\n").remedy == "Did you mean warning?"


@pytest.mark.parametrize("value", ["no", "12", "1.5"])
def test_text_that_yaml_takes_for_something_else_wants_quotes(tmp_path: Path, value: str) -> None:
    assert "quotes" in complaint(tmp_path, f"recordings: {value}\n").remedy


@pytest.mark.parametrize("value", ["yes", ".inf", ".nan", "-1", "[1]", "soon"])
def test_a_bound_is_a_finite_number(tmp_path: Path, value: str) -> None:
    assert complaint(tmp_path, f"drain: {value}\n").problem.startswith("expected a number of at least 0, got ")


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    texts = [
        "twilio: {auth_token: [planted]}",
        "twilio: planted",
        "twilio: {shared_keys: {CR1: 9911882277}}",
        "database_url: {planted: 1}",
        "numbers: planted",
    ]
    for text in texts:
        assert not {"planted", "9911882277"} & set(str(complaint(tmp_path, text)).replace("'", " ").split())


def test_checks_between_settings_point_at_the_line(tmp_path: Path) -> None:
    text = (FIXTURES / "litellm.yaml").read_text(encoding="utf-8")
    error = complaint(tmp_path, f"{text}\nagents:\n  a:\n    model: grok-voice\n")
    assert (error.key, error.place.rpartition(":")[2]) == ("agents.a.model", str(text.count("\n") + 4))
    assert error.remedy == "Did you mean grok-voice-agent?"


def test_an_agent_with_nothing_below_has_every_default(tmp_path: Path) -> None:
    text = "agents:\n  a:\nnumbers:\ntwilio:\nmodel_list: [{model_name: x, litellm_params: {model: xai/x}}]\n"
    settings = load(write(tmp_path, text), {}, {}, dotenv=None)
    assert list(settings.agents) == ["a"]
    assert settings.numbers == {}


def test_a_litellm_file_works_as_it_is_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        settings = load(FIXTURES / "litellm.yaml", {}, {}, dotenv=None)
    assert [entry.model_name for entry in settings.model_list] == ["grok-voice-agent"]
    [line] = caplog.messages
    assert line.endswith("litellm.yaml:12: not used by this program: litellm_settings.drop_params")
    assert settings.general_settings.master_key is not None
    assert settings.general_settings.master_key.get_secret_value() == "sk-planted-master-key"
    assert settings.router_settings.routing_strategy == "least-busy"


def test_a_reference_to_a_variable_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    error = complaint(tmp_path, "twilio: {auth_token: os.environ/NOBODY}\n")
    assert (error.key, error.remedy) == ("twilio.auth_token", "Set NOBODY, or NOBODY_FILE.")


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == Settings()
    write(tmp_path, "port: 1234\n")
    assert load().port == 1234


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "port: 1234\n")
    assert load(None, {"TELEPHONY_CONFIG": str(file)}, {}, dotenv=None).port == 1234
    with pytest.raises(ConfigurationError) as caught:
        load(None, {"TELEPHONY_CONFIG": "/nowhere.yaml"}, {}, dotenv=None)
    assert caught.value.key == "TELEPHONY_CONFIG"


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    assert load(write(tmp_path, "# later\n"), {}, {}, dotenv=None) == Settings()


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n"])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    assert "settings by name" in complaint(tmp_path, text).problem


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xfa")
    for path, words in [("nowhere.yaml", "there is no file"), (".", "cannot read"), ("binary.yaml", "not UTF-8")]:
        with pytest.raises(ConfigurationError, match=words) as caught:
            load(tmp_path / path, {}, {}, dotenv=None)
        assert caught.value.remedy


def test_the_public_url_loses_its_last_slash(tmp_path: Path) -> None:
    file = write(tmp_path, "public_url: https://voice.example.com/\n")
    assert load(file, {}, {}, dotenv=None).public_url == "https://voice.example.com"


def test_numbers_may_lead_to_agents_made_in_python(tmp_path: Path) -> None:
    text = 'numbers: {"*": desk}\nmodel_list: [{model_name: x, litellm_params: {model: xai/x}}]\n'
    loaded = load(write(tmp_path, text), {}, {}, dotenv=None, agents=[Agent("desk")])
    assert loaded.numbers == {"*": NumberSettings(agent="desk")}
    error = complaint(tmp_path, text)
    assert (error.key, error.place.rpartition(":")[2]) == ("numbers.*", "1")


def test_flags_may_be_nested_or_dotted(tmp_path: Path) -> None:
    file = write(tmp_path, "twilio: {account_sid: AC1}\n")
    settings = load(file, {}, {"twilio": {"api_base": "http://a"}, "agents.a.voice": None}, dotenv=None)
    assert (settings.twilio.account_sid, settings.twilio.api_base) == ("AC1", "http://a")
    assert load(file, {}, {"twilio.api_base": "http://b"}, dotenv=None).twilio.api_base == "http://b"


# -- files -----------------------------------------------------------------------------------------------------------

SORRY = """
agents:
  desk:
    fallback:
      apology: sounds/sorry.wav
model_list: [{model_name: grok, litellm_params: {model: xai/grok}}]
"""


def test_a_path_in_the_file_starts_from_where_the_file_lies(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    sound = tmp_path / "sounds" / "sorry.wav"
    sound.write_bytes(wav.write(PCM16_8K, 1, b"\0\x10" * 8000))
    settings = load(write(tmp_path, SORRY), {}, dotenv=None)
    assert settings.agents["desk"].fallback.apology == str(sound)
    absolute = SORRY.replace("sounds/sorry.wav", str(sound))
    assert load(write(tmp_path, absolute), {}, dotenv=None).agents["desk"].fallback.apology == str(sound)


def test_a_path_in_a_variable_starts_from_where_the_process_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.wav").write_bytes(wav.write(PCM16_8K, 1, b"\0\x10" * 8000))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "etc"
    folder.mkdir()
    env = {"TELEPHONY_AGENTS__DESK__FALLBACK__APOLOGY": "mine.wav"}
    assert load(write(folder, SORRY), env, dotenv=None).agents["desk"].fallback.apology == "mine.wav"
    named = SORRY.replace("sounds/sorry.wav", "os.environ/SORRY")
    settings = load(write(folder, named), {"SORRY": str(tmp_path / "mine.wav")}, dotenv=None)
    assert settings.agents["desk"].fallback.apology == str(tmp_path / "mine.wav")


def test_a_recording_that_is_not_there_is_told_of_with_its_line(tmp_path: Path) -> None:
    error = complaint(tmp_path, SORRY)
    assert error.key == "agents.desk.fallback.apology"
    assert error.place.endswith("telephony.yaml:5")
    assert str(tmp_path / "sounds" / "sorry.wav") in error.problem


@pytest.mark.parametrize(
    ("line", "said", "remedy"),
    [
        ("transfer: +15550100", "expected text, got 15550100", "put it in quotes"),
        ("timeout: 2", "from 5 to 600, got 2", "20"),
        ("apologies: x.wav", "no such setting", "Did you mean apology?"),
    ],
)
def test_mistakes_in_a_fallback_are_explained(tmp_path: Path, line: str, said: str, remedy: str) -> None:
    error = complaint(tmp_path, SORRY.replace("apology: sounds/sorry.wav", line))
    assert error.key.startswith("agents.desk.fallback.")
    assert said in error.problem
    assert remedy in error.remedy
