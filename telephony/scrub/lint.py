"""What in a fixture still looks real: the last look before it is shown to others.

It knows shapes only, so it finds no names. Base64 it would read as text: leave fields of audio out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import phonenumbers

from telephony.scrub.digits import is_stand_in, luhn
from telephony.scrub.reserved import FICTIONAL_NUMBERS, TEST_CARDS, is_made_up_sid, is_reserved_domain

_EDGE = r"(?<![\w.-])"
_END = r"(?![\w-])(?!\.\d)"
_EMAIL = re.compile(r"[\w.+'-]{1,64}@([\w-]+(?:\.[\w-]+)+)")
_CARD = re.compile(rf"{_EDGE}[2-6]\d(?:[ -]?\d){{12,17}}{_END}")
_BANK = re.compile(rf"{_EDGE}[A-Z]{{2}}\d{{2}}(?:[ -]?[A-Z0-9]{{4}}){{2,7}}(?:[ -]?[A-Z0-9]{{1,3}})?{_END}")
_SSN = re.compile(rf"{_EDGE}(?!000|666|9)(\d{{3}})([- ])(?!00)\d\d\2(?!0000)\d{{4}}{_END}")
_SID = re.compile(r"(?<!\w)[A-Z]{2}[0-9a-f]{32}(?!\w)")
_KEYS = (
    re.compile(r"(?<![\w-])(?:sk|xai|rk|pk|ek|gsk)-(?=[\w-]*\d)[\w-]{8,}"),
    re.compile(r"(?i)\bbearer\s+(?=\S*\d)[\w.~+/=-]{8,}"),
    re.compile(r"(?<!\w)eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),
)
_ABROAD = re.compile(rf"(?<![\w+])(?:\+|00)[1-9](?:[\s().\-/]{{0,2}}\d){{6,14}}{_END}")
_GAP = r"[\s().\-/]{0,2}"
_AT_HOME = re.compile(rf"{_EDGE}(?:\(?0\d(?:{_GAP}\d){{8,9}}|(?:1[ .-]?)?\(?[2-9](?:{_GAP}\d){{9}}){_END}")
"""British with their zero, North American with or without their one."""
_SHORTEST_NUMBER = 10
"""Digits of a number in JSON that may be a telephone's."""


class Suspicion(msgspec.Struct, frozen=True):
    """Something that looks real."""

    what: str
    """What it seems to be, and its ends: a complaint must not give away what it complains of."""
    where: str
    """The path in the value, such as `events[3].item.content[0].text`; empty for the value itself."""
    remedy: str

    def __str__(self) -> str:
        return f"{f'{self.where}: ' if self.where else ''}{self.what}. {self.remedy}"


def suspicions(text: str) -> list[str]:
    """What in *text* looks real, and what to do about it."""
    return [f"{what}. {remedy}" for what, remedy in _found(text)]


def suspicious(value: Any, where: str = "") -> list[Suspicion]:
    """What in a JSON-like value looks real, keys included."""
    if isinstance(value, dict):
        found = []
        for key, item in value.items():
            path = f"{where}.{key}" if where else str(key)
            found += [Suspicion(f"the key is {what}", where, remedy) for what, remedy in _found(str(key))]
            found += suspicious(item, path)
        return found
    if isinstance(value, list | tuple):
        return [one for at, item in enumerate(value) for one in suspicious(item, f"{where}[{at}]")]
    if isinstance(value, int) and len(str(abs(value))) >= _SHORTEST_NUMBER and not isinstance(value, bool):
        value = str(abs(value))
    return [Suspicion(what, where, remedy) for what, remedy in _found(value)] if isinstance(value, str) else []


def places(text: str) -> list[tuple[int, int]]:
    """Where in *text* something looks real: start and end of each."""
    return [span for span, _, _ in _seen(text)]


def _found(text: str) -> Iterator[tuple[str, str]]:
    """What it is and what to do, for everything in *text* that looks real."""
    for (start, end), what, remedy in _seen(text):
        yield f"{what}, {_ends(text[start:end])}", remedy


def _seen(text: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    for match in _EMAIL.finditer(text):
        if not is_reserved_domain(match[1].rstrip(".")):
            yield match.span(), "an e-mail address", "Scrub it, or write name@example.com."
    yield from _numbers(text)
    for match in _SID.finditer(text):
        if not is_made_up_sid(match[0]):
            yield match.span(), "a SID of Twilio", "Scrub it, or write zeros and a count behind its two letters."
    for pattern in _KEYS:
        for match in pattern.finditer(text):
            yield match.span(), "a key or token", "Take it out, and revoke it if it was ever shown."


def _numbers(text: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Cards, accounts, social security numbers, and the telephone numbers that are none of them."""
    taken: list[tuple[int, int]] = []
    for match in _BANK.finditer(text):
        if is_iban(match[0]):
            taken.append(match.span())
            yield match.span(), "a bank account (IBAN)", "Scrub it, or write XX and nines."
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if luhn(digits) and digits not in TEST_CARDS and not is_stand_in(digits):
            taken.append(match.span())
            yield match.span(), "a card number", "Scrub it, or write a published test number."
    for match in _SSN.finditer(text):
        taken.append(match.span())
        yield match.span(), "a social security number", "Scrub it, or write 999-99-9901."
    for pattern in (_ABROAD, _AT_HOME):
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            if _rings(match[0]):
                yield match.span(), "a telephone number", "Scrub it, or write one for fiction: +1 999 555 01xx."


def _rings(number: str) -> bool:
    """Whether *number* may be somebody's."""
    digits = re.sub(r"\D", "", number)
    if is_stand_in(digits) or digits in TEST_CARDS:
        return False
    if number.startswith("00"):
        number = f"+{number[2:]}"
    try:
        parsed = phonenumbers.parse(number, "GB" if digits.startswith("0") else "US")
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_valid_number(parsed) and FICTIONAL_NUMBERS.fullmatch(written) is None


def is_iban(written: str) -> bool:
    """Whether the check digits fit (ISO 13616)."""
    plain = re.sub(r"[\s-]", "", written)
    number = "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])
    return int(number) % 97 == 1


def _ends(text: str) -> str:
    return f"{text[:2]}\u2026{text[-2:]}"
