"""The API over a socket in a test: real store, real switchboard, keys for every scope."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, get_args

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from telephony.server.api.keys import ApiKeys
from telephony.server.api.requests import Answers, Mask
from telephony.server.api.route import BASE, Route
from telephony.server.api.service import Api
from telephony.settings import ApiKey, Scope

SCOPES: tuple[Scope, ...] = get_args(Scope)
EVERYTHING = "a-key-for-everything"


def key_of(*scopes: Scope) -> str:
    """The key that is for these and no others."""
    return f"a-key-for-{'-'.join(scopes) or 'nothing'}"


def keys_of(*more: tuple[Scope, ...]) -> dict[str, ApiKey]:
    """As they stand in a configuration: one for each scope, one for each of *more*, and one for everything."""
    sets: list[tuple[Scope, ...]] = [(scope,) for scope in SCOPES]
    sets += [tuple(other for other in SCOPES if other != scope) for scope in SCOPES]
    named = {key_of(*scopes): scopes for scopes in (*sets, *more)} | {EVERYTHING: SCOPES}
    return {
        name: ApiKey(sha256=hashlib.sha256(name.encode()).hexdigest(), scopes=list(scopes))
        for name, scopes in named.items()
    }


class Client:
    """Whoever asks the API at an address."""

    def __init__(self, url: str) -> None:
        self.url = url + BASE

    async def ask(
        self, path: str, *, method: str = "GET", key: str = EVERYTHING, **options: Any
    ) -> tuple[int, Any, bytes]:
        """Status, headers and body; without *key* none is shown."""
        shown = {"Authorization": f"Bearer {key}"} if key else {}
        headers = shown | options.pop("headers", {})
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, **options) as answer,
        ):
            return answer.status, answer.headers, await answer.read()


@contextlib.asynccontextmanager
async def serving(
    routes: Iterable[Route], mask: Mask = str, on_stop: Callable[[], None] = lambda: None
) -> AsyncIterator[Client]:
    """Serve these *routes*."""
    app = web.Application(client_max_size=4096)
    Api(routes, ApiKeys(keys_of()), Answers(mask), on_stop).mount(app)
    server = TestServer(app)
    await server.start_server()
    try:
        yield Client(f"http://127.0.0.1:{server.port}")
    finally:
        await server.close()
