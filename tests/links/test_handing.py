"""Connections that one process gives another: the other end of them notices nothing."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from telephony.links.handing import LARGEST, Receiver, give

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]


async def test_a_connection_goes_on_with_its_new_owner_after_the_old_one_has_closed_it(tmp_path: Path) -> None:
    taken: asyncio.Future[tuple[socket.socket, bytes]] = asyncio.get_running_loop().create_future()
    receiver = Receiver(tmp_path / "here", lambda connection, head: taken.set_result((connection, head)))
    ours, peer = socket.socketpair()
    with peer:
        with ours:
            assert await give(tmp_path / "here", ours.fileno(), b"GET / HTTP/1.1\r\n\r\n")
        connection, head = await taken
        with connection:
            assert head == b"GET / HTTP/1.1\r\n\r\n"
            connection.sendall(b"hello")
            assert peer.recv(10) == b"hello"
        assert peer.recv(10) == b"", "nobody else has it open"
    receiver.close()
    receiver.close()
    assert not (tmp_path / "here").exists()


async def test_many_connections_come_one_by_one(tmp_path: Path) -> None:
    taken: list[bytes] = []
    all_taken = asyncio.Event()

    def take(connection: socket.socket, head: bytes) -> None:
        connection.close()
        taken.append(head)
        if len(taken) == 200:
            all_taken.set()

    receiver = Receiver(tmp_path / "here", take)
    ours, peer = socket.socketpair()
    with ours, peer:
        given = await asyncio.gather(*(give(tmp_path / "here", ours.fileno(), b"%d" % n) for n in range(200)))
        await all_taken.wait()
    assert all(given)
    assert sorted(int(head) for head in taken) == list(range(200))
    receiver.close()


async def test_nothing_can_be_given_to_nobody_nor_too_much_to_anybody(tmp_path: Path) -> None:
    with socket.socket() as ours:
        assert not await give(tmp_path / "nobody", ours.fileno(), b"")
        dead = Receiver(tmp_path / "here", lambda connection, head: connection.close())
        assert not await give(tmp_path / "here", ours.fileno(), b"x" * (LARGEST + 1))
        dead.close()
        assert not await give(tmp_path / "here", ours.fileno(), b"")


async def test_the_socket_of_one_who_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
        killed.bind(str(tmp_path / "here"))
    Receiver(tmp_path / "here", lambda connection, head: connection.close()).close()
