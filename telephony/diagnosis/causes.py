"""Why the caller had to wait: rules that are tried in a fixed order, the first that holds names the cause.

First comes what broke (a session, a response, ourselves, the carrier), for it explains everything that follows from it;
then what was being done meanwhile (functions); and then the ordinary steps of an answer, of which the longest is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec

from telephony.diagnosis.silence import Wait, held_up_by_us
from telephony.records import Cause, Evidence, Finding, Moment, Stretch, ToolUse

MAIN = 0.5
"""The part of a wait that a fault must cover to be its cause."""
TOOLS = 1 / 3
"""The part that functions must cover: around them there is always the model, which is asked twice."""
STANDS_OUT = 0.4
"""The part that one step of an answer must take to be named alone."""
NOTICEABLE = 0.2
"""Seconds a function must run in a wait to be one of several."""


class Reason(msgspec.Struct, frozen=True):
    """A cause, and what a person reads of it."""

    cause: Cause
    why: str


Rule = Callable[[Evidence, Wait], Reason | None]


def explain(evidence: Evidence, wait: Wait) -> Finding:
    """The finding that a wait is."""
    reasons = (rule(evidence, wait) for rule in RULES)
    reason = next((reason for reason in reasons if reason), UNEXPLAINED)
    seconds = wait.stretch.length
    return Finding(
        round(wait.stretch.since, 3),
        round(seconds, 3),
        "pause",
        reason.cause,
        f"silent {seconds:.1f} s: {reason.why}",
    )


UNEXPLAINED = Reason("unexplained", "nothing that was seen explains it")


# -- the caller ----------------------------------------------------------------------------------------------------


def caller_silent(evidence: Evidence, wait: Wait) -> Reason | None:
    if not wait.prompted:
        return None
    return Reason("caller_silent", "the caller said nothing until they were asked whether they are still there")


# -- sessions ------------------------------------------------------------------------------------------------------


def _first(evidence: Evidence, *kinds: str) -> Moment | None:
    return next((moment for moment in evidence.moments if moment.what in kinds), None)


def unreachable(evidence: Evidence, wait: Wait) -> Reason | None:
    """Nobody was ever there."""
    gone = _first(evidence, "gone")
    if gone is None or _first(evidence, "took over"):
        return None
    return Reason("model_unreachable", f"no model could be reached ({gone.detail})")


def lost(evidence: Evidence, wait: Wait) -> Reason | None:
    """A session was lost in the wait, or while that was said after which it began."""
    since = wait.silence.before.since if wait.silence.before else 0.0
    near = [m for m in evidence.moments if since <= m.at <= wait.stretch.until]
    loss = next((moment for moment in near if moment.what == "lost"), None)
    if loss is None:
        return None
    over = next((m for m in evidence.moments if m.what == "took over" and m.at >= loss.at), None)
    if over and over.at < wait.stretch.since and wait.stretch.since - over.at > wait.stretch.length:
        return None  # it had been replaced long before
    after = f"another one took over after {over.at - loss.at:.1f} s" if over else "no other one took over"
    return Reason("model_lost", f"the model was lost ({loss.detail}) and {after}")


def slow_start(evidence: Evidence, wait: Wait) -> Reason | None:
    """The first session took long to be there."""
    begun = _first(evidence, "took over")
    start = Stretch(0.0, begun.at if begun else evidence.until)
    if start.shared(wait.stretch) < MAIN * wait.stretch.length:
        return None
    connected = _first(evidence, "connected")
    reached = connected.at if connected else start.until
    if _first(evidence, "unacknowledged"):
        return Reason(
            "session_not_acknowledged", f"the model did not accept the session for {start.until - reached:.1f} s"
        )
    if reached >= start.until - reached:
        return Reason("connect_slow", f"it took {reached:.1f} s to reach the model")
    return Reason("session_slow", f"the model took {start.until - reached:.1f} s to accept the session")


def fell_silent(evidence: Evidence, wait: Wait) -> Reason | None:
    """Another session took the place of one that was there and gave no answer."""
    over = next((m for m in wait.within(evidence, "took over") if m.detail == "suspect"), None)
    if over is None:
        return None
    waited = over.at - wait.stretch.since
    return Reason("model_silent", f"the model fell silent and another one took its place after {waited:.1f} s")


# -- responses -----------------------------------------------------------------------------------------------------


def failed(evidence: Evidence, wait: Wait) -> Reason | None:
    failure = next(iter(wait.within(evidence, "failed")), None)
    if failure is None:
        return None
    return Reason("response_failed", f"the model's response failed ({failure.detail or 'no reason given'})")


def stalled_model(evidence: Evidence, wait: Wait) -> Reason | None:
    """The model had more to say when it fell silent, and neither begins anything new nor waits for a function."""
    if wait.silence.caller_before or wait.silence.before is None or tools_in(evidence, wait.stretch):
        return None
    owing = any(stretch.since < wait.stretch.since <= stretch.until for stretch in evidence.owed)
    news = wait.within(evidence, "opened", "spoke", "nudged")
    if not owing or (news and news[0].what != "nudged"):
        return None
    asked = f" and was asked again after {news[0].at - wait.stretch.since:.1f} s" if news else ""
    return Reason("model_stalled", f"the model stopped in the middle of what it was saying{asked}")


def dropped(evidence: Evidence, wait: Wait) -> Reason | None:
    nudge = next(iter(wait.within(evidence, "nudged")), None)
    if nudge is None:
        return None
    waited = nudge.at - wait.stretch.since
    return Reason("reply_dropped", f"the model gave no answer and was asked again after {waited:.1f} s")


# -- the way to the ear --------------------------------------------------------------------------------------------


def sent_late(evidence: Evidence, wait: Wait) -> Reason | None:
    late = held_up_by_us(evidence, wait.stretch)
    if late < MAIN * wait.stretch.length:
        return None
    return Reason("sent_late", f"this process did not come to it for {late:.1f} s")


def stream_stalled(evidence: Evidence, wait: Wait) -> Reason | None:
    stalled = sum(stretch.shared(wait.stretch) for stretch in evidence.stalled)
    if stalled < MAIN * wait.stretch.length:
        return None
    return Reason("stream_stalled", f"the carrier sent nothing of the caller for {stalled:.1f} s")


def played_late(evidence: Evidence, wait: Wait) -> Reason | None:
    late = min(wait.silence.late, wait.stretch.length)
    if late < MAIN * wait.stretch.length:
        return None
    return Reason("played_late", f"the carrier began to play it {wait.silence.late:.1f} s late, as its marks show")


# -- functions -----------------------------------------------------------------------------------------------------


def tools_in(evidence: Evidence, stretch: Stretch) -> list[ToolUse]:
    """The functions that ran in *stretch*, by their beginning."""
    running = [use for use in evidence.tools if ran(evidence, use).shared(stretch) > 0]
    return sorted(running, key=lambda use: (use.started_at, use.call_id))


def ran(evidence: Evidence, use: ToolUse) -> Stretch:
    """When a function ran, in seconds of the call, as far as the model waited for it."""
    ended_at = evidence.until if use.finished_at is None else use.finished_at
    return Stretch(use.started_at, evidence.detached.get(use.call_id, ended_at))


def tools(evidence: Evidence, wait: Wait) -> Reason | None:
    """Functions took most of the time."""
    used = tools_in(evidence, wait.stretch)
    if _covered([ran(evidence, use) for use in used], wait.stretch) < TOOLS * wait.stretch.length:
        return None
    late = next((use for use in used if use.outcome == "timeout"), None)
    if late:
        return Reason("tool_timed_out", f"tool {late.name} was given up after {ran(evidence, late).length:.1f} s")
    row = _in_a_row(evidence, [u for u in used if ran(evidence, u).shared(wait.stretch) >= NOTICEABLE])
    if len(row) > 1:
        names = ", ".join(use.name for use in row)
        whole = sum(ran(evidence, use).length for use in row)
        return Reason("tool_chain", f"{len(row)} tools ran one after the other and took {whole:.1f} s ({names})")
    longest = max(used, key=lambda use: ran(evidence, use).shared(wait.stretch))
    seconds = ran(evidence, longest).length
    took = f"tool {longest.name} took {seconds:.1f} s"
    say_after = evidence.with_say.get(longest.name)
    if say_after is not None and seconds <= say_after:
        return Reason("tool_outlasted_say", f"{took}, and its `say` comes only after {say_after:g} s")
    if say_after is not None:
        return Reason("tool_outlasted_say", f"{took}, which its `say` did not cover")
    return Reason("tool_without_say", f"{took} and has no `say`")


def _in_a_row(evidence: Evidence, used: list[ToolUse]) -> list[ToolUse]:
    """Those of *used* that did not run beside the one before."""
    row: list[ToolUse] = []
    for use in used:
        if not row or ran(evidence, row[-1]).until <= use.started_at:
            row.append(use)
    return row


def _covered(stretches: list[Stretch], whole: Stretch) -> float:
    """Seconds of *whole* that lie in any of *stretches*, which begin one after the other."""
    covered, end = 0.0, whole.since
    for stretch in stretches:
        covered += Stretch(max(end, stretch.since), stretch.until).shared(whole)
        end = max(end, stretch.until)
    return covered


# -- the steps of an answer ----------------------------------------------------------------------------------------


def round_trip(evidence: Evidence, wait: Wait) -> Reason | None:
    """A function was quick, but the model says nothing before it calls one, and has to be asked again after."""
    used = tools_in(evidence, wait.stretch)
    steps = _steps(evidence, wait)
    if not used or any(seconds >= MAIN * wait.stretch.length for seconds, _ in steps):
        return None
    took = f"{used[0].name} (which took {ran(evidence, used[0]).length:.1f} s)"
    return Reason("tool_round_trip", f"the model called tool {took} without a word, and was asked again after it")


def slowest_step(evidence: Evidence, wait: Wait) -> Reason | None:
    """The model was slow at one of the steps that lead to an answer. Where none of them stands out all are told."""
    steps = [(seconds, STEPS[step]) for seconds, step in _steps(evidence, wait) if step in STEPS]
    if not steps:
        return None
    longest, (cause, sentence) = max(steps, key=lambda step: step[0])
    if longest >= STANDS_OUT * wait.stretch.length:
        return Reason(cause, sentence.format(f"{longest:.1f} s"))
    every = ", ".join(sentence.format(f"{seconds:.1f} s") for seconds, (_, sentence) in steps)
    return Reason(cause, every.replace(", the model took", ","))


def _steps(evidence: Evidence, wait: Wait) -> list[tuple[float, str]]:
    """Seconds from each thing that happened in the wait to the next, and which one that was, or would have been."""
    marks: list[tuple[float, str]] = [(m.at, m.what) for m in wait.within(evidence, "stopped", "opened", "spoke")]
    marks += [(end, "tool") for use in evidence.tools if (end := ran(evidence, use).until) <= wait.stretch.until]
    marks = [(wait.stretch.since, ""), *sorted(mark for mark in marks if mark[0] >= wait.stretch.since)]
    steps = [(end - start, f"slow {what}") for (start, _), (end, what) in itertools.pairwise(marks)]
    if not wait.silence.agent_after or not any(what == "spoke" for _, what in marks):
        at, latest = marks[-1]
        steps.append((wait.stretch.until - at, f"after {latest}"))
    return steps


STEPS: dict[str, tuple[Cause, str]] = {
    "slow stopped": ("vad_slow", "the model took {} to notice that the caller had stopped"),
    "slow opened": ("response_slow", "the model took {} to begin an answer"),
    "slow spoke": ("audio_slow", "the model took {} from the beginning of its answer to the first sound"),
    "after stopped": ("response_slow", "the model had begun no answer after {}"),
    "after tool": ("response_slow", "the model had begun no answer after {}"),
    "after opened": ("audio_slow", "the model had begun an answer and made no sound after {}"),
}
"""What is said of the longest step: one that came late, or the one that was still to come after the latest."""


RULES: tuple[Rule, ...] = (
    caller_silent,
    unreachable,
    lost,
    slow_start,
    fell_silent,
    failed,
    sent_late,
    stream_stalled,
    played_late,
    stalled_model,
    dropped,
    tools,
    round_trip,
    slowest_step,
)
"""In the order in which they are tried."""
