"""How a call to one agent is carried: settled before the first word."""

from __future__ import annotations

import msgspec

from telephony.bridge.bridge import ConnectModel, Tools
from telephony.settings import CallSettings


class Plan(msgspec.Struct):
    """That of one call."""

    settings: CallSettings
    tools: Tools
    connect_model: ConnectModel
    record: bool
    """Whether there is a recording."""
    cassette: float = 0.0
    """Share of the calls that get a cassette, 0 to 1."""
    dialect: str = ""
    """That of the model that is asked first."""
    colleagues: frozenset[str] = frozenset()
    """Names of the agents that this one may hand over to."""
    notes: tuple[str, ...] = ()
    """What else its record shall say."""
    metadata: dict[str, str] = {}
    """What came with the call, for its tools, if it is we who called."""

    can_move: bool = False
    """Whether a call may go on in another process."""
    agreed: bool = True
    """Whether the caller agrees to be recorded."""

    def unrecorded(self) -> Plan:
        """The same for a caller who does not agree to be recorded."""
        note = "The caller did not agree to be recorded: there is neither recording nor cassette"
        return msgspec.structs.replace(self, record=False, cassette=0.0, agreed=False, notes=(*self.notes, note))
