"""The run folder: where the processes that share a port find each other's sockets.

What is in it is trusted, since whoever can connect to these sockets can take over connections: it must be this user's
and nobody else's.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from telephony.errors import ConfigurationError

NAME = re.compile(r"[0-9a-f]{8}-\d{1,9}")
"""What a worker is called: its parent's id, and how many that has started so far."""
LONGEST = 107
"""Bytes that the path of a Unix socket may have on Linux (unix(7)); elsewhere it is a few less."""
LONGEST_NAME = 64
"""Bytes of a socket's own name, of them."""
REMEDY = "Let run_folder name a folder that belongs to this user alone, such as /run/telephony."


def run_folder(setting: str, environ: Mapping[str, str]) -> Path:
    """The folder, made if it is not there. Raises `ConfigurationError` if it cannot be trusted."""
    path = _chosen(setting, environ)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.lstat()
    except OSError as error:
        problem = f"the folder {path} cannot be made ({error.strerror})"
        raise ConfigurationError("run_folder", problem, REMEDY) from error
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o022:
        problem = f"{path} is no folder that only this user can write to"
        raise ConfigurationError("run_folder", problem, REMEDY)
    if len(os.fsencode(path)) + 1 + LONGEST_NAME > LONGEST:
        problem = f"the path {path} is too long for the sockets in it"
        raise ConfigurationError("run_folder", problem, "Name a folder with a shorter path, such as /run/telephony.")
    return path


def _chosen(setting: str, environ: Mapping[str, str]) -> Path:
    if setting:
        return Path(setting)
    if given := environ.get("RUNTIME_DIRECTORY"):
        return Path(given.partition(":")[0])  # systemd names all that a unit has
    if given := environ.get("XDG_RUNTIME_DIR"):
        return Path(given) / "telephony"
    return Path(tempfile.gettempdir()) / f"telephony-{os.geteuid()}"


def requests_at(folder: Path, worker: str) -> Path:
    """Where a worker takes requests of its calls."""
    return folder / f"{worker}.http"


def connections_at(folder: Path, worker: str) -> Path:
    """Where a worker takes over connections."""
    return folder / f"{worker}.fds"


def watched_at(folder: Path, worker: str) -> Path:
    """Where a worker answers its parent what the internal port is asked."""
    return folder / f"{worker}.watch"


def parent_at(folder: Path, host: str, port: int, parent: str) -> Path:
    """Where a parent listens to others."""
    return folder / f"{_address(host, port)}-{parent}.parent"


def parents_in(folder: Path, host: str, port: int) -> list[Path]:
    """Those of the parents that share an address, dead ones too."""
    return sorted(folder.glob(f"{_address(host, port)}-*.parent"))


def _address(host: str, port: int) -> str:
    return f"{re.sub('[^0-9A-Za-z.]', '_', host)[:40]}-{port}"
