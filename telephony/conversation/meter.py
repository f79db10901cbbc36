"""What a call costs so far, by the prices that somebody wrote down. Times are seconds on the call's clock.

Minutes are counted as they pass, at the price of the model that is spoken with; tokens and messages when they are told
of. A session that was opened and never spoken with is not counted, nor is what the provider adds to its own bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telephony.settings import ModelTariff, Tariffs

MILLION = 1_000_000


class Meter:
    """One call's. *most*: what it may cost; None is no limit. *spent*: what it has cost before *now*."""

    def __init__(self, tariffs: Tariffs, most: float | None, now: float, spent: float = 0.0) -> None:
        self.most = most
        self._tariffs = tariffs
        self._model = ModelTariff()
        self._spent = spent
        """Until `_at`."""
        self._at = now

    @property
    def currency(self) -> str:
        return self._tariffs.currency

    def bound(self, most: float | None) -> None:
        """Another agent has the call, who may cost *most*: of all their limits the lowest holds."""
        if most is not None:
            self.most = most if self.most is None else min(self.most, most)

    def speaks(self, model: str, now: float) -> None:
        """From now on the call is with *model*."""
        self._spent, self._at = self.cost(now), now
        self._model = self._tariffs.of(model)

    def used(self, usage: Mapping[str, Any]) -> None:
        """One response's usage, as `Tally` counts it."""
        for name, price in self._model.million.items():
            count = usage.get(name, 0)
            if isinstance(count, int | float) and not isinstance(count, bool):
                self._spent += max(0, count) * price / MILLION

    def wrote(self, items: int) -> None:
        """So many messages of text went to the model."""
        self._spent += items * self._model.text_item

    def cost(self, now: float) -> float:
        """Of the call until *now*, in `currency`."""
        return self._spent + self._rate * max(0.0, now - self._at)

    def reached(self, now: float) -> bool:
        """Whether the call has cost what it may."""
        return self.most is not None and self.cost(now) >= self.most

    def deadline(self) -> float | None:
        """Seconds: when it will have, if nothing but time passes."""
        if self.most is None or not self._rate:
            return None
        return self._at + max(0.0, self.most - self._spent) / self._rate

    @property
    def _rate(self) -> float:
        """For each second."""
        return (self._model.minute + self._tariffs.carrier_minute) / 60
