"""The API by which calls are asked for: who may, and what its answers look like. What they lead to is in
tests/e2e/test_outbound.py."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from apis import Client, key_of, serving
from telephony.bridge.dialler import Bucket, Dialler, Terms
from telephony.carriers.twilio_account import TwilioAccount
from telephony.commands import HttpRequest
from telephony.errors import OutcomeUnknown, StoreError
from telephony.links.http import HttpAnswer
from telephony.server.api.orders import MOST_METADATA, Order, OrdersApi
from telephony.server.api.requests import Answers
from telephony.settings import TwilioSettings
from telephony.store.intents import Intent, IntentState

SID = "CA" + "7" * 32


class Intents:
    """A store of them in memory, which can be out of order."""

    def __init__(self) -> None:
        self.kept: dict[str, Intent] = {}
        self.broken = False

    async def add(self, intent: Intent) -> Intent | None:
        if self.broken:
            raise StoreError("locked")
        return None if self.kept.setdefault(intent.id, intent) is intent else self.kept[intent.id]

    async def get(self, intent_id: str) -> Intent | None:
        return self.kept.get(intent_id)

    async def claimed(self, carrier_call_id: str) -> bool:
        return False

    async def advance(self, intent_id: str, state: IntentState, **found: str) -> Intent | None:
        self.kept[intent_id] = msgspec.structs.replace(self.kept[intent_id], state=state, **found)
        return self.kept[intent_id]

    async def abandoned(self, now: datetime) -> list[Intent]:
        return []


class Api:
    """The API over a socket, with a carrier that takes everything."""

    def __init__(self) -> None:
        self.intents = Intents()
        self.draining = False
        self.lost = False
        self.full = ""
        account = TwilioAccount("https://voice.example.com", TwilioSettings(account_sid="AC" + "1" * 32))
        dialler = Dialler(
            self._perform,
            account,
            self.intents,
            "https://voice.example.com",
            {"desk": Terms(ring=30, time_limit=60)}.get,
            lambda number, now: None,
            Bucket(1000),
        )
        self.routes = OrdersApi(
            dialler, Answers(str), {"desk"}.__contains__, "+15550100", lambda: self.draining, self._room
        ).routes()
        self.client = Client("")

    async def _room(self, agent: str) -> str:
        return self.full

    async def _perform(self, request: HttpRequest) -> HttpAnswer:
        if self.lost:
            raise OutcomeUnknown("no answer")
        return HttpAnswer(201, {"sid": SID, "status": "queued"})

    async def ask(self, method: str = "POST", path: str = "/calls", **options: Any) -> tuple[int, Any, Any]:
        """Status, headers and body."""
        headers = {"Idempotency-Key": "k1", **options.pop("headers", {})}
        if not options and method == "POST":
            options["json"] = {"to": "+1 (555) 010-0177", "agent": "desk"}
        key = key_of("calls:write")
        status, headers, body = await self.client.ask(path, method=method, key=key, headers=headers, **options)
        return status, headers, json.loads(body)


@pytest.fixture
async def api(nothing_left_behind: None) -> AsyncIterator[Api]:
    made = Api()
    async with serving(made.routes) as made.client:
        yield made


async def test_a_call_that_was_placed_has_a_place_of_its_own(api: Api) -> None:
    status, headers, body = await api.ask()
    assert (status, headers["Location"]) == (201, "/api/v1/orders/k1")
    assert (body["id"], body["to"], body["from"], body["agent"]) == ("k1", "+15550100177", "+15550100", "desk")
    assert (body["state"], body["call_id"], body["reason"]) == ("placed", SID, None)
    assert (await api.ask("GET", "/orders/k1"))[2] == body


async def test_one_key_stands_for_one_call_with_its_metadata(api: Api) -> None:
    wanted = {"to": "+15550100177", "agent": "desk", "metadata": {"order": "A-1042"}}
    assert (await api.ask(json=wanted))[2]["metadata"] == {"order": "A-1042"}
    assert (await api.ask(json=wanted))[0] == 201
    assert (await api.ask(json={**wanted, "metadata": {"order": "A-1043"}}))[0] == 409
    assert (await api.ask(json={**wanted, "metadata": {}}))[0] == 409


async def test_what_nobody_knows_yet_is_accepted(api: Api) -> None:
    api.lost = True
    status, _, body = await api.ask()
    assert (status, body["state"], body["call_id"]) == (202, "placing", None)


async def test_a_key_may_be_quoted_as_structured_fields_are(api: Api) -> None:
    await api.ask(headers={"Idempotency-Key": '"k2"'})
    assert list(api.intents.kept) == ["k2"]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"headers": {"Idempotency-Key": "x" * 65}, "json": {}}, 400),
        ({"data": "to=+15550177"}, 415),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": {"to": 15550177, "agent": "desk"}}, 400),
        ({"json": {"to": "+15550177"}}, 400),
        ({"json": {"to": "+15550177", "agent": "desk", "url": "x"}}, 400),
        ({"json": {"to": "0", "agent": "desk"}}, 422),
        ({"json": {"to": "+15550177", "agent": "nobody"}}, 422),
        ({"json": {"to": "+15550177", "agent": "desk", "from": "x"}}, 422),
        ({"json": {"to": "+15550177", "agent": "desk", "metadata": {"order": 1042}}}, 400),
        ({"json": {"to": "+15550177", "agent": "desk", "metadata": {"": "x"}}}, 422),
        ({"json": {"to": "+15550177", "agent": "desk", "metadata": {"x": "y" * MOST_METADATA}}}, 422),
    ],
)
async def test_a_mistake_is_answered_with_a_problem(api: Api, options: dict[str, Any], status: int) -> None:
    answered, headers, body = await api.ask(**options)
    assert (answered, headers["Content-Type"]) == (status, "application/problem+json; charset=utf-8")
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert api.intents.kept == {}


async def test_of_what_nobody_asked_for_nothing_is_known(api: Api) -> None:
    assert (await api.ask("GET", "/orders/k9"))[0] == 404
    assert (await api.ask("GET", "/orders/k%009"))[0] == 404


async def test_a_server_that_is_stopping_or_has_no_database_says_to_come_back(api: Api) -> None:
    api.draining = True
    status, headers, _ = await api.ask()
    assert (status, headers["Retry-After"]) == (503, "5")
    api.draining, api.intents.broken = False, True
    status, headers, body = await api.ask()
    assert (status, headers["Retry-After"]) == (503, "5")
    assert "is placed once" in body["detail"]


async def test_while_nobody_has_room_a_new_call_is_to_come_back_and_one_that_was_placed_is_shown(api: Api) -> None:
    assert (await api.ask())[0] == 201
    api.full = "1 calls are going on"
    assert (await api.ask())[0] == 201
    status, headers, body = await api.ask(headers={"Idempotency-Key": "k2"})
    assert (status, headers["Retry-After"]) == (503, "15")
    assert body["detail"] == "1 calls are going on. Ask again with the same key."
    assert list(api.intents.kept) == ["k1"]


def test_what_is_shown_of_a_call() -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
    intent = Intent("k", "+1", "+2", "desk", "busy", "CA1", "machine", "SIP 486", moment, {"order": "A-1042"})
    assert msgspec.to_builtins(Order.of(intent)) == {
        "id": "k",
        "to": "+1",
        "from": "+2",
        "agent": "desk",
        "state": "busy",
        "call_id": "CA1",
        "answered_by": "machine",
        "reason": "SIP 486",
        "created_at": "2026-11-22T12:00:00Z",
        "metadata": {"order": "A-1042"},
    }
