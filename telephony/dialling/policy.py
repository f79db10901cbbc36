"""The judge: whether what was asked for may be called or texted, and as what.

A name of the directory comes first, whatever else it might mean. Then a number, in the one spelling it can have
(`spelling`): one of the directory, or of an ordinary kind, in an allowed country. The limits come last, so that a
refusal says first what is wrong with the target itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from telephony.dialling.check import problems
from telephony.dialling.lists import NumberList, called_here, number_or_beginning
from telephony.dialling.numbering import Number, classify, short_code
from telephony.dialling.spelling import LONGEST, is_address, name_key, normalised, short_digits, sip_address
from telephony.dialling.words import sentence
from telephony.errors import ConfigurationError
from telephony.records import Refusal, Use
from telephony.settings import Contact, DiallingSettings

CALLER = "caller"
"""What stands for the caller's own number in place of a name, for messages."""
_ORDINARY = {"fixed_line", "mobile", "fixed_line_or_mobile", "voip"}
"""Whom a caller's number may belong to, for a message to go back there."""


class Tally(msgspec.Struct, frozen=True):
    """What was allowed already, of the uses that are counted together (`records.COUNTED_WITH`)."""

    call: int = 0
    """In this call."""
    day: int = 0
    """In the last 24 hours."""


_NOTHING = Tally()


class Allowed(msgspec.Struct, frozen=True):
    """It may be dialled: exactly this."""

    number: str
    """E.164, or a SIP address of the directory."""
    name: str
    """In the directory; empty for a number that is not in it."""
    contact: Contact
    """How to call it: the entry of the directory, or the defaults of one."""


class Refused(msgspec.Struct, frozen=True):
    """It may not."""

    code: Refusal
    sentence: str
    """For the model: what to do instead. It does not repeat what was asked for."""


