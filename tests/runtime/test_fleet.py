"""Workers behind real Unix sockets, watched as one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from offices import free_port
from telephony.runtime import fleet as fleet_module
from telephony.runtime.fleet import Fleet, answer
from telephony.server.internal import internal_application
from telephony.settings import Settings


class Worker:
    """One worker, as far as it is watched."""

    def __init__(self, calls: int, *reasons: str) -> None:
        self.why = list(reasons)
        self.text = f"# TYPE telephony_calls_total counter\ntelephony_calls_total {calls}\n"

    async def reasons(self) -> list[str]:
        return self.why

    async def page(self) -> tuple[bytes, str]:
        return self.text.encode(), "text/plain; charset=utf-8"

    async def tasks(self) -> list[dict[str, Any]]:
        return [{"name": "serve", "owner": "process"}]

    def drain(self) -> None:
        raise AssertionError


class Workers:
    """Those that run, and where."""

    def __init__(self, folder: Path, stack: contextlib.AsyncExitStack) -> None:
        self.sockets: dict[str, Path] = {}
        self._folder = folder
        self._stack = stack

    async def add(self, name: str, worker: Worker) -> None:
        runner = web.AppRunner(internal_application(worker))
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self.sockets[name] = self._folder / name
        await web.UnixSite(runner, self.sockets[name]).start()


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    async with contextlib.AsyncExitStack() as stack:
        yield Workers(tmp_path, stack)


def nothing() -> None:
    """Nobody drains here."""


async def test_it_is_ready_when_one_of_them_is_and_the_parent_has_nothing_against_it(workers: Workers) -> None:
    objection = ""
    fleet = Fleet(lambda: workers.sockets, nothing, lambda: objection)
    assert await fleet.reasons() == ["no worker runs"]
    await workers.add("a", Worker(0, "starting"))
    assert await fleet.reasons() == ["a: starting"]
    await workers.add("b", Worker(0))
    assert await fleet.reasons() == []
    objection = "draining"
    assert await fleet.reasons() == ["draining"]


async def test_counts_are_summed_and_those_of_a_worker_that_died_stay(workers: Workers) -> None:
    fleet = Fleet(lambda: workers.sockets, nothing, own=lambda: "# TYPE restarts_total counter\nrestarts_total 1\n")
    await workers.add("a", Worker(5))
    await workers.add("b", Worker(2))
    assert b"telephony_calls_total 7.0" in (await fleet.page())[0]
    del workers.sockets["a"]
    await workers.add("c", Worker(1))
    body, content_type = await fleet.page()
    assert b"telephony_calls_total 8.0" in body
    assert b"restarts_total 1.0" in body
    assert content_type.startswith("text/plain")


async def test_a_worker_that_does_not_answer_holds_up_nobody_and_loses_nothing(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "PATIENCE", 0.2)
    over = asyncio.Event()

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    fleet = Fleet(lambda: workers.sockets, nothing)
    await workers.add("a", Worker(5))
    await workers.add("b", Worker(2))
    await fleet.page()
    async with await asyncio.start_unix_server(busy, tmp_path / "busy"):
        workers.sockets |= {"a": tmp_path / "busy", "b": tmp_path / "nothing there"}
        assert b"telephony_calls_total 7.0" in (await fleet.page())[0]
        assert await fleet.reasons() == ["a: it does not answer", "b: it does not answer"]
        assert await fleet.tasks() == []
        over.set()


async def test_the_internal_port_is_had_as_soon_as_another_version_has_let_go_of_it(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "AGAIN", 0.05)
    port = free_port()
    settings = Settings(internal_port=port)
    await workers.add("a", Worker(0))
    with capture_logs() as logs, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as session:
            answering = group.create_task(answer(Fleet(lambda: workers.sockets, nothing), settings), name="answer")
            await asyncio.sleep(0.2)
            other.close()
            async with asyncio.timeout(10):
                while not any(line["event"] == "watched" for line in logs):  # noqa: ASYNC110  the log announces it
                    await asyncio.sleep(0.01)
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    assert await response.json() == {"ready": True, "reasons": []}
            answering.cancel()
    assert [line["event"] for line in logs] == ["not watched yet; it is tried again", "watched"]


async def test_tasks_are_shown_with_their_worker(workers: Workers) -> None:
    await workers.add("a", Worker(0))
    await workers.add("b", Worker(0))
    shown = await Fleet(lambda: workers.sockets, nothing).tasks()
    assert shown == [{"worker": name, "name": "serve", "owner": "process"} for name in ("a", "b")]


async def test_metrics_that_cannot_be_read_are_told_and_leave_the_others_alone(workers: Workers) -> None:
    worker = Worker(5)
    worker.text = "telephony_calls_total{agent= what\n"
    await workers.add("a", worker)
    await workers.add("b", Worker(2))
    with capture_logs() as logs:
        assert b"telephony_calls_total 2.0" in (await Fleet(lambda: workers.sockets, nothing).page())[0]
    assert [line["worker"] for line in logs] == ["a"]
