"""The whole diagnosis: in the order of time, the same every time, and never at a loss."""

from __future__ import annotations

import time
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import MOMENTS, VOICE, Playbook, speech
from telephony import events as ev
from telephony.diagnosis import diagnose
from telephony.records import Cause, Evidence, FindingKind, Moment, MomentKind, Stretch, ToolUse, Turn

SECONDS = st.floats(0, 100, allow_nan=False)
WORDS = st.sampled_from(["", "yes", "It arrives on Thursday.", "It arrives on Thursday, I think."])
STRETCHES = st.lists(st.tuples(SECONDS, SECONDS).map(lambda two: Stretch(min(two), max(two))), max_size=6).map(
    lambda many: sorted(many, key=lambda stretch: stretch.since)
)
EVIDENCE = st.builds(
    Evidence,
    until=SECONDS,
    turns=st.lists(
        st.builds(
            Turn,
            speaker=st.sampled_from(["caller", "agent", "keypad"]),
            heard=WORDS,
            unheard=WORDS,
            interrupted=st.booleans(),
            started_at=SECONDS,
            ended_at=st.none() | SECONDS,
            final=st.booleans(),
        ),
        max_size=6,
    ),
    tools=st.lists(
        st.builds(
            ToolUse,
            call_id=WORDS,
            name=WORDS,
            arguments=st.just("{}"),
            outcome=st.sampled_from(["ok", "timeout", "running"]),
            started_at=SECONDS,
            finished_at=st.none() | SECONDS,
        ),
        max_size=4,
    ),
    moments=st.lists(
        st.builds(Moment, SECONDS, st.sampled_from(get_args(MomentKind)), WORDS, SECONDS), max_size=12
    ).map(lambda many: sorted(many, key=lambda moment: moment.at)),
    agent=STRETCHES,
    owed=STRETCHES,
    stalled=STRETCHES,
    unheard=STRETCHES,
    with_say=st.just({"yes": 1.0}),
)


@settings(max_examples=300, deadline=None)
@given(EVIDENCE)
def test_it_has_an_answer_to_any_evidence_and_always_the_same(evidence: Evidence) -> None:
    found = diagnose(evidence)
    assert found == diagnose(evidence)
    assert [finding.at for finding in found] == sorted(finding.at for finding in found)
    for finding in found:
        assert finding.kind in get_args(FindingKind)
        assert finding.cause in get_args(Cause)
        assert finding.seconds >= 0
        assert finding.sentence
        assert "{" not in finding.sentence


def test_a_call_that_has_not_begun_has_nothing_to_say_for_itself() -> None:
    assert diagnose(Evidence(0.0, [], [], [], [], [])) == []


def test_how_long_a_wait_must_be_can_be_said() -> None:
    evidence = Evidence(9.0, [], [], [], [Stretch(1.5, 9.0)], [Stretch(0.0, 1.4)])
    assert diagnose(evidence) == []
    assert [finding.seconds for finding in diagnose(evidence, pause=1.0)] == [1.5]


# -- real conversations, whatever happens to them ----------------------------------------------------------------------

EVENTS = st.sampled_from(
    [
        ev.SpeechStarted("u1"),
        ev.SpeechStarted("u2", 500),
        ev.SpeechStopped("u1"),
        ev.SpeechStopped("", 900),
        ev.CallerTranscript("u1", "Where is it?", final=True),
        ev.CallerAudio(VOICE, None),
        ev.KeyPressed("5"),
        ev.ResponseStarted("r1"),
        ev.ResponseStarted("r2"),
        ev.ModelAudio("r1", "i1", speech(700)),
        ev.ModelAudio("r2", "i2", speech(2500)),
        ev.ModelTranscript("r1", "i1", "It arrives on Thursday.", final=True),
        ev.ModelAudioDone("r1", "i1"),
        ev.ToolRequested("r1", "c1", "slow", "{}"),
        ev.ToolRequested("r2", "c2", "hang_up", "{}"),
        ev.ToolFinished("c1", "{}"),
        ev.ResponseDone("r1"),
        ev.ResponseDone("r2", "failed", "server_error"),
        ev.MarkReached("m1"),
        ev.MarkReached("m3"),
        ev.ModelLost("reset"),
        ev.ServerStopping(),
        ev.CarrierLost("reset"),
    ]
)
STEPS = st.lists(st.tuples(EVENTS, st.floats(0, 4)), max_size=25)


@settings(max_examples=80, deadline=None)
@given(moment=st.sampled_from(MOMENTS), steps=STEPS, others=st.sampled_from(["absent", "there"]))
def test_no_course_of_events_is_beyond_it(moment: str, steps: list[tuple[ev.Event, float]], others: Any) -> None:
    book = Playbook(others=others)
    book.reach(moment)
    for event, seconds in steps:
        book.feed(event)
        book.wait(seconds)
    evidence = book.call.evidence(book.now)
    found = diagnose(evidence)
    assert found == diagnose(book.call.evidence(book.now)), "to look changes nothing"
    assert all(0 <= finding.at <= book.now and finding.at + finding.seconds <= book.now + 4 for finding in found)
    assert [moment.at for moment in evidence.moments] == sorted(moment.at for moment in evidence.moments)


def test_the_longest_call_is_explained_within_a_moment() -> None:
    """A thousand questions with slow answers; whoever ends such a call has others going on."""
    turns, agent, owed, moments = [], [], [], []
    for n in range(1000):
        at = n * 10.0
        turns += [Turn("caller", heard="yes", started_at=at, ended_at=at + 1)]
        turns += [Turn("agent", heard=f"It is {n} by now.", started_at=at + 4, ended_at=at + 9)]
        agent.append(Stretch(at + 4, at + 9))
        owed.append(Stretch(at + 1.5, at + 3.9))
        moments += [Moment(at + 1.5, "stopped"), Moment(at + 3.5, "opened"), Moment(at + 3.9, "spoke")]
    began = time.perf_counter()
    assert len(diagnose(Evidence(10_000.0, turns, [], moments, agent, owed))) == 1000
    assert time.perf_counter() - began < 10
