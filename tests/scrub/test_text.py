"""Nothing that belongs to somebody is left, what belongs to nobody stays, and the same is the same everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personal import NAMES, PHONES, PLANTED
from telephony.scrub.digits import is_stand_in
from telephony.scrub.text import Pseudonyms
from telephony.scrub.tokens import OWN_WORD, decimals, numbers, tokens
from telephony.scrub.vocabulary import COMMON, NAMES_TOO

KNOWN = [
    "You are Ava, and you answer the telephone of Bluebird Pizza. Will you help our guests to order?",
    "lookup_order",
    "Find an order by its number.",
]


def scrub(text: str, **more: Any) -> str:
    return Pseudonyms(known=KNOWN, **more).text(text)


def in_a_sentence(personal: str) -> str:
    return scrub(f"Yes, hello. My name is {personal}, thank you.")


def in_lower_case(personal: str) -> str:
    return scrub(f"yes hi my name is {personal.lower()} and i have a question")


def at_the_beginning(personal: str) -> str:
    return scrub(f"{personal} is what I said.")


def in_arguments(personal: str) -> str:
    arguments = json.dumps({"customer": {"name": personal}, "note": f"Call {personal} today."}, ensure_ascii=False)
    item = {"type": "function_call", "name": "lookup_order", "arguments": arguments}
    return json.dumps(Pseudonyms(known=KNOWN).value(item), ensure_ascii=False)


def in_an_escaped_output(personal: str) -> str:
    output = json.dumps({"ok": True, "orders": [{"owner": personal, "total": 12.5}]})
    return json.dumps(Pseudonyms(known=KNOWN).value({"output": output}), ensure_ascii=False).replace("\\\\u", "\\u")


def in_another_message(personal: str) -> str:
    names = Pseudonyms(known=KNOWN)
    names.learn({"arguments": json.dumps({"contact": personal})})
    return names.text(f"so {personal.lower()} it is, {personal}")


def named_by_the_user(personal: str) -> str:
    return scrub(f"that was{personal.upper()}or {personal}", also=[personal])


def in_pieces(size: int) -> Callable[[str], str]:
    def placed(personal: str) -> str:
        whole = f"Well, my name is {personal}, I think."
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        made = Pseudonyms(known=KNOWN).pieces(pieces)
        assert len(made) == len(pieces)
        return "".join(made)

    return placed


def parts(personal: str) -> list[str]:
    """The whole, and of a name every word that is not a common one."""
    if personal not in NAMES:
        return [personal]
    words = re.findall(r"\w+", personal)
    return [personal, *(word for word in words if len(word) >= 3 and word.lower() not in COMMON)]


@pytest.mark.parametrize(
    "place",
    [
        in_a_sentence,
        in_lower_case,
        at_the_beginning,
        in_arguments,
        in_an_escaped_output,
        in_another_message,
        named_by_the_user,
        in_pieces(1),
        in_pieces(4),
        in_pieces(23),
    ],
)
def test_nothing_personal_is_left_wherever_it_was(place: Callable[[str], str]) -> None:
    assert len(PLANTED) >= 200
    left = []
    for personal in PLANTED:
        made = place(personal)
        for part in parts(personal):
            edge = r"\b" if part[0].isalnum() and part[-1].isalnum() else ""
            if re.search(f"{edge}{re.escape(part)}{edge}", made, re.IGNORECASE):
                left.append((personal, made))
    assert left == []


def test_what_belongs_to_nobody_stays() -> None:
    for text in [
        "Hello, this is Ava from Bluebird Pizza. How can I help you today?",
        "I'd like to change my order, please. It's the one from yesterday evening.",
        "okay so you are open from 9 to 5 on monday right",
        "We have two tables for four at 7 pm on Friday, or at 10:30 a.m. on Sunday.",
        "this is about my bill and i'm not happy, it's the second time",
        "Will you send me an e-mail? You may call back, that's fine.",
        "Thank you. Good morning. Please wait a moment. May I ask why?",
        "See CA0123456789abcdef0123456789abcdef and 123e4567-e89b-12d3-a456-426614174000.",
        "", " ", "...", "\n",
    ]:  # fmt: skip
        assert scrub(text) == text


def test_most_of_a_call_can_still_be_read() -> None:
    made = scrub(
        "My name is Katherine O'Brien, and Katherine's order for a large Margherita is late. I'm at 415 555 2671."
    )
    assert made == (
        "My name is Longname1 Name2, and Longname1's order for a large Longname3 is late. I'm at 299 555 0101."
    )


def test_one_number_has_one_stand_in_however_it_is_written() -> None:
    names = Pseudonyms()
    spellings = ["415-555-2671", "(415) 555 2671", "+1 415 555 2671", "14155552671", "4 1 5, 5 5 5, 2 6 7 1"]
    assert {decimals(names.text(one))[-10:] for one in spellings} == {"2995550101"}
    assert names.text("four one five five five five two six seven one") == (
        "two nine nine five five five zero one zero one"
    )
    assert names.value({"caller": 4155552671}) == {"caller": 2995550101}
    assert names.text("+44 7911 123456, 07911 123456") == "+44 3069 990002, 03069 990002"


def test_different_people_are_told_apart() -> None:
    names = Pseudonyms()
    made = [names.text(personal) for personal in [*NAMES, *PHONES[:8]]]
    words = {token.plain for one in NAMES for token in tokens(one) if len(token.text) > 1}
    assert len({word for one in made for word in one.casefold().split()}) >= len(words)


def test_the_case_of_a_word_is_kept_and_does_not_make_another_person_of_it() -> None:
    assert scrub("Tasha, tasha, TASHA and Tasha's") == "Name1, name1, NAME1 and Name1's"


def test_a_name_that_is_a_word_is_a_name_where_it_is_used_as_one() -> None:
    assert scrub("this is mark hill speaking") == "this is word1 word2 speaking"
    assert scrub("I told Rose about it.") == "I told Name1 about it."
    assert scrub("Mr. Green is here. Miss Hope too.") == "Mr. Name1 is here. Miss Name2 too."
    assert scrub("the light is green, and I hope so") == "the light is green, and I hope so"
    assert scrub("my name is will") == "my name is word1"
    assert scrub("hi it's grace, will you help") == "hi it's word1, will you help"
    assert scrub("it is on rose street") == "it is on word1 street"


def test_who_was_called_by_name_once_is_known_by_it_elsewhere() -> None:
    names = Pseudonyms()
    names.learn_text("my name is mark")
    assert names.text("okay mark how can i help") == "okay word1 how can i help"


def test_a_value_that_is_personal_by_its_key_is_so_in_every_text() -> None:
    names = Pseudonyms(known=KNOWN)
    order = {
        "name": "lookup_order",
        "arguments": '{"street": "Happy Valley", "city": "Order", "pin": 7}',
        "ok": True,
    }
    names.learn(order)
    assert names.text("is it happy valley in order") == "is it word1 word2 in word3"
    made = names.value(order)
    assert made["name"] == "lookup_order"
    assert made["ok"] is True
    assert json.loads(made["arguments"]) == {"street": "Word1 Word2", "city": "Word3", "pin": 9}


def test_numbers_in_values_stay_numbers() -> None:
    made = Pseudonyms().value(
        {"order": 8834201, "count": 12, "ok": True, "none": None, "total": 12.5, "at": -37.774929}
    )
    assert made == {"order": 9999001, "count": 12, "ok": True, "none": None, "total": 12.5, "at": -99.999001}


def test_what_the_user_names_goes_even_from_within_words() -> None:
    assert scrub("The superacmeshop of ACME and acme", also=["acme"]) == "The longword1 of NAME2 and name2"
    assert "name" not in scrub("Tasha", also=["name"]).casefold()
    assert scrub("call it ### now", also=["###"]) == "call it *** now"


def test_no_stand_in_holds_what_is_personal() -> None:
    names = Pseudonyms()
    names.learn({"name": "Nam Wor"})
    assert names.text("Nam, Wor and Tasha") == "Item1, Item2 and Item3"


def test_a_number_that_came_in_two_pieces_is_found() -> None:
    assert Pseudonyms().pieces(["my number is 41", "5 555 2671", ", o", "kay"]) == [
        "my number is 299", " 555 0101", ", o", "kay",
    ]  # fmt: skip
    assert Pseudonyms().pieces([]) == []
    assert Pseudonyms().pieces(["", ""]) == ["", ""]


def test_arguments_in_pieces_are_what_they_are_as_a_whole() -> None:
    whole = '{"name": "Mark Hill", "phone": 4155552671}'
    made = Pseudonyms().pieces([whole[:14], whole[14:30], whole[30:]])
    assert json.loads("".join(made)) == json.loads(Pseudonyms().value(whole))
    assert all(made)


def test_identifiers_keep_their_length_and_their_prefix() -> None:
    names = Pseudonyms()
    text = "CA0123456789abcdef0123456789abcdea MZ0123456789abcdef0123456789abcdea 123e4567-e89b-12d3-a456-426614174000"
    made = names.ids(text)
    assert made == f"CA{1:032x} MZ{2:032x} 00000000-0000-0000-0000-000000000001"
    assert names.ids(made) == Pseudonyms().ids(made) == made
    assert names.ids(text) == made
    assert names.ids("Mark Hill, 4155552671") == "Mark Hill, 4155552671"


# -- whatever is said ----------------------------------------------------------------------------------------------

_ODD = st.sampled_from(
    [
        *NAMES, *PHONES, *PLANTED, *sorted(NAMES_TOO), "my name is", "this is", "street", "born", "double", "oh", "and",
        "Name1", "word22", "x", "X", "I", "a", "person1@example.com", "at", "dot", "com", "hundred", "Mr.", "speaking",
        "4 1 5", "99", "9901", "o'clock", "Will", "Will's", "May", "1st", "10:30 pm", "nine", "two", "五", "²",
    ]
)  # fmt: skip
_COMMON_WORDS = st.sampled_from(sorted(COMMON))
_SPOKEN = st.builds(
    str.join,
    st.sampled_from([" ", ", ", ". ", "-", ""]),
    st.lists(st.one_of(_ODD, _COMMON_WORDS, _COMMON_WORDS.map(str.capitalize), st.text(max_size=6)), max_size=14),
)


@given(_SPOKEN)
def test_words_are_as_many_as_before_and_scrubbing_again_changes_nothing(text: str) -> None:
    made = scrub(text)
    assert len(made.split()) == len(text.split())
    assert scrub(made) == made


@given(_SPOKEN)
def test_no_long_number_survives(text: str) -> None:
    made = re.sub(r"(?i)(?:long)?(?:name|word|item|blank)\d+|person\d+@|\b[0-9a-f-]{20,}\b", "~", scrub(text))
    left = [n.digits for n in numbers(made, tokens(made)) if not is_stand_in(n.digits)]
    for run in re.findall(r"\d{4,}", text):
        assert not any(run in digits for digits in left)


@given(_SPOKEN, st.data())
def test_pieces_are_the_whole_cut_up(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    made = Pseudonyms(known=KNOWN).pieces(pieces)
    assert len(made) == len(pieces)
    if text.strip()[:1] not in {"{", "["}:
        assert "".join(made) == scrub(text)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _SPOKEN),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "note", "phone", "items", "address", "id"]), inner, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=6,
)


@given(_JSON)
def test_values_keep_their_shape_and_scrubbing_again_changes_nothing(value: Any) -> None:
    made = Pseudonyms(known=KNOWN).value(value)
    assert shape(made) == shape(value)
    assert Pseudonyms(known=KNOWN).value(made) == made


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


def test_invented_words_are_recognised() -> None:
    for word in tokens(scrub("Tasha Katherine-Anne quokka margherita")):
        assert OWN_WORD.fullmatch(word.text)


def test_what_an_agent_was_told_stays_but_for_what_is_real_or_named() -> None:
    pseudonyms = Pseudonyms(also=["Blue Heron"])
    pseudonyms.learn({"customer": "Tasha Quokka"})
    example = "Say A-1042, 12 Rose Street, Ms. Tasha, 555-0199, name@example.com"
    assert pseudonyms.told(example) == example
    assert re.sub(r"Name\d", "Tasha", pseudonyms.told(example, learned=True)) == example
    assert "Tasha" not in pseudonyms.told(example, learned=True)
    made = pseudonyms.told("Tell Tasha: Blue Heron, +44 20 7946 1958, mark.hill@gmail.com, A-1042")
    assert made.startswith("Tell Tasha: ")
    assert made.endswith(", A-1042")
    for real in ("Blue", "Heron", "1958", "hill"):
        assert real not in made


def test_keys_that_are_no_identifiers_are_texts() -> None:
    value = {"order_id": {"Tasha Quokka": 1, "+14155552671": 2, "order-id": 3}}
    made = Pseudonyms().value(value)
    assert list(made) == ["order_id"]
    first, second, third = made["order_id"]
    assert "Tasha" not in first
    assert "Quokka" not in first
    assert third == "order-id"
    assert "2671" not in second
    assert list(made["order_id"].values()) == [1, 2, 3]
