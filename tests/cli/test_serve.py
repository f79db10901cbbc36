"""`telephony serve` with a configuration that cannot work: exit code 2, which setting, where, and what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from terminals import Telephony

Spoil = Callable[[str, str], None]

KEY = ", api_key: planted-key-9d2e"
MISTAKES = {
    "unknown key": (
        "instructions:",
        "instrctions:",
        "agents.desk.instrctions (telephony.yaml:7)",
        "Did you mean instructions?",
    ),
    "unknown key far from any": (
        "port: 0",
        "xyzzy: 0",
        "xyzzy (telephony.yaml:3)",
        "Known here: ",
    ),
    "wrong type": (
        "port: 0",
        "port: often",
        "port (telephony.yaml:3)",
        "expected a whole number from 0 to 65535",
    ),
    "no number of a file": (
        "port: 0",
        "port: 70000",
        "port (telephony.yaml:3)",
        "expected a whole number from 0 to 65535",
    ),
    "no YAML": (
        "port: 0",
        "port: [",
        "telephony.yaml",
        "Check indentation, quotes and brackets",
    ),
    "token missing": (
        ", auth_token: planted-token-7c1f",
        "",
        "twilio.auth_token",
        "Set TWILIO_AUTH_TOKEN",
    ),
    "account missing": (
        "account_sid: AC00000000000000000000000000000000, ",
        "",
        "twilio.account_sid",
        "Set TWILIO_ACCOUNT_SID",
    ),
    "account of an API key": (
        "account_sid: AC",
        "account_sid: SK",
        "twilio.account_sid (telephony.yaml:4)",
        "it begins with AC",
    ),
    "no address": (
        "public_url: http://127.0.0.1:18080",
        "",
        "public_url",
        "Set PUBLIC_URL to the https://",
    ),
    "address without TLS": (
        "http://127.0.0.1:18080",
        "http://voice.example.com",
        "public_url (telephony.yaml:1)",
        "Use https://",
    ),
    "key of the model missing": (
        KEY,
        "",
        "XAI_API_KEY (model_list, grok)",
        "Set XAI_API_KEY",
    ),
    "key behind a variable missing": (
        KEY,
        ", api_key: os.environ/NOSUCH",
        "NOSUCH",
        "Set NOSUCH",
    ),
    "nobody's model": (
        "xai/grok-voice-latest",
        "mystery",
        "litellm_params.model",
        "Begin it with one of",
    ),
    "unknown model": (
        "instructions: Be brief.",
        "model: grk",
        "agents.desk.model (telephony.yaml:7)",
        "Did you mean grok?",
    ),
    "unknown agent": (
        '"*": desk',
        '"*": dsk',
        "numbers.* (telephony.yaml:9)",
        "Did you mean desk?",
    ),
    "module of a tool missing": (
        "builtin:hang_up",
        "nosuch:f",
        "nosuch:f (agents.desk.tools)",
        "Start the program in the folder",
    ),
    "module of a tool broken": (
        "builtin:hang_up",
        "broken:f",
        "broken:f (agents.desk.tools)",
        "Try it: python -c 'import broken'",
    ),
    "function missing": (
        "builtin:hang_up",
        "plain:g",
        "plain:g (agents.desk.tools)",
        "Its tools are",
    ),
    "function without decorator": (
        "builtin:hang_up",
        "plain:f",
        "plain:f (agents.desk.tools)",
        "Put `@tool`",
    ),
    "unknown builtin": (
        "builtin:hang_up",
        "builtin:hangup",
        "builtin:hangup (agents.desk.tools)",
        "Did you mean builtin:hang_up?",
    ),
    "database nowhere": (
        "port: 0",
        "database_url: sqlite:////nosuch/x.db",
        "database_url",
        "Create its folder",
    ),
    "no database": (
        "port: 0",
        "database_url: nonsense",
        "database_url",
        "Write sqlite:///telephony.db",
    ),
    "recordings nowhere": (
        "port: 0",
        "recordings: /dev/null/x",
        "recordings",
        "Name one that this user may write to",
    ),
}
"""What is replaced by what; then the setting with its place, and a part of the remedy."""


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.usefixtures("good")
def test_mistake_is_named_with_its_place_and_its_remedy(telephony: Telephony, spoil: Spoil, mistake: str) -> None:
    part, by, place, remedy = MISTAKES[mistake]
    Path("broken.py").write_text("raise RuntimeError('boom')\n", encoding="utf-8")
    Path("plain.py").write_text("def f() -> None: ...\n", encoding="utf-8")
    spoil(part, by)
    said = telephony("serve")
    assert said.code == 2, said
    assert said.out == ""
    assert said.errors.startswith(f"error {place}")
    assert remedy in said.errors
    assert "planted" not in said.errors


@pytest.mark.usefixtures("good")
def test_flag_is_named_like_a_setting(telephony: Telephony) -> None:
    said = telephony("serve", "--log-level", "loud")
    assert said.code == 2
    assert said.errors.startswith("error log_level (--log-level): expected one of debug, info, warning, error")
    said = telephony("serve", "--log-format", "xml")
    assert said.code == 2
    assert said.errors.startswith("error log_format (--log-format): expected one of auto, pretty, json")


def test_file_that_is_not_there_is_named(telephony: Telephony) -> None:
    said = telephony("serve", "--config", "nosuch.yaml")
    assert said.code == 2
    assert said.errors.startswith("error --config: there is no file nosuch.yaml")


def test_everything_that_is_missing_is_said_at_once(telephony: Telephony) -> None:
    said = telephony("serve")
    assert said.code == 2
    wanted = ["--config", "public_url", "twilio.auth_token", "twilio.account_sid", "agents", "numbers"]
    assert [line.split(":")[0] for line in said.errors.splitlines()] == [f"error {key}" for key in wanted]


@pytest.mark.parametrize("command", [["serve"], ["gateway"], ["agents", "check"]], ids=["serve", "gateway", "check"])
def test_folder_without_a_file_is_named_first(telephony: Telephony, folder: Path, command: list[str]) -> None:
    said = telephony(*command)
    assert said.code == 2
    told = (
        f"error --config: there is no telephony.yaml in {folder}. Go to your agent's folder, or name one with --config."
    )
    assert said.errors.splitlines()[0] == told
    assert len(said.errors.splitlines()) > 1


@pytest.mark.parametrize("command", [["serve"], ["gateway"], ["agents", "check"]], ids=["serve", "gateway", "check"])
def test_file_that_lacks_something_is_not_called_missing(
    telephony: Telephony, folder: Path, command: list[str]
) -> None:
    (folder / "telephony.yaml").write_text("port: 0\n", encoding="utf-8")
    said = telephony(*command)
    assert said.code == 2
    assert "there is no telephony.yaml" not in said.errors


@pytest.mark.usefixtures("good")
def test_port_that_is_taken_is_named(telephony: Telephony) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = telephony("serve", "--port", str(port), "--log-level", "error")
    assert said.code == 2
    assert said.errors.startswith(f"error port: 127.0.0.1:{port} cannot be listened on")
    assert "Set PORT (or --port) to a free one" in said.errors
