"""The README, taken by its word: the files it shows and the three terminals it describes, in an empty folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import readme

GREETING = "Thanks for calling Acme. How can I help you?"
"""What the simulated model begins with, whoever speaks to it."""
BOUND = 40.0
"""Seconds that any step may take; the call itself takes a quarter of a minute."""


@dataclass(frozen=True)
class Desk:
    """The reader's folder, with the ports of the README replaced by ones that are free here."""

    folder: Path
    server: int
    model: int
    rest: int
    gateway: int

    def write(self, name: str, text: str) -> None:
        for shown, free in ((8080, self.server), (9100, self.model), (9200, self.rest), (4000, self.gateway)):
            text = text.replace(f":{shown}", f":{free}")
        (self.folder / name).write_text(text, encoding="utf-8")

    async def start(self, *arguments: str, **exported: str) -> Process:
        """A terminal of the reader's: our interpreter in their folder, with nothing of our environment's settings, and
        what they have *exported*."""
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=self.folder,
            env=own | {"PORT": str(self.server)} | exported,
            stdout=PIPE,
            stderr=STDOUT,
        )

    async def run(self, *arguments: str, **exported: str) -> str:
        """The output of a command that ends by itself and well."""
        process = await self.start(*arguments, **exported)
        async with asyncio.timeout(BOUND):
            output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    @contextlib.asynccontextmanager
    async def running(self, sign: str, *arguments: str, **exported: str) -> AsyncIterator[Process]:
        """A command that runs until it is told to stop; ready when it prints *sign*."""
        process = await self.start(*arguments, **exported)
        try:
            await _until(process, sign)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(BOUND):
                await process.communicate()


async def _until(process: Process, sign: str) -> None:
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(BOUND):
        while not lines or sign not in lines[-1]:
            line = await process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line.decode())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path, *_free_ports(4))
    for name, text in readme.files().items():
        made.write(name, text)
    return made


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


async def test_agent_of_the_readme_passes_the_check(nothing_left_behind: None, desk: Desk) -> None:
    shown = next(block for block in readme.blocks("console") if "agents check" in block)
    assert await desk.run("-m", "telephony", "agents", "check") == shown.partition("\n")[2]


async def test_call_without_a_phone_goes_as_described(nothing_left_behind: None, desk: Desk) -> None:
    script = ("--script", "hours.yaml")
    model = ("-m", "telephony", "simulate", "model", *script, "--port", str(desk.model))
    caller = ("--out", "heard")
    async with (
        desk.running("A simulated model is at", *model),
        desk.running("listening", "-m", "telephony", "serve"),
    ):
        assert "ended by the agent: ok" in await desk.run("-m", "telephony", "simulate", "caller", *script, *caller)
    [call] = json.loads(await desk.run("-m", "telephony", "calls", "list", "--json"))
    page = await desk.run("-m", "telephony", "calls", "show", call["id"][-6:])
    assert "We are open from nine to five, Monday to Friday." in page
    assert len([*(desk.folder / "recordings").glob("*.wav"), *(desk.folder / "heard").glob("*.wav")]) == 2


async def test_call_goes_on_when_its_provider_is_killed_as_described(nothing_left_behind: None, desk: Desk) -> None:
    [standin] = _free_ports(1)
    second = next(block for block in readme.blocks("yaml") if ":9101" in block).replace(":9101", f":{standin}")
    with (desk.folder / "telephony.yaml").open("a", encoding="utf-8") as file:
        file.write(second)
    script, model = ("--script", "hours.yaml"), ("-m", "telephony", "simulate", "model")
    async with (
        desk.running("A simulated model is at", *model, *script, "--port", str(desk.model)) as first,
        desk.running("A simulated model is at", *model, "--script", "standin.yaml", "--port", str(standin)),
        desk.running("listening", "-m", "telephony", "serve"),
        desk.running("caller speaks", "-m", "telephony", "simulate", "caller", *script, "-v") as caller,
    ):
        await _until(caller, "agent speaks")
        first.kill()
        await _until(caller, "ended by the agent: ok")
        async with asyncio.timeout(BOUND):
            assert await caller.wait() == 0
    [call] = json.loads(await desk.run("-m", "telephony", "calls", "list", "--json"))
    page = await desk.run("-m", "telephony", "calls", "show", call["id"])
    assert "Sorry, we were cut off. We are open from nine to five." in page
    assert "The call went on with openai/gpt-realtime" in page


async def test_agent_made_in_python_starts_in_place_of_the_file(nothing_left_behind: None, desk: Desk) -> None:
    (desk.folder / "telephony.yaml").unlink()
    async with desk.running("listening", "frontdesk.py") as server:
        pass
    assert server.returncode == 0


async def test_programs_talk_to_the_model_directly_and_through_the_gateway(
    nothing_left_behind: None, desk: Desk
) -> None:
    model = ("-m", "telephony", "simulate", "model", "--port", str(desk.model))
    gateway = ("-m", "telephony", "gateway", "--config", "config.yaml", "--host", "127.0.0.1", "--port")
    there = f"ws://127.0.0.1:{desk.model}"
    keys = {"LITELLM_MASTER_KEY": "sk-of-my-own-and-long", "OPENAI_BASE_URL": there, "XAI_API_BASE": there}
    async with (
        desk.running("A simulated model is at", *model),
        desk.running("listening", *gateway, str(desk.gateway), **keys),
    ):
        assert await desk.run("text_conversation.py", XAI_API_BASE=there) == GREETING
        assert await desk.run("ask.py") == GREETING
        heard = (await desk.run("ask_by_socket.py")).splitlines()
    assert (heard[0].strip(), heard[-1].strip()) == ("session.created", "response.done")
    assert f"response.output_audio_transcript.done {GREETING}" in heard
