"""Reading what a request brings, and writing what it is answered with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from telephony.server.api.problem import Problem
from telephony.server.api.route import JSON

PATIENCE = 10.0
"""Seconds that a body may take."""
UNKNOWN = "There is no such call."

Mask = Callable[[str], str]
"""Makes JSON that may be shown of any JSON: without secrets."""

T = TypeVar("T")


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The body as a *kind*. Raises `Problem`."""
    if request.content_type != JSON:
        raise Problem(415, "Send application/json.")
    try:
        async with asyncio.timeout(PATIENCE):
            body = await request.read()
    except TimeoutError:
        raise Problem(408, "The body did not come in time.") from None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"The body is no such request: {error}") from None


def read_query(request: web.Request, kind: type[T]) -> T:
    """The parameters as a *kind*. Raises `Problem`."""
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise Problem(400, f"Give {name[:40]!r} once.")
        if not value.isprintable():
            raise Problem(400, f"{name[:40]!r} holds characters that cannot be printed.")
        values[name] = value
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, f"The query is no such request: {error}") from None


class Answers:
    """Writes answers in which no secret stands."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def text(self, value: Any) -> str:
        """*value* as JSON."""
        return self._mask(msgspec.json.encode(value).decode())

    async def plain(self, words: str) -> str:
        """*words* for people; a text is masked as the JSON of it is."""
        return str(msgspec.json.decode(await asyncio.to_thread(self.text, words)))

    async def json(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        """*value* as the body. A long call makes a long text, so that it is written in a thread."""
        body = await asyncio.to_thread(self.text, value)
        return web.Response(text=body, status=status, headers=headers, content_type=JSON)
