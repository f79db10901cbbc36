"""`@tool`: a typed function becomes something a model can call, and stays the function it was."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from telephony.errors import ConfigurationError
from telephony.settings import ToolSpec
from telephony.tools.arguments import read_arguments
from telephony.tools.signature import read_signature

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_TIMEOUT = 10.0
"""Seconds. A caller who hears nothing for longer than that hangs up or says "hello?"."""

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""OpenAI: a function's name; xAI takes the same."""


class Tool(Generic[P, R]):
    """A function that a model may call. Call it yourself and it is the plain function."""

    def __init__(self, function: Callable[P, R], *, name: str, timeout: float, say: str | None, side_effects: bool):
        functools.update_wrapper(self, function)
        self._function = function
        self._signature = read_signature(function)
        self.reference = f"{function.__module__}:{function.__qualname__}"
        """How configuration names it."""
        self.spec = ToolSpec(
            name=name,
            description=self._signature.description,
            parameters=self._signature.parameters,
            timeout=timeout,
            side_effects=side_effects,
            say=say,
        )
        """What the model and the conversation see."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.spec.name} from {self.reference}>"

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function; a sync one has to run in a thread."""
        return inspect.iscoroutinefunction(self._function)

    @property
    def takes_context(self) -> bool:
        """Whether the function's first parameter is the `CallContext`."""
        return self._signature.takes_context

    def read(self, arguments: str) -> dict[str, Any]:
        """The arguments the model wrote as JSON, validated, by name; raise `InvalidArguments`."""
        return read_arguments(self._signature.arguments, self._signature.names, arguments)


@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    say: str | None = None,
    side_effects: bool = True,
) -> Tool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    say: str | None = None,
    side_effects: bool = True,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    say: str | None = None,
    side_effects: bool = True,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a tool of a function, sync or async: `@tool`, `@tool(timeout=8)`, or `tool(shop.look_up)` for a method.

    The types of the parameters become the JSON Schema, the docstring (Google's, NumPy's or Sphinx's style) becomes the
    descriptions. A first parameter annotated `CallContext` is filled in by us and hidden from the model. A sync
    function runs in a thread, so it may block.

    Args:
        function: What to make a tool of.
        name: What the model calls it; the function's name unless given.
        timeout: Seconds until the model is told that it took too long, and the function is cancelled.
        say: Spoken to the caller while it runs, such as "Let me look that up."
        side_effects: Whether running it by mistake would matter. False lets a pure lookup start a little earlier,
            before the model has finished its response, and so perhaps for an answer that the caller interrupted.

    Raises:
        ConfigurationError: A parameter or an option cannot be used; the message says which, and what to do.
    """
    if function is None:

        def decorate(function: Callable[P, R]) -> Tool[P, R]:
            return tool(function, name=name, timeout=timeout, say=say, side_effects=side_effects)

        return decorate
    _check_function(function)
    chosen = function.__name__ if name is None else name
    _check_options(function, chosen, timeout)
    return Tool(function, name=chosen, timeout=float(timeout), say=say, side_effects=side_effects)


def _check_function(function: object) -> None:
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        problem = f"{function!r} is not a function or a bound method"
        remedy = "Put `@tool` right above a `def` or `async def`, below decorators such as `@staticmethod`."
        raise ConfigurationError("tool", problem, remedy)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        problem = "is a generator, and a model takes one answer"
        raise ConfigurationError(f"tool {function.__name__}", problem, "Return a list.", function.__module__)


def _check_options(function: Callable[..., Any], name: str, timeout: float) -> None:
    place = f"{function.__module__}.{function.__qualname__}"
    if not NAME.fullmatch(name):
        problem = f"{name!r} is no name that models accept: 1 to 64 of a-z, A-Z, 0-9, _ and -"
        raise ConfigurationError("tool", problem, 'Give it one with @tool(name="look_up").', place)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        problem = f"the timeout is {timeout!r}, and it must be a number of seconds above 0"
        remedy = "Every wait in a call has an end: try @tool(timeout=8)."
        raise ConfigurationError(f"tool {name}", problem, remedy, place)