class DialPolicy:
    """Judges targets by *settings*.

    *agents* are those that narrow the directory, with the names that they may call. *own* are the keys of `numbers`:
    whoever is sent there comes back to us. *do_not_call* comes beside that of the settings. Raises `ConfigurationError`
    for what `problems` finds.
    """

    def __init__(
        self,
        settings: DiallingSettings,
        agents: Mapping[str, Sequence[str] | None] | None = None,
        own: Iterable[str] = (),
        do_not_call: Iterable[str] = (),
    ) -> None:
        narrowed = {agent: names for agent, names in (agents or {}).items() if names is not None}
        own = list(own)
        for path, problem, remedy in problems(settings, narrowed, own):
            raise ConfigurationError(".".join(map(str, path)), problem, remedy)
        self._settings = settings
        self._narrowed = {agent: frozenset(names) for agent, names in narrowed.items()}
        self._by_name = {name_key(name): name for name in settings.directory}
        self._address = {name: _address_of(contact) for name, contact in settings.directory.items()}
        self._by_address = {address.lower(): name for name, address in reversed(self._address.items())}
        self._own = NumberList(map(called_here, own))
        entries = map(number_or_beginning, (*settings.do_not_call, *do_not_call))
        self._do_not_call = NumberList(entry for entry in entries if entry)

    def judge(
        self, target: str, use: Use, agent: str, tally: Tally = _NOTHING, caller: str = "", called: str = ""
    ) -> Allowed | Refused:
        """Whether *agent* may use *target*, as the model wrote it, and what to dial then. *caller* and *called* are the
        two ends of the call in which it is asked, as far as they are known."""
        found = self._found(target, use, agent, caller)
        if isinstance(found, Allowed):
            code = self._barred(found, use, caller, called) or self._over_limit(use, tally)
            if code is None:
                return found
            found = code
        return self.refuse(found, use, agent)

    def refuse(self, code: Refusal, use: Use, agent: str) -> Refused:
        """The refusal for *code*, in the words for this use and this agent."""
        return Refused(code, sentence(code, use, self.reachable(agent, use), self._to_caller(use)))

    def limit(self, use: Use) -> tuple[int, int]:
        """How many *use* may have: in a call, in a day."""
        rules = self._settings.sms if use == "sms" else self._settings
        return rules.per_call, rules.per_day

    def reachable(self, agent: str, use: Use) -> dict[str, str]:
        """The names of the directory that *agent* may use so, and their titles."""
        narrowed = self._narrowed.get(agent)
        return {
            name: contact.title
            for name, contact in self._settings.directory.items()
            if (narrowed is None or name in narrowed) and (use != "sms" or contact.messages)
        }

    # -- what is meant -----------------------------------------------------------------------------------------------

    def _found(self, target: str, use: Use, agent: str, caller: str) -> Allowed | Refusal:
        if len(target) > LONGEST:
            return "unclear"
        name = self._by_name.get(name_key(target))
        if name is not None:
            return self._entry(name, use, agent)
        if self._to_caller(use) and name_key(target) == CALLER:
            return self._back(caller)
        if is_address(target):
            name = self._by_address.get(sip_address(target) or "")
            return "address" if name is None else self._entry(name, use, agent)
        number = normalised(target)
        if number is None:
            return self._no_number(target)
        if number in self._by_address and not isinstance(self._entry(self._by_address[number], use, agent), str):
            return self._entry(self._by_address[number], use, agent)
        if self._to_caller(use) and number == normalised(caller):
            return self._back(caller)
        return self._beyond(number, use, agent)

    def _entry(self, name: str, use: Use, agent: str) -> Allowed | Refusal:
        if name not in self.reachable(agent, use):
            return "not_listed"
        return Allowed(self._address[name], name, self._settings.directory[name])

    def _no_number(self, target: str) -> Refusal:
        digits = short_digits(target)
        if digits:
            return short_code(digits, self._settings.allow.countries)
        return "unclear" if any(character.isdigit() for character in target) else "unknown"

    def _beyond(self, number: str, use: Use, agent: str) -> Allowed | Refusal:
        """A number that is not in the directory."""
        rules = self._settings.sms if use == "sms" else self._settings.allow
        kind = classify(number)
        if kind.fault == "invalid" and (digits := short_digits(number)):
            return short_code(digits, rules.countries)
        if kind.fault:
            return kind.fault
        if agent in self._narrowed or not rules.countries:
            return "not_listed"
        if kind.country not in rules.countries:
            return "country"
        return _plain(number) if _is_typed(kind, rules.types) else "type"

    def _back(self, caller: str) -> Allowed | Refusal:
        """A message to the caller, whose number is no more than what the carrier was told."""
        number = normalised(caller)
        if number is None:
            return "unknown"
        kind = classify(number)
        if kind.fault:
            return kind.fault
        return _plain(number) if kind.type in _ORDINARY else "type"

    def _to_caller(self, use: Use) -> bool:
        return use == "sms" and self._settings.sms.to_caller

    # -- what forbids it all the same --------------------------------------------------------------------------------

    def _barred(self, found: Allowed, use: Use, caller: str, called: str) -> Refusal | None:
        ends = (called,) if use == "sms" else (caller, called)
        if found.number in self._own or found.number in map(normalised, ends):
            return "own"
        return "do_not_call" if found.number in self._do_not_call else None

    def _over_limit(self, use: Use, tally: Tally) -> Refusal | None:
        per_call, per_day = self.limit(use)
        if tally.call >= per_call:
            return "per_call"
        return "per_day" if tally.day >= per_day else None


def _address_of(contact: Contact) -> str:
    """`problems` has seen that there is one. A SIP address is dialled as it was written: what stands before its `@`
    may be case-sensitive (RFC 3261, 19.1.4)."""
    return (normalised(contact.number) if contact.number else contact.sip.strip()) or ""


def _plain(number: str) -> Allowed:
    return Allowed(number, "", Contact(number=number))


def _is_typed(kind: Number, types: Sequence[str]) -> bool:
    both = kind.type == "fixed_line_or_mobile" and {"fixed_line", "mobile"}.issubset(types)
    return both or kind.type in types
