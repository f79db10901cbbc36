"""Encrypted files on a disk: written while a call lasts, closed after a crash, and read in any part.

What is in them never touches the disk otherwise. Blocking; memory holds a few chunks, however long the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from telephony.audio.wav import completed
from telephony.encryption.keys import Key, KeyRing
from telephony.encryption.stream import CHUNK, HEADER_BYTES, SALT_BYTES, SEALED, Cipher, Ending, Layout, Place, Sealer
from telephony.errors import EncryptionError

SUFFIX = ".enc"
"""Stands behind the name that the file would have otherwise."""
AT_ONCE = 64
"""Chunks that are read and decrypted in one go."""


def is_encrypted(path: str | Path) -> bool:
    """Whether a file of that name is."""
    return str(path).endswith(SUFFIX)


def name_of(path: Path, key: Key | None) -> Path:
    """What the file *path* is called if it is encrypted with *key*."""
    return path.with_name(path.name + SUFFIX) if key else path


def sealer_for(key: Key) -> Sealer:
    """One for a new file."""
    return Sealer(key, os.urandom(SALT_BYTES))


def encrypted(content: bytes, key: Key) -> bytes:
    """A whole file that holds *content*."""
    sealer = sealer_for(key)
    return sealer.header + sealer.add(content) + sealer.end()


def write_all(file: int, data: bytes) -> None:
    """Append all of *data*: the kernel may take less at a time, for one on a disk that is nearly full. `OSError`."""
    view = memoryview(data)
    os.lseek(file, 0, os.SEEK_END)
    while view:
        view = view[os.write(file, view) :]


def close_cut(file: int, keys: KeyRing) -> None:
    """Cut off what is no whole chunk, and put the last one of a process that died behind the others. One that ended by
    itself is left as it is. `OSError`, `EncryptionError`."""
    cipher = Cipher.of(os.pread(file, HEADER_BYTES, 0), keys)
    layout = Layout.of(os.fstat(file).st_size)
    if cipher.last(layout, os.pread(file, SEALED, layout.end))[1] == "cut":
        os.ftruncate(file, layout.end)
        write_all(file, cipher.close(layout.whole))


class EncryptedFile:
    """What is in an encrypted file, to be read in any part. A context manager.

    A recording is written with a header that does not know how long it will be, and read with one that does.
    """

    def __init__(self, path: Path, keys: KeyRing) -> None:
        """Raises `OSError`, and `EncryptionError` (which names no file) if it is none or its key is unknown."""
        self.path = path
        self._file: BinaryIO = path.open("rb", buffering=0)
        try:
            self._cipher = Cipher.of(self._file.read(HEADER_BYTES), keys)
            self._layout = Layout.of(os.fstat(self._file.fileno()).st_size)
            self._last, self.ending = self._cipher.last(self._layout, self._at(self._layout.end, SEALED))
            self.size = self._layout.whole * CHUNK + len(self._last)
            """Bytes of what is in it, as far as it is there."""
            self._head = completed(self._decrypted(0, 1), self.size)
        except BaseException:
            self._file.close()
            raise

    ending: Ending

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, start: int, length: int) -> bytes:
        """So many bytes from *start* on; fewer at the end. Raises `OSError`, and `EncryptionError` if somebody has
        changed them: nothing is given that was not written so."""
        stop = min(start + length, self.size)
        if stop <= start:
            return b""
        first = start // CHUNK
        content = self._decrypted(first, (stop - 1) // CHUNK + 1 - first)
        if first == 0:
            content = self._head[:CHUNK] + content[CHUNK:]
        return content[start - first * CHUNK : stop - first * CHUNK]

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """All of it from *start* to *stop*, piece by piece. Raises as `read`."""
        stop = self.size if stop is None else min(stop, self.size)
        while start < stop:
            piece = self.read(start, min(AT_ONCE * CHUNK - start % CHUNK, stop - start))
            yield piece
            start += len(piece)

    def lines(self) -> Iterator[bytes]:
        """Those of a text. Raises as `read`."""
        waiting = b""
        for piece in self.pieces():
            *whole, waiting = (waiting + piece).split(b"\n")
            yield from (line + b"\n" for line in whole)
        if waiting:
            yield waiting

    def _decrypted(self, first: int, count: int) -> bytes:
        whole = max(0, min(first + count, self._layout.whole) - first)
        sealed = self._at(HEADER_BYTES + first * SEALED, whole * SEALED)
        found = [
            self._cipher.open(first + at, Place.INSIDE, sealed[at * SEALED : (at + 1) * SEALED]) for at in range(whole)
        ]
        return b"".join([*found, *([self._last] if first + count > self._layout.whole else [])])

    def _at(self, start: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, start)


def open_encrypted(path: Path, keys: KeyRing) -> EncryptedFile:
    """As `EncryptedFile`, with its path in what goes wrong."""
    try:
        return EncryptedFile(path, keys)
    except EncryptionError as error:
        raise EncryptionError(f"{path}: {error}") from None
