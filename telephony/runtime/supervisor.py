"""What a service manager is told, by the protocol of sd_notify(3): that calls may come, that the process lives, that it
is about to end.

A message is one datagram to the Unix socket that `NOTIFY_SOCKET` names. Without one, nobody is told anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.runtime.beside import beside

PATIENCE = 0.5
"""Seconds that a service manager whose queue is full may keep the event loop from its work."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.supervisor")


class Supervisor:
    """Whoever started this process and wants to hear of it; nobody, if *environ* names no socket."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._period = _period(environ) if self._address else None
        self._complained = False

    def ready(self, status: str) -> None:
        """Calls may come. *status* is shown by `systemctl status`."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str) -> None:
        """The process has begun to end, however long its last calls take."""
        self._tell(f"STOPPING=1\nSTATUS={status}")

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """For as long as the block lasts, say twice in each `WATCHDOG_USEC` that the event loop runs: a process whose
        loop hangs falls silent, and is killed and started again."""
        if self._period is None:
            yield
            return
        async with beside(self._beat(self._period / 2), "watchdog"):
            yield

    async def _beat(self, pause: float) -> None:
        while True:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(pause)

    def _tell(self, message: str) -> None:
        """Never raises: calls go on whether or not anybody watches."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(PATIENCE)
                sender.connect(self._address)
                sender.sendall(message.encode())
            self._complained = False
        except OSError as error:
            if not self._complained:
                _log.error("the service manager cannot be told", message=message, error=str(error))
            self._complained = True


def _address(given: str) -> str:
    """A path, or with `@` in front a name in the abstract namespace (unix(7)); systemd has other kinds for virtual
    machines, which the environment of a service never names."""
    if given.startswith("@"):
        return "\0" + given[1:]
    return given if given.startswith("/") else ""


def _period(environ: Mapping[str, str]) -> float | None:
    """Seconds within which a sign of life is expected; None if no one is, or not from this process."""
    given, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not given.isdecimal() or int(given) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(given) / 1e6
