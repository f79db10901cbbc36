"""The recording holds what sounded when it sounded, compared with the plainest model there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from telephony.audio.timeline import HORIZON, StereoTimeline


def pcm(*values):
    return np.array(values, "<i2").tobytes()


def frames(settled):
    return np.frombuffer(settled, "<i2").reshape(-1, 2).tolist()


class AgainstTheModel(RuleBasedStateMachine):
    """A dictionary from sample number to value for each side, and a list of all that was settled."""

    def __init__(self):
        super().__init__()
        self.timeline = StereoTimeline()
        self.sides = ({}, {})
        self.out, self.dropped, self.settled = [], 0, 0
        self.value = 0

    def place(self, side, at, count):
        values = [self.value % 30000 + 1 + i for i in range(count)]
        self.value += count
        (self.timeline.caller, self.timeline.agent)[side](at, pcm(*values))
        for where, value in enumerate(values, at):
            if self.settled <= where < self.settled + HORIZON:
                self.sides[side][where] = value
            else:
                self.dropped += 1

    @rule(ahead=st.integers(-60, 200), count=st.integers(0, 100))
    def caller(self, ahead, count):
        self.place(0, self.settled + ahead, count)

    @rule(ahead=st.integers(-60, 400), count=st.integers(0, 300))
    def agent(self, ahead, count):
        self.place(1, self.settled + ahead, count)

    @rule(back=st.integers(0, 50), count=st.integers(0, 100))
    def agent_at_the_horizon(self, back, count):
        self.place(1, self.settled + HORIZON - back, count)

    @rule(ahead=st.integers(-60, 400))
    def cut(self, ahead):
        at = self.settled + ahead
        self.timeline.cut_agent(at)
        for where in [where for where in self.sides[1] if where >= at]:
            del self.sides[1][where]

    @rule(ahead=st.integers(-60, 300))
    def settle(self, ahead):
        upto = self.settled + ahead
        expected = [[side.pop(n, 0) for side in self.sides] for n in range(self.settled, upto)]
        assert frames(self.timeline.settle(upto)) == expected
        self.settled = max(upto, self.settled)

    @invariant()
    def counts(self):
        assert self.timeline.settled == self.settled
        assert self.timeline.dropped == self.dropped


AgainstTheModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAgainstTheModel = AgainstTheModel.TestCase


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.integers(0, 4000), max_size=20))
def test_when_the_past_is_settled_changes_no_sample(steps):
    rng = np.random.default_rng(1)
    noise = rng.integers(-32768, 32768, 4000).astype("<i2")
    timeline, settled, at = StereoTimeline(), b"", 0
    for start in range(0, 4000, 160):
        timeline.caller(start, noise[start : start + 160])
        timeline.agent(start, noise[start : start + 160])
        while steps and at + steps[0] <= start:
            at += steps.pop(0)
            settled += timeline.settle(at)
    settled += timeline.settle(4000)
    assert settled == np.repeat(noise, 2).tobytes()
    assert timeline.dropped == 0


def test_gaps_are_silence_and_the_caller_is_left():
    timeline = StereoTimeline()
    timeline.caller(1, pcm(11))
    timeline.agent(3, pcm(22))
    assert frames(timeline.settle(5)) == [[0, 0], [11, 0], [0, 0], [0, 22], [0, 0]]


def test_a_barge_in_silences_the_agent_from_its_very_sample():
    timeline = StereoTimeline()
    timeline.agent(0, pcm(*range(1, 9)))
    assert frames(timeline.settle(2)) == [[0, 1], [0, 2]]
    assert timeline.cut_agent(4) == 4
    assert frames(timeline.settle(8)) == [[0, 3], [0, 4], [0, 0], [0, 0], [0, 0], [0, 0]]


def test_a_cut_before_the_settled_past_takes_all_that_is_ahead_and_nothing_else():
    timeline = StereoTimeline()
    timeline.agent(0, pcm(1, 2, 3, 4))
    timeline.settle(2)
    assert timeline.cut_agent(0) == 2
    timeline.agent(2, pcm(9))
    assert frames(timeline.settle(4)) == [[0, 9], [0, 0]]


def test_the_caller_is_not_touched_by_a_cut():
    timeline = StereoTimeline()
    timeline.caller(0, pcm(1, 2))
    timeline.cut_agent(0)
    assert frames(timeline.settle(2)) == [[1, 0], [2, 0]]


def test_the_later_of_two_overlapping_pieces_wins():
    timeline = StereoTimeline()
    timeline.agent(0, pcm(1, 1, 1, 1))
    timeline.agent(1, pcm(2, 2))
    assert [agent for _, agent in frames(timeline.settle(4))] == [1, 2, 2, 1]


def test_what_comes_too_late_is_dropped_and_counted():
    timeline = StereoTimeline()
    timeline.settle(100)
    timeline.caller(98, pcm(1, 2, 3))
    assert timeline.dropped == 2
    assert frames(timeline.settle(101)) == [[3, 0]]


def test_a_broken_clock_cannot_fill_the_memory():
    timeline = StereoTimeline()
    timeline.agent(10**12, pcm(1, 2))
    timeline.caller(-(10**12), pcm(1, 2))
    assert timeline.dropped == 4
    assert frames(timeline.settle(1)) == [[0, 0]]


def test_settling_backwards_gives_nothing():
    timeline = StereoTimeline()
    timeline.settle(10)
    assert timeline.settle(10) == timeline.settle(3) == b""
    assert timeline.settled == 10


def test_ten_minutes_stay_aligned_to_the_sample():
    """One frame in ten is marked on both sides; the agent's comes 400 ms early and in uneven pieces."""
    timeline = StereoTimeline()
    mark = pcm(*range(1, 161))
    found = []
    for frame in range(30_000):
        timeline.caller(frame * 160, mark if frame % 10 == 0 else bytes(320))
        if frame % 10 == 0:
            ahead = frame + 20
            timeline.agent(ahead * 160, mark[: 2 * (frame % 160)])
            timeline.agent(ahead * 160 + frame % 160, mark[2 * (frame % 160) :])
        if frame % 50 == 49:
            settled = np.frombuffer(timeline.settle((frame + 1) * 160), "<i2").reshape(-1, 2)
            found.append(settled)
    whole = np.concatenate(found)
    assert whole.shape == (600 * 8000, 2)
    assert np.array_equal(whole[20 * 160 :, 0], whole[20 * 160 :, 1])
    assert np.flatnonzero(whole[:, 0] == 1).tolist() == list(range(0, 600 * 8000, 1600))
    assert timeline.dropped == 0


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="not whole 16-bit samples"):
        StereoTimeline().caller(0, b"\0")
