"""The last look: what looks real is named, what is made up or only a number is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from personal import PLANTED
from telephony.scrub.lint import Suspicion, is_iban, places, suspicions, suspicious
from telephony.scrub.text import Pseudonyms

REAL = {
    "a telephone number": ["+1 415 555 2671", "(415) 555-2671", "4155552671", "020 7911 0958", "+49 171 1234567",
                           "0044 20 7911 0958", "call 1-800-356-9377 or +1-800-356-9377"],
    "a card number": ["4539 5787 6362 1486", "4716616489319277", "card 5500-0055-5555-5559"],
    "an e-mail address": ["mark.hill@gmail.com", "x@y.io", "write to KATE@BBC.CO.UK."],
    "a bank account": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606"],
    "a social security number": ["123-45-6789", "219 09 9999"],
    "a SID of Twilio": ["AC3f1c9b7e2d4a6508f1e2d3c4b5a69788"],
    "a key or token": ["sk-proj-4f8a9b2c1d3e5f6a", "xai-0123456789abcdef", "Authorization: Bearer abcdef0123456789",
                       "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w"],
}  # fmt: skip


@pytest.mark.parametrize(("what", "text"), [(what, text) for what, texts in REAL.items() for text in texts])
def test_what_looks_real_is_named_but_not_repeated(what: str, text: str) -> None:
    (complaint, *more) = suspicions(text)
    assert complaint.startswith(what)
    assert not more or len(text) > 30
    assert text not in complaint


@pytest.mark.parametrize(
    "text",
    [
        "1790003600", "1790000001456", "2026-11-27T10:30:00.123456Z", "12.345678901234", "item_EKXoZ1b2c3d4155552671",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709", "123e4567-e89b-12d3-a456-426614174000", "0123456789", "160 samples",
        "CA0123456789abcdef0123456789abcdef", "+1 415 555 0123", "+44 20 7946 0958", "020 7946 0958", "+15550100001",
        "4242 4242 4242 4242", "4111111111111111", "a@example.com", "b@host.test", "999-99-9901", "000-12-3456",
        "XX99 9999 9999 9999 9999 01", "bearer of news", "the task-force sk-learn", "AB12 3456 7890 1234 5678",
        "see 192.168.17.42", "0.4155552671", "call_4155552671", "",
    ],
)  # fmt: skip
def test_what_is_made_up_or_only_a_number_is_not(text: str) -> None:
    assert suspicions(text) == []


def test_it_says_where_and_what_to_do() -> None:
    value = {"events": [{"at": 1.5}, {"item": {"text": "Call 415-555-2671."}}], "to": 14155552671, "ok": True}
    first, second = suspicious(value)
    assert str(first) == (
        "events[1].item.text: a telephone number, 41\u202671. Scrub it, or write one for fiction: +1 999 555 01xx."
    )
    assert (second.where, second.what) == ("to", "a telephone number, 14\u202671")
    (key,) = suspicious({"mark@gmail.com": 1})
    assert (key.what, key.where) == ("the key is an e-mail address, ma\u2026om", "")
    assert str(Suspicion("what", "", "Do.")) == "what. Do."


def test_counts_and_times_are_no_telephone_numbers() -> None:
    assert (
        suspicious({"at": 1790003600, "ms": 1790000001456, "samples": 480000, "ratio": 0.4155552671, "no": None}) == []
    )


def test_nothing_that_the_engine_makes_is_suspicious() -> None:
    names = Pseudonyms()
    for personal in PLANTED:
        assert suspicions(names.text(f"My name is {personal}, thank you.")) == []
        assert suspicious(json.loads(json.dumps(names.value({"customer": personal, "note": personal})))) == []


def test_our_own_messages_from_the_wire_are_not_suspicious() -> None:
    folder = Path(__file__).parent.parent.parent / "fixtures" / "wire"
    files = [file for file in folder.rglob("*.json") if not any(sound in file.name for sound in ("media", "audio"))]
    assert files
    for file in files:
        assert suspicious(json.loads(file.read_text(encoding="utf-8"))) == []


def test_the_check_digits_of_an_account_are_checked() -> None:
    assert is_iban("DE89 3704 0044 0532 0130 00")
    assert not is_iban("DE88 3704 0044 0532 0130 00")


def test_places_of_what_looks_real_are_told() -> None:
    text = "Order A-1042, or call +44 20 7946 1958 or mark.hill@gmail.com"
    assert [text[start:end] for start, end in places(text)] == ["mark.hill@gmail.com", "+44 20 7946 1958"]
