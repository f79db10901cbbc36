"""What a call costs so far."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook import Playbook, settings
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.conversation.meter import Meter
from telephony.settings import Limits, ModelTariff, Tariffs

AUDIO = "output_token_details.audio_tokens"
PRICES = Tariffs(
    currency="EUR",
    carrier_minute=0.6,
    models={
        "*": ModelTariff(minute=6),
        "xai/*": ModelTariff(minute=3, text_item=0.5),
        "xai/grok-fast": ModelTariff(million={AUDIO: 20}),
    },
)


def test_minutes_cost_as_they_pass_at_the_price_of_the_model_that_is_spoken_with() -> None:
    meter = Meter(PRICES, None, 0.0)
    assert meter.cost(60) == pytest.approx(0.6), "the carrier only"
    meter.speaks("xai/grok", 60)
    assert meter.cost(120) == pytest.approx(0.6 + 0.6 + 3)
    meter.speaks("openai/gpt", 120)
    assert meter.cost(180) == pytest.approx(4.2 + 0.6 + 6)


def test_tokens_and_messages_cost_what_their_model_takes_for_them() -> None:
    meter = Meter(PRICES, None, 0.0)
    meter.speaks("xai/grok-fast", 0)
    meter.used({AUDIO: 100_000, "total_tokens": 10**9})
    meter.wrote(3)
    assert meter.cost(0) == pytest.approx(2.0)
    meter.speaks("xai/grok", 0)
    meter.used({AUDIO: 100_000})
    meter.wrote(3)
    assert meter.cost(0) == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("limits", "most"),
    [((1.0, 5.0), 1.0), ((5.0, 1.0), 1.0), ((None, 1.0), 1.0), ((1.0, None), 1.0), ((None, None), None)],
)
def test_of_all_who_had_the_call_the_lowest_limit_holds(limits: tuple[float | None, ...], most: float | None) -> None:
    meter = Meter(PRICES, limits[0], 0.0)
    meter.bound(limits[1])
    assert meter.most == most


def test_what_a_call_has_cost_before_its_caller_was_away_counts() -> None:
    meter = Meter(PRICES, 1.0, 0.0, spent=0.7)
    assert meter.cost(0) == 0.7
    assert meter.deadline() == pytest.approx(30)


@pytest.mark.parametrize("count", [-5, True, "many", None, float("nan")])
def test_usage_that_is_no_count_costs_nothing(count: object) -> None:
    meter = Meter(PRICES, 1.0, 0.0)
    meter.speaks("xai/grok-fast", 0)
    meter.used({AUDIO: count})
    assert meter.cost(0) == 0


def test_without_prices_nothing_costs_anything_and_no_limit_is_reached() -> None:
    meter = Meter(Tariffs(), 0.01, 0.0)
    meter.speaks("xai/grok", 0)
    assert (meter.cost(10**6), meter.reached(10**6), meter.deadline()) == (0, False, None)


@given(st.floats(0.01, 100), st.floats(0, 1000), st.integers(0, 10**6))
def test_the_deadline_is_when_the_limit_is_reached(most: float, connected: float, tokens: int) -> None:
    meter = Meter(PRICES, most, 0.0)
    meter.speaks("openai/gpt", connected)
    meter.used({AUDIO: tokens})
    due = meter.deadline()
    assert due is not None
    assert due >= connected
    assert meter.reached(due + 1e-6)
    assert due == connected or not meter.reached(due - 1e-3) or meter.reached(connected)


def test_a_call_that_costs_too_much_is_ended_with_a_goodbye() -> None:
    prices = Tariffs(currency="EUR", carrier_minute=6)
    book = Playbook(limits=Limits(max_cost=1.0, caller_silence=0), tariffs=prices)
    book.greet()
    book.hear(8.5)
    assert not book.sent(cmd.RequestResponse)
    book.hear(1.5)
    assert len(book.sent(cmd.RequestResponse)) == 1
    book.say("r1", "i1", 500)
    book.hear(1)
    (hung_up,) = book.sent(cmd.HangUp)
    assert hung_up.reason == "maximum cost"
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "limit", "maximum cost")


def test_a_call_that_was_handed_over_keeps_within_the_lower_limit_at_the_prices_of_whoever_speaks() -> None:
    prices = Tariffs(currency="EUR", models={"grok": ModelTariff(minute=6), "gpt": ModelTariff(minute=60)})
    limits = {most: Limits(max_cost=most, max_duration=600 * most, caller_silence=0) for most in (2.0, 3.0)}
    book = Playbook(others="scripted", limits=limits[3.0], tariffs=prices)
    meter, tally = book.call.state.meter, book.call.state.tally
    book.greet()
    book.hear(9)
    before = meter.cost(book.now)
    assert before == pytest.approx(0.1 * book.now, abs=0.1)
    book.feed(ev.HandOverWanted(settings(agent="billing", limits=limits[2.0], tariffs=prices)))
    book.feed(ev.ModelConnected("gpt", 1), ev.SessionReady(PCM16_24K, PCM16_24K, turn_detection=True, session=1))
    book.hear(0.5)
    assert meter.cost(book.now) == pytest.approx(before + 0.5, abs=0.1), "a euro for a second"
    book.hear(1.0)
    assert tally.notes[-1] == "The call reached its limit of 2 EUR."


def test_the_duration_of_a_call_that_was_handed_over_is_told_as_it_was() -> None:
    book = Playbook(others="scripted", limits=Limits(max_duration=30, caller_silence=0, dead_air=100))
    book.greet()
    book.feed(
        ev.HandOverWanted(settings(agent="billing", limits=Limits(max_duration=99, caller_silence=0, dead_air=100)))
    )
    book.connect(1)
    book.hear(32)
    assert "The call reached its limit of 30 s." in book.call.state.tally.notes
