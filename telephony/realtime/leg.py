"""One of the sessions a call has had, behind its dialect: events are marked with the session they come from.

Ids are a session's own affair, and there are servers that count from 1 in each. So the ids of every session but the
first carry its number as long as they are among us, and lose it on their way back. That also tells whose an id is: a
session is never asked to cut or cancel what another one has said.
"""

from __future__ import annotations

from typing import Any

import msgspec

from telephony.commands import CancelResponse, ForgetItem, ModelCommand, SendToolOutput, Truncate
from telephony.events import (
    ConversationOpened,
    Event,
    HistoryReplayed,
    ModelError,
    ModelLost,
    SessionCreated,
    SessionReady,
)
from telephony.realtime.base import Dialect

_OF_SESSIONS = (SessionCreated, ConversationOpened, HistoryReplayed, SessionReady, ModelError, ModelLost)
"""Events that say which session they are about."""
_IDS = ("response_id", "item_id", "call_id")


class ModelLeg:
    """The codec of session *number* of a call, counted from 0."""

    def __init__(self, number: int, dialect: Dialect) -> None:
        self.number = number
        self.dialect = dialect
        self._prefix = f"s{number}-" if number else ""
        self.encode = self._encode if number else dialect.encode
        """Messages for one command; none if it is about something of another session's."""

    def decode(self, message: str | bytes) -> list[Event]:
        """Events of one message of the session that is spoken to."""
        events = self.dialect.decode(message)
        return [self._marked(event) for event in events] if self.number else events

    def decode_standby(self, message: str | bytes) -> list[Event]:
        """Events of one message of a session that is not, or not yet: what concerns the session itself."""
        return [self._marked(event) for event in self.dialect.decode(message) if isinstance(event, _OF_SESSIONS)]

    def _encode(self, command: ModelCommand) -> list[str]:
        match command:
            case Truncate(item_id=name) | ForgetItem(item_id=name) | CancelResponse(response_id=name):
                field = "response_id" if isinstance(command, CancelResponse) else "item_id"
                if name and not name.startswith(self._prefix):
                    return []
                command = msgspec.structs.replace(command, **{field: name.removeprefix(self._prefix)})
            case SendToolOutput(call_id=name):
                command = msgspec.structs.replace(command, call_id=name.removeprefix(self._prefix))
        return self.dialect.encode(command)

    def _marked(self, event: Event) -> Event:
        changes: dict[str, Any] = {}
        for name in event.__struct_fields__:
            if name in _IDS and (value := getattr(event, name)):
                changes[name] = self._prefix + value
            elif name == "session":
                changes[name] = self.number
        return msgspec.structs.replace(event, **changes) if changes else event
