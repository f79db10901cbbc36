"""Rehearsed calls for tests: real simulators, real exchange, a virtual clock, and a voice that needs no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from telephony.audio.format import MULAW_8K
from telephony.audio.g711 import DIRECT
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.recorder import RecordedExchange, Recorder, header_of
from telephony.events import CallStarted
from telephony.exchange import Exchange, Listener
from telephony.realtime import Dialect, dialect
from telephony.rehearsal import Answer, Rehearsal, Successor
from telephony.settings import CallSettings, Clips, SessionConfig, ToolSpec
from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_script import CallerScript
from telephony.sim.clockwork import Wire
from telephony.sim.hearing import audible
from telephony.sim.model import SimulatedModel
from telephony.sim.model_script import decode_script

WINDOW = 160
"""Samples in 20 ms of the telephone's audio."""
LOOKUP = ToolSpec("lookup_order", "Looks an order up.", {"type": "object", "properties": {}})
HANG_UP = ToolSpec("hang_up", "Ends the call.", {"type": "object", "properties": {}})
STEPS: list[Any] = [
    {"wait": "agent"},
    {"say": "Where is my order?"},
    {"wait": {"agent_ms": 2500}},
    {"say": "Just the day, please."},
    {"wait": "agent"},
    {"say": "Thank you, goodbye."},
    {"wait": "end"},
]
"""A caller who talks over the answer, and whom the agent hangs up on."""


def story(**arguments: Any) -> list[dict[str, Any]]:
    """What the model does when `STEPS` call: it greets, and looks the order up with these *arguments*."""
    look = {"name": "lookup_order", "arguments": arguments}
    return [
        {"on": "greeting", "say": "Thanks for calling."},
        {"on": "speech", "hears": "Where is it?", "say": "Let me look.", "call": look},
        {"on": "tool", "expect": {"lookup_order": "shipped"}, "say": "It was shipped on Tuesday, " * 4},
        {"on": "speech", "hears": "Just the day.", "say": "Thursday."},
        {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
    ]


def hum(text: str) -> bytes:
    """Speech-like mu-law: sixty milliseconds a character, loud enough for any VAD."""
    at = np.arange(len(text) * 480)
    samples = 8000 * np.sin(at * 0.3) * (0.7 + 0.3 * np.sin(at / 300))
    return DIRECT[("pcm16", "mulaw")](samples.astype("<i2").tobytes())


def successors(
    first: SimulatedModel, settings: CallSettings, profile: str, scripts: Sequence[dict[str, Any] | str], seed: int
) -> Iterator[Successor]:
    """Who takes over, one after the other: another provider, the first one again, or nobody."""
    latest = first

    def again(script: dict[str, Any], resume: str) -> tuple[SimulatedModel, Dialect]:
        nonlocal latest
        document = decode_script({"profile": profile, **script})
        latest = SimulatedModel(document, hum, seed, after=latest, conversation_id=resume)
        return latest, dialect(profile, settings.session)

    def elsewhere(script: dict[str, Any], _: str) -> tuple[SimulatedModel, Dialect]:
        return SimulatedModel(decode_script(script), hum, seed), dialect(script["profile"], settings.session)

    def nobody(reason: str, _: str) -> str:
        return reason

    for script in scripts:
        if isinstance(script, str):
            yield partial(nobody, script)
        else:
            yield partial(elsewhere if "profile" in script else again, script)


def rehearse(
    steps: list[Any],
    replies: list[dict[str, Any]],
    *,
    profile: str = "xai",
    spoken: str = "",
    model: dict[str, Any] | None = None,
    faults: CallerFaults | None = None,
    tools: dict[str, Answer] | None = None,
    listener: Listener | None = None,
    latency: float = 0.0,
    to_caller: float | None = None,
    connect: float = 0.05,
    until: float = 600.0,
    patience: float = 30.0,
    seed: int = 0,
    others: Sequence[dict[str, Any] | str] = (),
    prepare: Callable[[Rehearsal], None] | None = None,
    record: Callable[[bytes], None] | None = None,
    about: str = "",
    **changes: Any,
) -> Rehearsal:
    """Run a whole call and return it. *others* are scripts of models that take over one after the other, or why there
    is none; a script that says nothing of its profile goes on with the first model's. *record* is given the lines of
    the call's cassette, which says *about* itself. *spoken* is another dialect than that of the *profile*: a proxy's.
    *latency* is that of all wires, *to_caller* that of the carrier's, where it differs."""
    spoken = spoken or profile
    values: dict[str, Any] = {"session": SessionConfig(tools=(LOOKUP, HANG_UP)), "greeting": "Thanks for calling."}
    values |= changes
    clip = hum("Goodbye.")
    settings = CallSettings("test", **({"clips": Clips(clip, clip, clip)} | values))
    first = SimulatedModel(decode_script({"profile": profile, "replies": replies, **(model or {})}), hum, seed)
    script = CallerScript.parse({"steps": steps, "patience": patience})
    carrier = TwilioStream()

    def make(started: CallStarted, opening: list[str | bytes]) -> Exchange:
        if record is None:
            return Exchange(settings, started, carrier, listener)
        recorder = Recorder(record)
        recorder.begin(header_of(settings, started, carrier.traits.name, spoken, about=about), opening)
        return RecordedExchange(settings, started, carrier, listener, recorder=recorder)

    rehearsal = Rehearsal(
        settings,
        SimulatedCaller(script, hum, faults=faults),
        first,
        carrier,
        dialect(spoken, settings.session),
        others=successors(first, settings, profile, others, seed),
        tools=tools or {"lookup_order": lambda _: (0.5, {"status": "shipped"})},
        make=make,
        connect=connect,
        to_caller=Wire(latency=latency if to_caller is None else to_caller),
        to_model=Wire(latency=latency),
    )
    if prepare:
        prepare(rehearsal)
    rehearsal.run(until)
    return rehearsal


# -- what the caller's own ear says -----------------------------------------------------------------------------------


def longest_silence(call: Rehearsal) -> float:
    """Seconds: the longest stretch in which the caller neither spoke nor heard anything, while the call lasted."""
    heard, said = call.caller.heard(call.clock.now), call.caller.said
    longest = current = 0
    for at in range(0, len(said), WINDOW):
        quiet = not audible(heard[at : at + WINDOW]) and not audible(said[at : at + WINDOW])
        current = current + 1 if quiet else 0
        longest = max(longest, current)
    return longest * WINDOW / MULAW_8K.rate


def longest_wait(call: Rehearsal) -> float:
    """Seconds: as `longest_silence`, of stretches that did not end because the caller chose to speak."""
    heard, said = call.caller.heard(call.clock.now), call.caller.said
    longest = current = 0
    for at in range(0, len(said), WINDOW):
        if audible(said[at : at + WINDOW]):
            current = 0
        elif audible(heard[at : at + WINDOW]):
            longest, current = max(longest, current), 0
        else:
            current += 1
    return max(longest, current) * WINDOW / MULAW_8K.rate
