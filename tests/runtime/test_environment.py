"""Environment over `.env`, every variable also as a file, and the settings in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.errors import ConfigurationError
from telephony.runtime.environment import VENDOR_NAMES, Environment, env_name
from telephony.runtime.located import NOTHING, Located, merge
from telephony.runtime.schema import settings_schema


def settings_in(env: dict[str, str], like: Located = NOTHING) -> object:
    environment = Environment(env)
    return merge(layer.settings(like) for layer in environment.layers).plain()


def test_environment_wins_over_dotenv_and_says_where_each_comes_from(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(
        "# keys\n\nXAI_API_KEY=from-dotenv\nexport PORT='9000' # quoted\nEMPTY=\nBARE\n", encoding="utf-8"
    )
    environment = Environment({"PORT": "9001"}, dotenv)
    assert environment["XAI_API_KEY"] == "from-dotenv"
    assert environment["PORT"] == "9001"
    assert environment.get("EMPTY") is environment.get("BARE") is None
    assert [layer["PORT"].place for layer in environment.layers] == [f"{dotenv}:4", "environment variable PORT"]


def test_dotenv_is_taken_literally(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text('A=pa$$word${HOME}\nB="two\nlines"\nC=last\n', encoding="utf-8")
    environment = Environment({}, dotenv)
    assert environment["A"] == "pa$$word${HOME}"
    assert environment["B"] == "two\nlines"
    assert environment.layers[0]["C"].place == f"{dotenv}:4"


def test_a_dotenv_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert dict(Environment({}, tmp_path / ".env")) == {}


def test_a_line_of_dotenv_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("A=1\nplanted secret\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Environment({}, dotenv)
    assert caught.value.place == f"{dotenv}:2"
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("content", ["s3cret", "s3cret\n", "s3cret\r\n"])
def test_every_variable_may_be_a_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content.encode())
    env = {"TWILIO_AUTH_TOKEN_FILE": str(file), "XAI_API_KEY_FILE": str(file), "TELEPHONY_DATABASE_URL_FILE": str(file)}
    assert Environment(env)["XAI_API_KEY"] == "s3cret"
    assert settings_in(env) == {"twilio": {"auth_token": "s3cret"}, "database_url": "s3cret"}


def test_an_empty_variable_beside_a_file_is_unset(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret", encoding="utf-8")
    assert Environment({"XAI_API_KEY": "", "XAI_API_KEY_FILE": str(file)})["XAI_API_KEY"] == "s3cret"


def test_a_variable_given_in_both_ways_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="both it and PORT_FILE are set"):
        settings_in({"PORT": "1", "PORT_FILE": str(tmp_path / "port")})


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")]
)
def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        settings_in({"TWILIO_AUTH_TOKEN_FILE": str(file)})
    assert (caught.value.key, caught.value.place) == (
        "TWILIO_AUTH_TOKEN",
        "environment variable TWILIO_AUTH_TOKEN_FILE",
    )
    assert words in str(caught.value)


def test_an_unrelated_file_variable_is_left_alone() -> None:
    assert settings_in({"SSL_CERT_FILE": "/nowhere"}) == {}


def test_own_names_reach_every_setting_and_win_over_the_vendors() -> None:
    env = {
        "PORT": "1",
        "TELEPHONY_PORT": "2",
        "TELEPHONY_TWILIO__API_BASE": "http://127.0.0.1:9",
        "TELEPHONY_NUMBERS": '{"+15550100": frontdesk}',
        "TELEPHONY_AGENTS__FRONTDESK__TOOLS": "[builtin:hang_up]",
        "LOG_LEVEL": "WARNING",
    }
    assert settings_in(env) == {
        "port": "2",
        "twilio": {"api_base": "http://127.0.0.1:9"},
        "numbers": {"+15550100": "frontdesk"},
        "agents": {"frontdesk": {"tools": ["builtin:hang_up"]}},
        "log_level": "warning",
    }


def test_names_of_agents_are_spelled_as_in_the_file() -> None:
    like = Located({"agents": Located({"Night-Desk": Located({}, "f:2")}, "f:1")}, "f:1")
    assert settings_in({"TELEPHONY_AGENTS__NIGHT_DESK__VOICE": "eve"}, like) == {
        "agents": {"Night-Desk": {"voice": "eve"}}
    }


def test_yaml_in_a_variable_that_is_none_names_the_variable() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_in({"TELEPHONY_NUMBERS": "{a: "})
    assert caught.value.place == "environment variable TELEPHONY_NUMBERS"


def test_the_place_of_the_file_is_no_setting() -> None:
    assert settings_in({"TELEPHONY_CONFIG": "x.yaml"}) == {}


def test_what_kubernetes_sets_beside_a_service_of_our_name_is_no_setting() -> None:
    links = {
        "TELEPHONY_SERVICE_HOST": "10.0.0.7",
        "TELEPHONY_SERVICE_PORT": "8080",
        "TELEPHONY_SERVICE_PORT_HTTP": "8080",
        "TELEPHONY_PORT": "tcp://10.0.0.7:8080",
        "TELEPHONY_PORT_8080_TCP_ADDR": "10.0.0.7",
    }
    assert settings_in(links) == {}
    assert settings_in({"TELEPHONY_PORT": "8081"}) == {"port": "8081"}


def test_a_secret_in_the_place_of_its_file_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_in({"TWILIO_AUTH_TOKEN_FILE": "planted"})
    assert "planted" not in str(caught.value)


def test_vendor_names_mean_settings_that_exist() -> None:
    for name, path in VENDOR_NAMES.items():
        assert settings_schema().at(path), name
        assert env_name(path) == name
    assert env_name(["agents", "x", "voice"]) == "TELEPHONY_AGENTS__X__VOICE"


@pytest.fixture
def credentials(tmp_path: Path) -> dict[str, str]:
    """As systemd hands them over: one by its own name, a folder loaded as `keys`, and something that is no variable."""
    files = {"TWILIO_AUTH_TOKEN": "by-name", "keys_XAI_API_KEY": "out-of-a-folder\n", "tls.pem": "not for us"}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return {"CREDENTIALS_DIRECTORY": str(tmp_path)}


def test_credentials_of_a_service_are_variables(credentials: dict[str, str]) -> None:
    environment = Environment(credentials)
    assert environment["TWILIO_AUTH_TOKEN"] == "by-name"
    assert environment["XAI_API_KEY"] == "out-of-a-folder"
    assert "tls.pem" not in set(environment)
    assert settings_in(credentials) == {"twilio": {"auth_token": "by-name"}}
    assert environment.layers[1]["XAI_API_KEY"].place.startswith("credential keys_XAI_API_KEY, file /")


def test_credentials_win_over_dotenv_and_the_environment_over_them(credentials: dict[str, str], tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("XAI_API_KEY=from-dotenv\nTWILIO_AUTH_TOKEN=from-dotenv\n", encoding="utf-8")
    environment = Environment(credentials | {"XAI_API_KEY": "from-environment"}, dotenv)
    assert environment["TWILIO_AUTH_TOKEN"] == "by-name"
    assert environment["XAI_API_KEY"] == "from-environment"


def test_a_folder_of_credentials_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"CREDENTIALS_DIRECTORY: cannot read .*: No such file"):
        Environment({"CREDENTIALS_DIRECTORY": str(tmp_path / "gone")})


def test_an_empty_credential_is_told_with_its_name_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "XAI_API_KEY").write_text("\n", encoding="utf-8")
    environment = Environment({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="XAI_API_KEY") as caught:
        environment["XAI_API_KEY"]
    assert caught.value.place == "credential XAI_API_KEY"
