"""What a tool can be told about how it is run, and what is wrong with it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, NoReturn, TypedDict

from telephony.errors import ConfigurationError
from telephony.tools.output import MAX_BYTES
from telephony.tools.signature import Signature

DEFAULT_TIMEOUT = 10.0
"""Seconds. A caller who hears nothing for longer than that hangs up or says "hello?"."""
LEAST_BYTES = 200
"""Of a result: the note that it was cut must have room."""
MOST_BYTES = 1_000_000

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""OpenAI: a function's name; xAI takes the same."""

Say = str | Callable[..., str | None]


class ToolOptions(TypedDict, total=False):
    """The keywords of `@tool`."""

    name: str | None
    """What the model calls it; the function's name unless given."""
    timeout: float
    """Seconds until the model is told that it took too long, and the function is cancelled. 10 unless given."""
    side_effects: bool
    """Whether running it by mistake would matter. False lets a pure lookup start a little earlier, before the model has
    finished its response, and so perhaps for an answer that the caller interrupted. True unless given."""
    say: Say | None
    """Spoken to the caller while it runs, such as "Let me look that up.": a sentence, or a function that makes one of
    the arguments it names. That one is called when the tool begins, and must not wait for anything."""
    say_after: float
    """Seconds it runs in silence before that; 1 unless given."""
    on_barge_in: Literal["keep", "cancel", "detach"]
    """What becomes of it when the caller speaks while it runs. `keep`, unless given: it runs on, and the model waits
    for it. `cancel`: it is stopped, and the model told so. `detach`: it runs to its end whatever the caller does, even
    hang up; the model goes on meanwhile and is given the result as a message."""
    once: bool
    """Whether it runs only once in a call with the same arguments: whoever repeats it gets the first result."""
    confirm: bool | str
    """Whether it runs only when the caller has been asked and has answered, and not with a plain no; a sentence is what
    the model is told to ask."""
    sensitive: Iterable[str]
    """Names of arguments that log, record and cassette show masked; `card.number` is one within another."""
    max_bytes: int
    """Bytes of UTF-8 after which its result is cut off; 16000 unless given."""


class Chosen:
    """Options, checked. Raises `ConfigurationError` for one that cannot be used; it says what to do."""

    def __init__(self, function: Callable[..., Any], signature: Signature, options: ToolOptions) -> None:
        self._place = f"{function.__module__}.{function.__qualname__}"
        name = options.get("name")
        self.name = function.__name__ if name is None else name
        self._check_name()
        self.timeout = self._seconds("timeout", options.get("timeout", DEFAULT_TIMEOUT), above=True)
        self.side_effects = options.get("side_effects", True)
        self.say = options.get("say")
        self.say_parameters = self._parameters_of_say(signature)
        self.say_after = self._seconds("say_after", options.get("say_after", 1.0), above=False)
        self.on_barge_in = options.get("on_barge_in", "keep")
        if self.on_barge_in not in ("keep", "cancel", "detach"):
            self._refuse(f"on_barge_in is {self.on_barge_in!r}", "Use keep, cancel or detach.")
        self.once = options.get("once", False)
        self.confirm = options.get("confirm", False)
        self.sensitive = self._sensitive(options.get("sensitive", ()), signature)
        self.max_bytes = options.get("max_bytes", MAX_BYTES)
        if not isinstance(self.max_bytes, int) or not LEAST_BYTES <= self.max_bytes <= MOST_BYTES:
            remedy = f"Give a number of bytes from {LEAST_BYTES} to {MOST_BYTES}."
            self._refuse(f"max_bytes is {self.max_bytes!r}", remedy)

    def _check_name(self) -> None:
        if not NAME.fullmatch(self.name):
            problem = f"{self.name!r} is no name that models accept: 1 to 64 of a-z, A-Z, 0-9, _ and -"
            raise ConfigurationError("tool", problem, 'Give it one with @tool(name="look_up").', self._place)

    def _seconds(self, option: str, value: Any, *, above: bool) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and 0 <= value < math.inf and (value or not above):
            return float(value)
        least = "above 0" if above else "of 0 or more"
        remedy = "Every wait in a call has an end: try @tool(timeout=8)." if above else "Try @tool(say_after=1.5)."
        return self._refuse(f"the {option} is {value!r}, and it must be a number of seconds {least}", remedy)

    def _parameters_of_say(self, signature: Signature) -> tuple[str, ...]:
        """Names of the arguments that *say* wants, if it is a function."""
        if self.say is None or isinstance(self.say, str):
            return ()
        if not callable(self.say) or inspect.iscoroutinefunction(self.say):
            self._refuse(f"say is {self.say!r}", "Give a sentence, or a plain function that returns one.")
        wanted = tuple(inspect.signature(self.say).parameters)
        unknown = [name for name in wanted if name not in signature.names]
        if unknown:
            names = ", ".join(signature.names) or "none"
            self._refuse(f"say wants `{unknown[0]}`, which is no argument of it", f"Its arguments are: {names}.")
        return wanted

    def _sensitive(self, names: Any, signature: Signature) -> tuple[str, ...]:
        if isinstance(names, str):
            self._refuse(f"sensitive is the text {names!r}", f"Give a tuple: sensitive=({names!r},).")
        for name in (given := tuple(names)):
            if name.partition(".")[0] not in signature.names:
                known = ", ".join(signature.names) or "none"
                self._refuse(f"sensitive names `{name}`, which is no argument of it", f"Its arguments are: {known}.")
        return given

    def _refuse(self, problem: str, remedy: str) -> NoReturn:
        raise ConfigurationError(f"tool {self.name}", problem, remedy, self._place)
