"""The words of a call: stand-ins, the same for the same, in whatever message they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tapes
from recorded_calls import lines_of
from scrubbed import DESK, KEYS, begun_with, call, pressed, spoken_in_pieces, texts
from telephony.cassette.format import Cassette
from telephony.cassette.scrubbing.scrub import scrub
from telephony.cassette.scrubbing.words import Words, strings
from telephony.runtime.cassettes import new_carrier
from telephony.scrub.text import Pseudonyms

NAME = "Katherine O'Brien"


def made(cassette: Cassette) -> Cassette:
    return Cassette("call.jsonl", scrub(cassette, new_carrier, bless=True).lines)


def edited(mark: bytes, **values: Any) -> Cassette:
    return Cassette("call.jsonl", tapes.edited(mark, lambda line: line["msg"].update(values)))


def started(given: Any, *, beside: bool = False, words: bytes = b"Where is it?") -> Cassette:
    """The call as a carrier begins it that was *given* something, *beside* its `start`; the caller says *words*."""
    lines = []
    for line in tapes.call():
        text = begun_with(given, line)
        if beside and text != line:
            entry = json.loads(text)
            entry["msg"]["customParameters"] = entry["msg"]["start"].pop("customParameters")
            text = json.dumps(entry).encode() + b"\n"
        lines.append(text.replace(b"Where is it?", words))
    return Cassette("call.jsonl", lines)


def given_to(cassette: Cassette) -> list[Any]:
    starts = [entry.message for entry in cassette.lines if b'"start"' in bytes(entry.msg) and entry.dir == "in"]
    parts = [part for start in starts for part in (start, start["start"])]
    return [part["customParameters"] for part in parts if "customParameters" in part]


def test_one_person_has_one_name_in_every_message() -> None:
    after = made(call([NAME]))
    known = {
        word.partition("'")[0]
        for word in texts(after).replace(",", " ").replace('"', " ").split()
        if word.startswith("Longname")
    }
    assert known == {"Longname1"}
    assert "Longname1" in spoken_in_pieces(after)


def test_a_number_that_was_pressed_is_another_and_as_long() -> None:
    before = call([NAME])
    after = made(before)
    assert pressed(before) == f"{KEYS}#"
    assert KEYS not in pressed(after)
    assert len(pressed(after)) == len(pressed(before))
    assert pressed(after).endswith("#")
    assert KEYS not in texts(after)


@pytest.mark.parametrize(("keys", "is_number"), [("12#", False), ("123#", True), ("1*2#34", False)])
def test_a_choice_from_a_menu_stays(keys: str, is_number: bool) -> None:
    before = Cassette("call.jsonl", lines_of([{"press": keys}, {"pause": 3}, "hang_up"], []))
    after = made(before)
    assert pressed(before) == keys
    assert (pressed(after) != keys) is is_number
    assert [sign.isdecimal() for sign in pressed(after)] == [sign.isdecimal() for sign in keys]


def test_the_agent_s_words_stay_but_for_numbers() -> None:
    before = call([NAME])
    after = made(before)
    assert DESK in before.header.agent["instructions"]
    assert DESK not in texts(after)
    assert after.header.agent["instructions"].startswith("Be kind. Our desk is at +1 ")
    assert after.header.agent["instructions"] in texts(after).replace(json.dumps(after.header.agent), "")


@pytest.mark.parametrize("beside", [False, True])
def test_what_a_call_was_begun_with_is_replaced_wherever_it_stands(beside: bool) -> None:
    before = started({"customer": NAME, "tier": "gold"}, beside=beside)
    (given,) = given_to(made(before))
    assert given["customer"] != NAME
    assert given["tier"] == "gold"
    assert NAME.casefold() not in texts(made(before)).casefold()


def test_what_a_call_was_begun_with_is_known_in_what_was_said() -> None:
    after = made(started({"customer": "Happy Valley"}, words=b"it is happy valley"))
    assert "happy valley" not in texts(after).casefold()
    after = made(
        Cassette(
            "call.jsonl",
            [
                begun_with({"customer": "Happy Valley"}, line).replace(b"shipped on", b"happy valley on")
                for line in tapes.call()
            ],
        )
    )
    assert "happy" not in spoken_in_pieces(after).casefold()


def test_a_call_that_was_begun_with_nothing_stays_so() -> None:
    lines = []
    for line in tapes.call():
        entry = json.loads(line)
        if b'"event":"start"' in line:
            entry["msg"]["start"].pop("customParameters", None)
        lines.append(json.dumps(entry).encode() + b"\n")
    before = Cassette("call.jsonl", lines)
    assert given_to(before) == []
    assert given_to(made(before)) == []
    assert scrub(before, new_carrier).changed == ""


def test_what_the_model_complains_of_stays() -> None:
    error = {"type": "error", "error": {"code": "c", "message": "Katherine is no voice."}}
    before = edited(b'"transcript":"Where is it?"', **error)
    assert "Katherine is no voice." in texts(made(before))


def test_identifiers_of_the_carrier_s_are_made_up_ones_everywhere() -> None:
    old, real = b"MZ" + b"0" * 30, b"MZ" + b"0123456789abcdef" * 2
    lines = [line.replace(json.loads(tapes.call()[2])["msg"]["streamSid"].encode(), real) for line in tapes.call()]
    before = Cassette("call.jsonl", lines)
    assert real.decode() in texts(before)
    after = made(before)
    assert real.decode() not in texts(after)
    assert old.decode() in texts(after)


def test_a_message_without_words_is_not_touched() -> None:
    cassette = Cassette("call.jsonl", tapes.call())
    words = Words(cassette, Pseudonyms())
    audio = [number for number, _, entry in cassette.numbered() if entry and b'"payload"' in bytes(entry.msg)]
    assert audio
    assert {words.replaced(number) for number in audio} == {None}


def test_every_text_of_a_value_is_found_with_its_keys() -> None:
    assert list(strings({"a": ["b", {"c": 1}], "d": ("e",)})) == ["a", "b", "c", "d", "e"]
