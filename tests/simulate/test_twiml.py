"""TwiML as it is read, and what is said about the rest of it."""

from __future__ import annotations

import pytest

from telephony.simulate.conference import ConferenceNoun
from telephony.simulate.dialling import Target
from telephony.simulate.telling import Callbacks
from telephony.simulate.twiml import (
    ConnectVerb,
    DialVerb,
    HangupVerb,
    PauseVerb,
    RedirectVerb,
    ReferVerb,
    RejectVerb,
    SayVerb,
    StreamNoun,
    parse,
)

BASE = "https://voice.example.com/twilio/voice"
STREAM = '<Stream url="wss://voice.example.com/twilio/media"/>'


def connect(stream: str) -> str:
    return f"<Response><Connect>{stream}</Connect></Response>"


def test_a_connect_with_everything() -> None:
    document = parse(
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect action="/twilio/ended" method="POST">'
        '<Stream url="wss://voice.example.com/twilio/media" name="agent" track="inbound_track"'
        ' statusCallback="/twilio/stream-status" statusCallbackMethod="GET">'
        '<Parameter name="session" value="a&amp;b"/><Parameter name="empty" value=""/>'
        "</Stream></Connect></Response>",
        BASE,
    )
    stream = StreamNoun(
        "wss://voice.example.com/twilio/media",
        {"session": "a&b", "empty": ""},
        "https://voice.example.com/twilio/stream-status",
        "GET",
        "agent",
    )
    assert document.problems == ()
    assert document.verbs == (ConnectVerb(stream, "https://voice.example.com/twilio/ended", "POST"),)


def test_the_other_verbs() -> None:
    document = parse(
        "<Response><Say voice='alice'> One\n moment </Say><Pause/><Pause length='3'/>"
        "<Redirect method='GET'>/next</Redirect>"
        "<Dial action='/done' callerId='+1555'><Number>+15550111</Number></Dial><Reject/><Hangup/></Response>",
        BASE,
    )
    assert document.problems == ()
    assert document.verbs == (
        SayVerb("One moment"),
        PauseVerb(1.0),
        PauseVerb(3.0),
        RedirectVerb("https://voice.example.com/next", "GET"),
        DialVerb(
            "+15550111",
            "https://voice.example.com/done",
            "POST",
            30,
            "+1555",
            (Target("+15550111", callbacks=Callbacks()),),
        ),
        RejectVerb("rejected"),
        HangupVerb(),
    )


def test_a_relative_stream_address_becomes_a_websocket_one() -> None:
    (verb,) = parse("<Response><Connect><Stream url='/media'/></Connect></Response>", BASE).verbs
    assert isinstance(verb, ConnectVerb)
    assert verb.stream.url == "wss://voice.example.com/media"


def test_the_query_of_a_stream_is_stripped_as_twilio_does_and_reported() -> None:
    document = parse(connect(STREAM.replace("/media", "/media?token=1")), BASE)
    (verb,) = document.verbs
    assert isinstance(verb, ConnectVerb)
    assert verb.stream.url == "wss://voice.example.com/twilio/media"
    assert "strips the query" in document.problems[0].message


