"""Stand-ins for what is personal in texts and in the values of functions.

Default deny: a word stays if it is common or declared harmless, everything else is taken for a name. It is done in two
passes, since what one message gives away (an order's `customer`) may be said in any other.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from telephony.scrub import cues
from telephony.scrub.digits import is_stand_in
from telephony.scrub.lint import places
from telephony.scrub.standins import StandIns, spoken
from telephony.scrub.tokens import NUMERIC, OWN_EMAIL, Token, decimals, numbers, tokens
from telephony.scrub.vocabulary import COMMON, FUNCTION, NAMES_TOO, words

PERSONAL_KEY = words(
    """
    name names firstname lastname fullname surname forename nickname customer caller contact recipient person patient
    guest member owner holder cardholder client address addresses street city town zip zipcode postcode postal email
    emails mail phone phones telephone tel mobile cell fax ssn sin nino dob birth birthday birthdate born card cards pan
    cvv cvc account accounts iban bic sort routing passport licence license user username login password passcode pin
    secret token tax vat insurance policy plate signature latitude longitude lat lng lon
    """
)
"""Parts of keys whose values are personal, whatever they are."""
SPELT_OUT = 3
"""Digits from which a number is somebody's; `9 to 5` are two numbers."""
LONG_NUMBER = 4
"""Digits from which a number in JSON is somebody's."""
SHORTEST = 3
"""Letters of a word that is remembered because it stood in a personal value."""
EXACT = 15
"""Decimal digits that a float keeps."""

_KEY_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_IDENTIFIER = re.compile(
    r"\b(?P<prefix>[A-Z]{2})(?=[0-9a-f]{32}\b)[0-9a-f]{32}|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b(?=(?:[a-f]*\d){2})[0-9a-f]{16,}\b"
)
_OWN_IDENTIFIER = re.compile(r"(?:[A-Z]{2})?[0-]{10,}[0-9a-f-]*")


class Edit(msgspec.Struct, frozen=True):
    """Characters *start* to *end* of a text become *new*."""

    start: int
    end: int
    new: str


