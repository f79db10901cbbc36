"""Virtual time: events in the order of their time, the same in every run."""

from __future__ import annotations

import itertools

import pytest

from telephony.sim.clockwork import Clockwork, Closed, Port, Wire


class Metronome:
    """Says the time every *period* seconds, *count* times, and notes what it hears."""

    def __init__(self, period: float, count: int = 3) -> None:
        self._beats = [period * (number + 1) for number in range(count)]
        self.heard: list[tuple[float, object]] = []

    def deadline(self) -> float | None:
        return self._beats[0] if self._beats else None

    def tick(self, now: float) -> list[str]:
        assert now == self._beats.pop(0)
        return [f"{now:g}"]

    def receive(self, message: object, now: float) -> list[str]:
        self.heard.append((round(now, 6), message))
        return []


class Relay:
    """Passes what comes in on one port out on the other."""

    def deadline(self) -> float | None:
        return None

    def tick(self, now: float) -> list[tuple[str, str]]:
        return []

    def receive(self, port: str, message: object, now: float) -> list[tuple[str, object]]:
        return [("right" if port == "left" else "left", message)]


def test_messages_arrive_after_the_wires_latency_in_the_order_of_time() -> None:
    clock = Clockwork()
    slow, fast = Metronome(1.0), Metronome(0.4)
    clock.wire(clock.add("slow", slow), clock.add("fast", fast), there=Wire(latency=0.5), back=Wire(latency=0.1))
    assert clock.run(until=10) == pytest.approx(3.5)
    assert fast.heard == [(1.5, "1"), (2.5, "2"), (3.5, "3")]
    assert slow.heard == [(0.5, "0.4"), (0.9, "0.8"), (1.3, "1.2")]


def test_a_station_in_the_middle_joins_two_wires() -> None:
    clock = Clockwork()
    one, other = Metronome(1.0, 2), Metronome(9.0, 0)
    left, right = clock.station("relay", Relay(), "left", "right")
    clock.wire(clock.add("one", one), left, latency=0.25)
    clock.wire(right, clock.add("other", other), latency=0.5)
    clock.run(until=10)
    assert other.heard == [(1.75, "1"), (2.75, "2")]


def test_running_stops_at_the_time_asked_for_and_can_go_on() -> None:
    clock = Clockwork()
    one, other = Metronome(1.0), Metronome(1.0, 0)
    clock.wire(clock.add("one", one), clock.add("other", other))
    assert clock.run(until=1.5) == 1.5
    assert len(other.heard) == 1
    assert clock.run(until=9, when=lambda: len(other.heard) == 2) == 2.0
    clock.run(until=9)
    assert len(other.heard) == 3


def test_an_action_at_a_time_can_send_and_closing_reaches_its_own_handler() -> None:
    clock = Clockwork()
    one, other = Metronome(1.0, 0), Metronome(1.0, 0)
    closed: list[float] = []

    def on_close(now: float) -> list[str]:
        closed.append(now)
        return ["bye"]

    sender = clock.add("one", one)
    clock.wire(sender, clock.add("other", other, closed=on_close), latency=0.1)
    clock.at(2.0, lambda now: [Closed(1001, "going away")], sender)
    clock.run(until=5)
    assert closed == [2.1]
    assert one.heard == [(2.2, "bye")]


def test_a_cut_wire_is_silent_until_it_is_mended() -> None:
    clock = Clockwork()
    one, other = Metronome(1.0, 4), Metronome(1.0, 0)
    port = clock.add("one", one)
    clock.wire(port, clock.add("other", other))
    clock.at(1.5, lambda now: clock.cut(port) or [])
    clock.at(3.5, lambda now: clock.mend(port) or [])
    clock.run(until=9)
    assert [message for _, message in other.heard] == ["1", "4"]


