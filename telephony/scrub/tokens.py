"""A text as words, numbers, codes, addresses and identifiers, and the numbers that are spread over several of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

import msgspec

from telephony.scrub.vocabulary import words

Kind = Literal["word", "digits", "code", "email", "bank", "id", "small", "own"]

_MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u06d6-\u06dc\u0900-\u0903\u093a-\u094f"
_BEYOND = "\u0980-\u167f\u1681-\u1cff\u200b-\u200d\ua800-\uabff\ufe20-\ufe2f"
_ALNUM = rf"(?:[^\W_]|[{_MARKS}{_BEYOND}])"
"""A letter or digit, or what is written above, below or within one; scripts of South Asia put vowels there."""
_EDGE = r"(?<![^\W_])"
_END = r"(?![^\W_])"

_MAILABLE = r"[\w.+%&=#~-]"
_EMAIL = rf"(?<!{_MAILABLE})(?:{_MAILABLE}|(?<=\w)['\u2019](?=\w)){{1,64}}@(?:[\w-]{{1,63}}\.){{1,8}}[^\W\d_]{{2,}}"
_SID = r"[A-Z]{2}[0-9a-f]{32}"
_UUID = r"(?=[0-9-]*[a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HEX = r"(?=(?:\d*[a-f]){4})(?=[a-f]*\d)[0-9a-f]{20,}"
_TIME = r"(?:1[0-2]|0?[1-9]):[0-5][0-9] ?[aApP](?:\.[mM]\b|[mM])"
_SMALL = rf"{_TIME}|[aApP]\.[mM]|[eE]-mails?|e\.g|i\.e|[0-9]{{1,2}}(?:st|nd|rd|th|am|pm)"
_BANK = r"[A-Z]{2}[0-9]{2}(?:[ \u00a0-]?[A-Z0-9]{4}){2,7}(?:[ \u00a0-]?[A-Z0-9]{1,4})?"
_RUN = rf"{_ALNUM}+(?:['\u2019]{_ALNUM}+)*"
_PATTERN = re.compile(
    rf"(?P<email>{_EMAIL})|(?P<id>{_EDGE}(?:{_SID}|{_UUID}|{_HEX}){_END})|(?P<small>{_EDGE}(?:{_SMALL}){_END})"
    rf"|(?P<bank>{_EDGE}{_BANK}{_END})|(?P<run>{_RUN})"
)
OWN_WORD = re.compile(r"(?:long)?(?:name|word|item|blank)[0-9]{1,6}(?:['\u2019][a-z]*)?", re.IGNORECASE)
OWN_EMAIL = re.compile(r"person[0-9]+@example\.com")

UNITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
NUMBER_WORDS = {
    **{word: str(n) for n, word in enumerate(UNITS + _TEENS)},
    **{word: str(n) for n, word in zip(range(20, 100, 10), _TENS, strict=True)},
    **dict.fromkeys(["oh", "o", "nought", "naught"], "0"),
    **dict.fromkeys(["double", "triple"], ""),
}
_OPENS_NOTHING = {"oh", "o"}
"""`Oh, one moment` is not a number."""
_BETWEEN = words("hundred thousand and then dash hyphen dot point slash comma space um uh er")
NUMERIC = frozenset(NUMBER_WORDS) | _BETWEEN
"""Every word that a number may consist of."""
_GAP = re.compile(r"[\s.,:;/()\[\]_*#\-\u00a0\u2010-\u2015]{0,6}")
MOST_BETWEEN = 2
"""Words such as `dash` and single letters that may stand between two digits of one number."""


class Token(msgspec.Struct, frozen=True):
    """One piece of a text."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        """For comparing: without case, apostrophes all alike."""
        return self.text.casefold().replace("\u2019", "'")

    @property
    def is_letter(self) -> bool:
        """Whether it is one letter, as in a name that is spelled out."""
        return len(self.text) == 1 and self.text.isascii() and self.text.isalpha()


def tokens(text: str) -> list[Token]:
    """Everything in *text* but spaces and punctuation."""
    found = []
    for match in _PATTERN.finditer(text):
        kind, written = match.lastgroup, match.group()
        found.append(Token(_kind(written) if kind == "run" else kind, written, *match.span()))  # type: ignore[arg-type]
    return found


def _kind(run: str) -> Kind:
    if OWN_WORD.fullmatch(run) or run in {"x", "X"}:
        return "own"
    if run.isdecimal():
        return "digits"
    return "code" if any(sign.isdecimal() for sign in run) else "word"


def decimals(text: str) -> str:
    """The digits in *text*, of whatever script, as ASCII."""
    return "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())


class Number(msgspec.Struct, frozen=True):
    """Digits and words for digits that make one number, whatever stands between them."""

    parts: list[int]
    """Which tokens."""
    digits: str
    """What they say: `double five` is 55."""
    places: int
    """Digits that can be written in their place: one for each digit, one for each word."""
    plus: bool
    joints: list[int]
    """Tokens between the parts."""


def numbers(text: str, found: Sequence[Token]) -> list[Number]:
    """The numbers in *text*, of which *found* are the tokens. A comma between long groups divides two numbers."""
    chains: list[list[int]] = []
    between = MOST_BETWEEN + 1
    for at, token in enumerate(found):
        is_part = token.kind == "digits" or (token.kind == "word" and token.plain in NUMBER_WORDS)
        joined = between <= MOST_BETWEEN and _joined(text, found[at - 1], token)
        if is_part and (joined or token.plain not in _OPENS_NOTHING):
            if joined and not _divided(text, found[chains[-1][-1]], token):
                chains[-1].append(at)
            else:
                chains.append([at])
            between = 0
        elif joined and (token.plain in _BETWEEN or token.is_letter):
            between += 1
        else:
            between = MOST_BETWEEN + 1
    return [_number(text, found, chain) for chain in chains]


def _joined(text: str, before: Token, after: Token) -> bool:
    return _GAP.fullmatch(text, before.end, after.start) is not None


def _divided(text: str, before: Token, after: Token) -> bool:
    """Whether a comma or a word stands between two groups that are long enough to be numbers of their own."""
    between = text[before.end : after.start]
    long = all(token.kind == "digits" and len(token.text) > 2 for token in (before, after))
    return long and any(sign.isalpha() or sign in ",;" for sign in between)


def _number(text: str, found: Sequence[Token], chain: list[int]) -> Number:
    digits, times, places = "", 1, 0
    for at in chain:
        token = found[at]
        if token.kind == "digits":
            digits += decimals(token.text)[:1] * (times - 1) + decimals(token.text)
            places += len(token.text)
        else:
            digits += NUMBER_WORDS[token.plain] * times
            places += 1
        times = {"double": 2, "triple": 3}.get(token.plain, 1)
    before = text[: found[chain[0]].start].rstrip(" (")
    joints = [at for at in range(chain[0], chain[-1]) if at not in chain]
    return Number(chain, digits, places, before.endswith("+"), joints)
