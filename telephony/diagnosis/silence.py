"""Where neither side was heard, and how much of that the caller had to wait for the agent.

A caller who thinks for a while is well: whose turn it was decides. It was the agent's where the conversation owed an
answer, where a sentence broke off and went on, and where the caller's words were held up on their way.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from telephony.records import Evidence, Moment, Stretch, Turn

PAUSE = 2.0
"""Seconds of waiting from which on they are worth a finding."""


class Silence(msgspec.Struct, frozen=True):
    """A stretch in which neither side was heard."""

    stretch: Stretch
    before: Stretch | None = None
    """What was heard last before it; None at the beginning of the call."""
    caller_before: bool = False
    """Whether that was the caller, speaking or pressing keys."""
    agent_after: bool = False
    """Whether the agent ended it."""
    late: float = 0.0
    """Seconds by which the carrier began too late to play what ended it."""


class Wait(msgspec.Struct, frozen=True):
    """A silence, or the part of one, in which the caller had to wait. Or could have spoken, and was asked to."""

    stretch: Stretch
    silence: Silence
    prompted: bool = False
    """Whether it was the caller who said nothing until they were asked whether they are still there."""

    def within(self, evidence: Evidence, *kinds: str) -> list[Moment]:
        """The moments of these kinds in it."""
        inside = self.stretch
        return [m for m in evidence.moments if m.what in kinds and inside.since <= m.at <= inside.until]


def waits(evidence: Evidence, pause: float = PAUSE) -> list[Wait]:
    """The waits of at least *pause* seconds."""
    long = (silence for silence in silences(evidence) if silence.stretch.length >= pause)
    found = [wait for silence in long for wait in _parts(evidence, silence)]
    return [wait for wait in found if wait.stretch.length >= pause]


def silences(evidence: Evidence) -> Iterator[Silence]:
    """All silences, in the order of time."""
    sounds = [(stretch, False) for stretch in evidence.agent]
    sounds += [(stretch, True) for stretch in caller_stretches(evidence)]
    end, before, caller_before = 0.0, None, False
    for stretch, by_caller in sorted(sounds, key=lambda sound: (sound[0].since, sound[0].until)):
        if stretch.since > end:
            yield Silence(Stretch(end, stretch.since), before, caller_before, not by_caller, stretch.late)
        if stretch.until >= end:
            end, before, caller_before = stretch.until, stretch, by_caller
    if evidence.until > end:
        yield Silence(Stretch(end, evidence.until), before, caller_before)


def caller_stretches(evidence: Evidence, *, speaking: bool = False) -> list[Stretch]:
    """When the caller spoke, as the model told, or pressed keys (unless *speaking*)."""
    turns = [turn for turn in evidence.turns if turn.speaker == "caller" or (turn.speaker == "keypad" and not speaking)]
    return [Stretch(turn.started_at, max(turn.started_at, _ends_at(evidence, turn))) for turn in turns]


def _ends_at(evidence: Evidence, turn: Turn) -> float:
    """Of a turn whose end nobody told: when the model began to answer, or was gone."""
    if turn.ended_at is not None:
        return turn.ended_at
    over = (m.at for m in evidence.moments if m.what in ("opened", "lost", "took over") and m.at >= turn.started_at)
    return next(over, evidence.until)


# -- whose turn it was ---------------------------------------------------------------------------------------------


def _parts(evidence: Evidence, silence: Silence) -> Iterator[Wait]:
    """What of *silence* was waiting."""
    if _after_the_last_words(evidence, silence):
        return
    whole = silence.stretch
    prompts = [m.at for m in evidence.moments if m.what == "prompted" and whole.since <= m.at <= whole.until]
    if prompts and not silence.caller_before:
        yield Wait(Stretch(whole.since, prompts[0]), silence, prompted=True)
        whole = Stretch(prompts[0], whole.until)
    if part := _waited(evidence, silence, whole):
        yield Wait(part, silence)


def _waited(evidence: Evidence, silence: Silence, whole: Stretch) -> Stretch | None:
    """The part of *whole* in which it was the agent's turn."""
    owed = [stretch for stretch in evidence.owed if stretch.shared(whole)]
    if not silence.caller_before and (silence.agent_after and _goes_on(evidence, whole)):
        return whole
    held_up = [s for s in (*evidence.stalled, *_nobody_there(evidence)) if s.shared(whole)]
    if silence.late:
        held_up.append(Stretch(whole.until - silence.late, whole.until))
    if not owed and not held_up:
        return None
    since = whole.since if silence.caller_before else max(whole.since, min(s.since for s in owed + held_up))
    keys = [m.at for m in evidence.moments if m.what == "took keys" and whole.since <= m.at <= whole.until]
    if keys and silence.caller_before:
        since = keys[0]
    until = whole.until if silence.agent_after else min(whole.until, max(s.until for s in owed + held_up))
    return Stretch(since, until) if since < until else None


def _nobody_there(evidence: Evidence) -> list[Stretch]:
    """The time in which a model was looked for that never came: whatever a caller said then, nobody has heard it."""
    told = next((m for m in evidence.moments if m.what in ("took over", "gone")), None)
    return [Stretch(0.0, told.at)] if told and told.what == "gone" else []


def _after_the_last_words(evidence: Evidence, silence: Silence) -> bool:
    """Whether the goodbye had been said when it fell silent; whether all of it was heard is another question."""
    told = [m for m in evidence.moments if m.what in ("leaving", "stayed") and m.at <= silence.stretch.since]
    if not told or told[-1].what == "stayed" or silence.caller_before or silence.agent_after:
        return False
    return silence.before is not None and silence.before.until >= told[-1].at


def _goes_on(evidence: Evidence, whole: Stretch) -> bool:
    """Whether one turn of the agent's was being said before *whole* and after it, or we were held up ourselves."""
    agents = (turn for turn in evidence.turns if turn.speaker == "agent" and turn.ended_at is not None)
    one_turn = any(t.started_at < whole.since and (t.ended_at or 0.0) > whole.until for t in agents)
    return one_turn or 2 * held_up_by_us(evidence, whole) >= whole.length


def held_up_by_us(evidence: Evidence, whole: Stretch) -> float:
    """Seconds of *whole* in which we should have done something and did not come to it."""
    late = (Stretch(m.at - m.seconds, m.at) for m in evidence.moments if m.what == "woke late")
    return sum(stretch.shared(whole) for stretch in late)
