"""How long what calls leave behind is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from telephony.settings.base import Group


class RetentionSettings(Group):
    """How long what calls leave behind is kept."""

    recordings_days: Annotated[int | None, Field(ge=1)] = None
    """Days after which the recordings of a call, the messages left in it and its cassettes are deleted; unset keeps
    them."""
    records_days: Annotated[int | None, Field(ge=1)] = None
    """Days after which everything of a call is deleted: its record with what was said, its recordings, and whom its
    agent asked to reach; unset keeps it."""
