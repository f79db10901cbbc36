"""`serve`: an office that is open until somebody asks it to close."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from structlog.typing import FilteringBoundLogger

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime import logs
from telephony.runtime.configuration import DEFAULT_DOTENV, load, problems_of
from telephony.runtime.environment import WORKER, Environment
from telephony.runtime.office import answer_calls
from telephony.runtime.redaction import secrets_of
from telephony.runtime.workers.parent import Parent
from telephony.runtime.workers.worker import inherited, work
from telephony.settings import Settings
from telephony.tools.provided import Opener

LAST_WORDS = 3.0
"""Seconds between a second signal and the end of the process, whatever is still open."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.serve")


def read_settings(
    config: Path | None = None, overrides: Mapping[str, Any] | None = None, agents: Iterable[Agent] = ()
) -> tuple[Settings, Mapping[str, str]]:
    """The settings of this process and the environment that keys are looked up in, `.env` included.

    Numbers may lead to *agents*, which were made in Python.
    """
    environment = Environment(os.environ, DEFAULT_DOTENV)
    return load(config, environment, overrides, agents=agents), environment


def serve(
    *agents: Agent, config: str | Path | None = None, provide: Iterable[str | Opener] = (), **settings: Any
) -> None:
    """Answer the telephone until SIGTERM or Ctrl-C. Running calls may end first; a second signal cuts them short.

        serve(Agent("frontdesk", instructions="You are …", tools=[lookup_order]), public_url="https://voice.example.com")

    *agents* come beside those of the configuration, and so does what *provide* opens for their tools; *settings* are
    those of `telephony.yaml`, and win over it. Mistakes in them are told as `telephony serve` tells them, before
    anything listens, and the program ends with exit code 2 (`SystemExit`). Whoever wants the `ConfigurationError`
    itself calls `read_settings` and `run_until_told`.
    """
    try:
        resolved, environ = read_settings(Path(config) if config else None, settings, agents)
        logs.set_up(resolved.log_level, resolved.log_format, secrets=secrets_of(resolved, environ, agents))
        asyncio.run(run_until_told(resolved, environ, agents, provide))
    except ConfigurationError as error:
        tell_problems(error)
        raise SystemExit(2) from None


def tell_problems(error: ConfigurationError) -> None:
    """Print every problem of *error* on a line of its own, to stderr: whose setting, where, and what to do."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for problem in problems_of(error):
        console.print("error", style="bold red", end=" ")
        console.print(str(problem), markup=False)


async def run_until_told(
    settings: Settings,
    environ: Mapping[str, str],
    agents: Iterable[Agent] = (),
    provide: Iterable[str | Opener] = (),
) -> None:
    """Answer calls until the first SIGTERM or SIGINT; the second one ends the process within seconds.

    With several `workers` this process is their parent, or one of them, if a parent has started it. Raises
    `SystemExit` if they ended badly.
    """
    if sockets := inherited(environ):
        os.environ.pop(WORKER, None)
        with _deaf():
            await work(settings, environ, sockets, agents, provide)
    elif settings.workers > 1:
        parent, code = Parent(settings, environ), 0

        async def run(stop: asyncio.Event) -> None:
            nonlocal code
            code = await parent.run(stop)

        await until_told(run)
        if code:
            raise SystemExit(code)
    else:
        await until_told(lambda stop: answer_calls(settings, environ, stop, agents, provide))


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """A worker ends when its parent says so: whoever stops a service tells all of its processes, and a parent that
    passes that on would have told its workers twice."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _log.debug, "a worker is stopped by its parent")
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def until_told(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Do *work*, which ends some time after its event is set: the first SIGTERM or SIGINT does. The second one ends the
    process within seconds, whatever *work* thinks of it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()

    def told() -> None:
        if not stop.is_set():
            stop.set()
            return
        _log.warning("told twice: ending at once")
        loop.call_later(LAST_WORDS, os._exit, 1)
        if this is not None:
            this.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    try:
        await work(stop)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
