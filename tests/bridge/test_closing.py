"""The code with which a carrier's socket is closed says whose doing the end was."""

from __future__ import annotations

import pytest

from front_door import media, start
from telephony.bridge.closing import close_code
from telephony.carriers.twilio import TwilioStream
from telephony.commands import EndCall

AGENT = EndCall("completed", "agent", "agent hung up")


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (AGENT, 1000),
        (EndCall("completed", "caller", "caller hung up"), 1000),
        (EndCall("completed", "server", "server stopping"), 1001),
        (EndCall("failed", "server", "the call was cancelled"), 1001),
        (EndCall("failed", "server", "internal error"), 1011),
    ],
)
def test_an_orderly_peer_is_told_whether_it_was_the_server_who_went(ending: EndCall, code: int) -> None:
    assert close_code(TwilioStream(), ending) == code


@pytest.mark.parametrize(("message", "code"), [(b"{}", 1003), (start("x"), 1008), (media("MZ0"), 1008)])
def test_a_peer_that_broke_the_protocol_is_told_so(message: str | bytes, code: int) -> None:
    stream = TwilioStream()
    stream.decode(start("x"))
    stream.decode(message)
    assert close_code(stream, AGENT) == code
