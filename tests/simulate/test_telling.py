"""Status callbacks: only what was asked for, in order, and as the network will have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from telephony.simulate.live import LiveCall
from telephony.simulate.requests import Courier
from telephony.simulate.route import Route
from telephony.simulate.telling import CallbackFaults, Callbacks, Teller, progress

PUBLIC = "https://voice.example.com"


@pytest.fixture
def live() -> LiveCall:
    return LiveCall("CA" + "1" * 32, "AC" + "1" * 32, "+15550100", "+15550177", 60, "outbound-api")


@pytest.fixture
async def courier(server: Any, live: LiveCall) -> AsyncIterator[Courier]:
    async with aiohttp.ClientSession() as session:
        yield Courier(session, Route(server.url, PUBLIC), live, "12345")


WANTED = Callbacks(f"{PUBLIC}/status", "POST", ("ringing", "completed"))


async def told(server: Any, courier: Courier, callbacks: Callbacks, faults: CallbackFaults | None = None) -> list[str]:
    teller = Teller(courier, callbacks, faults)
    async with asyncio.TaskGroup() as group:
        group.create_task(teller.run(), name="teller")
        for event in ("initiated", "ringing", "completed"):
            teller.tell(event, [("Event", event)])
            await asyncio.sleep(0)
        teller.close()
    return [f"{one['SequenceNumber']} {one['Event']}" for one in server.told("/status")]


async def test_only_what_was_asked_for_is_told(server: Any, courier: Courier) -> None:
    assert await told(server, courier, WANTED) == ["0 ringing", "1 completed"]


async def test_nobody_is_told_without_an_address(server: Any, courier: Courier) -> None:
    assert await told(server, courier, Callbacks(events=("ringing",))) == []


@pytest.mark.parametrize(
    ("faults", "order"),
    [
        (CallbackFaults(twice=True), ["0 ringing", "0 ringing", "1 completed", "1 completed"]),
        (CallbackFaults(backwards=True), ["1 completed", "0 ringing"]),
    ],
)
async def test_a_network_repeats_and_reorders(
    server: Any, courier: Courier, faults: CallbackFaults, order: list[str]
) -> None:
    assert await told(server, courier, WANTED, faults) == order


async def test_callbacks_that_nobody_takes_do_not_pile_up(
    server: Any, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.simulate.telling.MOST_WAITING", 2)
    teller = Teller(courier, WANTED)
    for number in range(5):
        teller.tell("ringing", [("Event", str(number))])
    teller.close()
    await teller.run()
    assert [one["Event"] for one in server.told("/status")] == ["3", "4"]


def test_a_call_in_the_queue_is_initiated_and_one_that_is_over_has_a_duration(live: LiveCall) -> None:
    assert dict(progress(live))["CallStatus"] == "initiated"
    assert "CallDuration" not in dict(progress(live))
    live.finish("busy")
    fields = dict(progress(live, [("SipResponseCode", "486")]))
    assert (fields["CallStatus"], fields["CallDuration"], fields["Duration"]) == ("busy", "0", "0")
    assert (fields["SipResponseCode"], fields["CallbackSource"]) == ("486", "call-progress-events")
