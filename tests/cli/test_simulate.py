"""`telephony simulate`: what can be wrong before anything is simulated. Signals: test_simulate_processes.py."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def test_a_model_whose_port_is_taken_exits_1_with_the_remedy(telephony: Any, taken: str) -> None:
    typed = telephony("simulate", "model", "--port", taken)
    assert typed.code == 1
    assert f"127.0.0.1:{taken} cannot be listened on" in typed.errors
    assert "Choose another --port." in typed.errors


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model: {profil: xai}\n", "Did you mean profile?"),
        ("model: {replies: [{on: gretting}]}\n", "model.replies[0]"),
        ("model: [\n", "is no YAML"),
    ],
)
def test_a_script_that_cannot_be_followed_exits_2(telephony: Any, folder: Path, text: str, told: str) -> None:
    (folder / "script.yaml").write_text(text)
    typed = telephony("simulate", "model", "--port", "0", "--script", "script.yaml")
    assert typed.code == 2
    assert "script.yaml" in typed.said
    assert told in typed.said


def test_a_script_that_is_not_there_exits_2_and_names_those_that_are(telephony: Any) -> None:
    typed = telephony("simulate", "caller", "--auth-token", "a", "--script", "front-desk")
    assert typed.code == 2
    assert "front_desk" in typed.errors


def test_a_caller_without_a_token_is_told_which_one(telephony: Any) -> None:
    typed = telephony("simulate", "caller")
    assert typed.code == 2
    assert "set TWILIO_AUTH_TOKEN to what the server has" in typed.said


def test_an_address_that_is_none_exits_2(telephony: Any) -> None:
    typed = telephony("simulate", "caller", "--auth-token", "a", "--url", "voice.example.com", "--rest-port", "0")
    assert typed.code == 2
    assert "no http(s) address" in typed.said


def test_a_caller_whom_nobody_answers_exits_1(telephony: Any, taken: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/twilio/voice"
    typed = telephony("simulate", "caller", "--auth-token", "a", "--url", url, "--rest-port", "0")
    assert typed.code == 1
    assert "Twilio 11200" in typed.out
    origin = url.removesuffix("/twilio/voice")
    assert typed.out.splitlines()[-1] == f"nothing listens at {origin}; is `telephony serve` running?"


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_caller_in_the_folder_of_an_agent_knows_where_and_as_whom_to_call(telephony: Any, folder: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    base = "TELEPHONY_TWILIO__API_BASE=http://127.0.0.1:"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        rest = probe.getsockname()[1]
    (folder / ".env").write_text(f"TWILIO_AUTH_TOKEN=practice\n{base}{rest}\n")
    (folder / "telephony.yaml").write_text(f"port: {port}\n")
    typed = telephony("simulate", "caller")
    assert typed.code == 1
    assert f"nothing listens at http://127.0.0.1:{port}; is" in typed.out
