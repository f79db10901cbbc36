"""The outbox keeps every control message, the newest audio, and the order of both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.links.outbox import CONTROL_LIMIT, Outbox


def drained(outbox: Outbox) -> list[str | bytes]:
    messages = []
    while (message := outbox.pop()) is not None:
        messages.append(message)
    return messages


def test_messages_come_out_as_they_went_in() -> None:
    outbox = Outbox(audio_bound_ms=1000)
    outbox.put("a", 20)
    outbox.put("mark")
    outbox.put("b", 20)
    assert (len(outbox), outbox.audio_ms) == (3, 40)
    assert drained(outbox) == ["a", "mark", "b"]
    assert (len(outbox), outbox.audio_ms, outbox.dropped_ms, outbox.pop()) == (0, 0, 0, None)


def test_the_oldest_audio_goes_first_and_control_never() -> None:
    outbox = Outbox(audio_bound_ms=40)
    for n in range(5):
        outbox.put(f"control {n}")
        outbox.put(f"audio {n}", 20)
    assert (outbox.dropped, outbox.dropped_ms, outbox.audio_ms) == (3, 60, 40)
    assert drained(outbox) == ["control 0", "control 1", "control 2", "control 3", "audio 3", "control 4", "audio 4"]


def test_a_message_longer_than_the_bound_is_kept_alone() -> None:
    outbox = Outbox(audio_bound_ms=100)
    outbox.put("short", 20)
    outbox.put("long", 5000)
    assert (outbox.audio_ms, outbox.dropped_ms) == (5000, 20)
    assert drained(outbox) == ["long"]


def test_only_control_messages_make_it_stuck() -> None:
    outbox = Outbox(audio_bound_ms=1e9)
    for n in range(CONTROL_LIMIT):
        outbox.put(f"{n}")
        outbox.put(f"{n}", 0.1)
    assert not outbox.stuck
    outbox.put("one more")
    assert outbox.stuck
    outbox.pop()
    assert not outbox.stuck


OPERATIONS = st.lists(st.one_of(st.none(), st.just(0.0), st.floats(0.125, 500)), max_size=80)
"""None takes a message out; 0 puts a control message in, anything else so many milliseconds of audio."""


@given(OPERATIONS, st.floats(1, 1000))
def test_it_behaves_like_a_plain_list(operations: list[float | None], bound: float) -> None:
    outbox, plain, dropped = Outbox(bound), list[tuple[str, float]](), 0.0
    for number, operation in enumerate(operations):
        if operation is None:
            assert outbox.pop() == (plain.pop(0)[0] if plain else None)
            continue
        outbox.put(f"{number}", operation)
        plain.append((f"{number}", operation))
        while sum(ms for _, ms in plain) > bound + 1e-6 and sum(ms > 0 for _, ms in plain) > 1:
            oldest = next(place for place, (_, ms) in enumerate(plain) if ms > 0)
            dropped += plain.pop(oldest)[1]
        assert len(outbox) == len(plain)
        assert outbox.size == sum(len(message) for message, _ in plain)
        assert abs(outbox.audio_ms - sum(ms for _, ms in plain)) < 1e-6
        assert abs(outbox.dropped_ms - dropped) < 1e-6
    assert drained(outbox) == [message for message, _ in plain]
    assert outbox.audio_ms == 0


def test_whoever_can_wait_is_asked_to_long_before_the_reader_counts_as_stuck():
    outbox = Outbox(1000)
    while not outbox.crowded:
        outbox.put("x")
    assert not outbox.stuck
    assert len(outbox) <= CONTROL_LIMIT * 3 // 4
