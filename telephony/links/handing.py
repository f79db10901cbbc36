"""Open connections, given from one process to another on the same machine (`SCM_RIGHTS`, unix(7)).

Whoever gets a connection has it as if it had accepted it: the giver may close its own descriptor or die, and neither
side of the connection notices. A datagram carries it, with the bytes that were read from it so far.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

LARGEST = 32 * 1024
"""Bytes that may have been read from a connection before it is given; the headers of a request have 8 KiB at most."""
PATIENCE = 1.0
"""Seconds for a receiver that has many waiting."""
LOOK = 0.01
"""Seconds between tries: nothing announces that it has room."""

Taken = Callable[[socket.socket, bytes], None]
"""Told of a connection, which is its own from then on, and of what was read from it."""


async def give(path: Path, descriptor: int, head: bytes) -> bool:
    """Give what *descriptor* names to whoever receives at *path*; whether somebody has it now. The giver's own
    descriptor stays open. Bounded."""
    if len(head) > LARGEST:
        return False
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        while True:
            try:
                out.connect(str(path))
                socket.send_fds(out, [head or b"\n"], [descriptor])
            except BlockingIOError:
                if loop.time() >= end:
                    return False
                await asyncio.sleep(LOOK)
            except OSError:
                return False
            else:
                return True


class Receiver:
    """Takes connections at a path. Belongs to one event loop; close it there."""

    def __init__(self, path: Path, taken: Taken) -> None:
        self._path = path
        self._taken = taken
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            self._socket.bind(str(path))
            asyncio.get_running_loop().add_reader(self._socket, self._read)
        except BaseException:
            self._socket.close()
            raise

    def _read(self) -> None:
        while True:
            try:
                head, descriptors, _, _ = socket.recv_fds(self._socket, LARGEST, 1)
            except OSError:
                return
            for descriptor in descriptors:
                try:
                    connection = socket.socket(fileno=descriptor)
                except OSError:  # the peer was no socket
                    os.close(descriptor)
                    continue
                self._taken(connection, b"" if head == b"\n" else head)

    def close(self) -> None:
        """Take no more. What was given and not read yet is closed by the kernel. Doing it twice is fine."""
        if self._socket.fileno() == -1:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
