"""`telephony health`: 0 for a server that is well, 1 for one that is not, is not there or says nothing."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from telephony.cli import health
from terminals import Desk, Telephony, free_ports

Answers = Callable[[dict[str, tuple[int, str]]], int]


@pytest.fixture
def answers() -> Iterator[Answers]:
    """Starts an internal port that gives these answers, by path, and returns its number."""
    servers: list[http.server.HTTPServer] = []

    def start(by_path: dict[str, tuple[int, str]]) -> int:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = by_path[self.path]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Not on the standard error of the tests."""

        servers.append(http.server.HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), name="internal port").start()
        return int(servers[-1].server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("good")
def test_a_server_that_lives_is_well_and_one_that_drains_is_not_ready(telephony: Telephony, answers: Answers) -> None:
    draining = '{"ready": false, "reasons": ["draining"]}'
    port = str(answers({"/healthz": (200, '{"status": "ok"}\n'), "/readyz": (503, draining)}))
    lives = telephony("health", "--internal-port", port)
    assert (lives.code, lives.out) == (0, '{"status": "ok"}\n')
    ready = telephony("health", "--ready", "--internal-port", port)
    assert (ready.code, ready.errors) == (1, f"The server answers 503: {draining}\n")


def test_the_port_is_the_one_that_the_server_is_given(telephony: Telephony, good: Path, answers: Answers) -> None:
    port = answers({"/healthz": (200, "ok")})
    good.write_text(
        f"{good.read_text(encoding='utf-8')}internal_host: 0.0.0.0\ninternal_port: {port}\n", encoding="utf-8"
    )
    assert telephony("health").code == 0


@pytest.mark.usefixtures("good")
def test_a_server_that_is_not_there_is_named_by_its_address(telephony: Telephony) -> None:
    (port,) = free_ports(1)
    typed = telephony("health", "--internal-port", str(port))
    assert (typed.code, typed.errors) == (1, f"No server answers at 127.0.0.1:{port}: Connection refused.\n")


@pytest.mark.usefixtures("good")
def test_a_server_that_hangs_is_not_waited_for(telephony: Telephony, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        typed = telephony("health", "--internal-port", str(silent.getsockname()[1]))
    assert typed.code == 1
    assert "does not answer within 0.2 s" in typed.said


@pytest.mark.usefixtures("good")
def test_something_else_that_listens_there_is_no_server(telephony: Telephony) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def babble() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=babble, name="something else")
        thread.start()
        typed = telephony("health", "--internal-port", str(other.getsockname()[1]))
        thread.join()
    assert typed.code == 1
    assert "No server answers at" in typed.said


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize("more", [[], ["--internal-port", "0"]], ids=["unset", "any"])
def test_without_a_port_that_can_be_known_the_setting_is_named(telephony: Telephony, more: list[str]) -> None:
    typed = telephony("health", *more)
    assert typed.code == 2
    assert "internal_port: the server has no internal port that can be known." in typed.said


def test_a_running_server_is_well(desk: Desk, good: Path) -> None:
    (port,) = free_ports(1)
    desk.environment["TELEPHONY_INTERNAL_PORT"] = str(port)
    desk.start("serve").until('"listening"')
    desk.run("health")
    assert desk.run("health", "--ready").out.startswith('{"ready": true')
