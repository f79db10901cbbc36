"""What things cost, in a file of somebody's own: prices change, and this program knows none."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from telephony.settings.base import Group

Price = Annotated[float, Field(ge=0)]


class ModelTariff(Group):
    """What one model costs."""

    minute: Price = 0
    """For each minute that a session with it lasts."""
    text_item: Price = 0
    """For each message of text that is written into its conversation."""
    million: dict[str, Price] = {}
    """For a million of what its usage counts, by the name in `telephony calls show`:
    `output_token_details.audio_tokens`."""


class Tariffs(Group):
    """The file that `tariffs` names."""

    currency: Annotated[str, Field(max_length=16)] = ""
    """Of all prices, such as `USD`."""
    carrier_minute: Price = 0
    """For each minute that a call lasts, at the carrier."""
    models: dict[str, ModelTariff] = {}
    """By provider and model, such as `xai/grok-voice-latest`, or a beginning such as `openai/*`; the longest that fits
    is taken."""

    def of(self, model: str) -> ModelTariff:
        """What *model* (`provider/name`) costs; nothing if nobody has said so."""
        fitting = [pattern for pattern in self.models if fnmatchcase(model, pattern)]
        return self.models[max(fitting, key=len)] if fitting else ModelTariff()
