"""`@tool`: a typed function becomes something a model can call, and stays the function it was."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, Unpack, overload

from telephony.errors import ConfigurationError
from telephony.settings import ToolSpec
from telephony.tools.arguments import read_arguments
from telephony.tools.options import Chosen, ToolOptions
from telephony.tools.signature import read_signature

P = ParamSpec("P")
R = TypeVar("R")


class Tool(Generic[P, R]):
    """A function that a model may call. Call it yourself and it is the plain function."""

    def __init__(self, function: Callable[P, R], options: ToolOptions):
        functools.update_wrapper(self, function)
        self._function = function
        self._signature = read_signature(function)
        chosen = self._chosen = Chosen(function, self._signature, options)
        self.reference = f"{function.__module__}:{function.__qualname__}"
        """How configuration names it."""
        self.spec = ToolSpec(
            name=chosen.name,
            description=self._signature.description,
            parameters=self._signature.parameters,
            timeout=chosen.timeout,
            side_effects=chosen.side_effects,
            say=chosen.say if isinstance(chosen.say, str) else None,
            words_say=callable(chosen.say),
            say_after=chosen.say_after,
            on_barge_in=chosen.on_barge_in,
            once=chosen.once,
            confirm=chosen.confirm,
            sensitive=chosen.sensitive,
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
    def tells_progress(self) -> bool:
        """Whether the function is an async generator: what it yields last is its result, and the rest is news of it."""
        return inspect.isasyncgenfunction(self._function)

    @property
    def takes_context(self) -> bool:
        """Whether the function's first parameter is the `CallContext`."""
        return self._signature.takes_context

    @property
    def max_bytes(self) -> int:
        """Bytes of UTF-8 after which its result is cut off."""
        return self._chosen.max_bytes

    def read(self, arguments: str) -> dict[str, Any]:
        """The arguments the model wrote as JSON, validated, by name; raise `InvalidArguments`."""
        return read_arguments(self._signature.arguments, self._signature.names, arguments)

    def words(self, arguments: Mapping[str, Any]) -> str | None:
        """What a `say` that is a function makes of *arguments*; raises whatever it raises."""
        say = self._chosen.say
        if say is None or isinstance(say, str):
            return None
        every = self._signature.defaults | dict(arguments)
        return say(**{name: every[name] for name in self._chosen.say_parameters})

    def given(self, provided: Mapping[type, Any]) -> dict[str, Any]:
        """What of *provided*, by type, the function is to be called with. Raises `ConfigurationError` if something is
        not there that it cannot do without."""
        for name, annotation in self._signature.annotations.items():
            if isinstance(annotation, type) and annotation in provided:
                remedy = "Provide a plain class that holds it, and annotate the parameter with that."
                self._refuse(name, annotation, "is provided, though a model can write one as well", remedy)
        given = {}
        for name, kind in self._signature.needs.items():
            if kind in provided:
                given[name] = provided[kind]
            elif name not in self._signature.defaults:
                remedy = (
                    f"Name what opens it, a function `-> AsyncIterator[{kind.__name__}]`, under `provide`; or use str, "
                    "int, float, bool, list, dict, an Enum, a Literal, a date or a pydantic model."
                )
                self._refuse(name, kind, "has no JSON form, and nothing provides it", remedy)
        return given

    def _refuse(self, name: str, kind: type, what: str, remedy: str) -> NoReturn:
        problem = f"the parameter `{name}` is a `{kind.__qualname__}`, which {what}"
        raise ConfigurationError(f"tool {self.spec.name}", problem, remedy, self.reference)


@overload
def tool(function: Callable[P, R], /, **options: Unpack[ToolOptions]) -> Tool[P, R]: ...


@overload
def tool(**options: Unpack[ToolOptions]) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None, /, **options: Unpack[ToolOptions]
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a tool of a function: `@tool`, `@tool(timeout=8)`, or `tool(shop.look_up)` for a method.

    The types of the parameters become the JSON Schema, the docstring (Google's, NumPy's or Sphinx's style) becomes the
    descriptions. A first parameter annotated `CallContext` is filled in by us and hidden from the model, and so is one
    of a class that no JSON can make, such as a database's, if `provide` says how it is opened. A sync function runs in
    a thread, so it may block. What an async generator yields last is its result; what it yields before tells the model
    how far it has come. `ToolOptions` explains the *options*.

    Raises:
        ConfigurationError: A parameter or an option cannot be used; the message says which, and what to do.
    """
    if function is None:

        def decorate(function: Callable[P, R]) -> Tool[P, R]:
            return tool(function, **options)

        return decorate
    _check_function(function)
    return Tool(function, options)


def _check_function(function: object) -> None:
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        problem = f"{function!r} is not a function or a bound method"
        remedy = "Put `@tool` right above a `def` or `async def`, below decorators such as `@staticmethod`."
        raise ConfigurationError("tool", problem, remedy)
    if inspect.isgeneratorfunction(function):
        problem = "is a generator that holds up everybody else while it works"
        remedy = "Write `async def`, or return a list."
        raise ConfigurationError(f"tool {function.__name__}", problem, remedy, function.__module__)
