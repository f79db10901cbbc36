"""Sums: usage over responses, faults within a time, sentences for the record."""

from __future__ import annotations

from telephony.conversation.tally import FAULT_TIME, FAULTS, MAX_NOTES, Tally


def test_usage_adds_up_and_running_totals_do_not() -> None:
    tally = Tally()
    tally.add({"input_tokens": 10, "details.audio_tokens": 3, "usage.billable_audio_seconds": 5})
    tally.add({"input_tokens": 5, "output_tokens": 1, "usage.billable_audio_seconds": 9})
    assert tally.usage == {
        "input_tokens": 15,
        "details.audio_tokens": 3,
        "output_tokens": 1,
        "usage.billable_audio_seconds": 9,
    }


def test_what_is_no_number_is_left_out() -> None:
    tally = Tally()
    tally.add({"cached": True, "tier": "default", "none": None, "seconds": 1.5})
    assert tally.usage == {"seconds": 1.5}


def test_a_running_total_that_comes_late_does_not_go_back() -> None:
    tally = Tally()
    tally.add({"billable_audio_seconds": 9})
    tally.add({"billable_audio_seconds": 5})
    assert tally.usage == {"billable_audio_seconds": 9}


def test_so_many_faults_are_too_many_only_within_their_time() -> None:
    quick, slow = Tally(), Tally()
    step = FAULT_TIME / (FAULTS - 1)
    assert [quick.fault(n * step) for n in range(FAULTS)] == [False] * (FAULTS - 1) + [True]
    assert not any(slow.fault(n * step * 1.01) for n in range(5 * FAULTS))


def test_a_sentence_is_remembered_once_with_how_often_it_was_true_and_only_so_many_are() -> None:
    tally = Tally()
    for number in range(3 * MAX_NOTES):
        tally.remember(f"Sentence {number}.")
        tally.remember(f"Sentence {number}.")
    tally.remember("Sentence 0.")
    once_more = ["Sentence 0. (3 times)", *(f"Sentence {number}. (2 times)" for number in range(1, MAX_NOTES))]
    assert tally.notes == once_more
