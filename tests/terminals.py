"""Our program as somebody runs it: processes in a folder of their own, whose output is shown when something fails."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

BOUND = 25.0
"""Seconds that anything may take; then the test fails and shows what was said until then."""
LOOK = 0.02
"""Seconds between looks at a file that another process writes."""


@dataclass
class Process:
    """One running command."""

    name: str
    popen: subprocess.Popen[bytes]
    out_file: Path
    error_file: Path
    beside: list[Process]
    """All commands of the same desk, for a failure may be another one's fault."""

    @property
    def out(self) -> str:
        return self.out_file.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self.error_file.read_text(encoding="utf-8")

    @property
    def story(self) -> str:
        """Everything that was said at the desk, for the message of a failed assertion."""
        return "".join(f"\n== {p.name} (exit code {p.popen.poll()})\n{p.out}{p.errors}" for p in self.beside)

    def send(self, number: int) -> None:
        self.popen.send_signal(number)

    def until(self, sign: str, bound: float = BOUND) -> str:
        """Wait for the first line that holds *sign*, on either output, and return it."""
        end = time.monotonic() + bound
        while True:
            over = self.popen.poll() is not None
            for line in [*self.out.splitlines(), *self.errors.splitlines()]:
                if sign in line:
                    return line
            assert not over, f"{self.name} ended before it said {sign!r}{self.story}"
            assert time.monotonic() < end, f"{self.name} did not say {sign!r} within {bound:.0f} s{self.story}"
            time.sleep(LOOK)

    def ended(self, bound: float = BOUND) -> int:
        """Wait for its end and return the exit code."""
        try:
            return self.popen.wait(bound)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {bound:.0f} s{self.story}") from None


@dataclass
class Desk:
    """A folder in which commands are given. What still runs when the `with` block is left is killed."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    """What every command finds in its environment, besides the path."""
    processes: list[Process] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.popen.kill()
            process.popen.wait(BOUND)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str) -> Process:
        """`telephony` with *arguments*, in the background; nothing of the developer's settings takes part."""
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        name = f"{len(self.processes)}-{'-'.join(arguments[:2])}"
        out, errors = self.folder / f"{name}.out", self.folder / f"{name}.err"
        with out.open("wb") as out_file, errors.open("wb") as error_file:
            popen = subprocess.Popen(  # noqa: S603  our own interpreter and program
                [sys.executable, "-m", "telephony", *arguments],
                cwd=self.folder,
                env=own | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=error_file,
            )
        self.processes.append(Process(" ".join(arguments), popen, out, errors, self.processes))
        return self.processes[-1]

    def run(self, *arguments: str, code: int = 0) -> Process:
        """A command that ends by itself with exit code *code*."""
        process = self.start(*arguments)
        assert process.ended() == code, process.story
        return process


class Said(Protocol):
    """What a command left behind that was given inside this process."""

    code: int
    out: str
    errors: str


Telephony = Callable[..., Said]
"""Gives a command: `telephony("calls", "list")`."""


def free_ports(count: int) -> Iterator[int]:
    """Ports that are free now. Signatures are made for a URL with the port in it, so it must be known before."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = [int(each.getsockname()[1]) for each in sockets]
    yield from ports
