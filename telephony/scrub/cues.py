"""Which ordinary words are names where they stand: by capitals, by what goes before, and by what comes after.

Everything here sees the tokens of one text and answers with places among them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence

from telephony.scrub.tokens import NUMBER_WORDS, NUMERIC, Token
from telephony.scrub.vocabulary import ALWAYS_CAPITAL, COMMON, FUNCTION, MODAL, MONTHS, NAMES_TOO, PREDICATES, words

_NAMING = {("name", "is"), ("name's",), ("name", "was"), ("names", "is"), ("surname", "is"), ("named",)}
"""A name must follow."""
_TITLES = {("mr",), ("mrs",), ("ms",), ("miss",), ("dr",), ("mister",), ("madam",), ("professor",)}
_INTRODUCING = {
    ("this", "is"), ("i'm",), ("im",), ("i", "am"), ("it's",), ("it", "is"), ("am",), ("name",), ("husband", "is"),
    ("wife", "is"), ("son", "is"), ("daughter", "is"), ("brother", "is"), ("sister", "is"), ("partner", "is"),
}  # fmt: skip
"""A name may follow, or anything."""
_ADDRESSING = {
    ("hi",), ("hello",), ("hey",), ("thanks",), ("thank", "you"), ("dear",), ("ask", "for"), ("speak", "to"),
    ("speak", "with"), ("talk", "to"), ("speaking", "with"), ("speaking", "to"), ("bye",), ("goodbye",), ("okay",),
    ("ok",), ("sorry",), ("doctor",), ("called",), ("welcome",), ("morning",), ("afternoon",), ("evening",),
    ("surname",), ("first", "name"), ("last", "name"), ("and",), ("with",), ("from",), ("husband",), ("wife",),
    ("son",), ("daughter",), ("brother",), ("sister",), ("friend",), ("colleague",), ("miss",), ("uncle",), ("st",),
}  # fmt: skip
_BOOKED = {
    ("doctor",), ("ask", "for"), ("under",), ("name", "of"), ("reservation", "for"), ("booking", "for"),
    ("appointment", "for"), ("table", "for"),
}  # fmt: skip
"""A name may follow, also one that says what things are like, if nothing comes after that it could belong to."""
_NOT_BOOKED = (
    PREDICATES & words("cash early english fine free good ill large low lucky mine old short small warm")
) | (MONTHS | words("day noon spring winter law price rain rock snow storm sun tree"))
"""What comes behind `under` and `for` as often when it is no name."""
_TOLD_OF = words("i i'm i'll i've we we'll he she that to about")
"""What follows in `tell faith that`."""
_NAME_KINDS = words("first last middle family maiden full second")
_SPEAKING = {"speaking", "here"}
_WAYS = {"street", "road", "avenue", "lane", "boulevard", "st", "rd", "ave", "blvd"}
"""What comes before is the name of a street, except in `the street`."""
_WAYS_AFTER_NUMBER = _WAYS | {
    "drive", "way", "court", "close", "square", "place", "terrace", "crescent", "ln", "gardens", "garden", "park",
    "hill", "row", "circle", "highway", "house", "apartments",
}  # fmt: skip
_NUMBERED = {"flat", "apartment", "apt", "unit", "suite", "house"}
_DOMAINS = words("com co org net uk io de eu edu gov info biz ca au us ie fr me")
"""What comes behind the last `dot` of a mail address."""
_DOMAIN_WORDS = 3
"""Words that are written as one between two dots."""
_BIRTH = {"born", "birth", "birthday", "birthdate", "dob", "birthdays"}
_AFTER_BIRTH = 8
"""Words after which a date of birth must have been said."""
_ORDINALS = re.compile(
    r"\w*(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|tieth)"
)
_NO_NAME = FUNCTION | NUMERIC | (MODAL - NAMES_TOO)
"""What no name begins with."""
LONGEST = 3
"""Words of a name behind a cue."""
_STREET = 4
"""Words between a house number and the word `street`."""


def _stops(text: str, before: Token, after: Token, allowed: str = "") -> bool:
    """Whether a sentence ends between two tokens."""
    return any(sign in ".!?;\n" and sign not in allowed for sign in text[before.end : after.start])


def _follows(
    text: str, found: Sequence[Token], at: int, phrases: Collection[tuple[str, ...]], allowed: str = ""
) -> bool:
    """Whether one of *phrases* stands right before place *at*."""
    if at < 1 or _stops(text, found[at - 1], found[at], allowed):
        return False
    one, two = (found[at - 1].plain,), (found[max(at - 2, 0)].plain, found[at - 1].plain)
    return one in phrases or (at > 1 and two in phrases and not _stops(text, found[at - 2], found[at - 1]))


def _may_be_name(token: Token) -> bool:
    return token.kind == "word" and token.plain in NAMES_TOO


def _is_likely_name(token: Token) -> bool:
    return _may_be_name(token) and token.plain not in MODAL | PREDICATES


def bare(plain: str) -> str:
    """A word without 's, 'm and the like, if it is not one that has them by nature."""
    return plain if plain in COMMON else re.sub(r"'[a-z]{0,2}$", "", plain)


def named(text: str, found: Sequence[Token], strange: Collection[int]) -> Iterator[tuple[int, bool]]:
    """Places of words that a cue makes names, and whether the word is a name from then on, wherever it stands.

    *strange* are the places of words that are replaced in any case, or were.
    """
    for at, token in enumerate(found):
        yield from _said_to_be_a_name(text, found, at)
        if _follows(text, found, at, _NAMING) or _follows(text, found, at, _TITLES, "."):
            yield from _run(text, found, strange, at, sure=True)
        elif (
            _introduced(text, found, at)
            or (_is_likely_name(token) and _called(text, found, strange, at))
            or _booked(text, found, strange, at)
            or _asked_for(text, found, at)
        ):
            yield from _run(text, found, strange, at, sure=False)


def _called(text: str, found: Sequence[Token], strange: Collection[int], at: int) -> bool:
    addressed = _follows(text, found, at, _ADDRESSING)
    return addressed or _beside_a_name(text, found, strange, at) or _speaks(text, found, at)


def _run(
    text: str, found: Sequence[Token], strange: Collection[int], at: int, *, sure: bool
) -> Iterator[tuple[int, bool]]:
    """The words of a name that begins at *at*; *sure*: any word may belong to it."""
    for place in range(at, min(at + LONGEST, len(found))):
        token = found[place]
        if place > at and text[found[place - 1].end : token.start].strip(" -'") != "":
            return
        if place in strange:
            continue
        whole = sure and (_ends(text, found, place) or found[place + 1].plain == "and")  # `april may and`
        ends = token.plain in (_NO_NAME if place == at or whole else _NO_NAME | MODAL)
        if token.kind != "word" or ends or not (sure or _may_be_name(token)):
            return
        yield place, token.plain not in MODAL and not token.is_letter


def _introduced(text: str, found: Sequence[Token], at: int) -> bool:
    """Whether a word after `this is` is a name: not if it says what something is like."""
    token = found[at]
    if not _may_be_name(token) or not _follows(text, found, at, _INTRODUCING):
        return False
    if token.plain not in PREDICATES:
        return True
    after = found[at + 1] if at + 1 < len(found) else None
    return after is not None and not _stops(text, token, after) and (_is_likely_name(after) or after.plain in _SPEAKING)


def _ends(text: str, found: Sequence[Token], at: int) -> bool:
    """Whether a sentence ends behind place *at*."""
    return at + 1 >= len(found) or _stops(text, found[at], found[at + 1])


def _booked(text: str, found: Sequence[Token], strange: Collection[int], at: int) -> bool:
    """Whether it is the name in `a table under king`, and not the beginning of `under grey skies`."""
    plain = found[at].plain
    if not _may_be_name(found[at]) or plain in MODAL | _NOT_BOOKED or not _follows(text, found, at, _BOOKED):
        return False
    return _ends(text, found, at) or at + 1 in strange or found[at + 1].plain in FUNCTION or _may_be_name(found[at + 1])


def _asked_for(text: str, found: Sequence[Token], at: int) -> bool:
    """Whether it is the name in `tell faith that` or in `is joy there`."""
    if not _is_likely_name(found[at]):
        return False
    after = "" if _ends(text, found, at) else found[at + 1].plain
    if _follows(text, found, at, {("tell",)}):
        return not after or after in _TOLD_OF
    if not _follows(text, found, at, {("is",)}):
        return False
    return after == "there" or (after in {"in", "around", "home"} and _ends(text, found, at + 1))


def _said_to_be_a_name(text: str, found: Sequence[Token], at: int) -> Iterator[tuple[int, bool]]:
    """The word before place *at* in `young is my last name`, of which only `is my` need be there for a likely one."""
    after = [token.plain for token in found[at + 1 : at + 5]]
    token = found[at]
    if after[:2] != ["is", "my"] or token.kind != "word" or token.plain in _NO_NAME or _ends(text, found, at):
        return
    kind = after[2:3] == ["surname"] or (after[3:] == ["name"] and after[2] in _NAME_KINDS)
    if kind or (after[2:3] == ["name"] and _may_be_name(token)):
        yield at, token.plain not in MODAL and not token.is_letter


def _speaks(text: str, found: Sequence[Token], at: int) -> bool:
    """Whether `speaking` or `here` comes next, or after one more word."""
    for place in (at + 1, at + 2):
        if place < len(found) and not _stops(text, found[place - 1], found[place]) and found[place].plain in _SPEAKING:
            return True
    return False


def _beside_a_name(text: str, found: Sequence[Token], strange: Collection[int], at: int) -> bool:
    """Whether a word that can only be a name stands next to it, as in `mark zuckerberg`."""
    for place in (at - 1, at + 1):
        if place in strange and found[place].kind in {"word", "own"} and not found[place].is_letter:
            left, right = sorted((at, place))
            if text[found[left].end : found[right].start] in {" ", "-"}:
                return True
    return False


def opens_sentence(text: str, token: Token) -> bool:
    """Whether *token* would begin with a capital whatever it is."""
    before = text[: token.start].rstrip(" \t\"'([{*_-\u2018\u201c\u2014\u2013")
    return not before or before[-1] in ".!?:;\n\u2026\u00bf\u00a1" or token.start - len(before) > len(" - ")


def capitals(text: str, found: Sequence[Token], innocent: Collection[str]) -> Iterator[int]:
    """Places of common words that a capital makes names. *innocent* are words that may have one."""
    for at, token in enumerate(found):
        if token.kind != "word" or token.is_letter or token.plain in NUMERIC or not token.text[0].isupper():
            continue
        if bare(token.plain) in innocent or token.plain in ALWAYS_CAPITAL or bare(token.plain) in ALWAYS_CAPITAL:
            continue
        if not opens_sentence(text, token):
            yield at
        elif _may_be_name(token) or bare(token.plain) in NAMES_TOO:
            after = found[at + 1] if at + 1 < len(found) else None
            called = after is not None and text[token.end : after.start] == " " and _has_capital(after)
            comma = token.plain in NAMES_TOO and text[token.end : token.end + 1] == ","
            if called or bare(token.plain) not in MODAL | PREDICATES or (comma and token.plain in {"will", "may"}):
                yield at


def _has_capital(token: Token) -> bool:
    is_word = token.kind in {"word", "own"} and not token.is_letter
    return is_word and token.text[0].isupper() and token.plain not in ALWAYS_CAPITAL


def letters(found: Sequence[Token]) -> Iterator[int]:
    """Places of single letters that spell something: all but `a` and `I`, and those too within a row of three."""
    for is_row, row in itertools.groupby(range(len(found)), key=lambda at: found[at].is_letter):
        places = list(row) if is_row else []
        yield from (at for at in places if len(places) > 2 or found[at].plain not in {"a", "i"})


def addresses(text: str, found: Sequence[Token]) -> Iterator[int]:
    """Places of house numbers, of the words of a street's name, of a mail address that was spelled out."""
    for at, token in enumerate(found):
        if token.plain in _WAYS_AFTER_NUMBER:
            yield from _street(text, found, at)
        if token.plain in _NUMBERED and at + 1 < len(found) and _counts(found[at + 1]):
            yield at + 1
        if token.start and text[token.start - 1] == "@" and token.kind != "email":
            yield at
        if token.plain == "at" and (domain := _domain(found, at)):
            yield from domain
            yield from _mailbox(found, at)


