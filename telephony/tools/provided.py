"""What tools are given besides their arguments: a database, a client of something. Opened once, when the process
starts, given to every tool that has a parameter of its type, and closed when the process ends.

    @asynccontextmanager
    async def open_database() -> AsyncIterator[Database]:
        async with Database("orders.db") as database:
            yield database

The annotation says of which type it is, so that is known before anything is opened. What a plain function returns is
entered and left if it is a context manager, whatever that means to it: leaving a `sqlite3.Connection` ends a
transaction and closes nothing, so write a generator for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, get_args, get_origin, get_type_hints

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import ConfigurationError
from telephony.tools.load import load_named

OPENING = 30.0
"""Seconds each has to open; then the process does not start."""
CLOSING = 10.0
"""Seconds all of them have to close; then they are left as they are."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.provided")
_WRAPPERS = (
    AsyncIterator,
    AsyncGenerator,
    Iterator,
    Generator,
    AbstractAsyncContextManager,
    AbstractContextManager,
)
"""What a function returns that opens something and closes it again: of the type in the brackets."""

Opener = Callable[[], Any]


@contextlib.asynccontextmanager
async def opened(provide: Iterable[str | Opener], place: str = "") -> AsyncIterator[dict[type, Any]]:
    """Everything in *provide*, by its type: context managers, functions that return one or the thing itself, classes,
    or references to such (`my_shop.db:open_database`). Closed in reverse order. Raises `ConfigurationError` that names
    the one that cannot be opened."""
    stack = contextlib.AsyncExitStack()
    there: dict[type, Any] = {}
    try:
        for each in provide:
            name, opener = _resolve(each, place)
            kind = _type_of(name, opener, place)
            if kind in there:
                problem = f"{kind.__name__} is provided already"
                raise ConfigurationError(name, problem, "Provide each type once.", place)
            there[kind] = await _open(name, opener, stack, place)
        yield there
    finally:
        await _close(stack)


def types_of(provide: Iterable[str | Opener], place: str = "") -> dict[type, None]:
    """What *provide* would open, by type, without opening it. Raises as `opened` does for what is no opener."""
    return {_type_of(*_resolve(each, place), place): None for each in provide}


def _resolve(each: str | Opener, place: str) -> tuple[str, Opener]:
    if isinstance(each, str):
        found = load_named(each, place)
        if not callable(found):
            problem = f"it is a {type(found).__name__}, and nothing that could be called"
            raise ConfigurationError(each, problem, "Name a function that opens it, or its class.", place)
        return each, found
    if not callable(each):
        remedy = "Give a function that opens it, or its class."
        raise ConfigurationError("provide", f"{each!r} cannot be called", remedy, place)
    return f"{each.__module__}:{getattr(each, '__qualname__', type(each).__name__)}", each


def _type_of(name: str, opener: Opener, place: str) -> type:
    """Of which type it is what *opener* opens."""
    if isinstance(opener, type):
        return opener
    try:
        returned = get_type_hints(opener).get("return")
    except (NameError, TypeError, AttributeError) as error:
        problem = f"its return annotation cannot be evaluated ({error})"
        raise ConfigurationError(name, problem, "Import what it names at the top of the module.", place) from error
    arguments = get_args(returned)
    if get_origin(returned) in _WRAPPERS and arguments:
        returned = arguments[0]
    if isinstance(returned, type) and returned is not type(None):
        return returned
    remedy = "Annotate what it returns with a class, such as `-> AsyncIterator[Database]`."
    raise ConfigurationError(name, "it does not say of which type it is what it opens", remedy, place)


async def _open(name: str, opener: Opener, stack: contextlib.AsyncExitStack, place: str) -> Any:
    try:
        async with asyncio.timeout(OPENING):
            return await _enter(opener, stack)
    except TimeoutError as error:
        problem = f"it was not open after {OPENING:g} s"
        raise ConfigurationError(name, problem, "See whether what it connects to is there.", place) from error
    except Exception as error:  # other people's code; what it raised goes into the message
        problem = f"opening it failed with {type(error).__name__}: {error}"
        raise ConfigurationError(name, problem, "See whether what it connects to is there.", place) from error


async def _enter(opener: Opener, stack: contextlib.AsyncExitStack) -> Any:
    if inspect.isasyncgenfunction(opener):
        return await stack.enter_async_context(contextlib.asynccontextmanager(opener)())
    if inspect.isgeneratorfunction(opener):
        return stack.enter_context(contextlib.contextmanager(opener)())
    value = opener()
    if inspect.isawaitable(value):
        value = await value
    if isinstance(value, AbstractAsyncContextManager):
        return await stack.enter_async_context(value)
    if isinstance(value, AbstractContextManager):
        return stack.enter_context(value)
    return value


async def _close(stack: contextlib.AsyncExitStack) -> None:
    try:
        async with asyncio.timeout(CLOSING):
            await stack.aclose()
    except TimeoutError:
        _log.warning("what tools were given was not closed in time", waited_s=CLOSING)
    except Exception:  # noqa: BLE001  other people's code; the process ends anyway
        _log.exception("closing what tools were given failed")
