"""Twilio's signatures: the documented examples, and agreement with Twilio's own library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from telephony.simulate.signature import sign_upgrade, sign_webhook

FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675310"),
    ("Digits", "1234"),
    ("From", "+14158675310"),
    ("To", "+18005551212"),
]


def test_the_documented_webhook() -> None:
    assert sign_webhook("12345", "https://example.com/myapp.php?foo=1&bar=2", FORM) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        ("wss://example.com/media", "7PR3qMkpDyEJtMrVOY/LDyNq8J8="),
        ("wss://example.com/media/", "T+WBXwUXC0/CyoZ1DA+p9ilZORs="),
        ("wss://example.com:443/media", "zyyJQiPZXIGCLy3HYdHEfry0yDg="),
    ],
)
def test_upgrades(url: str, signature: str) -> None:
    assert sign_upgrade("12345", url) == signature


def test_user_fragment_and_the_port_of_https_are_not_signed() -> None:
    plain = sign_webhook("12345", "https://example.com/voice", FORM)
    assert sign_webhook("12345", "https://user:word@example.com:8443/voice#ct=2000", FORM) == plain
    assert sign_webhook("12345", "http://example.com:8080/voice") != sign_webhook("12345", "http://example.com/voice")


Field = st.tuples(st.sampled_from(["A", "B", "a", "Digits"]), st.text(max_size=8))


@settings(max_examples=50)
@given(st.lists(Field, max_size=6))
def test_twilios_library_accepts_every_form(form: list[tuple[str, str]]) -> None:
    url = "https://voice.example.com/twilio/voice"
    signature = sign_webhook("secret", url, form)
    assert RequestValidator("secret").compute_signature(url, MultiDict(form)) == signature
