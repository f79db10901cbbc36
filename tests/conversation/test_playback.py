"""The heard ledger against a carrier that really plays: marks lost, late, repeated, and barge-in at any moment."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.audio.format import PCM16_24K
from telephony.commands import Play, SendMark
from telephony.conversation.playback import CHUNK, FRAME, LEAD, LOCAL, MAX_QUEUED, Playback

RATE = 24000


def audio(milliseconds: float) -> bytes:
    return b"\x01\x00" * int(milliseconds * RATE / 1000)


class Ear:
    """A carrier's playout buffer and a clock: plays in real time, returns marks by a given rule."""

    def __init__(self) -> None:
        self.ledger = Playback(PCM16_24K)
        self.now = 0.0
        self.tail = 0.0
        self.lead = 0.0
        self.messages: list[Play | SendMark] = []
        self.due: list[tuple[float, str]] = []

    def flush(self, delay: float = 0.0) -> None:
        for message in self.ledger.release(self.now):
            self.messages.append(message)
            if isinstance(message, Play):
                assert message.at == max(self.now, self.tail)
                self.tail = message.at + len(message.payload) / 2 / RATE
                self.lead = max(self.lead, self.tail - self.now)
            else:
                self.due.append((max(self.tail, self.now) + delay, message.name))

    def run(self, until: float, *, delay: float = 0.0, lost: bool = False) -> None:
        """Time passes; marks come back *delay* late, or not at all."""
        while True:
            times = [at for at in (self.ledger.deadline(),) if at is not None and at > self.now]
            times += [at for at, _ in self.due]
            at = min(times, default=until)
            if at > until:
                break
            self.now = max(self.now, at)
            for due, name in [entry for entry in self.due if entry[0] <= self.now]:
                self.due.remove((due, name))
                if not lost:
                    self.ledger.reached(name, self.now)
            self.flush(delay)
            if at == until:
                break
        self.now = until

    @property
    def sent(self) -> bytes:
        return b"".join(m.payload for m in self.messages if isinstance(m, Play))


@given(
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=12),
    barge_in=st.floats(0, 6),
    delay=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    lost=st.booleans(),
)
@settings(max_examples=200)
def test_what_was_heard_is_what_the_buffer_played(sizes: list[int], barge_in: float, delay: float, lost: bool) -> None:
    ear = Ear()
    for size in sizes:
        ear.ledger.enqueue("r", "i", 0, audio(size), ear.now)
    ear.ledger.complete("i")
    ear.flush(delay)
    ear.run(barge_in, delay=delay, lost=lost)
    total = sum(sizes)
    truth = min(barge_in * 1000, total)
    (item,) = ear.ledger.items.values()
    lag = ear.ledger._lag * 1000  # a delay that every mark shows is believed to be the playout's own
    assert truth - lag - 1 <= ear.ledger.heard_ms(item, ear.now) <= truth + 1
    cuts = ear.ledger.clear(ear.now)
    if truth < total - 1:
        assert [cut.heard_ms for cut in cuts] == [item.heard * 1000 // RATE]
    assert not ear.ledger.audible(ear.now)


@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=20), pauses=st.lists(st.floats(0, 1), min_size=20))
@settings(max_examples=100)
def test_every_sample_is_sent_once_in_order_and_never_too_far_ahead(sizes: list[int], pauses: list[float]) -> None:
    ear = Ear()
    expected = b""
    for number, (size, pause) in enumerate(zip(sizes, pauses, strict=False)):
        payload = (number.to_bytes(2, "little") * int(size * RATE / 1000))[: size * 48 - size % 2]
        expected += payload
        ear.ledger.enqueue("r", f"i{number // 3}", 0, payload, ear.now)
        ear.flush()
        ear.run(ear.now + pause)
    for item in list(ear.ledger.items):
        ear.ledger.complete(item)
    ear.flush()
    ear.run(ear.now + 30)
    whole = len(ear.sent)
    assert abs(len(expected) - whole) <= len(ear.ledger.items), "a torn sample at the end of an item is no sound"
    assert ear.lead <= LEAD + FRAME
    assert ear.ledger.settled(ear.now)


