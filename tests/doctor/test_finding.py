"""How looks are taken: at the same time, in a fixed order, each within its bound, and none that fails hides another."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence

import aiohttp
import pytest

from telephony.doctor.finding import Check, Finding, green, reason, take
from telephony.errors import CarrierError

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def saying(name: str, after: asyncio.Event | None = None, then: asyncio.Event | None = None) -> Check:
    async def look() -> Sequence[Finding]:
        if after:
            await after.wait()
        if then:
            then.set()
        return [green(name, "fine")]

    return Check(name, look)


def failing(name: str, error: Exception) -> Check:
    async def look() -> Sequence[Finding]:
        raise error

    return Check(name, look)


async def test_looks_are_taken_at_once_and_told_in_their_order() -> None:
    gate, told = asyncio.Event(), list[Finding]()
    # The first can only end if the second is taken meanwhile.
    found = await take([saying("first", after=gate), saying("second", then=gate)], told.append)
    assert [finding.name for finding in told] == ["first", "second"]
    assert found == told


async def test_a_look_without_end_is_given_up_and_the_others_are_told() -> None:
    async def forever() -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    first, second = await take([Check("slow", forever, 0.01), saying("quick")], lambda finding: None)
    assert (first.name, first.state, first.what) == ("slow", "red", "there was no result within 0.01 s")
    assert second.state == "green"


@pytest.mark.parametrize(
    ("error", "told"),
    [(KeyError("x"), "the look itself failed (KeyError: 'x')"), (CarrierError("it said no"), "it said no")],
)
async def test_a_look_that_fails_is_a_red_line_and_no_more(error: Exception, told: str) -> None:
    first, second = await take([failing("bad", error), saying("good")], lambda finding: None)
    assert (first.state, first.what) == ("red", told)
    assert second.state == "green"


async def test_offline_what_needs_the_network_is_skipped_and_said_so() -> None:
    near, far = saying("near"), Check("far", failing("far", AssertionError()).look, network=True)
    first, second = await take([near, far], lambda finding: None, offline=True)
    assert (first.state, second.state, second.what) == ("green", "skipped", "needs the network")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens there"),
        (socket.gaierror(-2, "Name or service not known"), "the name does not resolve"),
        (aiohttp.ServerDisconnectedError(), "the connection was closed without an answer"),
        (ssl.SSLError(1, "[SSL: BAD] x"), "TLS failed: SSLError"),
        (OSError(113, "No route to host"), "No route to host"),
        (aiohttp.ClientPayloadError(), "ClientPayloadError"),
    ],
)
async def test_why_a_connection_came_to_nothing_is_told_in_words(error: Exception, words: str) -> None:
    assert reason(error) == words
