"""Telephone numbers as people and carriers write them, in one spelling."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"(?:tel|sips?|client|whatsapp):", re.IGNORECASE)
SPELLING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
"""What people write between digits."""
PLUS = re.compile(r"\+[0-9]+")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
"""ITU-T E.164: a country code, which never begins with 0, and at most 15 digits in all."""
_LONG = re.compile(r"[0-9]{7,15}")
"""Digits that are more than a short code or an extension: a number whose plus was lost on the way."""
HOW_TO_WRITE = "Write a plus, the country code and the number: 2 to 15 digits."


def normal(number: str) -> str:
    """One spelling for all the ways a number or address is written: `tel:+1 (555) 010-0` is `+15550100`.

    Of a SIP address or a client's name that is no number, what stands before the `@` remains, in lower case. A plus
    that was lost (a form that was decoded twice turns it into a space) or written as `00` is put back.
    """
    text = number.strip().strip("<>")
    scheme = _SCHEME.match(text)
    if scheme:
        text = unquote(re.split("[@;?]", text[scheme.end() :], maxsplit=1)[0])
    digits = SPELLING.sub("", text)
    if digits.startswith("00") and _LONG.fullmatch(digits[2:]):
        return f"+{digits[2:]}"
    if _LONG.fullmatch(digits):
        return f"+{digits}"
    return digits if PLUS.fullmatch(digits) else text.strip().lower()


def is_e164(number: str) -> bool:
    """Whether *number*, in its normal spelling, can be dialled from anywhere."""
    return _E164.fullmatch(number) is not None
