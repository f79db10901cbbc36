"""Functions that every agent can have without writing them: `builtin:<name>` in its list of tools.

They act on the call itself. Hanging up is so common that the conversation enacts it and a toolbox only offers it; the
others are in `telephone`.
"""

from __future__ import annotations

import difflib
from typing import Any

import msgspec

from telephony.errors import ConfigurationError
from telephony.settings import ToolSpec
from telephony.tools.telephone import (
    collect_digits,
    collect_secret_digits,
    hand_over,
    send_digits,
    send_sms,
    transfer,
    voicemail,
)
from telephony.tools.tool import Tool

PREFIX = "builtin:"


class Builtin(msgspec.Struct, frozen=True):
    """A tool without a function of its own."""

    spec: ToolSpec

    @property
    def reference(self) -> str:
        """How configuration names it."""
        return f"{PREFIX}{self.spec.name}"


HANG_UP = Builtin(
    ToolSpec(
        name="hang_up",
        # Models call first and talk later unless told otherwise, and a goodbye after the call is a goodbye unheard.
        description=(
            "End the phone call. First say goodbye to the caller, aloud and in the same turn, then call this. "
            "Call it when the caller has said goodbye or wants nothing more; if in doubt, ask whether there is "
            "anything else instead. The line is released once the caller has heard your last words. "
            "Say nothing after calling it."
        ),
        parameters={"type": "object", "properties": {}, "additionalProperties": False},
    )
)

BUILTINS: dict[str, Builtin | Tool[..., Any]] = {
    f"{PREFIX}{each.spec.name}": each
    for each in (HANG_UP, transfer, hand_over, send_sms, send_digits, collect_digits, collect_secret_digits, voicemail)
}  # fmt: skip
"""By reference."""


def builtin(reference: str, place: str = "") -> Builtin | Tool[..., Any]:
    """The built-in tool that *reference* (`builtin:hang_up`) names; raise `ConfigurationError` if there is none."""
    found = BUILTINS.get(reference)
    if found is None:
        names = [each.spec.name for each in BUILTINS.values()]
        near = difflib.get_close_matches(reference.removeprefix(PREFIX), names, n=1)
        remedy = f"Did you mean {PREFIX}{near[0]}?" if near else f"There is {', '.join(BUILTINS)}."
        raise ConfigurationError(reference, "there is no such built-in tool", remedy, place)
    return found