def test_plain_websockets_are_taken_on_this_machine_only() -> None:
    assert parse(connect("<Stream url='ws://127.0.0.1:8080/media'/>"), BASE).problems == ()
    document = parse(connect("<Stream url='ws://voice.example.com/media'/>"), BASE)
    assert document.verbs == ()
    assert document.problems[0].code == 31922


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", 12100, "not XML"),
        ("<Response>", 12100, "not XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Response/>", 12100, "document type"),
        ("<Reply/>", 12100, "must be <Response>"),
        ("<Response>" + " " * 70_000 + "</Response>", 12100, "Twilio takes 65536"),
        ("<Response version='2'/>", 12200, "no attribute 'version'"),
        ("<Response><Enqueue/></Response>", 12200, "<Enqueue> is not a verb"),
        ("<Response><Say loud='yes'>x</Say></Response>", 12200, "<Say> has no attribute 'loud'"),
        ("<Response><Pause length='long'/></Response>", 12200, "not a whole number"),
        ("<Response><Reject reason='bored'/></Response>", 12200, "neither rejected nor busy"),
        ("<Response><Redirect method='PUT'>/x</Redirect></Response>", 12200, "neither GET nor POST"),
        ("<Response><Dial/></Response>", 12200, "nobody to dial"),
        ("<Response><Dial><Fax>1</Fax></Dial></Response>", 12200, "<Fax> has no place here"),
        ("<Response><Dial>front desk</Dial></Response>", 12200, "no phone number"),
        ("<Response><Dial><Number>911</Number></Dial></Response>", 12200, "no phone number"),
        ("<Response><Dial><Sip>desk</Sip></Dial></Response>", 12200, "no SIP address"),
        ("<Response><Dial><Number statusCallbackEvent='start'>+15550111</Number></Dial></Response>", 12200, "'start'"),
        ("<Response><Dial><Conference muted='1'>a</Conference></Dial></Response>", 12200, "neither true nor false"),
        ("<Response><Dial><Conference beep='loud'>a</Conference></Dial></Response>", 12200, "beep='loud'"),
        ("<Response><Dial><Conference>a</Conference><Sip>sip:a@b</Sip></Dial></Response>", 12200, "one <Conference>"),
        ("<Response><Refer><Sip>+1555</Sip></Refer></Response>", 12200, "exactly one <Sip>"),
        ("<Response><Refer/></Response>", 12200, "exactly one <Sip>"),
        ("<Response><Dial timeout='2'>+15550111</Dial></Response>", 12200, "from 5 to 600"),
        ("<Response><Dial timeout='20s'>+15550111</Dial></Response>", 12200, "from 5 to 600"),
        ("<Response><Dial callerId='me'>+15550111</Dial></Response>", 12200, "callerId='me'"),
        ("<Response><Dial answerOnBridge='yes'>+15550111</Dial></Response>", 12200, "neither true nor false"),
        ("<Response><Connect/></Response>", 12200, "exactly one <Stream>"),
        (connect(STREAM + STREAM), 12200, "exactly one <Stream>"),
        (connect(STREAM.replace("/>", " track='both_tracks'/>")), 31941, "track"),
        (connect(STREAM.replace("/>", " codec='opus'/>")), 12200, "'codec'"),
        (connect(STREAM.replace("/>", "><Parameter name='a'/></Stream>")), 12200, "<Parameter name value>"),
        (connect(STREAM.replace("/>", f"><Parameter name='a' value='{'x' * 499}'/></Stream>")), 12200, "exceed 499"),
    ],
)
def test_what_twilio_would_complain_of_is_complained_of(text: str, code: int, says: str) -> None:
    problems = parse(text, BASE).problems
    assert [problem.code for problem in problems] == [code]
    assert says in problems[0].message


def test_a_wrong_verb_is_skipped_and_the_others_are_done() -> None:
    assert parse("<Response><Enqueue/><Hangup/></Response>", BASE).verbs == (HangupVerb(),)


def test_whom_a_dial_rings_and_who_is_told_of_it() -> None:
    (verb,) = parse(
        "<Response><Dial timeout='12'><Number url='/whisper' method='GET' statusCallback='/leg'"
        " statusCallbackEvent='ringing answered'>+15550111</Number><Sip>sip:desk@pbx.example.com</Sip></Dial>"
        "</Response>",
        BASE,
    ).verbs
    assert isinstance(verb, DialVerb)
    told = Callbacks("https://voice.example.com/leg", "POST", ("ringing", "answered"))
    assert verb.targets == (
        Target("+15550111", "https://voice.example.com/whisper", "GET", told),
        Target("sip:desk@pbx.example.com", callbacks=Callbacks()),
    )


def test_a_conference_with_everything() -> None:
    (verb,) = parse(
        "<Response><Dial><Conference muted='true' startConferenceOnEnter='false' endConferenceOnExit='true'"
        " participantLabel='caller' waitUrl='' beep='false' statusCallback='/room' statusCallbackEvent='join leave'>"
        " room 1 </Conference></Dial></Response>",
        BASE,
    ).verbs
    assert isinstance(verb, DialVerb)
    assert verb.conference == ConferenceNoun(
        name="room 1",
        muted=True,
        start_on_enter=False,
        end_on_exit=True,
        label="caller",
        callbacks=Callbacks("https://voice.example.com/room", "POST", ("join", "leave")),
    )


def test_a_refer_names_a_sip_address() -> None:
    text = "<Response><Refer action='/referred'><Sip>sip:desk@pbx.example.com</Sip></Refer></Response>"
    document = parse(text, BASE)
    assert document.problems == ()
    assert document.verbs == (ReferVerb("sip:desk@pbx.example.com", "https://voice.example.com/referred", "POST"),)