def test_an_unreliable_wire_is_unreliable_in_the_same_way_every_time() -> None:
    def run(seed: int) -> list[tuple[float, object]]:
        clock = Clockwork()
        other = Metronome(1.0, 0)
        wire = Wire(latency=0.01, jitter=0.05, loss=0.2, doubled=0.2, seed=seed)
        clock.wire(clock.add("one", Metronome(0.02, 500)), clock.add("other", other), there=wire)
        clock.run(until=60)
        return other.heard

    assert run(1) == run(1) != run(2)
    times = [time for time, _ in run(1)]
    numbers = [float(str(message)) for _, message in run(1)]
    assert times == sorted(times)
    assert numbers == sorted(numbers)
    assert 340 < len(set(numbers)) < 460
    assert len(numbers) > len(set(numbers))


def test_an_unordered_wire_lets_messages_overtake() -> None:
    clock = Clockwork()
    other = Metronome(1.0, 0)
    wire = Wire(jitter=0.05, ordered=False)
    clock.wire(clock.add("one", Metronome(0.02, 100)), clock.add("other", other), there=wire)
    clock.run(until=60)
    numbers = [float(str(message)) for _, message in other.heard]
    assert numbers != sorted(numbers)
    assert len(numbers) == 100


class Echo:
    def deadline(self) -> float | None:
        return None

    def tick(self, now: float) -> list[str]:
        return []

    def receive(self, message: object, now: float) -> list[object]:
        return [message]


class Impatient(Echo):
    def deadline(self) -> float | None:
        return 0.0


@pytest.mark.parametrize(("party", "culprit"), [(Echo, "exchange of messages"), (Impatient, "the timer of 'one'")])
def test_a_world_in_which_time_stands_still_is_an_error_that_names_the_culprit(
    party: type[Echo], culprit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.sim.clockwork.MOST_AT_ONCE", 100)
    clock = Clockwork()
    port = clock.add("one", party())
    clock.wire(port, clock.add("other", Echo()))
    clock.send(port, ["hello"])
    with pytest.raises(RuntimeError, match=culprit):
        clock.run(until=1)


def test_listeners_see_everything_that_arrives() -> None:
    clock = Clockwork()
    seen: list[str] = []
    clock.wire(clock.add("one", Metronome(1.0, 1)), clock.add("other", Metronome(1.0, 0)), latency=0.5)
    clock.listen(lambda now, origin, to, message: seen.append(f"{now:g} {origin}>{to} {message}"))
    clock.run(until=9)
    assert seen == ["1.5 one>other 1"]
    assert clock.delivered == 1


def test_building_it_wrongly_says_what_is_wrong() -> None:
    clock = Clockwork()
    one, other = clock.add("one", Echo()), clock.add("other", Echo())
    with pytest.raises(ValueError, match="already somebody called 'one'"):
        clock.add("one", Echo())
    with pytest.raises(ValueError, match="nobody is not on this clock"):
        clock.wire(one, Port("nobody"))
    clock = Clockwork()
    one, other, third = (clock.add(name, Echo()) for name in ("one", "other", "third"))
    clock.wire(one, other)
    with pytest.raises(ValueError, match="has a wire already"):
        clock.wire(one, third)


def test_parties_at_the_same_moment_act_in_the_order_they_were_added() -> None:
    clock = Clockwork()
    ear = Metronome(1.0, 0)
    both = iter(itertools.count())

    class Two:
        def deadline(self) -> float | None:
            return None

        def tick(self, now: float) -> list[tuple[str, str]]:
            return []

        def receive(self, port: str, message: object, now: float) -> list[tuple[str, object]]:
            return [("ear", f"{next(both)} {port}")]

    b, a, out = clock.station("hub", Two(), "b", "a", "ear")
    clock.wire(clock.add("A", Metronome(1.0, 1)), a)
    clock.wire(clock.add("B", Metronome(1.0, 1)), b)
    clock.wire(out, clock.add("ear", ear))
    clock.run(until=9)
    assert [message for _, message in ear.heard] == ["0 a", "1 b"]
