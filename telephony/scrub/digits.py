"""Digits that stand in for digits: as many of them, and recognisable, so that they are left alone the next time.

What `is_stand_in` calls a stand-in is never replaced, so these are few and unlike what people have: published numbers
that hardly anybody cites, and for the rest a row of nines with a count at its end.
"""

from __future__ import annotations

import re

import phonenumbers

CARDS = {
    14: ("36227206271667",),
    15: ("378734493671000", "371449635398431"),
    16: (
        "4000056655665556", "5200828282828210", "2223003122003222", "6011981111111113", "3566002020360505",
        "4000000760000002", "4000001240000000", "4000004840008001", "4000000400000008", "4000000560000004",
        "4000002080000001", "4000002460000001", "4000002500000003", "4000002760000016", "4000003720000005",
        "4000003800000008", "4000004420000006", "4000005280000002", "4000005780000007", "4000006160000005",
        "4000006200000007", "4000007240000007", "4000007520000008", "4000007560000009", "4000008260000000",
    ),
    19: ("6205500000000000004",),
}  # fmt: skip
"""Numbers by length that Stripe publishes for tests; no bank issues them."""
AREAS = ("299", "399", "499", "599", "699", "799", "899", "999")
"""North American area codes that are kept free for longer numbers; 555-01xx within an area is for fiction."""
LINES = 100
"""Fictional numbers within one area."""
PHONES = len(AREAS) * LINES
_PHONE = re.compile(r"1?([2-9]99)55501(\d\d)|(?:0|44)3069990(\d{3})")
"""Ours: +1 x99 555 01xx, and 03069 990xxx, which Ofcom keeps for drama."""


def luhn(digits: str) -> bool:
    """Whether the check digit at the end fits, as on every payment card (ISO/IEC 7812-1)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0


def _count_places(length: int) -> int:
    """How many digits at the end of *length* digits count."""
    return {1: 0, 2: 1, 3: 1, 4: 2}.get(length, 3)


def row(length: int, count: int) -> str:
    """Nines, and *count*, from 1 on, at their end: below a third of what would fit, so that little else looks like it,
    and without a zero at its end, which a decimal fraction would lose. It begins again after 9, 27 or 270."""
    places = _count_places(length)
    if not places:
        return "9" * length
    steps = (count - 1) % {1: 9, 2: 27, 3: 270}[places]
    return "9" * (length - places) + f"{steps + steps // 9 + 1:0{places}}"


def phone(index: int) -> str:
    """The ten digits of fictional number *index*; there are `PHONES` of them."""
    index %= PHONES
    return f"{AREAS[index // LINES]}55501{index % LINES:02}"


def phone_index(digits: str) -> int | None:
    """Which of our fictional numbers is written here, nationally or internationally."""
    match = _PHONE.fullmatch(digits)
    if match is None:
        return None
    area, line, british = match.groups()
    index = int(british) if british else AREAS.index(area) * LINES + int(line)
    return index if index < PHONES else None


def phone_like(digits: str, index: int, plus: bool) -> str | None:
    """Fictional number *index* in as many digits as *digits*, or None if there is no such form of it."""
    match len(digits):
        case 10 if not plus:
            return phone(index)
        case 11 if plus or digits[0] == "1":
            return "1" + phone(index)
        case 11 if digits[0] == "0":
            return f"03069990{index % 1000:03}"
        case 12 if plus or digits.startswith("44"):
            return f"443069990{index % 1000:03}"
        case _:
            return None


def is_stand_in(digits: str) -> bool:
    """Whether *digits* are ours, and nobody's."""
    length = len(digits)
    nines = length - _count_places(length)
    count = digits[nines:]
    if digits[:nines] == "9" * nines and count[-1:] != "0" and (len(count) < 2 or count[0] in "012"):
        return True
    return phone_index(digits) is not None or digits in CARDS.get(length, ())


def same_number(digits: str, plus: bool) -> str:
    """The national number: what all spellings of one telephone number have in common, with or without the country."""
    international = digits if plus or (len(digits), digits[0]) == (11, "1") or digits.startswith("44") else ""
    if digits.startswith("00"):
        international = digits[2:]
    if international:
        try:
            return str(phonenumbers.parse(f"+{international}").national_number)
        except phonenumbers.NumberParseException:
            return international
    return digits.lstrip("0")
