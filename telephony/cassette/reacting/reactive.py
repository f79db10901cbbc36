"""Lets the caller of a recorded call talk to an agent that has changed since.

A strict replay shows that nothing has changed, and goes blind at the first thing that has. Here the recorded caller is
performed (`casting`): it says what it said, when it is its turn, to the exchange of today under the settings of today.
The model is the scripted simulator, which does what the recorded one did or what a changed script says (`prompting`).
Nothing of it takes time or chance, so the same cassette, settings and script give the same call, to the last byte.

    reaction = react(open_cassette(path), new_carrier)                                  # the agent as it was
    reaction = react(cassette, new_carrier, settings=changed)                           # another greeting, other limits
    reaction = react(cassette, new_carrier, script=scenario, place="scenario.yaml")     # another model script

A caller reacts, and no more: it does not notice that it is asked something else than it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from telephony.cassette.format import Cassette, Header, decode_line
from telephony.cassette.player import NewCarrier
from telephony.cassette.reacting.casting import cast
from telephony.cassette.reacting.prompting import Props, prompt, prompt_from, unforeseen, voice
from telephony.cassette.reacting.scene import Scene, scene_of
from telephony.cassette.recorder import RecordedExchange, Recorder, header_of
from telephony.events import CallStarted
from telephony.exchange import Exchange
from telephony.realtime import Dialect, dialect
from telephony.records import CallRecord, Termination
from telephony.rehearsal import Answer, Rehearsal, Successor
from telephony.settings import CallSettings
from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_script import CallerScript
from telephony.sim.model import SimulatedModel
from telephony.sim.model_script import ModelScript


class Reaction(msgspec.Struct):
    """How a recorded caller got on with the agent of today."""

    name: str
    record: CallRecord
    """The call as it went now."""
    recorded: CallRecord
    """The call as it was."""
    unsaid: list[str]
    """What the caller could not do, one sentence each: the call had ended, or its turn never came."""
    unmet: list[str]
    """Replies of the script that were never reached, and outputs of tools that were not as expected."""
    unforeseen: list[str]
    """What the caller or a function said that the script has no reply to."""
    faults: list[str]
    """What we did wrong in the model's eyes or in the carrier's."""
    missing: list[str]
    """Tools that were called and that the recording knows nothing of."""
    lacking: list[str]
    """Tools that the model called and that the agent does not have, and had if nobody wrote another script."""
    broken_off: bool
    """Whether the recording ends before the call did, so that the caller's part is not known to its end."""
    lines: list[bytes]
    """The call as a cassette, header included."""
    digest: str
    """SHA-256 of all that went out, as a strict replay of `lines` finds it."""

    @property
    def complaints(self) -> list[str]:
        """What did not work out, one sentence each; none if the caller said everything, the script was followed and
        foresaw what came, we made no mistakes, every function was known, and the call was completed as it was then and
        not left to a limit."""
        then, ending = self.recorded.termination, self.record.termination
        told = [f"The caller: {sentence}" for sentence in self.unsaid]
        told += [f"The model: {sentence}" for sentence in [*self.unmet, *self.unforeseen, *self.faults]]
        told += [
            f"The function {name}: the model calls it, and the agent has no such function. Add it to the agent's "
            "tools, or give a script that does without."
            for name in dict.fromkeys(self.lacking)
        ]
        told += [
            f"The function {name}: it was not run when this call was recorded, so nobody knows what it answers. Record "
            "a call that uses it, or give a script that does without."
            for name in dict.fromkeys(self.missing)
            if name not in self.lacking
        ]
        if self.broken_off:
            told.append("The recording breaks off, and with it the caller's part. Record a call to its end.")
        if ending is None or ending.result != "completed":
            told.append(f"The call was not completed: {ending.reason if ending else 'it never ended'}.")
        elif ending.by == "limit" and not (then and then.by == "limit"):
            told.append(f"The call was ended by a limit, and then it was not: {ending.reason}.")
        return told

    @property
    def passed(self) -> bool:
        return not self.complaints


