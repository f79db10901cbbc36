"""The sequencer alone: one response at a time, the fence, refusals and what is closed by time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.commands import RequestResponse, SpeakVerbatim
from telephony.conversation.responses import (
    ANSWER_TIME,
    ATTEMPTS,
    NAMELESS,
    REMEMBERED,
    RETRY_AFTER,
    STALL_TIME,
    Responses,
)

ASK = RequestResponse()
SAY = SpeakVerbatim("One moment.")


def test_one_wish_is_asked_for_at_a_time_in_the_order_in_which_they_came() -> None:
    responses = Responses()
    responses.wish("say", SAY)
    responses.wish("tools", ASK)
    assert responses.next(0.0) == SAY
    assert responses.next(0.0) is None
    responses.begin("r1", 0.1)
    assert responses.next(0.1) is None
    responses.done("r1", 0.2)
    assert responses.next(0.2) == ASK


def test_the_same_reason_twice_is_one_wish() -> None:
    responses = Responses()
    responses.wish("tools", ASK)
    responses.wish("tools", ASK)
    responses.next(0.0)
    responses.begin("r1", 0.0)
    responses.done("r1", 0.0)
    assert responses.next(0.0) is None


def test_wishes_can_be_dropped_by_reason_or_altogether() -> None:
    responses = Responses()
    for why in ("say", "tools", "keys"):
        responses.wish(why, ASK)  # type: ignore[arg-type]
    responses.drop_wishes("say", "keys")
    assert responses.waiting
    responses.drop_wishes()
    assert not responses.waiting


def test_a_refused_wish_is_asked_again_when_the_other_response_is_over_or_a_second_has_passed() -> None:
    responses = Responses()
    responses.wish("tools", ASK)
    responses.next(0.0)
    assert responses.refused(1.0)
    assert responses.next(1.0 + RETRY_AFTER / 2) is None
    assert responses.asks_at() == 1.0 + RETRY_AFTER
    responses.done("unknown", 1.5)
    assert responses.next(1.5) == ASK


def test_a_wish_that_is_refused_too_often_is_given_up() -> None:
    responses = Responses()
    responses.wish("tools", ASK)
    now = 0.0
    for attempt in range(1, ATTEMPTS + 1):
        assert responses.next(now) == ASK
        assert responses.refused(now) == (attempt < ATTEMPTS)
        now += RETRY_AFTER
    assert not responses.pending


def test_a_refusal_of_nothing_is_no_news() -> None:
    responses = Responses()
    assert responses.refused(0.0)
    assert not responses.pending


def test_a_refusal_takes_a_wish_back_from_a_response_that_only_seemed_to_be_its_own() -> None:
    responses = Responses()
    responses.wish("goodbye", ASK)
    responses.next(0.0)
    mistaken = responses.begin("r1", 0.0)
    assert not mistaken.answers
    assert responses.refused(0.1)
    assert mistaken.answers
    responses.done("r1", 0.2)
    assert responses.next(0.2) == ASK


def test_a_refused_request_for_an_answer_is_not_repeated_after_an_answer() -> None:
    responses = Responses()
    responses.wish("tools", ASK)
    responses.next(0.0)
    responses.begin("r1", 0.0)
    responses.refused(0.1)
    assert not responses.waiting


def test_nothing_of_a_fenced_response_is_alive_however_late_it_comes() -> None:
    responses = Responses()
    responses.begin("r1", 0.0)
    assert responses.cancel_open() == ["r1"]
    assert responses.alive("r1", 100.0) is None
    assert responses.fenced("r1")
    assert responses.alive("r2", 0.1) is not None


def test_a_closed_response_is_not_opened_again_by_a_late_delta_but_by_a_new_announcement() -> None:
    responses = Responses()
    responses.begin("r1", 0.0)
    responses.done("r1", 0.1)
    assert responses.closed("r1")
    assert responses.alive("r1", 0.2) is None
    assert responses.begin("r1", 0.3).started_at == 0.3


def test_more_responses_than_are_remembered_do_no_harm() -> None:
    responses = Responses()
    for number in range(3 * REMEMBERED):
        responses.begin(f"r{number}", 0.0)
        responses.fence(f"r{number}")
    assert responses.alive(f"r{3 * REMEMBERED - 1}", 0.0) is None
    assert not responses.open


def test_responses_without_a_name_get_one_each() -> None:
    responses = Responses()
    first = responses.begin("", 0.0)
    assert responses.alive("", 0.0) is first
    assert responses.named("") == first.response_id
    responses.cancel_open()
    second = responses.alive("", 0.1)
    assert second
    assert second.response_id.startswith(NAMELESS)
    assert second.response_id != first.response_id
    assert Responses().named("") == ""


def test_closing_a_response_of_which_nobody_knows_closes_nothing() -> None:
    responses = Responses()
    responses.begin("r1", 0.0)
    assert responses.done("", 0.0) is None
    assert responses.done("r2", 0.0) is None
    assert list(responses.open) == ["r1"]


def test_a_response_without_a_sign_of_life_is_closed_by_time_and_its_late_deltas_are_dropped() -> None:
    responses = Responses()
    responses.begin("r1", 0.0)
    responses.alive("r1", 3.0)
    assert responses.expires() == 3.0 + STALL_TIME
    assert responses.expire(3.0 + STALL_TIME - 0.01) == []
    ((response_id, why),) = responses.expire(3.0 + STALL_TIME)
    assert response_id == "r1"
    assert why
    assert responses.alive("r1", 20.0) is None
    assert responses.expires() is None


def test_a_request_that_leads_to_nothing_is_given_up() -> None:
    responses = Responses()
    responses.wish("prompt", ASK)
    responses.next(5.0)
    assert responses.expires() == 5.0 + ANSWER_TIME
    assert responses.expire(5.0 + ANSWER_TIME)[0][0] == ""
    assert not responses.pending


def test_the_newest_of_several_is_the_one_that_began_last() -> None:
    responses = Responses()
    first, second = responses.begin("r1", 0.0), responses.begin("r2", 0.0)
    responses.alive("r1", 0.1)
    assert responses.newest(second)
    assert not responses.newest(first)


# -- another session ------------------------------------------------------------------------------------------------


def test_what_was_wished_asked_or_begun_and_not_said_is_wanted_of_the_next_session() -> None:
    responses = Responses()
    responses.wish("keys", ASK)
    responses.next(0.0)
    responses.begin("r1", 0.1)
    responses.wish("goodbye", ASK)
    responses.wish("say", SAY)
    assert responses.hand_over() == (False, False)
    assert not responses.busy
    assert responses.next(0.2) == ASK
    responses.begin("s1-r1", 0.3)
    assert responses.open["s1-r1"].wish
    assert responses.open["s1-r1"].wish.why == "keys", "what was wanted first comes first"


def test_a_request_that_was_on_its_way_is_made_again_and_has_all_its_attempts() -> None:
    responses = Responses()
    responses.wish("goodbye", ASK)
    for now in range(ATTEMPTS - 1):
        responses.next(10.0 * now)
        responses.refused(10.0 * now)
    responses.next(100.0)
    responses.hand_over()
    assert responses.next(100.0) == ASK, "the pause after a refusal was the other session's"
    assert responses.refused(100.0)


def test_a_response_that_spoke_is_not_wanted_again_and_tells_whether_it_broke_off() -> None:
    responses = Responses()
    responses.wish("greeting", SAY)
    responses.next(0.0)
    response = responses.begin("r1", 0.0)
    response.spoke = response.breaks_off = True
    assert responses.hand_over() == (True, False)
    assert not responses.pending
    assert responses.alive("r1", 1.0) is None


def test_an_answer_that_the_model_had_begun_by_itself_is_owed_by_the_next_session() -> None:
    responses = Responses()
    responses.begin("r1", 0.0)
    assert responses.hand_over() == (False, True)
    assert Responses().hand_over() == (False, False)


def test_after_giving_up_the_model_nothing_is_open_wished_or_asked() -> None:
    responses = Responses()
    responses.wish("say", SAY)
    responses.wish("tools", ASK)
    responses.next(0.0)
    responses.begin("r1", 0.0)
    responses.abandon()
    assert not responses.pending
    assert responses.next(99.0) is None


steps = st.lists(
    st.one_of(
        st.tuples(st.just("wish"), st.sampled_from(["greeting", "tools", "say", "prompt", "nudge", "goodbye", "keys"])),
        st.tuples(st.sampled_from(["begin", "delta", "done", "fence"]), st.sampled_from(["", "a", "b"])),
        st.tuples(st.sampled_from(["refuse", "wait"]), st.just("")),
    ),
    max_size=60,
)


@given(steps)
def test_nothing_is_ever_asked_for_while_a_response_is_open_or_on_its_way(script: list[tuple[str, str]]) -> None:
    responses = Responses()
    now, on_its_way = 0.0, False
    for what, name in script:
        match what:
            case "wish":
                responses.wish(name, ASK)  # type: ignore[arg-type]
            case "begin":
                responses.begin(name, now)
                on_its_way = False
            case "delta":
                before = len(responses.open)
                responses.alive(name, now)
                on_its_way = on_its_way and len(responses.open) == before
            case "done":
                responses.done(responses.named(name), now)
            case "fence":
                responses.fence(name)
            case "refuse":
                responses.refused(now)
                on_its_way = False
            case "wait":
                now += 3.0
                on_its_way = on_its_way and not any(i == "" for i, _ in responses.expire(now))
        open_before = bool(responses.open)
        if responses.next(now):
            assert not open_before
            assert not on_its_way
            on_its_way = True
        assert responses.pending == (bool(responses.open) or responses.waiting)