def test_messages_are_whole_frames_unless_the_caller_would_wait_and_at_the_end_of_an_item() -> None:
    ear = Ear()
    for _ in range(20):
        ear.ledger.enqueue("r", "i", 0, audio(31), ear.now)
        ear.flush()
        ear.run(ear.now + 0.02)
    ear.ledger.complete("i")
    ear.run(ear.now + 1)
    sizes = [len(m.payload) for m in ear.messages if isinstance(m, Play)]
    assert sum(sizes) == len(audio(31)) * 20
    assert all(size % len(audio(20)) == 0 for size in sizes[10:-1]), "once 40 ms ahead"


def test_a_mark_follows_every_tenth_of_a_second_and_the_end() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(250), 0.0)
    ear.ledger.complete("i")
    ear.run(1.0)
    kinds = [type(m).__name__ for m in ear.messages]
    assert kinds == ["Play", "SendMark", "Play", "SendMark", "Play", "SendMark"]


def test_speech_that_trickles_in_real_time_is_marked_though_its_end_is_never_announced() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(60), 0.0)
    ear.flush()
    ear.run(1.0)
    assert isinstance(ear.messages[-1], SendMark)


def test_marks_echoed_after_clear_are_not_heard() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(1000), 0.0)
    ear.flush()
    names = [m.name for m in ear.messages if isinstance(m, SendMark)]
    ear.now = 0.15
    (cut,) = ear.ledger.clear(ear.now)
    assert cut.heard_ms == 150
    assert not any(ear.ledger.reached(name, ear.now) for name in names)
    assert ear.ledger.items["i"].heard == 0.15 * RATE


def test_what_was_heard_is_known_to_the_sample() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(1000), 0.0)
    ear.flush()
    item, heard = ear.ledger.items["i"], RATE // 10 + RATE // 2000  # 100.5 ms
    assert ear.ledger.heard_samples(item, heard / RATE) == heard
    assert ear.ledger.heard_ms(item, heard / RATE) == 100


def test_unknown_and_repeated_marks_say_nothing() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(200), 0.0)
    ear.flush()
    assert ear.ledger.reached("m1", 0.1)
    assert not ear.ledger.reached("m1", 0.1)
    assert not ear.ledger.reached("nonsense", 0.1)


def test_a_later_mark_settles_what_lost_ones_did_not() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(300), 0.0)
    ear.ledger.complete("i")
    ear.flush()
    ear.ledger.reached("m3", 0.3)
    assert ear.ledger.settled(0.3)
    assert ear.ledger.items["i"].heard == 0.3 * RATE


def test_a_delay_that_all_marks_show_and_no_round_trip_explains_is_taken_off_the_estimate() -> None:
    for delay, heard in ((0.15, 2500), (0.5, 2500), (1.0, 2100)):
        ear = Ear()
        ear.ledger.enqueue("r", "i", 0, audio(3000), 0.0)
        ear.ledger.complete("i")
        ear.flush(delay)
        ear.run(2.5, delay=delay)
        assert abs(ear.ledger.heard_ms(ear.ledger.items["i"], 2.5) - heard) <= 30


def test_a_few_late_marks_prove_no_lag() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(1500), 0.0)
    ear.ledger.complete("i")
    ear.flush(1.0)
    ear.run(1.45, delay=1.0)
    assert ear.ledger.heard_ms(ear.ledger.items["i"], 1.45) == 1450


def test_one_prompt_mark_outweighs_many_late_ones() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(3000), 0.0)
    for late in (0.3, 0.3, 0.3, 0.3, 0.0, 0.3, 0.3, 0.3, 0.3, 0.3):
        ear.run(ear.now)
        ear.flush()
        name = next(n for _, n in ear.due)
        at = ear.due.pop(0)[0]
        ear.now = max(ear.now, at)
        ear.ledger.reached(name, at + late)
    assert ear.ledger._lag == 0.0


