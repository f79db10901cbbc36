"""Who runs a call: a process, named so that another process can tell later whether it is still alive.

A process id alone will not do. It is reused, it means nothing in another container, and after a reboot it is somebody
else's. So an owner is the kernel's boot and process-id namespace, the id, and the moment the process was born; where
all of that can be looked up the answer is exact and needs no clock. Elsewhere (another host, another container) only
a lease can tell, and the store keeps one.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime
from pathlib import Path

import msgspec

PROC = Path("/proc")

LEASE = 30.0
"""Seconds without a sign of life after which a process on *another* host counts as dead. On our own host we look."""


class Owner(msgspec.Struct, frozen=True):
    """A process that runs calls."""

    id: str
    """Random; unique for ever."""
    host: str
    """Equal for two processes exactly if the process ids of one mean something to the other."""
    pid: int
    born: str
    """When the process started, as the kernel counts; empty where the kernel does not say."""

    @classmethod
    def current(cls) -> Owner:
        """This process. Each call makes a new id, so ask once and keep the answer."""
        pid = os.getpid()
        return cls(secrets.token_hex(8), host_name(), pid, birth(pid) or "")

    def alive(self) -> bool | None:
        """Whether the process still runs; None if that cannot be told from here."""
        if self.host != host_name():
            return None
        return exists(self.pid) and (birth(self.pid) or self.born) == self.born


def host_name() -> str:
    """The domain in which process ids hold: this boot of this kernel, this process-id namespace."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink(PROC / "self/ns/pid")  # noqa: PTH115  a name such as pid:[4026531836], not a path
    except OSError:
        return socket.gethostname()
    return f"{boot} {namespace}"


def exists(pid: int) -> bool:
    """Whether a process has this id. One that we may not signal exists as well; a zombie has ended (see `birth`)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return birth(pid) != "zombie"


def birth(pid: int) -> str | None:
    """The start time of a process in ticks since boot, `zombie` for one that ended and was not reaped, or None.

    proc_pid_stat(5): field 2 is the command in brackets and may hold spaces and brackets of its own, so we count from
    the last one; field 3 is the state, field 22 the start time.
    """
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return "zombie" if fields[0] in "ZX" else fields[19]


def gone(owner: Owner | None, seen_at: datetime | None, now: datetime) -> bool:
    """Whether a process is dead: looked up where it can be, by its lease where it cannot. Unknown ones are dead."""
    alive = owner.alive() if owner is not None else False
    if alive is not None:
        return not alive
    return seen_at is None or (now - seen_at).total_seconds() > LEASE
