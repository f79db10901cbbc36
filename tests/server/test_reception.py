"""Addresses of the front door."""

from __future__ import annotations

import pytest

from front_door import FrontDoor
from telephony.server.webhooks import MEDIA, STATUS


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
