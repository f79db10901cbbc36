"""Media tokens: ours, in time, for this call, once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telephony.errors import ForgedRequest
from telephony.server.tokens import LIFETIME, Tokens

CALL = "CA" + "2" * 32
PARAMETER_LIMIT = 500
"""Twilio: name and value of a `<Parameter>` together stay below this many characters."""


def issue(tokens: Tokens, *, call: str = CALL, now: float = 100.0) -> str:
    return tokens.issue(call, "frontdesk", "+15550142", "+15550100", now)


def test_a_token_says_what_the_webhook_knew() -> None:
    tokens = Tokens()
    ticket = tokens.redeem(issue(tokens), CALL, 101.0)
    assert (ticket.call_id, ticket.agent) == (CALL, "frontdesk")
    assert (ticket.from_number, ticket.to_number) == ("+15550142", "+15550100")


def test_a_token_says_who_called_whom() -> None:
    tokens = Tokens()
    assert tokens.redeem(issue(tokens), CALL, 101.0).direction == "inbound"
    outbound = tokens.issue(CALL, "frontdesk", "+15550100", "+15550142", 100.0, "outbound")
    assert tokens.redeem(outbound, CALL, 101.0).direction == "outbound"


def test_a_token_is_taken_once() -> None:
    tokens = Tokens()
    token = issue(tokens)
    tokens.redeem(token, CALL, 101.0)
    with pytest.raises(ForgedRequest, match="used before"):
        tokens.redeem(token, CALL, 102.0)


def test_a_webhook_that_is_posted_twice_gets_two_tokens_and_both_are_good() -> None:
    tokens = Tokens()
    first, second = issue(tokens), issue(tokens)
    assert first != second
    tokens.redeem(second, CALL, 101.0)
    tokens.redeem(first, CALL, 101.0)


def test_a_token_lives_a_minute_to_the_second() -> None:
    tokens = Tokens()
    tokens.redeem(issue(tokens), CALL, 100.0 + LIFETIME)
    with pytest.raises(ForgedRequest, match="expired"):
        tokens.redeem(issue(tokens), CALL, 100.1 + LIFETIME)


def test_a_token_is_for_one_call_only() -> None:
    tokens = Tokens()
    token = issue(tokens)
    with pytest.raises(ForgedRequest, match="another call"):
        tokens.redeem(token, "CA" + "4" * 32, 101.0)
    tokens.redeem(token, CALL, 101.0)  # whoever it is for has lost nothing


def test_a_token_of_another_process_is_good_only_with_its_secret() -> None:
    token = issue(Tokens(b"shared"))
    assert Tokens(b"shared").redeem(token, CALL, 101.0).agent == "frontdesk"
    with pytest.raises(ForgedRequest, match="not ours"):
        Tokens(b"other").redeem(token, CALL, 101.0)


def test_what_was_redeemed_is_forgotten_once_it_has_expired_anyway() -> None:
    tokens = Tokens()
    for second in range(300):
        tokens.redeem(issue(tokens, now=float(second)), CALL, float(second))
    assert len(tokens._redeemed) <= LIFETIME + 2


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", "é.é", "a" * 5000, "\ud800.\ud800"])
def test_nonsense_is_refused_and_nothing_worse(token: str) -> None:
    with pytest.raises(ForgedRequest):
        Tokens().redeem(token, CALL, 0.0)


@given(st.data())
def test_no_character_of_a_token_can_be_changed(data: st.DataObject) -> None:
    tokens = Tokens(b"secret")
    token = issue(tokens)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[at]))
    with pytest.raises(ForgedRequest):
        tokens.redeem(token[:at] + other + token[at + 1 :], CALL, 101.0)


@given(st.text(max_size=200), st.text(max_size=200))
@example("ü" * 64, "ü" * 64)
@example("\U0001f4de" * 64, '"' * 64)
@example("\0" * 200, "\ud800" * 200)
def test_a_token_fits_into_a_parameter_whatever_a_caller_is_called(caller: str, called: str) -> None:
    """A SIP caller chooses its own name, in any script and of any length."""
    tokens = Tokens(b"secret")
    name = "an-agent-with-a-rather-long-name-of-its-own"
    token = tokens.issue(CALL, name, caller, called, 123_456_789.123456, "outbound")
    assert len("token") + len(token) < PARAMETER_LIMIT
    ticket = tokens.redeem(token, CALL, 123_456_789.5)
    assert caller.encode(errors="replace").decode().startswith(ticket.from_number)
    assert called.encode(errors="replace").decode().startswith(ticket.to_number)


def test_an_ordinary_number_is_kept_whole() -> None:
    tokens = Tokens()
    caller = "sip:+15550142@pstn.example.com;transport=tls"
    assert tokens.redeem(tokens.issue(CALL, "a", caller, "", 0.0), CALL, 0.0).from_number == caller