def react(
    cassette: Cassette,
    new_carrier: NewCarrier,
    *,
    settings: CallSettings | None = None,
    script: Mapping[str, Any] | None = None,
    place: str = "script",
    tools: Mapping[str, Answer] | None = None,
) -> Reaction:
    """Let the caller of *cassette* call again.

    *settings* are those of an agent that has changed, if not the recorded ones. *script* is a scenario or its `model`,
    as it was loaded from *place*; without one the model does what it did. *tools* are called instead of being answered
    from the recording.

    Raises `CassetteError` for a recording that cannot be used, `ScriptError` for a script, and `ConfigurationError` for
    settings that the model's dialect cannot do.
    """
    scene = scene_of(cassette, new_carrier)
    settings = settings or scene.settings
    if script is None:
        model = prompt(scene, settings)
        own = len(model.replies)
    else:
        model, own = prompt_from(script, scene, place)
    props = Props(scene, tools or {})
    stage = _Stage(cassette.header, new_carrier, settings)
    rehearsal = stage.rehearsal(scene, model, props)
    caller = rehearsal.caller
    rehearsal.run(_until(caller.script, len(scene.said) / 8000))
    caller.hang_up(rehearsal.clock.now)  # it is over, if only because time is up
    record = stage.record(rehearsal)
    return Reaction(
        cassette.name,
        record,
        scene.record,
        caller.unmet,
        [complaint for each in rehearsal.models for complaint in each.unmet],
        unforeseen(model, own, rehearsal.models),
        _faults(rehearsal),
        props.missing,
        _lacking(record, settings, scene.settings if script is None else None),
        scene.broken_off,
        stage.lines,
        _digest(stage.lines),
    )


def _until(script: CallerScript, speaks: float) -> float:
    """Seconds after which the call is over, or never will be: the caller has done everything or lost its patience."""
    return (len(script.steps) + 1) * script.patience + speaks


def _lacking(record: CallRecord, settings: CallSettings, before: CallSettings | None) -> list[str]:
    """Functions that were called and that the agent does not have, without those it did not have *before* either."""
    have, had = ({tool.name for tool in each.session.tools} if each else None for each in (settings, before))
    names = [use.name for use in record.tools if use.name not in (have or ())]
    return [name for name in names if had is None or name in had]


def _faults(rehearsal: Rehearsal) -> list[str]:
    warnings = [f"{warning.code}: {warning.message}" for warning in rehearsal.caller.warnings]
    return warnings + [f"{fault.code}: {fault.message}" for model in rehearsal.models for fault in model.faults]


def _digest(lines: list[bytes]) -> str:
    digest = hashlib.sha256()
    for text in lines[1:]:
        if decode_line(text).dir == "out":
            digest.update(text)
    return digest.hexdigest()


class _Stage:
    """Where the call takes place, and who writes it down."""

    def __init__(self, header: Header, new_carrier: NewCarrier, settings: CallSettings) -> None:
        self.lines: list[bytes] = []
        self._header = header
        self._carrier = new_carrier(header.carrier)
        self._settings = settings
        self._exchange: Exchange | None = None

    def rehearsal(self, scene: Scene, script: ModelScript, props: Props) -> Rehearsal:
        """The call, before it begins."""
        settings = self._settings
        speak = voice(scene)
        steps, sounds = cast(scene)
        caller = SimulatedCaller(steps, speak, sounds=sounds, owed=self._owed)
        model = SimulatedModel(script, speak)
        called = [call.name for reply in script.replies for call in reply.tool_calls]
        return Rehearsal(
            settings,
            caller,
            model,
            self._carrier,
            dialect(script.profile, settings.session),
            tools=props.answers([*(tool.name for tool in settings.session.tools), *called]),
            make=lambda started, opening: self._make(started, opening, script),
            others=_successors(model, settings, script, speak),
        )

    def _make(self, started: CallStarted, opening: list[str | bytes], script: ModelScript) -> Exchange:
        recorder = Recorder(self.lines.append)
        header = header_of(self._settings, started, self._header.carrier, script.profile, about=self._header.about)
        recorder.begin(header, opening)
        self._exchange = RecordedExchange(self._settings, started, self._carrier, recorder=recorder)
        return self._exchange

    def _owed(self) -> bool:
        return self._exchange is None or self._exchange.conversation.owes

    def record(self, rehearsal: Rehearsal) -> CallRecord:
        """What remains of the call once it is over."""
        now, end = rehearsal.clock.now, rehearsal.ending
        record = CallRecord("", self._header.carrier, self._header.call_id, self._settings.agent, duration=now)
        if end:
            record.termination = Termination(end.result, end.by, end.reason)
        rehearsal.exchange.fill(record, now)
        record.findings = rehearsal.exchange.findings(now)
        return record


def _successors(
    first: SimulatedModel, settings: CallSettings, script: ModelScript, speak: Callable[[str], bytes]
) -> Iterator[Successor]:
    """The same model again, as often as a session is asked for."""
    latest = first

    def again(resume: str) -> tuple[SimulatedModel, Dialect]:
        nonlocal latest
        latest = SimulatedModel(script, speak, after=latest, conversation_id=resume)
        return latest, dialect(script.profile, settings.session)

    while True:
        yield again
