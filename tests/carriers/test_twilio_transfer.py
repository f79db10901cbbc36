"""How callers are sent on, in TwiML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from telephony.carriers.base import Announcement, ColleagueCall
from telephony.carriers.twilio_transfer import briefing, sending_on
from telephony.commands import Sending
from telephony.errors import ConfigurationError
from telephony.simulate.twiml import parse

ENDED = "https://voice.example.com/twilio/dial-ended"
DESK = "sip:desk@pbx.example.com"
COLLEAGUE = ColleagueCall(
    "+14155552671",
    "+15550100",
    "room-1",
    Announcement("Ann & Bob <wait>.", "en-GB"),
    "https://a/s",
    "https://a/r",
    20,
    60,
)


@pytest.mark.parametrize(
    ("to", "sending", "expected"),
    [
        (
            "+14155552671",
            Sending(),
            f'<Dial action="{ENDED}" answerOnBridge="true" method="POST" timeout="20"><Number>',
        ),
        (DESK, Sending(), f"<Sip>{DESK}</Sip></Dial>"),
        (DESK, Sending(refer=True), f'<Refer action="{ENDED}" method="POST"><Sip>{DESK}</Sip></Refer>'),
        ("+14155552671", Sending(refer=True), "<Number>+14155552671</Number>"),
        ("+14155552671", Sending(time_limit=60), 'timeLimit="60"'),
        ("+14155552671", Sending(caller_id="+15550100"), 'callerId="+15550100"'),
        ("+14155552671", Sending(room="room-1"), f'<Dial action="{ENDED}" method="POST"><Conference beep="false"'),
    ],
    ids=["number", "sip", "refer", "no sip to refer to", "time limit", "caller id", "room"],
)
def test_a_caller_is_sent_on_in_words_that_twilio_knows(to: str, sending: Sending, expected: str) -> None:
    document = sending_on(to, sending, ENDED)
    assert expected in document
    assert parse(document, "https://voice.example.com/").problems == ()


@pytest.mark.parametrize("to", ["911", "sip:desk@pbx;transport=udp", "", "sip:a b@c"])
def test_what_is_neither_number_nor_address_is_dialled_by_nobody(to: str) -> None:
    with pytest.raises(ConfigurationError):
        sending_on(to, Sending(), ENDED)


def test_a_colleague_hears_the_briefing_and_waits_where_it_is_told() -> None:
    document = briefing(COLLEAGUE)
    assert parse(document, "https://voice.example.com/").problems == ()
    say, dial = ET.fromstring(document)  # noqa: S314  our own words
    assert (say.text, say.get("language")) == ("Ann & Bob <wait>.", "en-GB")
    (room,) = dial
    assert room.text == "room-1"
    assert room.attrib == {
        "beep": "false",
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
        "statusCallback": "https://a/r",
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": "join",
    }
