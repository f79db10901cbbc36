"""What is shipped in deploy/, and the programs it is shipped for: found where `.ci/run` installs them, or skipped."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
VALIDATORS = ROOT / ".clients" / "validators" / "bin"
"""Where `make validators` puts those that are on PyPI."""
BOUND = 60.0
"""Seconds that a program may take; each is done in a few."""
FILES = sorted(path.relative_to(DEPLOY) for path in DEPLOY.rglob("*") if path.is_file())


def found(name: str) -> str:
    """The path of a program; skips the test if it is nowhere."""
    path = os.pathsep.join([str(VALIDATORS), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    program = shutil.which(name, path=path)
    if program is None:
        pytest.skip(f"{name} is not installed; .ci/run installs it")
    return program


def run(program: str, *words: str | Path, cwd: Path = DEPLOY, **environment: str) -> subprocess.CompletedProcess[str]:
    """What came of a program that is allowed to complain."""
    return subprocess.run(  # noqa: S603  a validator and files of ours
        [found(program), *map(str, words)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Everything that a program said, for the message of a failed assertion."""
    return f"{done.args[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}"


def changed(file: str | Path, *changes: tuple[str, str]) -> str:
    """The text of a shipped file in which each part, which must be there, is another."""
    text = (DEPLOY / file).read_text(encoding="utf-8")
    for part, other in changes:
        assert part in text, f"{file} holds no {part!r}"
        text = text.replace(part, other)
    return text


@functools.cache
def _openssl(folder: Path, *words: str) -> None:
    done = run("openssl", *words, cwd=folder)
    assert done.returncode == 0, said(done)


class Authority:
    """A certificate authority for one test, and the certificate that it gave to localhost."""

    def __init__(self, folder: Path) -> None:
        self.root, self.certificate, self.key = folder / "ca.pem", folder / "localhost.pem", folder / "localhost.key"
        self.both = folder / "localhost-and-key.pem"
        """As HAProxy wants it."""
        new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
        _openssl(folder, *new, "-subj", "/CN=Throw-away CA", "-keyout", "ca.key", "-out", "ca.pem")
        mine = (
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=CA:FALSE",
        )
        _openssl(
            folder,
            *new,
            *mine,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-keyout",
            "localhost.key",
            "-out",
            "localhost.pem",
        )
        self.both.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())


@contextlib.contextmanager
def running(folder: Path, port: int, trusted: Path, *command: str, **environment: str) -> Iterator[None]:
    """A program that answers TLS at *port* on loopback while the block lasts, in a folder of its own."""
    log = folder / "proxy.log"
    with log.open("wb") as out:
        popen = subprocess.Popen(  # noqa: S603  a proxy with our configuration
            [found(command[0]), *command[1:]],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + BOUND
        while not _answers(port, trusted):
            assert popen.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        popen.terminate()
        try:
            popen.wait(10)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait(10)


def _answers(port: int, trusted: Path) -> bool:
    context = ssl.create_default_context(cafile=str(trusted))
    try:
        plain = socket.create_connection(("127.0.0.1", port), 1)
        with plain, context.wrap_socket(plain, server_hostname="localhost"):
            return True
    except OSError:
        return False
