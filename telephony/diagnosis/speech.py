"""What went wrong while somebody spoke: both at once, the agent for nothing interrupted, the same thing said twice."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from telephony.diagnosis.silence import caller_stretches
from telephony.records import Cause, Evidence, Finding, Stretch, Turn

OVERLAP = 1.2
"""Seconds of both speaking from which on they are worth a finding. A model says within one that it hears the caller,
and counts a third of one before that to what it heard."""
BREATH = 0.3
"""Seconds between two stretches of the agent's that count as one."""
SOON = 0.001
"""Seconds between two moments that are the same one."""
ALIKE = 0.85
"""The part of the words from which on two sentences are practically the same."""
WORDS = 3
"""Words below which a sentence may well be said twice."""


# -- both at once --------------------------------------------------------------------------------------------------


def overlaps(evidence: Evidence) -> Iterator[Finding]:
    """Where both spoke at once for long."""
    agent = list(_joined(evidence.agent))
    for caller in caller_stretches(evidence, speaking=True):
        for both in _both(caller, agent):
            yield _overlap(both, *_why_both(evidence, both))
    for caller in evidence.unheard:
        for both in _both(caller, agent):
            yield _overlap(both, "greeting_protected", "the greeting cannot be interrupted")


def _joined(stretches: list[Stretch]) -> Iterator[Stretch]:
    """*stretches* in the order of time, those together that a breath parts."""
    current: Stretch | None = None
    for stretch in sorted(stretches, key=lambda stretch: (stretch.since, stretch.until)):
        if current and stretch.since <= current.until + BREATH:
            current = Stretch(current.since, max(current.until, stretch.until))
            continue
        if current:
            yield current
        current = stretch
    if current:
        yield current


def _both(caller: Stretch, agent: list[Stretch]) -> Iterator[Stretch]:
    for stretch in agent:
        if caller.shared(stretch) >= OVERLAP:
            yield Stretch(max(caller.since, stretch.since), min(caller.until, stretch.until))


def _why_both(evidence: Evidence, both: Stretch) -> tuple[Cause, str]:
    before = [moment.what for moment in evidence.moments if moment.at <= both.until]
    leaving = [what for what in before if what in ("leaving", "stayed")]
    if leaving and leaving[-1] == "leaving":
        return "goodbye_protected", "the last words of this call cannot be interrupted"
    if any(m.what == "cut" and abs(m.at - both.until) <= BREATH for m in evidence.moments):
        return "interruption_slow", f"the model took {both.length:.1f} s to notice that the caller spoke"
    if any(abs(stretch.since - both.since) < SOON for stretch in evidence.agent):
        return "answered_early", "the agent began to speak before the caller had finished"
    return "interruption_slow", "the model did not notice in time that the caller spoke"


def _overlap(both: Stretch, cause: Cause, why: str) -> Finding:
    sentence = f"both spoke for {both.length:.1f} s: {why}"
    return Finding(round(both.since, 3), round(both.length, 3), "overlap", cause, sentence)


# -- for nothing interrupted ---------------------------------------------------------------------------------------


def false_interruptions(evidence: Evidence) -> Iterator[Finding]:
    """Where the agent was stopped by a sound in which no word was understood. Where the model never says what it
    understood, nobody knows."""
    callers = [turn for turn in evidence.turns if turn.speaker == "caller"]
    understood = any(turn.heard for turn in callers)
    for cut in (moment for moment in evidence.moments if moment.what == "cut"):
        turn = next((t for t in reversed(callers) if t.started_at <= cut.at), None)
        if turn is None or turn.heard or not (turn.final or understood) or not _lost_words(evidence, cut.at):
            continue
        seconds = max(0.0, (turn.ended_at or cut.at) - turn.started_at)
        sentence = f"the agent was stopped by a sound of {seconds:.1f} s in which no word was understood"
        yield Finding(round(cut.at, 3), round(seconds, 3), "false interruption", "no_words", sentence)


def _lost_words(evidence: Evidence, at: float) -> bool:
    agents = (turn for turn in evidence.turns if turn.speaker == "agent" and turn.interrupted and turn.unheard)
    return any(turn.started_at <= at and abs((turn.ended_at or at) - at) < BREATH for turn in agents)


# -- said twice ----------------------------------------------------------------------------------------------------


def repeated_answers(evidence: Evidence) -> Iterator[Finding]:
    """Where the agent said practically the same twice though nothing had happened that asks for it."""
    earlier: Turn | None = None
    asked_at = 0.0
    for turn in evidence.turns:
        if turn.speaker != "agent":
            earlier, asked_at = None, turn.started_at
        elif turn.heard and turn.item_id not in evidence.recorded:
            if earlier and _alike(earlier.heard, turn.heard):
                cause, why = _why_again(evidence, Stretch(earlier.started_at, turn.started_at), asked_at)
                if cause:
                    seconds = max(0.0, (turn.ended_at or turn.started_at) - turn.started_at)
                    at = round(turn.started_at, 3)
                    yield Finding(at, round(seconds, 3), "repeated answer", cause, f"said twice: {why}")
            earlier = turn


def _alike(first: str, second: str) -> bool:
    """Whether *second* says again what *first* said, whatever it adds to it."""
    one, other = (re.findall(r"\w+", text.casefold()) for text in (first, second))
    if len(one) < WORDS:
        return False
    return difflib.SequenceMatcher(None, one, other[: len(one)], autojunk=False).ratio() >= ALIKE


def _why_again(evidence: Evidence, between: Stretch, asked_at: float) -> tuple[Cause | None, str]:
    """Why it was said again; no cause where there was a good reason to. *asked_at*: the caller's last turn."""
    moments = [m for m in evidence.moments if between.since <= m.at <= between.until]
    kinds = {moment.what for moment in moments}
    if kinds & {"prompted", "warned", "said", "took keys"}:
        return None, ""
    if any(moment.what == "took over" and moment.detail != "rotate" for moment in moments):
        return "session_replaced", "another session took over, and began again"
    if any(m.what == "nudged" and asked_at <= m.at <= between.until for m in evidence.moments):
        return "asked_again", "the model was asked again for an answer that it then gave twice"
    return "model_repeated", "nothing had been asked in between"
