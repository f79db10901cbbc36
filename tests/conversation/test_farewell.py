"""The two bounds of a goodbye: how long a model is waited for, and when the line is released."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.conversation.farewell import LONGEST, Farewell


def farewell(since: float = 100.0) -> Farewell:
    return Farewell("completed", "agent", "agent hung up", since)


def test_a_model_that_says_nothing_is_waited_for_as_long_as_dead_air() -> None:
    assert farewell().patience(90.0, 5.0) == 105.0


def test_a_model_that_speaks_is_waited_for_from_its_last_word_on() -> None:
    assert farewell().patience(108.0, 5.0) == 113.0


def test_the_line_is_released_a_while_after_the_last_word_though_no_mark_said_that_it_was_heard() -> None:
    assert farewell().released(108.0, 3.0) == 111.0
    assert farewell().released(90.0, 3.0) == 103.0


@given(ends_at=st.floats(0, 1e6), bound=st.floats(0.1, 100))
def test_no_goodbye_holds_the_line_longer_than_a_minute(ends_at: float, bound: float) -> None:
    last = farewell()
    assert last.since <= last.patience(ends_at, bound) <= last.since + LONGEST
    assert last.since <= last.released(ends_at, bound) <= last.since + LONGEST