def _counts(token: Token) -> bool:
    is_ordinal = token.kind == "small" and token.text.isalnum()
    return is_ordinal or token.kind in {"digits", "code"} or token.plain in NUMBER_WORDS


def _street(text: str, found: Sequence[Token], at: int) -> Iterator[int]:
    with_article = at > 1 and found[at - 1].plain == "the" and _counts(found[at - 2])
    if with_article and not _stops(text, found[at - 2], found[at]):
        yield from (at - 2, at)  # `5 The Crescent`
    for start in range(at - 1, max(at - 2 - _STREET, -1), -1):
        if _stops(text, found[start], found[start + 1], "."):
            return
        if _counts(found[start]) and at - start > 1:
            yield from range(start, at)
            while start > 0 and _counts(found[start - 1]):
                start -= 1
                yield start
            return
        if found[start].plain in FUNCTION:
            break
    before = found[at - 1] if at and found[at].plain in _WAYS else None
    if before and before.kind == "word" and before.plain not in FUNCTION and not _stops(text, before, found[at]):
        yield at - 1


def _mailbox(found: Sequence[Token], at: int) -> Iterator[int]:
    """`mark dot hill at home dot com`: the words before `at`."""
    for place in range(at - 1, max(at - 7, -1), -1):
        if found[place].plain in FUNCTION | {"email", "address", "name", "mail"}:
            return
        if found[place].plain not in {"dot", "underscore", "dash", "hyphen"}:
            yield place


def _domain(found: Sequence[Token], at: int) -> list[int]:
    """`info at rose garden dot co dot uk`: the words behind `at`; none if no address follows."""
    places: list[int] = []
    together = 0
    for place in range(at + 1, len(found) - 1):
        if found[place].plain == "dot" and places:
            if found[place + 1].plain in _DOMAINS:
                return places
            together = 0
        elif found[place].plain in FUNCTION or together == _DOMAIN_WORDS:
            break
        else:
            places.append(place)
            together += 1
    follows = at + 2 < len(found) and found[at + 2].plain in {"dot", "com"}
    return [at + 1] if follows and found[at + 1].plain not in FUNCTION else []


def births(text: str, found: Sequence[Token]) -> Iterator[int]:
    """Places of days and months after `born` and the like."""
    for at, token in enumerate(found):
        if token.plain in _BIRTH:
            for place in range(at + 1, min(at + 1 + _AFTER_BIRTH, len(found))):
                word = found[place].plain
                if _counts(found[place]) or word in MONTHS or _ORDINALS.fullmatch(word):
                    yield place
