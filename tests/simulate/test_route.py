"""What is signed and what is dialled."""

from __future__ import annotations

import pytest

from telephony.errors import ConfigurationError
from telephony.simulate.route import Route, loopback, resolve


def test_without_a_public_url_everything_is_what_it_seems() -> None:
    route = Route("http://127.0.0.1:8080/twilio/voice")
    assert route.signed("http://127.0.0.1:8080/x?y=1") == route.dialled("http://127.0.0.1:8080/x?y=1")
    assert route.dialled("ws://127.0.0.1:8080/media") == "ws://127.0.0.1:8080/media"
    assert route.host("http://127.0.0.1:8080/x") == "127.0.0.1:8080"


def test_the_public_address_is_signed_and_the_reachable_one_dialled() -> None:
    route = Route("http://127.0.0.1:8080/twilio/voice", "https://voice.example.com")
    assert route.signed("http://127.0.0.1:8080/twilio/voice") == "https://voice.example.com/twilio/voice"
    assert route.dialled("https://voice.example.com/a?b=c#rt=1") == "http://127.0.0.1:8080/a?b=c"
    assert route.signed("wss://voice.example.com/media") == "wss://voice.example.com/media"
    assert route.dialled("wss://voice.example.com/media") == "ws://127.0.0.1:8080/media"
    assert route.host("wss://voice.example.com/media") == "voice.example.com"


def test_connect_to_stands_where_a_tunnel_would() -> None:
    route = Route("https://voice.example.com/twilio/voice", connect_to="http://[::1]:9000")
    assert route.signed("https://voice.example.com/twilio/voice") == "https://voice.example.com/twilio/voice"
    assert route.dialled("https://voice.example.com/twilio/voice") == "http://[::1]:9000/twilio/voice"
    assert route.dialled("wss://voice.example.com/media") == "ws://[::1]:9000/media"


def test_foreign_addresses_are_left_alone() -> None:
    route = Route("http://127.0.0.1:8080/twilio/voice", "https://voice.example.com")
    assert route.signed("https://other.example.org/x") == "https://other.example.org/x"
    assert route.dialled("https://other.example.org/x#frag") == "https://other.example.org/x"


def test_addresses_in_a_document_are_relative_to_it() -> None:
    assert resolve("https://h.example/twilio/voice", "/twilio/ended") == "https://h.example/twilio/ended"
    assert resolve("https://h.example/twilio/voice", "wss://x.example/m") == "wss://x.example/m"


def test_loopback_is_this_machine() -> None:
    assert loopback("ws://127.0.0.1:1/x")
    assert loopback("ws://localhost/x")
    assert not loopback("wss://example.com/x")


@pytest.mark.parametrize("bad", ["voice.example.com", "ftp://x", "https://"])
def test_what_is_no_address_is_a_configuration_error(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="is no http"):
        Route("http://127.0.0.1/", bad)
