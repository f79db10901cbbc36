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


def edited_lines(values: dict[str, Any]) -> list[bytes]:
    return list(tapes.edited(b'"transcript":"Where is it?"', lambda line: line["msg"].update(values)))


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


def test_a_piece_of_a_text_may_belong_to_anything() -> None:
    after = made(edited(b"output_audio_transcript.delta", item_id=[None]))
    assert any(entry.message["item_id"] == [None] for entry in after.lines if b"[null]" in bytes(entry.msg))


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


def test_a_complaint_decides_the_same_and_names_nobody() -> None:
    def complaint(about: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": "e", "message": f"{about} of {NAME}, +1 415 555 2671."}}

    told = texts(made(edited(b'"transcript":"Where is it?"', **complaint("No active response"))))
    assert "No active response of " in told
    assert "2671" not in told
    assert "Katherine" in told
    given = [begun_with({"customer": NAME}, line) for line in edited_lines(complaint("Item not found"))]
    told = texts(made(Cassette("call.jsonl", given)))
    assert "Item not found of " in told
    assert "Katherine" not in told


UNKNOWN = "Marjorie Quillfeather"


@pytest.mark.parametrize(
    "said",
    [
        {"item": {"type": "web_search_call", "action": {"type": "search", "query": f"who is {UNKNOWN}"}}},
        {"annotations": [{"type": "url_citation", "title": UNKNOWN, "url": "https://a.example/MarjorieQuillfeather"}]},
        {"logprobs": [{"token": "Marj", "bytes": [77, 97]}, {"token": "Quillfeather", "logprob": -0.5}]},
        {"item": {"type": "message", "name": UNKNOWN}},
        {"session": {"metadata": {"told": f"for {UNKNOWN}"}, "model": "grok"}},
        {"response": {"metadata": {UNKNOWN: "yes"}}},
        {"something": {"that": ["is", {"new": UNKNOWN}]}},
    ],
)
def test_whatever_the_model_sends_is_words_unless_it_is_structure(said: dict[str, Any]) -> None:
    before = edited(b'"transcript":"Where is it?"', **said)
    after = texts(made(before))
    assert "Marj" in texts(before)
    assert "marj" not in after.casefold()
    assert "quill" not in after.casefold()


def test_what_is_structure_stays_as_it_is() -> None:
    said = {
        "item": {"type": "function_call", "call_id": "x", "name": "quillfeather", "status": "quill", "object": "quill"},
        "session": {
            "voice": "quill",
            "tools": [{"type": "function", "name": "quill", "description": "Quill A-77"}],
        },
        "rate_limits": [{"name": "quill"}],
        "response_id": "quill",
    }
    before = edited(b'"transcript":"Where is it?"', **said)
    (entry,) = [line.message for line in made(before).lines if b'"quill"' in bytes(line.msg) and line.dir == "in"]
    assert {key: entry[key] for key in said} == said


def test_who_calls_whom_is_no_structure_of_the_carrier_s() -> None:
    lines = list(tapes.call())
    place = next(at for at, line in enumerate(lines) if b'"event":"start"' in line)
    entry = json.loads(lines[place])
    entry["msg"]["start"] |= {"from": "+14155552671", "to": "sip:marjorie@quill.co.uk"}
    lines[place] = json.dumps(entry).encode() + b"\n"
    after = texts(made(Cassette("call.jsonl", lines)))
    assert "2671" not in after
    assert "quill" not in after


def test_keys_of_a_function_s_answer_may_be_names() -> None:
    answer = json.dumps({UNKNOWN: {"order_id": 1}, "+14155552671": 2})
    after = texts(made(edited(b'"ToolFinished"', output=answer)))
    for part in ("marjorie", "quillfeather", "2671"):
        assert part not in after.casefold()
    assert "order_id" in after


def test_the_agent_s_examples_stay() -> None:
    lines = list(tapes.call())
    header = json.loads(lines[0])
    header["agent"]["tools"][0]["description"] = "Looks up an order such as A-1042 of Ms. Quill, 12 Rose Street."
    lines[0] = json.dumps(header).encode() + b"\n"
    assert made(Cassette("call.jsonl", lines)).header.agent == header["agent"]


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
