"""The process that floods a port in `bench flood`: idle sockets, headers that never end, and connections that only come
and go.

It is told what to do in a line of JSON on standard input and answers every line with what it has seen; it ends with its
input. One loop over `epoll` without asyncio, for it shares the machine with what it floods. It opens no more than its
pace allows: what the server closes is opened again in its turn.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
import time
from collections import Counter, deque
from itertools import repeat
from typing import Literal

import msgspec

from telephony.bench.served import raise_files

RESET = struct.pack("ii", 1, 0)
"""For `SO_LINGER`: closing resets, so that no port is kept by a connection that is over (socket(7))."""
BEGINNING = b"POST /twilio/voice HTTP/1.1\r\nHost: voice.example.com\r\nX-Slow: "
DRIP = 1.0
"""Seconds between two bytes of a slow header."""
LOOK = 0.002
"""Seconds that it waits for something to happen."""
MOST = 50
"""Connections that are opened between two looks."""

Kind = Literal["idle", "slow", "brief"]


class Attack(msgspec.Struct, frozen=True):
    """What is done to a port."""

    port: int
    """On 127.0.0.1. 0 floods a listener of its own that resets everybody: what the flood alone does to the machine."""
    sources: list[str]
    """Addresses that it comes from, by turns."""
    idle: int = 10_000
    slow: int = 300
    per_second: float = 1000.0
    """Connections that come and go."""
    pace: float = 2000.0
    """Idle and slow ones that are opened in a second until all are there; later a fourth of it."""


class Seen(msgspec.Struct, frozen=True):
    """What came of it, since it began."""

    opened: int
    """Connections that were asked for."""
    failed: int
    """Of them, those that could not even be asked for: no port or no file is left."""
    closed: int
    """Those that the other side ended."""
    held: int
    """Idle and slow ones that are open now."""
    cpu: float
    """Seconds."""


class Strangers:
    """Those who flood. `step` them again and again."""

    def __init__(self, attack: Attack, now: float) -> None:
        self.attack = attack
        self.target = ("127.0.0.1", attack.port)
        self._listener: socket.socket | None = None
        self._epoll = select.epoll()
        self._open: dict[int, tuple[socket.socket, Kind]] = {}
        slow: Kind = "slow"
        idle: Kind = "idle"
        self._wanted = deque([*repeat(slow, attack.slow), *repeat(idle, attack.idle)])
        self._count = Counter[str]()
        self._turn = 0
        self._began = self._brief_at = self._wanted_at = now
        self._dripped_at = now
        if not attack.port:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
            self._listener.setblocking(False)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._epoll.register(self._listener, select.EPOLLIN)
            self.target = self._listener.getsockname()

    def seen(self) -> Seen:
        held = sum(kind != "brief" for _, kind in self._open.values())
        count = self._count
        return Seen(count["opened"], count["failed"], count["closed"], held, time.process_time())

    def watch(self, file: int) -> None:
        """Say by `step` when there is something to read in *file*."""
        self._epoll.register(file, select.EPOLLIN)

    def step(self, now: float) -> set[int]:
        """Open what is due and take what has happened; returns the files watched that can be read."""
        self._open_due(now)
        if now >= self._dripped_at + DRIP:
            self._dripped_at = now
            self._drip()
        readable = set()
        for file, events in self._epoll.poll(LOOK, 1024):
            if self._listener and file == self._listener.fileno():
                self._refuse_all(self._listener)
            elif file in self._open:
                self._happened(file, events)
            else:
                readable.add(file)
        return readable

    def close(self) -> None:
        for connection, _ in self._open.values():
            connection.close()
        if self._listener:
            self._listener.close()
        self._epoll.close()

    # -- opening -----------------------------------------------------------------------------------------------------

    def _open_due(self, now: float) -> None:
        attack, left = self.attack, MOST
        self._brief_at = max(self._brief_at, now - 1)
        while attack.per_second and self._brief_at <= now and left:
            self._brief_at += 1 / attack.per_second
            self._connect("brief")
            left -= 1
        ramp = (attack.idle + attack.slow) / attack.pace
        apart = (1 if now < self._began + ramp else 4) / attack.pace
        self._wanted_at = max(self._wanted_at, now - 1)
        while self._wanted and self._wanted_at <= now and left:
            self._wanted_at += apart
            self._connect(self._wanted.popleft())
            left -= 1

    def _connect(self, kind: Kind) -> None:
        self._count["opened"] += 1
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        try:
            # Linux chooses the port when it knows the target, so that one address has enough of them (ip(7)).
            connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            connection.bind((self.attack.sources[self._turn % len(self.attack.sources)], 0))
            problem = connection.connect_ex(self.target)
        except OSError as error:
            problem = error.errno or errno.EIO
        self._turn += 1
        if problem not in (0, errno.EINPROGRESS):
            connection.close()
            self._count["failed"] += 1
            self._again(kind)
            return
        self._open[connection.fileno()] = (connection, kind)
        self._epoll.register(connection, select.EPOLLOUT | select.EPOLLRDHUP)

    def _again(self, kind: Kind) -> None:
        if kind != "brief":
            self._wanted.append(kind)

    # -- what happens ------------------------------------------------------------------------------------------------

    def _happened(self, file: int, events: int) -> None:
        _, kind = self._open[file]
        if events & ~select.EPOLLOUT:
            self._count["closed"] += 1
            self._end(file)
        elif kind == "brief":
            self._end(file)
        else:
            self._epoll.modify(file, select.EPOLLIN | select.EPOLLRDHUP)
            if kind == "slow":
                self._say(file, BEGINNING)

    def _end(self, file: int) -> None:
        connection, kind = self._open.pop(file)
        connection.close()
        self._again(kind)

    def _drip(self) -> None:
        for file in [file for file, (_, kind) in self._open.items() if kind == "slow"]:
            self._say(file, b"x")

    def _say(self, file: int, text: bytes) -> None:
        try:
            self._open[file][0].send(text)
        except BlockingIOError:
            pass  # it is not connected yet
        except OSError:
            self._count["closed"] += 1
            self._end(file)

    def _refuse_all(self, listener: socket.socket) -> None:
        for _ in range(MOST):
            try:
                listener.accept()[0].close()
            except OSError:
                return


def main() -> None:
    """Take the attack from standard input, and carry it out until that ends."""
    raise_files()
    attack = msgspec.json.decode(sys.stdin.buffer.readline(), type=Attack)
    strangers = Strangers(attack, time.monotonic())
    asked = sys.stdin.fileno()
    strangers.watch(asked)
    _answer(strangers)
    while True:
        if asked in strangers.step(time.monotonic()):
            if not os.read(asked, 4096):
                break
            _answer(strangers)
    strangers.close()


def _answer(strangers: Strangers) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(strangers.seen()) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
