"""What a service manager hears, at a real datagram socket: that calls may come, that the loop runs, that it ends."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from offices import settings_for
from telephony.agents.agent import Agent
from telephony.runtime.serving import run_until_told
from telephony.runtime.supervisor import Supervisor
from terminals import Desk, free_ports

BOUND = 25.0
"""Seconds in which something must be heard."""

CONFIGURATION = """
public_url: http://127.0.0.1:{port}
host: 127.0.0.1
port: {port}
twilio: {{account_sid: AC00000000000000000000000000000000, auth_token: practice}}
agents: {{desk: {{instructions: Be brief.}}}}
numbers: {{"*": desk}}
model_list: [{{model_name: grok, litellm_params: {{model: xai/grok, api_base: "ws://127.0.0.1:9"}}}}]
"""


class Manager:
    """What systemd is to a service."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0"))
        self.socket.settimeout(BOUND)

    def heard(self) -> list[str]:
        """The assignments of the next message."""
        return self.socket.recv(4096).decode().splitlines()

    def until(self, assignment: str) -> list[str]:
        """The first words of all messages up to the one that has *assignment*."""
        heard = []
        while not heard or heard[-1] != assignment:
            heard.append(self.heard()[0])
        return heard


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify") if request.param == "path" else f"@telephony-{secrets.token_hex(8)}")
    with made.socket:
        yield made


def test_ready_and_stopping_are_told_with_what_to_show(manager: Manager) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": manager.address})
    supervisor.ready("answering calls")
    assert manager.heard() == ["READY=1", "STATUS=answering calls"]
    supervisor.stopping("letting 3 calls end")
    assert manager.heard() == ["STOPPING=1", "STATUS=letting 3 calls end"]


async def test_signs_of_life_come_twice_in_each_period_until_the_block_ends(
    nothing_left_behind: None, manager: Manager
) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"})
    began = time.monotonic()
    async with supervisor.watched():
        for _ in range(5):
            assert await asyncio.to_thread(manager.heard) == ["WATCHDOG=1"]
    assert time.monotonic() - began >= 4 * 0.1 - 0.05, "more often than asked for"
    manager.socket.setblocking(False)
    await asyncio.sleep(0.15)
    with pytest.raises(BlockingIOError):
        manager.heard()


async def test_a_loop_that_hangs_gives_no_sign_of_life(manager: Manager) -> None:
    async with Supervisor({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000"}).watched():
        await asyncio.to_thread(manager.heard)
        manager.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            manager.heard()  # here, in the loop


@pytest.mark.parametrize(
    "more",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}],
    ids=["unset", "none", "no number", "another process"],
)
async def test_nobody_asked_for_signs_of_life(manager: Manager, more: dict[str, str]) -> None:
    async with Supervisor({"NOTIFY_SOCKET": manager.address, **more}).watched():
        await asyncio.sleep(0.05)
        manager.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.heard()


async def test_signs_of_life_are_given_by_the_process_that_was_asked(manager: Manager) -> None:
    asked = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": str(os.getpid())}
    async with Supervisor(asked).watched():
        assert await asyncio.to_thread(manager.heard) == ["WATCHDOG=1"]


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1", "/nowhere/notify"])
async def test_a_process_whose_manager_cannot_be_reached_goes_on(address: str) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "100000"})
    async with supervisor.watched():
        supervisor.ready("answering calls")
        await asyncio.sleep(0.12)


async def test_what_serves_is_ready_once_it_answers_and_says_when_it_stops(
    nothing_left_behind: None, tmp_path: Path
) -> None:
    manager = Manager(str(tmp_path / "notify"))
    settings, environ = settings_for(tmp_path), {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "60000000"}
    with manager.socket:
        async with asyncio.timeout(BOUND), asyncio.TaskGroup() as group:
            group.create_task(run_until_told(settings, environ, [Agent("desk", greeting="Hello.")]), name="serve")
            assert await asyncio.to_thread(manager.heard) == ["WATCHDOG=1"]
            assert await asyncio.to_thread(manager.heard) == [
                "READY=1",
                f"STATUS=answering calls at http://127.0.0.1:{settings.port}",
            ]
            _reader, writer = await asyncio.open_connection("127.0.0.1", settings.port)
            writer.close()
            await writer.wait_closed()
            os.kill(os.getpid(), signal.SIGTERM)
            assert await asyncio.to_thread(manager.heard) == ["STOPPING=1", "STATUS=letting 0 calls end, within 0 s"]


def test_the_program_tells_whoever_started_it_as_a_service(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    (port,) = free_ports(1)
    environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"}
    with manager.socket, Desk(tmp_path, environment) as desk:
        desk.write("telephony.yaml", CONFIGURATION.format(port=port))
        server = desk.start("serve")
        manager.until("READY=1")
        assert manager.heard() == manager.heard() == ["WATCHDOG=1"]
        server.send(signal.SIGTERM)
        assert set(manager.until("STOPPING=1")[:-1]) <= {"WATCHDOG=1"}
        assert server.ended() == 0
