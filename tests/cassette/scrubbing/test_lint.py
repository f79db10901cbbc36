"""What on a recorded call still looks like somebody's: it is told with its place, and a scrubbed call has none."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tapes
from personal import CARDS, PHONES, PLANTED
from scrubbed import again, begun_with, call, scrubbed
from telephony.cassette.format import Cassette
from telephony.cassette.scrubbing.lint import suspicions

REAL = [
    ("+44 20 7946 1958", "a telephone number, +4…58"),
    ("(212) 736-5000", "a telephone number, (2…00"),
    ("mark.hill@gmail.com", "an e-mail address, ma…om"),
    ("4539 5787 6362 1486", "a card number, 45…86"),
    ("DE89 3704 0044 0532 0130 00", "a bank account (IBAN), DE…00"),
    ("123-45-6789", "a social security number, 12…89"),
    ("CA7f3be12d90c84a6fb1520e9d3c7a48ef", "a SID of Twilio, CA…ef"),
    ("sk-abc123def456ghi789", "a key or token, sk…89"),
]


def test_a_made_up_call_has_nothing_that_looks_real() -> None:
    assert suspicions(Cassette("call.jsonl", tapes.call())) == []


@pytest.mark.parametrize(("real", "what"), REAL)
def test_what_looks_real_is_told_with_its_place_and_not_repeated(real: str, what: str) -> None:
    place = next(at for at, text in enumerate(tapes.call()) if b'"transcript":"Where is it?"' in text)
    lines = list(tapes.call())
    lines[place] = lines[place].replace(b"Where is it?", f"It is {real}.".encode())
    (told,) = suspicions(Cassette("call.jsonl", lines))
    assert told.startswith(f"call.jsonl:{place + 1}: ")
    assert what in told
    assert real not in told


@pytest.mark.parametrize("real", [real for real, _ in REAL])
def test_it_is_found_wherever_it_stands(real: str) -> None:
    def told_to_the_agent(line: Any) -> None:
        line["agent"]["instructions"] = f"Name {real} to everybody."

    def said(line: Any) -> None:
        line["msg"]["delta"] = f"Call {real}"

    def looked_up(line: Any) -> None:
        line["msg"]["output"] = json.dumps({"contact": real})

    def went_out(line: Any) -> None:
        line["msg"]["arguments"] = json.dumps({"contact": real})

    for mark, change in (
        (b'"agent":{', told_to_the_agent),
        (b'transcript.delta"', said),
        (b'"ToolFinished"', looked_up),
        (b'"RunTool"', went_out),
    ):
        assert len(suspicions(Cassette("call.jsonl", tapes.edited(mark, change)))) == 1, mark
    lines = [begun_with({"contact": real}, text) for text in tapes.call()]
    assert len(suspicions(Cassette("call.jsonl", lines))) == 1


def test_one_thing_in_many_places_is_told_once() -> None:
    lines = [text.replace(b"Where is it?", b"Is it 212-736-5000?") for text in tapes.call()]
    (told,) = suspicions(Cassette("call.jsonl", lines))
    assert "other places)" in told


def test_audio_is_not_read() -> None:
    def change(line: Any) -> None:
        line["msg"]["media"]["payload"] = "2127365000" * 16

    assert suspicions(Cassette("call.jsonl", tapes.edited(tapes.AUDIO, change))) == []


@pytest.mark.parametrize("personal", [PHONES[:20], CARDS, PLANTED[-40:]], ids=["phones", "cards", "others"])
def test_a_scrubbed_call_has_nothing_that_looks_real(personal: list[str]) -> None:
    before = call(personal)
    assert suspicions(before)
    assert suspicions(again(scrubbed(before))) == []
