"""Webhook forms, TwiML and REST requests of a Twilio account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

from telephony.carriers.base import Announcement, MessageTaken, StreamOffer
from telephony.carriers.twilio_account import TwilioAccount
from telephony.carriers.twilio_rest import REFUSALS
from telephony.carriers.twilio_say import NOT_XML
from telephony.commands import HttpRequest, Sending
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

WIRE = Path(__file__).parents[2] / "fixtures" / "wire" / "twilio"
CALL = "CA0123456789abcdef0123456789abcdef"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"


def account(**settings: Any) -> TwilioAccount:
    given_settings = {"account_sid": ACCOUNT, "auth_token": SecretStr("a token"), **settings}
    return TwilioAccount("https://voice.example.com", TwilioSettings(**given_settings))


# -- forms ---------------------------------------------------------------------------------------------------------


def test_a_voice_webhook_is_read() -> None:
    form = json.loads((WIRE / "voice-webhook.json").read_text())
    call = account().incoming(form)
    assert (call.call_id, call.from_number, call.to_number) == (CALL, "+15550100002", "+15550100001")
    assert (call.status, call.account_id) == ("ringing", ACCOUNT)
    assert call.fields == form


@pytest.mark.parametrize("caller", ["anonymous", "client:alice", "sip:a@example.com", "+266696687", "", "Unknown"])
def test_a_caller_need_not_be_a_number(caller: str) -> None:
    assert account().incoming({"CallSid": CALL, "From": caller}).from_number == caller


@pytest.mark.parametrize("form", [{}, {"CallSid": ""}, {"From": "+15550100002"}])
def test_a_form_without_a_call_is_no_webhook(form: dict[str, str]) -> None:
    with pytest.raises(CarrierError, match="CallSid"):
        account().incoming(form)
    with pytest.raises(CarrierError, match="CallSid"):
        account().status(form)


def test_a_status_callback_is_read() -> None:
    update = account().status(json.loads((WIRE / "status-callback.json").read_text()))
    assert (update.call_id, update.status, update.sequence, update.duration) == (CALL, "completed", 3, 42)
    assert update.terminal
    assert update.reason == "SIP 200"


@pytest.mark.parametrize(
    ("told", "status", "terminal"),
    [
        ("in-progress", "in-progress", False),
        ("BUSY", "busy", True),
        ("no-answer", "no-answer", True),
        ("levitating", "unknown", False),
        ("", "unknown", False),
        ("unknown", "unknown", False),
    ],
)
def test_the_list_of_statuses_is_open(told: str, status: str, terminal: bool) -> None:
    update = account().status({"CallSid": CALL, "CallStatus": told})
    assert (update.status, update.terminal) == (status, terminal)


@pytest.mark.parametrize("count", ["", "-1", "three", "1.5", "9" * 5000, "٣"])
def test_counts_that_are_none_are_left_out(count: str) -> None:
    update = account().status({"CallSid": CALL, "SequenceNumber": count, "CallDuration": count})
    assert (update.sequence, update.duration) == (None, None)


def test_why_a_call_failed_is_kept() -> None:
    form = {"CallSid": CALL, "CallStatus": "failed", "SipResponseCode": "404", "ErrorCode": "13224"}
    assert account().status(form).reason == "SIP 404, error 13224"


@given(
    st.dictionaries(st.sampled_from(["CallStatus", "SequenceNumber", "CallDuration", "ErrorCode", "From"]), st.text())
)
def test_no_form_makes_it_raise(form: dict[str, str]) -> None:
    account().status({**form, "CallSid": CALL})
    account().incoming({**form, "CallSid": CALL})


# -- TwiML ---------------------------------------------------------------------------------------------------------


def parsed(twiml: str) -> ET.Element:
    assert twiml.startswith("<?xml")
    root = ET.fromstring(twiml)  # noqa: S314  our own output
    assert root.tag == "Response"
    return root


def test_a_stream_is_offered_inside_connect() -> None:
    offer = StreamOffer(
        media_url="wss://voice.example.com/twilio/media",
        parameters={"token": "t&<>\"'", "agent": "frontdesk"},
        ended_url="https://voice.example.com/twilio/stream-ended",
        status_url="https://voice.example.com/twilio/stream-status",
    )
    (connect,) = parsed(account().offer_stream(offer))
    assert (connect.tag, connect.attrib) == (
        "Connect",
        {"action": "https://voice.example.com/twilio/stream-ended", "method": "POST"},
    )
    (stream,) = connect
    assert (stream.tag, stream.attrib) == (
        "Stream",
        {
            "url": "wss://voice.example.com/twilio/media",
            "statusCallback": "https://voice.example.com/twilio/stream-status",
            "statusCallbackMethod": "POST",
        },
    )
    assert [(p.tag, p.get("name"), p.get("value")) for p in stream] == [
        ("Parameter", "token", "t&<>\"'"),
        ("Parameter", "agent", "frontdesk"),
    ]


def test_what_is_not_wanted_is_not_said() -> None:
    (connect,) = parsed(account().offer_stream(StreamOffer("wss://voice.example.com/twilio/media")))
    assert connect.attrib == {}
    (stream,) = connect
    assert stream.attrib == {"url": "wss://voice.example.com/twilio/media"}


@pytest.mark.parametrize("url", ["wss://h/media?token=x", "https://h/media", "h/media", ""])
def test_a_stream_address_twilio_would_refuse_or_strip_is_an_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="media_url"):
        account().offer_stream(StreamOffer(url))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("n" * 250, "v" * 250, "500 characters"),
        ("", "v", "no name"),
        ("n", "\x00", "control character"),
        ("n\x0b", "v", "control character"),
        ("n", "\ud800", "surrogate"),
    ],
)
def test_a_parameter_twilio_would_refuse_is_an_error(name: str, value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        account().offer_stream(StreamOffer("wss://h/media", {name: value}))


def test_the_longest_parameter_passes() -> None:
    account().offer_stream(StreamOffer("wss://h/media", {"n" * 250: "v" * 249}))


XML_TEXT = st.text(max_size=60).filter(lambda text: not NOT_XML.search(text))


@given(st.dictionaries(XML_TEXT.filter(bool), XML_TEXT, max_size=4), XML_TEXT)
def test_parameters_read_back_as_they_were_written(parameters: dict[str, str], url: str) -> None:
    offer = StreamOffer("wss://h/media", parameters, ended_url=f"https://h/{url}")
    (connect,) = parsed(account().offer_stream(offer))
    assert connect.get("action") == f"https://h/{url}"
    assert {p.get("name"): p.get("value") for p in connect[0]} == parameters


@given(st.text(max_size=60))
def test_an_apology_is_spoken_and_nothing_else(sentence: str) -> None:
    say, hangup = parsed(account().apologise(sentence))
    assert (say.tag, hangup.tag) == ("Say", "Hangup")
    assert len(say) == 0
    heard = NOT_XML.sub(" ", sentence).replace("\r\n", "\n").replace("\r", "\n")
    assert (say.text or "") == heard


def test_finish_hangs_up() -> None:
    assert [verb.tag for verb in parsed(account().finish())] == ["Hangup"]


def test_a_call_can_be_refused_unanswered() -> None:
    assert [verb.get("reason") for verb in parsed(account().refuse(busy=True))] == ["busy"]
    assert [verb.get("reason") for verb in parsed(account().refuse(busy=False))] == ["rejected"]


@pytest.mark.parametrize("number", ["", "911", "+0155", "sip:x@example.com", "+1555</Number>"])
def test_nobody_is_sent_on_to_what_is_no_number(number: str) -> None:
    with pytest.raises(ConfigurationError):
        account().forward(number, Announcement(), ended_url="https://h/e")


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_said_before_a_message_cannot_break_out_of_its_element(say: str, url: str) -> None:
    path = NOT_XML.sub("", url)
    document = parsed(account().take_message(Announcement(say), ended_url=path, status_url=path, seconds=60))
    verbs = [verb.tag for verb in document]
    assert verbs == (["Say", "Record", "Redirect"] if say.strip() else ["Record", "Redirect"])


def test_a_message_is_known_by_the_id_of_its_recording() -> None:
    sid = "RE" + "a" * 32
    form = {"CallSid": CALL, "RecordingUrl": f"https://api.twilio.com/x/{sid}", "RecordingDuration": "12"}
    assert account().message_taken(form) == MessageTaken(CALL, sid, 12.0)
    assert account().message_taken({**form, "RecordingStatus": "absent"}) == MessageTaken(CALL, "", 12.0)
    assert account().message_taken({"CallSid": CALL}) == MessageTaken(CALL)
    with pytest.raises(CarrierError, match="no Twilio recording id"):
        account().message_taken({**form, "RecordingSid": "RE/../../Accounts"})


def test_a_message_is_fetched_from_the_account_and_from_nowhere_else() -> None:
    request = account().message_audio("RE" + "a" * 32)
    assert (request.method, request.url.rpartition("/Accounts/")[2].partition("/")[2]) == (
        "GET",
        "Recordings/RE" + "a" * 32 + ".wav",
    )
    assert request.auth


# -- REST ----------------------------------------------------------------------------------------------------------


def test_hanging_up_is_a_status_of_completed() -> None:
    assert account().hang_up(CALL) == HttpRequest(
        method="POST",
        url=f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json",
        form=(("Status", "completed"),),
        auth=(ACCOUNT, "a token"),
        gone_is_success=True,
        idempotent=True,
        purpose="hang up",
        refusals=REFUSALS,
    )


def test_redirecting_is_new_twiml_and_is_not_repeated() -> None:
    request = account(api_base="http://127.0.0.1:9200/").redirect(CALL, "<Response/>")
    assert request.url == f"http://127.0.0.1:9200/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json"
    assert request.form == (("Twiml", "<Response/>"),)
    assert (request.gone_is_success, request.idempotent) == (False, False)


ENDED = "https://voice.example.com/twilio/dial-ended"


def test_a_transfer_is_new_twiml_that_dials_and_asks_what_to_do_afterwards() -> None:
    request = account().transfer(CALL, "+15550177", Sending(caller_id="+15550100", timeout=30), ended_url=ENDED)
    ((name, twiml),) = request.form
    assert name == "Twiml"
    (dial,) = parsed(twiml)
    assert (dial.tag, dial.attrib) == (
        "Dial",
        {"action": ENDED, "method": "POST", "timeout": "30", "callerId": "+15550100", "answerOnBridge": "true"},
    )
    assert [(noun.tag, noun.attrib, noun.text) for noun in dial] == [("Number", {}, "+15550177")]
    assert (request.gone_is_success, request.idempotent, request.purpose) == (False, False, "transfer")


def test_unless_another_is_wanted_the_callers_own_number_is_shown() -> None:
    ((_, twiml),) = account().transfer(CALL, "+15550177", Sending(), ended_url=ENDED).form
    (dial,) = parsed(twiml)
    assert "callerId" not in dial.attrib
    assert dial.get("timeout") == "20"


@pytest.mark.parametrize("number", ["", "911", "+0305550100", "+1555<x/>", "+1 555 0100", "sip:desk"])
def test_nothing_but_a_full_number_is_dialled(number: str) -> None:
    with pytest.raises(ConfigurationError, match="no phone number"):
        account().transfer(CALL, number, Sending(), ended_url=ENDED)
    if number:
        with pytest.raises(ConfigurationError, match="caller_id"):
            account().transfer(CALL, "+15550177", Sending(caller_id=number), ended_url=ENDED)


def test_a_sip_address_is_dialled_as_one() -> None:
    ((_, twiml),) = account().transfer(CALL, "sip:desk@example.com:5061", Sending(time_limit=600), ended_url=ENDED).form
    (dial,) = parsed(twiml)
    assert [(noun.tag, noun.text) for noun in dial] == [("Sip", "sip:desk@example.com:5061")]
    assert dial.get("timeLimit") == "600"


@pytest.mark.parametrize(
    "address", ["sip:a@b;transport=tcp", "sip:a@b?Replaces=x", "sip:a:pw@b", "sip:a@b,sip:c@d", "sip:@b", "SIP:a@b"]
)
def test_a_sip_address_that_says_more_than_where_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no phone number"):
        account().transfer(CALL, address, Sending(), ended_url=ENDED)


class Recorded(HttpClient):
    """What Twilio's own client sends, kept instead of sent."""

    def __init__(self) -> None:
        super().__init__(None, False, None)
        self.made: dict[str, Any] = {}

    def request(self, method: str, url: str, **options: Any) -> Response:
        self.made = {"method": method, "url": url, **options}
        return Response(200, json.dumps({"sid": CALL, "account_sid": ACCOUNT}))


