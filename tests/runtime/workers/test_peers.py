"""Parents on one port: who is the newest, whose a call is, and who has the listening socket."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from telephony.runtime.workers.folder import parent_at
from telephony.runtime.workers.peers import Peers

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]

HOST, PORT = "127.0.0.1", 8080


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir="/tmp"))
    yield made
    shutil.rmtree(made)


class Parent:
    """One of them, with the calls that it knows."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.calls: dict[str, str] = {}
        self.changed = asyncio.Event()
        self.peers = Peers(folder, HOST, PORT, name, lambda call: self.calls.get(call, ""), self.assign, self.change)

    def change(self) -> None:
        self.changed.set()

    async def assign(self, call_id: str) -> str:
        return self.calls.setdefault(call_id, f"{self.name}-1")

    async def until_newest(self, is_us: bool) -> None:
        while (self.peers.newest is None) is not is_us:
            self.changed.clear()
            await self.changed.wait()


@contextlib.asynccontextmanager
async def parent(folder: Path, name: str) -> AsyncIterator[tuple[Parent, socket.socket | None]]:
    made = Parent(folder, name)
    try:
        listener = await made.peers.open()
        yield made, listener
    finally:
        await made.peers.close()


async def test_the_first_one_finds_nobody(folder: Path) -> None:
    async with parent(folder, "a") as (alone, listener):
        assert listener is None
        assert alone.peers.newest is None
        assert await alone.peers.whose("CA1") == await alone.peers.assigned("CA1") == ""
    assert await asyncio.to_thread(lambda: list(folder.iterdir())) == []


async def test_the_next_one_gets_the_listening_socket(folder: Path) -> None:
    async with parent(folder, "a") as (old, _):
        with socket.create_server((HOST, 0)) as old.peers.listener:
            async with parent(folder, "b") as (_, listener):
                assert listener is not None
                with listener:
                    assert listener.getsockname() == old.peers.listener.getsockname()


async def test_the_newest_that_is_ready_and_not_draining_owns_what_is_new(folder: Path) -> None:
    async with parent(folder, "a") as (old, _):
        old.peers.say(ready=True, draining=False)
        async with parent(folder, "b") as (new, _):
            await new.until_newest(is_us=False)
            assert await new.peers.assigned("CA1") == "a-1", "the new one is not ready yet"
            new.peers.say(ready=True, draining=False)
            await old.until_newest(is_us=False)
            assert new.peers.newest is None
            assert await old.peers.assigned("CA2") == "b-1"
            new.peers.say(ready=True, draining=True)
            await old.until_newest(is_us=True)
            assert await new.peers.assigned("CA3") == "a-1", "the new one goes, the old one is still there"
            new.peers.say(ready=True, draining=False)
            await old.until_newest(is_us=False)
        await old.until_newest(is_us=True)


async def test_everybody_knows_the_workers_of_the_others(folder: Path) -> None:
    async with parent(folder, "a") as (old, _):
        old.peers.have(["a-1", "a-2"])
        async with parent(folder, "b") as (new, _):
            assert new.peers.workers == ["a-1", "a-2"]
            new.peers.have(["b-1"])
            new.peers.say(ready=True, draining=False)
            await old.until_newest(is_us=False)
            assert old.peers.workers == ["b-1"]
        await old.until_newest(is_us=True)
        assert old.peers.workers == []


async def test_a_call_is_found_with_whoever_knows_it(folder: Path) -> None:
    async with parent(folder, "a") as (old, _), parent(folder, "b") as (middle, _), parent(folder, "c") as (new, _):
        old.calls["CA1"], middle.calls["CA2"] = "a-7", "b-7"
        assert [await new.peers.whose(call) for call in ("CA1", "CA2", "CA3")] == ["a-7", "b-7", ""]
        assert await old.peers.whose("CA2") == "b-7"


async def test_those_who_take_any_free_port_do_not_share_it(folder: Path) -> None:
    one, other = Parent(folder, "a"), Parent(folder, "b")
    one.peers = Peers(folder, HOST, 0, "a", one.calls.__getitem__, one.assign, one.change)
    other.peers = Peers(folder, HOST, 0, "b", other.calls.__getitem__, other.assign, other.change)
    with socket.create_server((HOST, 0)) as one.peers.listener:
        assert await one.peers.open() is None
        assert await other.peers.open() is None
        await one.peers.close()
        await other.peers.close()


async def test_one_that_was_killed_is_passed_over(folder: Path) -> None:
    killed = parent_at(folder, HOST, PORT, "killed")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(killed))
    async with parent(folder, "a") as (_, listener):
        assert listener is None
        assert not killed.exists()
