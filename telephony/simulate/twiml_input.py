"""The TwiML verbs that listen to the caller, `<Record>` and `<Gather>`, read as strictly as the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import msgspec

LONGEST_RECORDING = 14_400
"""Seconds of a `<Record>` (Twilio docs, "TwiML Voice: Record")."""

RECORD = (
    "action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback recordingStatusCallbackMethod "
    "recordingStatusCallbackEvent transcribe transcribeCallback"
)
GATHER = (
    "action method timeout numDigits finishOnKey input hints language speechTimeout speechModel enhanced "
    "actionOnEmptyResult partialResultCallback partialResultCallbackMethod profanityFilter debug bargeIn"
)

Complain = Callable[[str], object]


class RecordVerb(msgspec.Struct, frozen=True):
    action: str
    """Asked for instructions when somebody has spoken; empty for the address of the document."""
    method: str
    timeout: int = 5
    """Seconds of silence that end it."""
    finish_on_key: str = "1234567890*#"
    max_length: int = 3600
    """Seconds."""
    status_callback: str = ""
    status_method: str = "POST"
    events: tuple[str, ...] = ("completed",)


class GatherVerb(msgspec.Struct, frozen=True):
    action: str
    method: str
    timeout: int = 5
    """Seconds without a key that end it."""
    digits: int = 0
    """How many keys end it; 0: no number does."""
    finish_on_key: str = "#"
    on_empty: bool = False
    """Whether the action is asked if no key was pressed, too."""
    say: str = ""
    """What is said meanwhile."""


def record(
    element: ElementTree.Element,
    address: Callable[[str], str],
    method: Callable[[str], str],
    complain: Complain,
) -> RecordVerb:
    """*address* and *method* read attributes of the element."""
    if len(element):
        complain("<Record> holds nothing")
    for name in ("playBeep", "transcribe"):
        _choice(element, name, ("true", "false"), complain)
    _choice(element, "trim", ("trim-silence", "do-not-trim"), complain)
    events = tuple(element.get("recordingStatusCallbackEvent", "completed").split())
    for event in set(events) - {"in-progress", "completed", "absent"}:
        complain(f"<Record recordingStatusCallbackEvent>: {event!r} is none")
    return RecordVerb(
        address("action"),
        method("method"),
        _seconds(element, "timeout", 5, 600, complain),
        _keys(element, "1234567890*#", complain),
        _seconds(element, "maxLength", 3600, LONGEST_RECORDING, complain),
        address("recordingStatusCallback"),
        method("recordingStatusCallbackMethod"),
        events,
    )


def gather(
    element: ElementTree.Element,
    address: Callable[[str], str],
    method: Callable[[str], str],
    complain: Complain,
) -> GatherVerb:
    """As `record`. Speech is not understood here."""
    for child in element:
        if child.tag not in ("Say", "Pause", "Play"):
            complain(f"<Gather> takes Say, Play and Pause, not <{child.tag}>")
    if element.get("input", "dtmf") != "dtmf":
        complain("<Gather input>: this simulation takes keys only")
    _choice(element, "actionOnEmptyResult", ("true", "false"), complain)
    said = " ".join("".join(child.itertext()) for child in element if child.tag == "Say")
    return GatherVerb(
        address("action"),
        method("method"),
        _seconds(element, "timeout", 5, 600, complain),
        _seconds(element, "numDigits", 0, 100, complain),
        _keys(element, "#", complain),
        element.get("actionOnEmptyResult") == "true",
        " ".join(said.split()),
    )


def _seconds(element: ElementTree.Element, name: str, default: int, most: int, complain: Complain) -> int:
    value = element.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= most:
        complain(f"<{element.tag} {name}={value!r}> is not a whole number from 1 to {most}")
        return default
    return int(value)


def _keys(element: ElementTree.Element, default: str, complain: Complain) -> str:
    value = element.get("finishOnKey", default)
    if not re.fullmatch(r"[0-9*#]*", value):
        complain(f"<{element.tag} finishOnKey={value!r}>: keys are 0 to 9, * and #")
        return default
    return value


def _choice(element: ElementTree.Element, name: str, choices: tuple[str, ...], complain: Complain) -> None:
    if element.get(name, choices[0]) not in choices:
        complain(f"<{element.tag} {name}={element.get(name)!r}> is neither {' nor '.join(choices)}")
