"""What one look found, and how looks are taken: at the same time, each within its bound, told in a fixed order."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import aiohttp
import msgspec

from telephony.errors import TelephonyError

State = Literal["green", "amber", "red", "skipped"]
"""`red`: calls will fail. `amber`: they will not today, or nobody can tell. `skipped`: not looked at, and why."""


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    name: str
    """What was looked at."""
    state: State
    what: str
    """What was found, in words."""
    remedy: str = ""
    """What to do; empty where there is nothing to do."""


def green(name: str, what: str) -> Finding:
    return Finding(name, "green", what)


def amber(name: str, what: str, remedy: str) -> Finding:
    return Finding(name, "amber", what, remedy)


def red(name: str, what: str, remedy: str) -> Finding:
    return Finding(name, "red", what, remedy)


def skipped(name: str, why: str) -> Finding:
    return Finding(name, "skipped", why)


def reason(error: BaseException) -> str:
    """Why a connection came to nothing, in words: the system's where it has some."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    match cause:
        case socket.gaierror():
            return "the name does not resolve"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nothing listens there"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "the connection was closed without an answer"
        case ssl.SSLError():
            return f"TLS failed: {getattr(cause, 'reason', '') or type(cause).__name__}"
        case OSError() if cause.strerror:
            return cause.strerror
        case _:
            return type(cause).__name__


Look = Callable[[], Awaitable[Sequence[Finding]]]
Tell = Callable[[Finding], object]


class Check(msgspec.Struct, frozen=True):
    """A look and its bound."""

    name: str
    look: Look
    bound: float = 10.0
    """Seconds; beyond it the look is given up and its line is red."""
    network: bool = False
    """Whether it asks somebody elsewhere."""


async def take(checks: Sequence[Check], tell: Tell, *, offline: bool = False) -> list[Finding]:
    """Take all looks at once, and tell what they found in the order of *checks*, as soon as that can be done.

    *offline* leaves out those that need the network, and says so.
    """
    found: list[Finding] = []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_taken(check, offline=offline), name=f"doctor {check.name.partition(' ')[0]}")
            for check in checks
        ]
        for task in tasks:
            for finding in await task:
                found.append(finding)
                tell(finding)
    return found


async def _taken(check: Check, *, offline: bool) -> Sequence[Finding]:
    if offline and check.network:
        return [skipped(check.name, "needs the network")]
    try:
        async with asyncio.timeout(check.bound):
            return await check.look()
    except TimeoutError:
        remedy = "Look at the network and the load of this machine, and ask again."
        return [red(check.name, f"there was no result within {check.bound:g} s", remedy)]
    except TelephonyError as error:
        return [red(check.name, str(error), "Mend that first.")]
    except Exception as error:  # noqa: BLE001  one look that fails must not hide what the others have found
        remedy = "This is a mistake of the program's: please report it."
        return [red(check.name, f"the look itself failed ({type(error).__name__}: {error})", remedy)]
