"""The strangers of `bench flood`, against their own listener and against one that lets them in."""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Callable

import pytest

from telephony.bench.strangers import BEGINNING, Attack, Seen, Strangers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="they wait with epoll")

SOON = 10.0


def until(strangers: Strangers, holds: Callable[[Seen], bool], now: float = 0.0) -> Seen:
    """Let time pass, faster than it does, until it *holds* of what was seen."""
    end = time.monotonic() + SOON
    while not holds(seen := strangers.seen()):
        assert time.monotonic() < end, seen
        now += 0.01
        strangers.step(now)
    return seen


def test_all_are_there_as_soon_as_their_pace_allows_and_stay() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        attack = Attack(server.getsockname()[1], ["127.0.0.2", "127.0.0.3"], idle=20, slow=5, per_second=0, pace=100)
        strangers = Strangers(attack, 0.0)
        strangers.step(0.1)
        assert strangers.seen().opened <= 11
        assert until(strangers, lambda seen: seen.held == 25, 0.1).closed == 0
        inside = [server.accept() for _ in range(25)]
        strangers.step(10.0)
        assert {address for _, (address, _) in inside} == {"127.0.0.2", "127.0.0.3"}
        said = [connection.recv(1000) for connection, _ in inside if select.select([connection], [], [], 0)[0]]
        assert len(said) == 5
        assert all(text.startswith(BEGINNING) for text in said)
        for connection, _ in inside:
            connection.close()
        strangers.close()


def test_those_who_are_reset_come_again_and_the_brief_ones_all_the_time() -> None:
    strangers = Strangers(Attack(0, ["127.0.0.2"], idle=5, slow=5, per_second=100, pace=100), 0.0)
    seen = until(strangers, lambda seen: seen.closed > 30 and seen.opened > 100)
    assert seen.failed == 0
    strangers.close()


def test_what_can_be_read_beside_is_told() -> None:
    strangers = Strangers(Attack(0, ["127.0.0.2"], idle=0, slow=0, per_second=0), 0.0)
    out, into = os.pipe()
    strangers.watch(out)
    assert strangers.step(0.1) == set()
    os.write(into, b"x")
    assert strangers.step(0.2) == {out}
    os.close(into)
    os.close(out)
    strangers.close()
