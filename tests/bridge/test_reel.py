"""The reel without a file: places, cuts, what is final when, and late streams."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.format import MULAW_8K
from telephony.audio.g711 import mulaw_to_pcm
from telephony.bridge.reel import LATE, MARGIN, Reel

LOUD = b"\x10"
RATE = 8000


def channels(frames: bytes) -> tuple[np.ndarray, np.ndarray]:
    both = np.frombuffer(frames, "<i2").reshape(-1, 2)
    return both[:, 0], both[:, 1]


def test_nothing_is_final_before_its_margin_has_passed() -> None:
    reel = Reel(MULAW_8K)
    reel.agent(0.0, LOUD * RATE)
    assert reel.final(MARGIN) == b""
    assert len(reel.final(MARGIN + 0.25)) == 4 * 2000
    reel.cut(0.5)
    caller, agent = channels(reel.rest(1.0))
    assert np.flatnonzero(agent)[-1] == 1999, "the cut takes back what was not final"
    assert not caller.any()


def test_a_callers_stream_that_lags_holds_the_recording_back_and_one_that_stopped_does_not() -> None:
    reel = Reel(MULAW_8K)
    reel.caller(0.0, LOUD * RATE)
    assert len(reel.final(1.0 + MARGIN + LATE)) == 4 * RATE
    assert len(reel.final(1.1 + MARGIN + LATE)) == 4 * int(0.1 * RATE + LATE * RATE)


def test_the_end_is_where_the_caller_was_last_heard_by_the_carriers_clock() -> None:
    reel = Reel(MULAW_8K)
    reel.caller(0.0, LOUD * RATE)
    reel.agent(0.5, LOUD * RATE)
    caller, agent = channels(reel.rest(0.9))
    assert (np.flatnonzero(caller)[-1], np.flatnonzero(agent)[-1]) == (RATE - 1, RATE - 1)


def test_what_comes_too_late_is_counted_and_moves_nothing() -> None:
    reel = Reel(MULAW_8K)
    reel.final(10.0)
    reel.caller(1.0, LOUD * 800)
    assert reel.dropped == 0.1
    assert not channels(reel.rest(10.0))[0].any()


@given(
    events=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 400), st.integers(0, 500)), max_size=30),
    looks=st.lists(st.integers(0, int(MARGIN * 1000)), max_size=30),
)
def test_what_is_handed_out_does_not_depend_on_when_it_is_asked_for(
    events: list[tuple[int, int, int]], looks: list[int]
) -> None:
    """Milliseconds: a pause, a stretch of the agent's, and when it is cut, if that is before its end."""
    often, once = Reel(MULAW_8K), Reel(MULAW_8K)
    frames, now = b"", 0.0
    for number, (pause, length, cut) in enumerate(events):
        now += pause / 1000
        for reel in (often, once):
            reel.agent(now, LOUD * (8 * length))
            reel.caller(now, LOUD * 8)
        frames += often.final(now + (looks[number % len(looks)] / 1000 if looks else 0.0))
        now += min(cut, length) / 1000
        if cut < length:
            often.cut(now)
            once.cut(now)
    frames += often.rest(now + 1)
    assert frames[: 4 * round((now + 1) * RATE)] == once.rest(now + 1)


def test_both_sides_are_decoded_to_the_sample() -> None:
    every = bytes(range(256)) * 4
    reel = Reel(MULAW_8K)
    reel.caller(0.0, every)
    reel.agent(0.05, every)
    caller, agent = channels(reel.rest(0.2))
    assert caller[:1024].tobytes() == agent[400 : 400 + 1024].tobytes() == mulaw_to_pcm(every)