class Pseudonyms:
    """The stand-ins of one cassette.

    Show it everything first (`learn`, `learn_text`), in any order, and then let it replace (`text`, `value`, `pieces`,
    `ids`), in the order of the cassette: the same calls give the same stand-ins, everywhere and in every run.
    *known*: texts whose words are harmless, such as an agent's instructions and the names of its functions.
    *also*: texts that are personal whatever they are, wherever they stand.
    """

    def __init__(self, *, known: Iterable[str] = (), also: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._known_capital: set[str] = set()
        self._known_whole = set[str]()
        for text in known:
            self._declare(text)
        self._also = sorted({text.strip() for text in also if text.strip()}, key=lambda text: (-len(text), text))
        self._personal: set[str] = set()
        """Words, in lower case, that are personal from now on."""
        self._phrases: set[str] = set()
        self._avoid = [text.casefold() for text in self._also if len(text) > 1]
        self._stand_ins = StandIns(self._avoid)
        self._looked_for: re.Pattern[str] | None = None

    def _declare(self, text: str) -> None:
        if text not in NAMES_TOO:
            self._known_whole.add(text.strip())
        for token in tokens(text):
            self._known.add(token.plain)
            if token.text[0].isupper() and not (token.plain in COMMON and cues.opens_sentence(text, token)):
                self._known_capital.add(cues.bare(token.plain))

    # -- the first pass --------------------------------------------------------------------------------------------

    def learn(self, value: Any) -> None:
        """Look at a JSON-like value: what stands under a personal key is personal everywhere."""
        self._learn(value, personal=False)

    def learn_text(self, text: str) -> None:
        """Look at a text: somebody who is called by name once is known by it."""
        found = tokens(text)
        for token in found:
            if self._is_own(token):
                self._occupy(token)
        self._names(text, found, set())
        for number in numbers(text, found):
            if number.places == len(number.digits) and is_stand_in(number.digits):
                self._stand_ins.occupied(number.digits)

    def _learn(self, value: Any, *, personal: bool) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                if not str(key).isidentifier():
                    self.learn_text(str(key))
                self._learn(item, personal=personal or (_is_personal(str(key)) and not self._is_declared(item)))
        elif isinstance(value, list | tuple):
            for item in value:
                self._learn(item, personal=personal)
        elif isinstance(value, str) and (inner := _json(value)) is not None:
            self._learn(inner, personal=personal)
        elif isinstance(value, str):
            self.learn_text(value)
            if personal:
                self._learn_personal(value)

    def _learn_personal(self, value: str) -> None:
        strange = [token for token in tokens(value) if not self._is_own(token)]
        for token in strange:
            if token.kind == "word" and len(token.text) >= SHORTEST and token.plain not in FUNCTION | NUMERIC:
                self._remember(cues.bare(token.plain))
        if strange and len(value.strip()) >= SHORTEST - 1 and value.casefold().strip() not in FUNCTION:
            self._phrases.add(value.strip())
            self._looked_for = None

    def _remember(self, word: str) -> None:
        if word not in self._personal and len(word) >= SHORTEST - 1:
            self._personal.add(word)
            self._avoid.append(word)

    def _occupy(self, token: Token) -> None:
        word = token.plain.partition("'")[0]
        self._stand_ins.occupied(word if token.kind != "digits" else decimals(token.text))

    # -- the second pass -------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """*text* with stand-ins; as many words as before, and the same spaces and punctuation."""
        return _apply(text, self._edits(text))

    def told(self, text: str, *, learned: bool = False) -> str:
        """*text* with stand-ins only for what looks real, and for what is personal whatever it is: for the words of an
        agent, whose examples are harmless. *learned*: and for names that are known by now."""
        meant = [*places(text), *self._spans(text, learned=learned)]
        if learned:
            meant += [(token.start, token.end) for token in tokens(text) if cues.bare(token.plain) in self._personal]
        edits = self._edits(text, meant=meant) if meant else []
        return _apply(
            text, [edit for edit in edits if any(edit.start < end and start < edit.end for start, end in meant)]
        )

    def value(self, value: Any) -> Any:
        """A copy of a JSON-like value with stand-ins, also in keys that are no identifiers. A text that is JSON itself
        is looked into."""
        self.learn(value)
        return self._value(value, personal=False)

    def pieces(self, pieces: Sequence[str]) -> list[str]:
        """Stand-ins for a text that came in pieces: together they are what `text`, or for JSON `value`, makes of the
        whole, cut into as many pieces at about the same places, between words where the whole had a word replaced."""
        whole = "".join(pieces)
        places = list(itertools.accumulate(map(len, pieces), initial=0))[:-1]
        if _json(whole) is None:
            edits = self._edits(whole)
            new = _apply(whole, edits)
            cuts = [_moved(at, edits) for at in places]
        else:
            new = str(self.value(whole))
            cuts = [len(new) * at // len(whole) for at in places]
        return [new[start:end] for start, end in itertools.pairwise([*cuts, len(new)])]

    def ids(self, text: str) -> str:
        """*text* with stand-ins for identifiers: SIDs of Twilio keep their two letters, UUIDs and long hex numbers
        their shape; they are zeros with a count at the end. Nothing else is replaced."""
        return _IDENTIFIER.sub(self._identifier, text)

    def _identifier(self, match: re.Match[str]) -> str:
        written = match.group()
        if _OWN_IDENTIFIER.fullmatch(written):
            return written
        return self._stand_ins.identifier(written, len(match["prefix"] or ""))

    def _value(self, value: Any, *, personal: bool) -> Any:
        if isinstance(value, dict):
            return {self._key(key): self._item(str(key), item, personal=personal) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item, personal=personal) for item in value]
        if isinstance(value, str):
            inner = _json(value)
            if inner is None:
                return _apply(value, self._edits(value, everything=personal))
            tight = '": ' not in value and '", ' not in value
            return json.dumps(
                self._value(inner, personal=personal),
                ensure_ascii=value.isascii(),
                separators=(",", ":") if tight else None,
            )
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value, personal=personal)
        return value

    def _key(self, key: Any) -> Any:
        return key if not isinstance(key, str) or key.isidentifier() else _apply(key, self._edits(key))

    def _item(self, key: str, value: Any, *, personal: bool) -> Any:
        if not personal and self._is_declared(value) and _is_personal(key):
            return value  # a function's `name`
        return self._value(value, personal=personal or _is_personal(key))

    def _is_declared(self, value: Any) -> bool:
        return isinstance(value, str) and value.strip() in self._known_whole

    def _number(self, value: float, *, personal: bool) -> float:
        written = repr(abs(value))
        if isinstance(value, float) and len(decimals(written)) > EXACT:
            written = f"{abs(value):.6g}"
        digits = decimals(written)
        if "e" in written or not digits or not (personal or len(digits) >= LONG_NUMBER):
            return value
        stand_in = self._stand_ins.row if isinstance(value, float) else self._stand_ins.number
        made = iter(stand_in(digits, len(digits)))
        new = "".join(next(made) if sign.isdecimal() else sign for sign in written)
        return (float(new) if isinstance(value, float) else int(new)) * (-1 if value < 0 else 1)

    # -- one text --------------------------------------------------------------------------------------------------

    def _edits(
        self, text: str, *, everything: bool = False, meant: Sequence[tuple[int, int]] | None = None
    ) -> list[Edit]:
        """What to change in *text*, in order. *everything*: no word and no number is harmless. *meant*: where none is;
        if it is left out, where something known stands."""
        found = tokens(text)
        if meant is None:
            self.learn_text(text)
            meant = self._spans(text)
        forced = {at for at, token in enumerate(found) if everything or _touches(token, meant)}
        personal = forced | set(cues.addresses(text, found)) | set(cues.births(text, found))
        names = self._names(text, found, personal)
        new: dict[int, str] = {}
        joints: set[int] = set()
        for number in numbers(text, found):
            joints |= set(number.joints)
            if len(number.digits) >= SPELT_OUT or personal & set(number.parts):
                made = iter(self._stand_ins.number(number.digits, number.places, plus=number.plus))
                for at in number.parts:
                    new[at] = _written(made, found[at])
        for at in cues.letters(found):
            new.setdefault(at, _blank(found[at]))
        for at, token in enumerate(found):
            if (
                at not in new
                and at not in joints
                and (made_up := self._stand_in(token, at in personal, at in names)) is not None
            ):
                new[at] = made_up
        edits = [Edit(found[at].start, found[at].end, new[at]) for at in sorted(new)]
        bare = [span for span in meant if not any(_touches(token, [span]) for token in found)]
        return sorted([*edits, *(Edit(start, end, "*" * (end - start)) for start, end in bare)], key=lambda e: e.start)

    def _names(self, text: str, found: Sequence[Token], personal: set[int]) -> set[int]:
        """Places of words that are replaced although they may be common. A name may give away the word beside it, so
        we look again until nothing more is found: nor will be when the stand-ins are looked at."""
        names = set(cues.capitals(text, found, self._known_capital))
        while True:
            strange = names | personal | {at for at, token in enumerate(found) if self._is_strange(token)}
            more = {at: lasting for at, lasting in cues.named(text, found, strange) if not self._is_innocent(found[at])}
            for at in [at for at, lasting in more.items() if lasting]:
                self._remember(cues.bare(found[at].plain))
            if more.keys() <= names:
                return names
            names |= more.keys()

    def _is_strange(self, token: Token) -> bool:
        return token.kind == "own" or (token.kind == "word" and not self._is_harmless(token))

    def _stand_in(self, token: Token, personal: bool, name: bool) -> str | None:
        """What to write in place of one token, or None if it may stay."""
        if token.kind == "word":
            if token.is_letter:
                return _blank(token) if personal or name else None
            return self._word(token) if personal or name or not self._is_harmless(token) else None
        if token.kind == "email":
            return None if OWN_EMAIL.fullmatch(token.text) else self._stand_ins.email(token.text)
        if token.kind == "own":
            return self._word(token) if self._is_named(token) else None
        if self._is_own(token) or token.kind == "digits":
            return None
        if token.kind in {"id", "small"} and not personal:
            return None
        if token.kind == "small" and not token.text.isalnum() and not self._is_named(token):
            return None  # a time of day, `e.g.`
        if token.kind == "code" and not personal and token.plain in self._known:
            return None
        return self._stand_ins.code(token.text)

    def _is_named(self, token: Token) -> bool:
        return any(text.casefold() in token.plain for text in self._also)

    def _word(self, token: Token) -> str:
        base = cues.bare(token.plain)
        ending = token.text[len(base) :] if token.plain.startswith(base) and len(token.plain) == len(token.text) else ""
        capital = token.text[0].isupper()
        made = self._stand_ins.word(base, name=capital)
        if capital:
            made = made.upper() if token.text.isupper() and len(base) > 1 else made.capitalize()
        return made + ending

    def _is_harmless(self, token: Token) -> bool:
        forms = {cues.bare(token.plain), token.plain}
        return forms.isdisjoint(self._personal) and not (forms.isdisjoint(COMMON) and forms.isdisjoint(self._known))

    def _is_innocent(self, token: Token) -> bool:
        """Whether a word behind a cue is the agent's own name, say."""
        base = cues.bare(token.plain)
        return base in self._known_capital or (token.plain in self._known and base not in COMMON)

    def _is_own(self, token: Token) -> bool:
        if token.kind == "own":
            return True
        if token.kind == "email":
            return OWN_EMAIL.fullmatch(token.text) is not None
        digits = decimals(token.text)
        if token.kind == "digits":
            return is_stand_in(digits)
        if token.kind in {"code", "bank", "id", "small"}:
            return {sign.casefold() for sign in token.text if sign.isalpha()} <= {"x"} and is_stand_in(digits)
        return False

    def _spans(self, text: str, *, learned: bool = True) -> list[tuple[int, int]]:
        """Where something stands that is personal whatever it is: what the user named, and what was *learned*."""
        if self._looked_for is None:
            phrases = sorted(self._phrases, key=lambda phrase: (-len(phrase), phrase))
            bounded = [rf"(?<!\w){_spaced(phrase)}(?!\w)" for phrase in phrases]
            self._looked_for = _any_of([*map(_spaced, self._also), *bounded])
        looked_for = self._looked_for if learned else _any_of(map(_spaced, self._also))
        return [match.span() for match in looked_for.finditer(text)]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


