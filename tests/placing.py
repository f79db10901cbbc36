"""A dialler between a simulated Twilio and a real database."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from asked import ACCOUNT, PUBLIC, THEM, TOKEN, US
from telephony.bridge.dialler import Bucket, Dialler, Terms
from telephony.carriers.twilio_account import TwilioAccount
from telephony.links.http import perform
from telephony.settings import TwilioSettings
from telephony.simulate.callee import Callee
from telephony.simulate.rest import TwilioRest
from telephony.store.intents import Intent
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents

CALL = "CA" + "5" * 32


def order(key: str = "order-1", **changes: Any) -> Intent:
    plain = {"to_number": THEM, "from_number": US, "agent": "desk", "created_at": datetime.now(UTC)}
    return Intent(key, **{**plain, **changes})


class Office:
    """A dialler and what is around it."""

    def __init__(
        self,
        rest: TwilioRest,
        intents: SqlIntents,
        session: aiohttp.ClientSession,
        database: Path,
        per_second: float,
        **terms: Any,
    ) -> None:
        self.rest = rest
        self.intents = intents
        self._database = database
        self.refusal: str | None = None
        self.judged: list[str] = []
        settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base=rest.base_url)
        known = {"desk": Terms(**{"ring": 30, "time_limit": 600, **terms})}
        self.dialler = Dialler(
            partial(perform, session),
            TwilioAccount(PUBLIC, settings),
            intents,
            PUBLIC,
            known.get,
            lambda number, now: self.refusal,
            Bucket(per_second),
            self._permit,
        )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """While entered, another connection holds the database's write lock."""
        with contextlib.closing(sqlite3.connect(self._database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    async def _permit(self, order: Intent, now: datetime) -> str | None:
        self.judged.append(order.id)
        return "not listed" if order.to_number == "+15550666" else None

    async def settled(self, key: str = "order-1", state: str = "placed") -> Intent:
        """An intent, once the dialler that runs beside has brought it to a state."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.dialler.run(), name="dialler")
            async with asyncio.timeout(10):
                while True:
                    intent = await self.intents.get(key)
                    if intent is not None and intent.state == state:
                        break
                    await asyncio.sleep(0.01)
            running.cancel()
        return intent

    async def looked(self) -> None:
        """Wait until the dialler that runs beside has asked the carrier which calls there are, and drawn from it what
        follows."""
        async with asyncio.timeout(10):
            while True:
                if "GET" in [method for method, _, _ in self.rest.received]:
                    break
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

    def forms(self) -> list[dict[str, str]]:
        return [form for _, path, form in self.rest.requests if path.endswith("/Calls.json")]


@contextlib.asynccontextmanager
async def office(
    folder: Path, *, per_second: float = 1000, busy: float = 3.0, patience: float = 8.0, **terms: Any
) -> AsyncIterator[Office]:
    database = folder / "calls.db"
    store = SqlStore(f"sqlite:///{database}", busy=busy, patience=patience)
    await store.open()
    try:
        async with TwilioRest(ACCOUNT, TOKEN) as rest, aiohttp.ClientSession() as session:
            rest.callees[THEM] = Callee(does="no answer")
            rest.board.ring = 60.0
            yield Office(rest, SqlIntents(store), session, database, per_second, **terms)
    finally:
        await store.close()


class Breaks:
    """A carrier whose answer to the first request for a call is *error*."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.times = 0

    async def __call__(self, method: str, path: str) -> None:
        if method == "POST":
            self.times += 1
            if self.times == 1:
                raise self.error