def test_odd_bytes_are_joined_not_heard_as_noise() -> None:
    ledger = Playback(PCM16_24K)
    whole = bytes(range(256)) * 15
    ledger.enqueue("r", "i", 0, whole[:1921], 0.0)
    first = ledger.release(0.0)
    ledger.enqueue("r", "i", 0, whole[1921:], 0.01)
    ledger.complete("i")
    rest = ledger.release(0.01)
    assert b"".join(m.payload for m in [*first, *rest] if isinstance(m, Play)) == whole


def test_minutes_in_one_burst_are_bounded_and_counted() -> None:
    ledger = Playback(PCM16_24K)
    for _ in range(int(MAX_QUEUED) + 20):
        ledger.enqueue("r", "i", 0, audio(1000), 0.0)
    assert ledger.queued <= MAX_QUEUED
    assert ledger.dropped >= 20


def test_the_carrier_is_kept_supplied_with_a_chunk_at_a_time() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(2000), 0.0)
    ear.flush()
    due = ear.ledger.deadline()
    assert due is not None
    assert abs(due - CHUNK) < 1e-9


def test_it_is_the_model_who_answers_and_not_a_recorded_sentence() -> None:
    ear = Ear()
    assert not ear.ledger.answering(0.0)
    ear.ledger.enqueue(LOCAL, f"{LOCAL}filler-1", 0, audio(500), 0.0)
    ear.flush()
    assert ear.ledger.audible(0.1)
    assert not ear.ledger.answering(0.1)
    ear.ledger.enqueue("r1", "i1", 0, audio(500), 0.2)
    assert ear.ledger.answering(0.2), "it is about to be heard"
    ear.run(2.0)
    assert not ear.ledger.answering(2.0)


# -- in hindsight ------------------------------------------------------------------------------------------------------


def audible(ear: Ear, now: float) -> list[tuple[float, float]]:
    return [(round(stretch.since, 3), round(stretch.until, 3)) for stretch in ear.ledger.audible_stretches(now)]


def test_when_the_agent_was_audible_is_known_item_by_item_and_cut_where_it_was_cut() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(1000), 0.0)
    ear.ledger.complete("i")
    ear.flush()
    ear.run(3.0)
    ear.ledger.enqueue("r", "j", 0, audio(2000), 3.0)
    ear.flush()
    ear.run(3.5)
    assert audible(ear, 3.5) == [(0.0, 1.0), (3.0, 3.5)], "until now"
    ear.ledger.clear(3.6)
    assert audible(ear, 9.0) == [(0.0, 1.0), (3.0, 3.6)]


def test_a_carrier_that_ran_dry_leaves_a_gap() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(500), 0.0)
    ear.flush()
    ear.run(2.0)
    ear.ledger.enqueue("r", "i", 0, audio(500), 2.0)
    ear.flush()
    ear.run(4.0)
    assert audible(ear, 9.0) == [(0.0, 0.5), (2.0, 2.5)]


def test_an_item_whose_marks_all_came_late_was_played_late_and_one_prompt_mark_disproves_it() -> None:
    for delay, late in ((2.0, 1.4), (0.5, 0.0)):
        ear = Ear()
        ear.ledger.enqueue("r", "i", 0, audio(1000), 0.0)
        ear.ledger.complete("i")
        ear.flush(delay)
        ear.run(9.0, delay=delay)
        (stretch,) = ear.ledger.audible_stretches(9.0)
        assert [round(value, 3) for value in (stretch.since, stretch.until, stretch.late)] == [late, 1.0 + late, late]
        assert round(ear.ledger.items["i"].confirmed_at or 0.0, 3) == round(CHUNK + delay, 3)


def test_two_late_marks_are_no_proof() -> None:
    ear = Ear()
    ear.ledger.enqueue("r", "i", 0, audio(200), 0.0)
    ear.ledger.complete("i")
    ear.flush(3.0)
    ear.run(9.0, delay=3.0)
    assert audible(ear, 9.0) == [(0.0, 0.2)]