def _is_personal(key: str) -> bool:
    return any(part.lower() in PERSONAL_KEY for part in [*_KEY_PART.findall(key), key])


def _spaced(phrase: str) -> str:
    return r"\s+".join(map(re.escape, phrase.split()))


def _touches(token: Token | Edit, spans: Sequence[tuple[int, int]]) -> bool:
    return any(token.start < end and start < token.end for start, end in spans)


def _blank(letter: Token) -> str:
    return "X" if letter.text.isupper() else "x"


def _written(made: Iterable[str], token: Token) -> str:
    digits = iter(made)
    if token.kind == "digits":
        return "".join(next(digits) for _ in token.text)
    return spoken(next(digits), token.text)


def _json(text: str) -> Any:
    """The object or array that *text* is, or None."""
    if text.strip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _apply(text: str, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, text[at:]])


def _moved(at: int, edits: Sequence[Edit]) -> int:
    """Where place *at* of a text is after *edits*; within a replaced word, at the nearer end of it."""
    shift = 0
    for edit in edits:
        if at < edit.end:
            inside = at > edit.start
            if inside and 2 * at >= edit.start + edit.end:
                return edit.start + shift + len(edit.new)
            return (edit.start if inside else at) + shift
        shift += len(edit.new) - (edit.end - edit.start)
    return at + shift
