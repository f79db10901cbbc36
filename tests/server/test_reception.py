"""Addresses of the front door."""

from __future__ import annotations

import msgspec
import pytest

from front_door import FrontDoor
from telephony.agents.places import Cap
from telephony.server.reception import MEDIA, MOST_RINGING
from telephony.server.webhooks import STATUS


@pytest.mark.parametrize(
    ("public", "media"),
    [
        ("https://voice.example.com", "wss://voice.example.com/twilio/media"),
        ("https://voice.example.com:8443", "wss://voice.example.com:8443/twilio/media"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/twilio/media"),
    ],
)
async def test_the_media_socket_is_where_the_webhooks_are(door: FrontDoor, public: str, media: str) -> None:
    door.reception.public_url = public
    assert door.reception.media_url(MEDIA) == media
    assert door.reception.url(STATUS) == public + STATUS


async def test_a_call_is_carried_as_it_was_expected_and_the_next_one_as_things_are_then(door: FrontDoor) -> None:
    """The session that is opened while the phone rings has been told of the tools of that moment."""
    reception = door.reception
    before = reception.plan_for("frontdesk")
    reception.expect("CA1", "frontdesk")
    after = msgspec.structs.replace(before)
    reception.plan_for = {"frontdesk": after}.__getitem__
    reception.expect("CA1", "frontdesk")
    assert reception.plan("CA1", "frontdesk") is before
    assert reception.plan("CA1", "frontdesk") is after
    assert reception.plan("CA2", "frontdesk") is after


async def test_calls_whose_stream_never_comes_are_forgotten(door: FrontDoor) -> None:
    reception = door.reception
    before = reception.plan_for("frontdesk")
    for number in range(MOST_RINGING + 1):
        reception.expect(f"CA{number}", "frontdesk")
    after = msgspec.structs.replace(before)
    reception.plan_for = {"frontdesk": after}.__getitem__
    assert reception.plan("CA0", "frontdesk") is after
    assert reception.plan(f"CA{MOST_RINGING}", "frontdesk") is before


async def test_whoever_asks_whether_there_is_room_takes_none(door: FrontDoor) -> None:
    reception = door.reception
    reception.caps_for = lambda agent: [Cap("all", "", 1), Cap("worker", "", 1)]
    assert [await reception.full("frontdesk") for _ in range(3)] == [""] * 3
    await reception.sharing.take("CA1", reception.caps("frontdesk", None))
    assert await reception.full("frontdesk") == "1 calls are going on"
    reception.sharing.release("CA1")
    assert await reception.full("frontdesk") == ""
    reception.lagging = lambda: "the machine is late"
    assert await reception.full("frontdesk") == "the machine is late"


async def test_a_worker_without_room_says_nothing_of_the_others(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reception = door.reception
    reception.caps_for = lambda agent: [Cap("worker", "w1", 1)]
    await reception.sharing.take("CA1", reception.caps("frontdesk", None))
    assert await reception.full("frontdesk")
    monkeypatch.setattr(reception.sharing, "name", "w1", raising=False)
    assert await reception.full("frontdesk") == ""
