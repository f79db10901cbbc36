"""What was asked for, in one spelling, or in none.

Elsewhere a number is taken as kindly as it can be (`agents.numbers`); here somebody else's money depends on it.
Whatever two readers could read as two numbers has no spelling: digits of other scripts, letters, percent signs,
extensions, what is dialled after the connection, a national number without its country, and everything unseen.
"""

from __future__ import annotations

import re
import unicodedata

from telephony.agents.numbers import PLUS, SPELLING, is_e164

LONGEST = 128
"""Characters of a target; the longest SIP addresses in use are shorter."""
_GLOBAL = re.compile(r"(?:tel:)?(\+[^/]*)", re.IGNORECASE)
"""A slash is written between digits too, but also between two numbers: `+49 30 123456/57`."""
_ADDRESS = re.compile(r"sips?:[\w.!~*'()&=+$,-]+@[\w.-]+(?::[0-9]{1,5})?(?:;[\w.=-]+)*", re.IGNORECASE | re.ASCII)
_SCHEME = re.compile(r"\s*<?[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"\w@|@\w")


def name_key(text: str) -> str:
    """What two spellings of one name of the directory have in common."""
    return " ".join(text.split()).casefold()


def normalised(text: str) -> str | None:
    """The number that *text* can only mean, as E.164: `tel:+1 (555) 010-0` is `+15550100`. None if it means none, or
    might mean another."""
    found = _GLOBAL.fullmatch(text.strip(" ")) if len(text) <= LONGEST and visible(text) else None
    digits = SPELLING.sub("", found[1]) if found else ""
    return digits if PLUS.fullmatch(digits) and is_e164(digits) else None


def sip_address(text: str) -> str | None:
    """*text* if it is a SIP address, in lower case, for comparing. None if it is none, or brings headers along."""
    trimmed = text.strip(" ")
    return trimmed.lower() if len(trimmed) <= LONGEST and _ADDRESS.fullmatch(trimmed) else None


def is_address(text: str) -> bool:
    """Whether *text* has a scheme other than `tel:`, or a host."""
    scheme = _SCHEME.match(text)
    return bool(_HOST.search(text)) or (scheme is not None and scheme[0].strip().lower() != "tel:")


def short_digits(text: str) -> str:
    """The digits of what may be a short code, in whatever spelling; empty if it is none."""
    digits = SPELLING.sub("", text).strip("+*#")
    return digits if re.fullmatch(r"[0-9]{1,6}", digits) else ""


def visible(text: str) -> bool:
    """Whether a reader sees all of it, on one line: no control characters, marks of direction or joiners."""
    return not any(unicodedata.category(character) in _HIDDEN for character in text)


_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
