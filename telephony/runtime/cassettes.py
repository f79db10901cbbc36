"""Recorded calls on disk: which files are meant, opening one, and putting a new one in its place."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from telephony.bridge.encrypted import SUFFIX as ENCRYPTED
from telephony.carriers.base import Carrier
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.format import Cassette
from telephony.errors import CassetteError

SUFFIX = ".jsonl"
MODE = 0o640
"""Who may read a new one: its owner and their group."""
_BUFFER = 1 << 18
"""Bytes that are read at once: about two hundred lines."""
CARRIERS: Mapping[str, Callable[[], Carrier]] = {"twilio": TwilioStream}
"""Codecs by the name that a header gives."""


class _File:
    """The lines of a file, read anew each time they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb", buffering=_BUFFER) as file:
                yield from file
        except OSError as error:
            raise CassetteError(f"{self._path}: it cannot be read ({error.strerror})") from None


def open_cassette(path: Path) -> Cassette:
    """The cassette in the file *path*. Raises `CassetteError` if there is none."""
    return Cassette(str(path), _File(path))


def new_carrier(name: str) -> Carrier:
    """A codec for one stream of the carrier *name*. Raises `CassetteError` if there is none."""
    if name not in CARRIERS:
        raise CassetteError(f"there is no carrier {name!r}; known: {', '.join(CARRIERS)}")
    return CARRIERS[name]()


def cassettes_in(places: Iterable[str | Path]) -> list[Path]:
    """The files that *places* mean, each once: files, folders (with all that lies below) and patterns such as
    `calls/slow-*`. Raises `CassetteError` for a place where there is nothing."""
    found: dict[Path, Path] = {}
    for place in places:
        paths = _below(Path(place)) if Path(place).exists() else _matching(str(place))
        if not paths:
            raise CassetteError(f"{place}: there is no recorded call. Name a file, a folder or a pattern, in quotes.")
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _below(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    # Those that are encrypted are among them: whoever opens one says what to do, and nobody believes that all is there.
    return sorted([*path.rglob(f"*{SUFFIX}"), *path.rglob(f"*{SUFFIX}{ENCRYPTED}")])


def _matching(pattern: str) -> list[Path]:
    files = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207  absolute, too
    return [path for file in files for path in _below(file)]


def write_cassette(path: Path, lines: Iterable[bytes]) -> None:
    """Put *lines* into the file *path*, all of them or none. Raises as `in_place_of`, and whatever making *lines*
    raises."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CassetteError(f"{path}: it cannot be written ({error.strerror})") from None
    with in_place_of(path) as file:
        file.writelines(lines)


@contextlib.contextmanager
def in_place_of(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the name *path* once the block is left without an error: what was there stays until all is
    written. Who may read it stays as it was, and a new one is not for everybody, since callers are heard in it. Raises
    `CassetteError` if the disk will not have it."""
    new: Path | None = None
    try:
        target = path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=target.parent)
        new = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
        new.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else MODE)
        new.replace(target)
    except OSError as error:
        raise CassetteError(f"{path}: it cannot be written ({error.strerror})") from None
    finally:
        if new:
            new.unlink(missing_ok=True)