@pytest.mark.parametrize("what", ["hang up", "redirect", "transfer"])
def test_requests_are_those_of_twilios_own_client(what: str) -> None:
    if what == "hang up":
        ours, values = account().hang_up(CALL), {"status": "completed"}
    elif what == "redirect":
        ours, values = account().redirect(CALL, "<Response/>"), {"twiml": "<Response/>"}
    else:
        ours = account().transfer(CALL, "+15550177", Sending(caller_id="+15550100"), ended_url=ENDED)
        response = VoiceResponse()
        dial = response.dial(caller_id="+15550100", answer_on_bridge=True, timeout=20, action=ENDED, method="POST")
        dial.number("+15550177")
        values = {"twiml": str(response)}
    theirs = Recorded()
    Client(ACCOUNT, "a token", http_client=theirs).calls(CALL).update(**values)
    assert (ours.method, ours.url) == (theirs.made["method"].upper(), theirs.made["url"])
    assert dict(ours.form) == theirs.made["data"]
    assert ours.auth == theirs.made["auth"]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("completed", "completed"),
        ("answered", "completed"),
        ("No-Answer", "no-answer"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("levitating", "unknown"),
        ("", "unknown"),
    ],
)
def test_what_became_of_a_dialled_call_is_read(told: str, status: str) -> None:
    assert account().dialled({"CallSid": CALL, "CallStatus": "in-progress", "DialCallStatus": told}) == status
    assert account().dialled({"CallSid": CALL, "CallStatus": "in-progress"}) == "unknown"


@pytest.mark.parametrize(
    "call_id", ["", "CA1", f"{CALL}/../..", f"{CALL}\n", "AC" + CALL[2:], CALL[:-1] + "g", "é" * 34]
)
def test_only_a_call_id_enters_a_url(call_id: str) -> None:
    with pytest.raises(CarrierError, match="no Twilio call id"):
        account().hang_up(call_id)
    with pytest.raises(CarrierError, match="no Twilio call id"):
        account().redirect(call_id, "<Response/>")
    with pytest.raises(CarrierError, match="no Twilio call id"):
        account().transfer(call_id, "+15550177", Sending(), ended_url=ENDED)


def test_too_much_twiml_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="4000"):
        account().redirect(CALL, "x" * 4001)


def test_rest_needs_an_account() -> None:
    with pytest.raises(ConfigurationError, match="TWILIO_ACCOUNT_SID"):
        account(account_sid="").hang_up(CALL)
