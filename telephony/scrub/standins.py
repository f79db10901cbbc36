"""Who stands in for whom: the same for the same original, another for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from telephony.scrub import digits as figures
from telephony.scrub.tokens import UNITS

_STEMS = ("name", "word", "item", "blank")
"""What invented words are made of; the first that holds nothing personal is taken."""
LONG = 8
"""Letters of a word that gets a long word in its place, so that a sentence keeps about its length."""
_TRIES = 2000
"""Stand-ins that are looked at before one is used twice; there are a thousand of most kinds."""


class StandIns:
    """The stand-ins of one cassette, given out in the order in which their originals are met.

    *avoid* are texts in lower case that no stand-in may contain; it may grow.
    """

    def __init__(self, avoid: Iterable[str]) -> None:
        self._avoid = avoid
        self._given: dict[tuple[str, str], str] = {}
        self._used: set[str] = set()
        self._next: dict[str, int] = {}

    def occupied(self, stand_in: str) -> None:
        """*stand_in* is in the text already, for somebody whom we do not know."""
        self._used.add(stand_in)

    def word(self, word: str, *, name: bool) -> str:
        """An invented word, in lower case; *word* is without case and ending. *name*: whether it began with a capital
        when it was met first."""
        stems = _STEMS if name else (_STEMS[1], _STEMS[0], *_STEMS[2:])
        stem = next((stem for stem in stems if not self._betrays(f"long{stem}")), stems[0])
        if len(word) >= LONG:
            stem = f"long{stem}"
        return self._give("word", word, lambda count: f"{stem}{count}")

    def email(self, address: str) -> str:
        """An address that nobody can have: example.com is reserved (RFC 2606)."""
        return self._give("email", address.casefold(), lambda count: f"person{count}@example.com")

    def number(self, digits: str, places: int, *, plus: bool = False) -> str:
        """Digits for *places*, in place of *digits*. What they seem to be, a telephone's or a card's number, they stay,
        and a telephone's has one stand-in however much of the country it is written with."""
        if places == len(digits):
            if figures.is_stand_in(digits) and not self._betrays(digits):
                return digits
            if figures.phone_like(digits, 0, plus):
                national = figures.same_number(digits, plus)
                index = figures.phone_index(self._give("phone", national, figures.phone)) or 0
                return figures.phone_like(digits, index, plus) or digits
            cards = figures.CARDS.get(places, ())
            if cards and figures.luhn(digits) and self._room(f"card{places}", digits, len(cards)):
                return self._give(f"card{places}", digits, lambda count: cards[(count - 1) % len(cards)])
        return self.row(digits, places)

    def row(self, digits: str, places: int) -> str:
        """Digits that look like nothing in particular."""
        if places == len(digits) and figures.is_stand_in(digits) and not self._betrays(digits):
            return digits
        return self._give(f"row{places}", digits, lambda count: figures.row(places, count))

    def code(self, code: str) -> str:
        """Letters and digits mixed, of the same shape: `AB12` is `XX91`. *code* may contain separators, which stay."""
        written = [sign for sign in code if sign.isalnum()]
        places = sum(sign.isdecimal() for sign in written)
        key = "".join(written).casefold()
        made = iter(self._give(f"code{places}", key, lambda count: figures.row(places, count)))
        letters = ("X" if sign.isupper() else "x" for sign in code)
        return "".join(
            next(made) if sign.isdecimal() else letter if _is_letter(sign) else sign
            for sign, letter in zip(code, letters, strict=True)
        )

    def identifier(self, identifier: str, skip: int) -> str:
        """The same with everything behind its first *skip* characters replaced by zeros and a count."""
        places = sum(sign != "-" for sign in identifier[skip:])
        made = iter(self._give(f"id{skip}-{places}", identifier.casefold(), lambda count: f"{count:0{places}x}"))
        return identifier[:skip] + "".join(sign if sign == "-" else next(made) for sign in identifier[skip:])

    def _give(self, kind: str, key: str, candidate: Callable[[int], str]) -> str:
        if (kind, key) not in self._given:
            first = self._next.get(kind, 1)
            counts = range(first, first + _TRIES)
            count = next((n for n in counts if self._is_free(candidate(n))), first)
            self._next[kind] = count + 1
            self._given[kind, key] = candidate(count)
        return self._given[kind, key]

    def _is_free(self, stand_in: str) -> bool:
        return stand_in not in self._used and not self._betrays(stand_in)

    def _room(self, kind: str, key: str, most: int) -> bool:
        return (kind, key) in self._given or self._next.get(kind, 1) <= most

    def _betrays(self, stand_in: str) -> bool:
        return any(text in stand_in for text in self._avoid)


def _is_letter(sign: str) -> bool:
    return sign.isalpha() or not (sign.isascii() or sign.isspace())


def spoken(digit: str, like: str) -> str:
    """The word for *digit*, with the capitals of *like*."""
    word = UNITS[int(digit)]
    return word.upper() if like.isupper() and len(like) > 1 else word.capitalize() if like[0].isupper() else word
