"""What a simulated caller does, step by step, and how it is written down.

    caller:
      from: "+15550142"
      to: "+15550100"
      patience: 20
      steps:
        - wait: agent                  # the agent spoke and fell silent
        - say: Where is my order?
        - wait: {agent_ms: 1500}       # one and a half seconds into what the agent says
        - say: Sorry, just the day.    # talk over it
        - press: "12#"
        - press: {keys: "12#", tones: true}   # heard on the line as well
        - wait: {quiet: 2}
        - noise: {level_dbfs: -40, seconds: 3}
        - pause: 0.5
        - play: sneeze.wav
        - wait: end                    # the other side hangs up
        - hang_up

Every wait ends by itself after `patience` seconds: then the step is noted as unmet and the caller hangs up.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from telephony.errors import ScriptError

FROM_NUMBER = "+15550142"
TO_NUMBER = "+15550100"
PATIENCE = 30.0
"""Seconds."""
KEYS = "0123456789*#ABCD"
KEY_MS = 200
"""Milliseconds from one key press to the next."""


class Say(msgspec.Struct, frozen=True):
    """Speak *text*."""

    text: str

    def __str__(self) -> str:
        return f"say {self.text!r}"


class Play(msgspec.Struct, frozen=True):
    """Play a recording. *name* is what the script calls it; whoever runs the script supplies the audio."""

    name: str

    def __str__(self) -> str:
        return f"play {self.name!r}"


class Noise(msgspec.Struct, frozen=True):
    """Make a noise."""

    level_dbfs: float
    """Loudness as rms, decibels below full scale."""
    seconds: float

    def __str__(self) -> str:
        return f"noise at {self.level_dbfs:g} dBFS for {self.seconds:g} s"


class Press(msgspec.Struct, frozen=True):
    """Press keys, one every `KEY_MS`."""

    keys: str
    tones: bool = False
    """Whether they are heard on the line as well: most carriers take the tones out, and some leave them in."""

    def __str__(self) -> str:
        return f"press {self.keys!r}"


class Pause(msgspec.Struct, frozen=True):
    """Be silent for *seconds*, whatever happens."""

    seconds: float

    def __str__(self) -> str:
        return f"pause {self.seconds:g} s"


class WaitForAgent(msgspec.Struct, frozen=True):
    """Wait until the agent has answered what the caller last did, and has fallen silent."""

    quiet_ms: int = 600

    def __str__(self) -> str:
        return "wait for the agent to have spoken"


class WaitIntoSpeech(msgspec.Struct, frozen=True):
    """Wait until the agent has been speaking for *milliseconds*."""

    milliseconds: int

    def __str__(self) -> str:
        return f"wait for {self.milliseconds} ms of the agent's speech"


class WaitForQuiet(msgspec.Struct, frozen=True):
    """Wait until nothing has been heard for *seconds*."""

    seconds: float

    def __str__(self) -> str:
        return f"wait for {self.seconds:g} s of quiet"


class WaitForTurn(msgspec.Struct, frozen=True):
    """Wait as somebody does who has something to say: until the agent has answered, owes nothing more and has been
    silent for *quiet_ms*. Whoever talks over the agent has heard enough of it after *into_ms*, if it says so much. An
    agent that owes nothing and says nothing is spoken to after *silence_ms*.

    What the agent owes nobody can hear, so this is no step that could be written down: `SimulatedCaller` is told.
    """

    quiet_ms: int = 600
    into_ms: int | None = None
    silence_ms: int = 4000

    def __str__(self) -> str:
        over = f" or {self.into_ms} ms of the agent's speech" if self.into_ms is not None else ""
        return f"wait for a turn to speak{over}"


class WaitForEnd(msgspec.Struct, frozen=True):
    """Wait until the other side ends the call."""

    def __str__(self) -> str:
        return "wait for the other side to hang up"


class HangUp(msgspec.Struct, frozen=True):
    """Put the phone down."""

    def __str__(self) -> str:
        return "hang up"


Sound = Say | Play | Noise
Wait = WaitForAgent | WaitIntoSpeech | WaitForQuiet | WaitForTurn | WaitForEnd
Step = Sound | Wait | Press | Pause | HangUp


class CallerScript(msgspec.Struct, frozen=True):
    """A caller: who it is, whom it calls, how patient it is and what it does. After the last step it hangs up."""

    steps: tuple[Step, ...]
    from_number: str = FROM_NUMBER
    to_number: str = TO_NUMBER
    patience: float = PATIENCE
    """Seconds that any one wait may last."""

    @classmethod
    def parse(cls, document: object, place: str = "caller") -> CallerScript:
        """Read the form shown above (or what stands under its `caller:`), as YAML or JSON gave it.

        Raises `ScriptError` that names the place within *place* and the remedy.
        """
        fields = _mapping(document, place)
        if set(fields) == {"caller"}:
            return cls.parse(fields["caller"], f"{place}.caller" if place != "caller" else place)
        _known(fields, ("from", "to", "patience", "steps"), place)
        steps = fields.get("steps")
        if not isinstance(steps, list) or not steps:
            raise ScriptError(f"{place}.steps: a list with at least one step is needed, such as `- say: Hello.`")
        return cls(
            steps=tuple(_step(step, f"{place}.steps[{index}]") for index, step in enumerate(steps)),
            from_number=_text(fields.get("from", FROM_NUMBER), f"{place}.from"),
            to_number=_text(fields.get("to", TO_NUMBER), f"{place}.to"),
            patience=_seconds(fields.get("patience", PATIENCE), f"{place}.patience"),
        )


def recorded(patience: float = PATIENCE, *, name: str = "recording") -> CallerScript:
    """The script of a caller who is a recording: it plays from the first moment on, then the caller hangs up."""
    return CallerScript(steps=(Play(name), HangUp()), patience=patience)


# -- reading -------------------------------------------------------------------------------------------------------


def _step(value: object, place: str) -> Step:
    if isinstance(value, str):
        if value == "hang_up":
            return HangUp()
        raise ScriptError(f"{place}: {value!r} needs a value, such as `{value}: …`{_nearest(value, _STEPS)}")
    fields = _mapping(value, place)
    if len(fields) != 1:
        raise ScriptError(f"{place}: one step has one key, but here are {len(fields)}. Start each with its own `-`")
    _known(fields, tuple(_STEPS), place)
    ((name, argument),) = fields.items()
    return _STEPS[name](argument, f"{place}.{name}")


def _wait(value: object, place: str) -> Step:
    if value == "agent":
        return WaitForAgent()
    if value == "end":
        return WaitForEnd()
    if isinstance(value, str):
        raise ScriptError(f"{place}: {value!r} is nothing to wait for; use agent, end, {{agent_ms: N}} or {{quiet: S}}")
    fields = _mapping(value, place)
    if len(fields) != 1:
        raise ScriptError(f"{place}: wait for one thing at a time, agent_ms or quiet")
    _known(fields, ("agent_ms", "quiet"), place)
    if "agent_ms" in fields:
        return WaitIntoSpeech(round(_number(fields["agent_ms"], f"{place}.agent_ms", 0, 600_000)))
    return WaitForQuiet(_seconds(fields["quiet"], f"{place}.quiet"))


def _noise(value: object, place: str) -> Step:
    fields = _mapping(value, place)
    _known(fields, ("level_dbfs", "seconds"), place)
    missing = {"level_dbfs", "seconds"} - set(fields)
    if missing:
        raise ScriptError(f"{place}: {sorted(missing)[0]} is missing; write {{level_dbfs: -40, seconds: 3}}")
    level = _number(fields["level_dbfs"], f"{place}.level_dbfs", -90, -6)
    return Noise(level, _seconds(fields["seconds"], f"{place}.seconds"))


def _press(value: object, place: str) -> Press:
    if isinstance(value, Mapping):
        fields = _mapping(value, place)
        _known(fields, ("keys", "tones"), place)
        if not isinstance(tones := fields.get("tones", True), bool):
            raise ScriptError(f"{place}.tones: expected true or false, got {tones!r}")
        return msgspec.structs.replace(_press(fields.get("keys", ""), f"{place}.keys"), tones=tones)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ScriptError(f'{place}: the keys are written in quotes, such as "12#"')
    keys = str(value).upper()
    for key in keys:
        if key not in KEYS:
            raise ScriptError(f"{place}: a telephone has no key {key!r}; it has {KEYS}")
    if not keys:
        raise ScriptError(f"{place}: at least one key is needed")
    return Press(keys)


def _hang_up(value: object, place: str) -> Step:
    if value not in (None, True):
        raise ScriptError(f"{place}: takes no value; write `- hang_up`")
    return HangUp()


_STEPS: dict[str, Callable[[object, str], Step]] = {
    "say": lambda value, place: Say(_text(value, place)),
    "play": lambda value, place: Play(_text(value, place)),
    "noise": _noise,
    "press": _press,
    "pause": lambda value, place: Pause(_seconds(value, place)),
    "wait": _wait,
    "hang_up": _hang_up,
}


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ScriptError(f"{place}: expected `key: value`, got {value!r}")
    return value


def _known(fields: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
    for name in fields:
        if name not in names:
            raise ScriptError(
                f"{place}: {name!r} is not known here; known are {', '.join(names)}{_nearest(name, names)}"
            )


def _nearest(name: str, names: Any) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f". Did you mean {near[0]!r}?" if near else ""


def _text(value: object, place: str) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ScriptError(f'{place}: {value!r} is a number in YAML; put it in quotes: "{value}"')
    if not isinstance(value, str) or not value.strip():
        raise ScriptError(f"{place}: expected words, got {value!r}")
    return value.strip()


def _seconds(value: object, place: str) -> float:
    return _number(value, place, 0, 3600)


def _number(value: object, place: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScriptError(f"{place}: expected a number, got {value!r}")
    if not least <= value <= most:
        raise ScriptError(f"{place}: {value:g} is not between {least:g} and {most:g}")
    return float(value)
