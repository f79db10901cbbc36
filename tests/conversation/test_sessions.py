"""Which session the call lives in and which one is to follow: asked for, connected, ready, current, closed."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from telephony.conversation.sessions import FOR_SILENCE, PEACE, READY_TIME, ROTATE_AGAIN, Sessions, Why
from telephony.events import SessionReady
from telephony.settings import Limits


def sessions(*, begun: bool = True, **limits: float) -> Sessions:
    """Of a call that has begun to speak with its first session at 1 s, or has not."""
    made = Sessions(Limits(**limits), 0.0)
    if begun:
        made.connected("grok", 0.5)
        made.take_over(1.0)
    return made


def lost(made: Sessions, now: float, reason: str = "closed") -> bool:
    """The current session is lost. Whether another was asked for, which then takes over at once."""
    made.lose(now)
    asked = made.open("lost", now, reason) is not None
    made.take_over(now)
    return asked


def test_the_first_session_comes_by_itself_and_its_time_is_bounded() -> None:
    made = sessions(begun=False, connect=8)
    assert made.is_coming(0)
    assert (made.current, made.deadline()) == (None, 8.0)
    made.connected("grok", 2.0)
    assert made.deadline() == 2.0 + READY_TIME
    made.connected("grok", 7.0)
    assert made.deadline() == 2.0 + READY_TIME, "a second connection gives no more time"


def test_all_attempts_after_a_loss_share_one_budget() -> None:
    made = sessions(connect=8)
    made.lose(10.0)
    made.open("lost", 10.0, "closed")
    made.open("lost", 15.0, "closed again")
    assert made.deadline() == 18.0


def test_an_attempt_beside_a_session_that_is_there_has_a_budget_of_its_own() -> None:
    made = sessions(connect=8)
    made.open("suspect", 10.0, "silent")
    assert (made.deadline(), made.suspected) == (18.0, True)


def test_no_more_are_asked_for_in_a_row_than_a_call_may_have() -> None:
    made = sessions(replacements=2)
    assert [lost(made, 10.0), lost(made, 20.0), lost(made, 30.0)] == [True, True, False]


def test_a_session_that_lasted_begins_a_new_row() -> None:
    made = sessions(replacements=1)
    assert lost(made, 10.0)
    assert lost(made, 10.0 + PEACE + 0.1)
    assert not lost(made, 10.0 + PEACE + 0.2)


def test_losses_count_also_where_nobody_says_why() -> None:
    made = sessions(replacements=1)
    assert [lost(made, 10.0, ""), lost(made, 20.0, "")] == [True, False]


def test_growing_old_is_no_failure_and_costs_no_replacement() -> None:
    made = sessions(replacements=0, session=100)
    assert not made.outlived(100.4)
    assert made.outlived(100.5)
    assert made.open("rotate", 101.0) is not None
    assert not made.outlived(200.0), "one is coming"
    made.connected("grok", 102.0)
    made.take_over(110.0)
    assert made.deadline() == 202.0, "it grows old from its connection on, whether or not it is spoken to"


def test_a_ready_session_wakes_us_when_it_need_not_wait_for_silence_any_longer() -> None:
    made = sessions(session=100)
    made.open("rotate", 101.0)
    assert not made.acknowledged(SessionReady(session=7), 102.0)
    assert made.acknowledged(SessionReady(session=1), 102.0)
    assert made.deadline() == 102.0 + FOR_SILENCE


def test_an_old_session_that_cannot_be_replaced_goes_on_and_is_tried_again_later() -> None:
    made = sessions(session=100)
    made.open("rotate", 101.0)
    assert made.withdraw(105.0) == 1
    assert not made.outlived(104.9 + ROTATE_AGAIN)
    assert made.outlived(105.0 + ROTATE_AGAIN)


def test_without_a_limit_no_session_grows_old() -> None:
    assert sessions(session=0).deadline() == math.inf


def test_a_conversation_is_resumed_only_after_its_session_is_gone() -> None:
    """Of what is said while a second session waits for its turn the provider may have told it nothing."""
    made = sessions(begun=False)
    assert made.coming
    made.coming.conversation_id = "conv_1"
    made.take_over(1.0)
    for why in ("rotate", "suspect"):
        command = made.open(why, 2.0)
        assert command
        assert command.resume == ""
        made.withdraw(2.0)
    made.lose(3.0)
    command = made.open("lost", 3.0, "closed")
    assert command
    assert (command.failed, command.resume) == ("", "conv_1")


def test_what_is_lost_already_is_not_lost_again() -> None:
    made = sessions()
    assert made.lose(10.0) == 0
    assert made.lose(12.0) is None
    assert made.away_since == 10.0


def test_a_suspicion_that_was_wrong_costs_no_replacement() -> None:
    made = sessions(replacements=1)
    for now in (10.0, 20.0):
        assert made.open("suspect", now, "silent") is not None
        made.forgive()
    assert not made.suspected
    assert [lost(made, 30.0), lost(made, 40.0)] == [True, False]


def test_nothing_is_withdrawn_where_nothing_comes() -> None:
    assert sessions().withdraw(5.0) == -1


whys: st.SearchStrategy[Why] = st.sampled_from(["lost", "suspect", "rotate"])
steps = st.lists(
    st.tuples(st.sampled_from(["open", "connected", "take over", "lose", "withdraw"]), whys, st.floats(0, 100))
)


@given(steps)
def test_numbers_never_repeat_and_whoever_is_current_was_coming(schedule: list[tuple[str, Why, float]]) -> None:
    made, now, given_out = sessions(replacements=100), 1.0, [0]
    for what, why, seconds in schedule:
        now += seconds
        coming, current = made.coming, made.current
        if what == "open" and coming is None:
            command = made.open(why, now, "it failed")
            assert command
            given_out.append(command.session)
            assert made.is_coming(command.session)
        elif what == "connected":
            made.connected("grok", now)
        elif what == "take over":
            made.take_over(now)
            assert made.current == (coming.number if coming else current)
        elif what == "lose":
            assert made.lose(now) == current
        elif what == "withdraw":
            assert made.withdraw(now) == (coming.number if coming else -1)
            assert made.coming is None
        assert not made.coming or made.coming.number != made.current
        assert made.suspected == bool(made.coming and made.coming.why == "suspect")
    assert given_out == list(range(len(given_out)))


def test_a_suspicion_that_was_wrong_counts_for_nothing() -> None:
    made = Sessions(Limits(replacements=1), 0.0)
    made.take_over(0.0)
    for at in (10.0, 20.0, 30.0):
        assert made.open("suspect", at, "silent"), "there is always one more"
        made.forgive()
