"""The caller's stream, mended: holes filled within bounds, nothing genuine lost, nothing absurd believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.format import MULAW_8K
from telephony.conversation.intake import (
    DRIFT,
    FILL,
    HELD_BACK,
    JITTER_MS,
    MAX_HOLE_MS,
    RUSH,
    STALL,
    Intake,
    Pace,
    RecentAudio,
    plausible,
)

FRAME_MS = 20
SILENCE = b"\xff"


def frame(number: int) -> bytes:
    """A frame that cannot be mistaken for silence or for its neighbours."""
    return bytes([1 + number % 250]) * 160


def after(number: int, late: float = 0.0) -> float:
    """Seconds: when frame *number* of an undisturbed stream has come in."""
    return (number + 1) * FRAME_MS / 1000 + late


def take(intake: Intake, number: int, late: float = 0.0) -> bytes:
    return intake.frame(frame(number), number * FRAME_MS, after(number, late))


def test_an_even_stream_passes_untouched() -> None:
    intake = Intake(MULAW_8K, 0.0)
    assert b"".join(take(intake, n) for n in range(50)) == b"".join(frame(n) for n in range(50))
    assert intake.passed_ms == 1000


@pytest.mark.parametrize(("lost", "silence_ms"), [(1, 0), (2, 40), (5, 100), (10, 200), (14, 200)])
def test_a_hole_is_filled_up_to_its_bound(lost: int, silence_ms: int) -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    assert take(intake, lost + 1) == SILENCE * (8 * silence_ms) + frame(lost + 1)


def test_nothing_precedes_the_first_frame() -> None:
    intake = Intake(MULAW_8K, 0.0)
    assert take(intake, 12) == frame(12)


def test_a_frame_that_comes_twice_is_heard_once() -> None:
    intake = Intake(MULAW_8K, 0.0)
    heard = [take(intake, n) for n in (0, 1, 1, 0, 2)]
    assert heard == [frame(0), frame(1), b"", b"", frame(2)]
    assert intake.duplicates == 2


def test_a_stream_that_stalls_is_continued_with_silence_that_is_not_filled_in_again() -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    assert intake.stalled(after(0) + STALL - 0.01) == b""
    now, made_up = after(0), b""
    while now < after(0) + 0.79:
        now = intake.deadline()
        made_up += intake.stalled(now)
    assert abs(len(made_up) / 8000 - (now - after(0) - STALL + FILL)) < 1e-6
    heard = take(intake, 45)  # 880 ms were missing, of which half a second and more has been made up
    assert len(heard) - 160 <= 8 * MAX_HOLE_MS
    assert abs(intake.passed_ms - 46 * FRAME_MS) <= STALL * 1000


def test_what_was_made_up_by_the_clock_is_taken_off_the_hole() -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    for _ in range(3):
        intake.stalled(intake.deadline())
    assert len(take(intake, 21, late=0.1)) == 160 + 8 * 100
    assert intake.passed_ms == 22 * FRAME_MS


def test_frames_that_were_only_late_are_all_heard() -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    intake.stalled(after(0) + STALL)
    heard = b"".join(take(intake, n, late=0.5) for n in range(1, 20))
    assert heard == b"".join(frame(n) for n in range(1, 20))


@pytest.mark.parametrize("absurd", [-1, -(10**9), 10**9, 2**63])
def test_an_absurd_timestamp_neither_loses_its_frame_nor_any_after_it(absurd: int) -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    assert intake.frame(frame(1), absurd, after(1)) == frame(1)
    assert [take(intake, n) for n in range(2, 10)] == [frame(n) for n in range(2, 10)]


def test_a_carriers_clock_that_starts_anew_makes_nobody_deaf() -> None:
    intake = Intake(MULAW_8K, 0.0)
    for n in range(200):
        take(intake, n)
    heard = [intake.frame(frame(n), n * FRAME_MS, after(200 + n)) for n in range(200)]
    assert heard == [frame(n) for n in range(200)]


def test_without_timestamps_every_frame_is_heard() -> None:
    intake = Intake(MULAW_8K, 0.0)
    assert [intake.frame(frame(n), None, after(n)) for n in range(9)] == [frame(n) for n in range(9)]


def test_where_the_model_heard_something_is_told_in_our_time() -> None:
    intake = Intake(MULAW_8K, 0.0)
    for n in range(100):
        take(intake, n)
    assert intake.time_of(1500, 2.1) == pytest.approx(1.6)
    assert intake.time_of(None, 2.1) == 2.1
    for nonsense in (-5, 10**9):
        assert intake.time_of(nonsense, 2.1) == 2.1
    intake.restart(b"\xff" * 800)
    assert intake.time_of(0, 2.1) == pytest.approx(2.0)


@given(
    kinds=st.lists(st.sampled_from(["come", "come", "come", "lost", "twice", "stampless", "absurd"]), max_size=120),
    jitter=st.lists(st.floats(0, 0.25), min_size=120, max_size=120),
)
def test_no_genuine_frame_in_order_is_lost_and_silence_stays_within_its_bounds(
    kinds: list[str], jitter: list[float]
) -> None:
    intake = Intake(MULAW_8K, 0.0)
    heard = b""
    genuine: list[int] = []
    now = 0.0
    for number, (kind, late) in enumerate(zip(kinds, jitter, strict=False)):
        now = max(now, after(number, late))
        while intake.deadline() <= now:
            heard += intake.stalled(intake.deadline())
        if kind == "lost":
            continue
        at_ms = {"stampless": None, "absurd": 7 * 10**8}.get(kind, number * FRAME_MS)
        genuine.append(number)
        heard += intake.frame(frame(number), at_ms, now)
        if kind == "twice":
            assert intake.frame(frame(number), at_ms, now) == b""
    assert heard.replace(SILENCE, b"") == b"".join(map(frame, genuine))
    assert intake.passed_ms * 8 == len(heard)
    if set(kinds) <= {"come", "twice", "lost"} and genuine:
        span = (genuine[-1] + 1 - genuine[0]) * FRAME_MS
        lost = span - len(genuine) * FRAME_MS
        silence = heard.count(SILENCE) / 8
        assert silence <= lost + 1000 * (now + FILL), "never more than was lost or than the clock saw missing"


@given(st.lists(st.integers(0, 40), max_size=20))
def test_holes_within_the_bounds_keep_the_timeline_exact(gaps: list[int]) -> None:
    """Each frame stands where its timestamp says, as long as no hole is too small to fill or too large."""
    intake = Intake(MULAW_8K, 0.0)
    heard = take(intake, 0)
    number = 0
    for gap in gaps:
        number += 1 + gap % (MAX_HOLE_MS // FRAME_MS + 1)
        missing = number * FRAME_MS - len(heard) / 8
        heard += take(intake, number)
        if missing < JITTER_MS:
            heard += SILENCE * int(8 * missing)  # a single frame is the network's own jitter and is let go
        assert len(heard) == (number + 1) * 160


def test_only_what_a_clock_can_show_is_plausible() -> None:
    assert plausible(None, 5.0) is None
    assert plausible(0, 0.0) == 0
    assert plausible(4980, 5.0) == 4980
    assert plausible(6001, 5.0) is None
    assert plausible(-1, 5.0) is None
    assert plausible(69_999, 100.0) is None


def test_recent_audio_keeps_the_newest() -> None:
    recent = RecentAudio(MULAW_8K, 0.1)
    for n in range(8):
        recent.keep(frame(n))
    assert recent.seconds == 0.1
    assert recent.last(10) == b"".join(frame(n) for n in range(3, 8))
    assert recent.last(0.04) == frame(6) + frame(7)
    assert recent.last(0.0) == b""


def test_a_frame_longer_than_the_room_for_early_audio_is_not_kept() -> None:
    recent = RecentAudio(MULAW_8K, 0.01)
    recent.keep(frame(0))
    assert recent.last(1) == b""


# -- in hindsight ------------------------------------------------------------------------------------------------------


def stall(intake: Intake, until: float) -> None:
    """Nothing comes until then; silence is made up meanwhile."""
    while intake.deadline() <= until:
        intake.stalled(intake.deadline())


def test_frames_that_come_old_after_a_gap_were_held_up() -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    stall(intake, 4.0)
    intake.frame(frame(1), 20, 4.0)
    (held_up,) = intake.stalls
    assert (held_up.until, round(held_up.since, 1)) == (4.0, 0.1)


def test_a_carrier_that_had_nothing_to_send_held_nothing_up() -> None:
    intake = Intake(MULAW_8K, 0.0)
    take(intake, 0)
    stall(intake, 4.0)
    intake.frame(frame(1), 3980, 4.0)
    stall(intake, 8.0)
    intake.frame(frame(2), None, 8.0)
    assert intake.stalls == [], "the one was new, of the other nobody can tell"


def test_no_more_comes_than_time_passes_but_for_a_little_at_once() -> None:
    pace = Pace(0.0)
    heard = sum(pace.admits(0.02, n / 500) for n in range(5000))  # ten times too fast, for ten seconds
    assert RUSH + 10 - 0.1 <= heard * 0.02 <= RUSH + 10 * DRIFT
    assert pace.refused == 5000 - heard


def test_a_stream_of_an_hour_by_a_fast_clock_loses_nothing() -> None:
    pace = Pace(0.0)
    assert all(pace.admits(1.0, n / 1.001) for n in range(1, 3600))


def test_what_was_held_back_may_come_at_once_and_not_without_end() -> None:
    pace = Pace(0.0)
    assert all(pace.admits(0.2, 600.0) for _ in range(int(HELD_BACK / 0.2)))
    assert not pace.admits(0.2, 600.0)


def test_frames_that_come_twice_take_no_genuine_ones_place() -> None:
    intake = Intake(MULAW_8K, 0.0)
    heard = b""
    for number in range(1000):
        for _ in range(3):
            assert intake.pace.admits(0.02, after(number))
            heard += take(intake, number)
    assert heard == b"".join(frame(n) for n in range(1000))
