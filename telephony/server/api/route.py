"""One route of the API as a value: what is answered follows from it, who may ask, and how it is documented."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from telephony.server.api.keys import Holder
from telephony.settings import Scope

BASE = "/api/v1"
JSON = "application/json"
EVENTS = "text/event-stream"

Handler = Callable[[web.Request, Holder], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """Something that can be asked of the API."""

    method: Literal["GET", "POST"]
    path: str
    """Below `BASE`, with `{names}`."""
    scope: Scope | None
    """What a key must be for. None is any key: only the description of the API itself is for everybody who has one."""
    handler: Handler
    about: str
    """One sentence."""
    answers: Mapping[int, Mapping[str, Any]]
    """By status: content types, and the type of what is in them. Bytes and plain text have None."""
    problems: tuple[int, ...] = ()
    """Statuses of its problems, beside those that every route has."""
    query: type | None = None
    """The parameters, as a struct."""
    body: type | None = None
    """What the body holds, as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that are read, and what they are for; those that must be there end with a star."""

    @property
    def streams(self) -> bool:
        """Whether its answer has no end of its own."""
        return any(EVENTS in content for content in self.answers.values())
