"""`<Record>` and `<Gather>` as a strict reader understands them."""

from __future__ import annotations

import pytest

from telephony.simulate.twiml import SCHEMA, parse
from telephony.simulate.twiml_input import GatherVerb, RecordVerb

BASE = "https://voice.example.com/twilio/voice"


def verb(text: str) -> object:
    document = parse(f"<Response>{text}</Response>", BASE)
    assert document.problems == ()
    (only,) = document.verbs
    return only


def test_a_recording_has_twilios_defaults() -> None:
    assert verb("<Record/>") == RecordVerb("", "POST", 5, "1234567890*#", 3600)


def test_a_recording_is_read_whole() -> None:
    text = (
        '<Record action="/m" method="GET" timeout="3" finishOnKey="#" maxLength="60" playBeep="false" '
        'recordingStatusCallback="/s" recordingStatusCallbackMethod="GET" '
        'recordingStatusCallbackEvent="completed absent"/>'
    )
    base = "https://voice.example.com"
    assert verb(text) == RecordVerb(f"{base}/m", "GET", 3, "#", 60, f"{base}/s", "GET", ("completed", "absent"))


def test_a_question_is_read_with_what_is_said_meanwhile() -> None:
    text = '<Gather action="/c" numDigits="1" timeout="5" actionOnEmptyResult="true"><Say>Press  1.</Say></Gather>'
    assert verb(text) == GatherVerb("https://voice.example.com/c", "POST", 5, 1, "#", True, "Press 1.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<Record timeout="0"/>', "not a whole number from 1 to 600"),
        ('<Record maxLength="14401"/>', "from 1 to 14400"),
        ('<Record maxLength="long"/>', "from 1 to 14400"),
        ('<Record playBeep="yes"/>', "neither true nor false"),
        ('<Record trim="yes"/>', "neither trim-silence nor do-not-trim"),
        ('<Record finishOnKey="x"/>', "keys are"),
        ('<Record recordingStatusCallbackEvent="done"/>', "'done' is none"),
        ('<Record method="PUT"/>', "neither GET nor POST"),
        ('<Record beep="true"/>', "no attribute 'beep'"),
        ("<Record><Say>x</Say></Record>", "holds nothing"),
        ('<Gather numDigits="0"/>', "from 1 to 100"),
        ('<Gather input="speech"/>', "keys only"),
        ('<Gather actionOnEmptyResult="1"/>', "neither true nor false"),
        ("<Gather><Dial>+15550100</Dial></Gather>", "not <Dial>"),
    ],
)
def test_what_twilio_would_not_take_is_complained_of(text: str, words: str) -> None:
    problems = parse(f"<Response>{text}</Response>", BASE).problems
    assert {problem.code for problem in problems} == {SCHEMA}
    assert any(words in problem.message for problem in problems)
