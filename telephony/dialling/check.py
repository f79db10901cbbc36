"""What is wrong with the directory and the rules, told to whoever starts the process and not to a caller."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import phonenumbers

from telephony.agents.numbers import HOW_TO_WRITE
from telephony.dialling.lists import NumberList, called_here, number_or_beginning
from telephony.dialling.numbering import classify
from telephony.dialling.spelling import is_address, name_key, normalised, sip_address, visible
from telephony.settings import Contact, DiallingSettings

Problem = tuple[tuple[str | int, ...], str, str]
"""Path, problem, remedy."""

LONGEST_NAME = 60
"""Characters."""
NEVER = {
    "premium": "a premium-rate or shared-cost number",
    "satellite": "a satellite number",
    "emergency": "an emergency number",
    "short_code": "a short code",
}


def problems(
    settings: DiallingSettings, agents: Mapping[str, Sequence[str]], own: Iterable[str] = ()
) -> Iterator[Problem]:
    """Every one of them. *agents* are those that narrow the directory, with the names that they may call; *own* the
    keys of `numbers`."""
    here = NumberList(map(called_here, own))
    place = ("dialling",)
    names: dict[str, str] = {}
    for name, contact in settings.directory.items():
        path = (*place, "directory", name)
        yield from _name(name, path)
        if names.setdefault(name_key(name), name) != name:
            yield path, f"it cannot be told from {names[name_key(name)]!r}", "Rename one of the two."
        yield from _contact(contact, path, here)
    for group, countries in (("allow", settings.allow.countries), ("sms", settings.sms.countries)):
        yield from _countries(countries, (*place, group, "countries"))
    for position, entry in enumerate(settings.do_not_call):
        if number_or_beginning(entry) is None:
            remedy = 'Write "+15550100", or "+1555*" for all that begin so.'
            yield (*place, "do_not_call", position), f"{entry!r} is neither a number nor the beginning of one", remedy
    for agent, wanted in agents.items():
        yield from _narrowed(wanted, settings.directory, ("agents", agent, "directory"))


def _name(name: str, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if not name_key(name) or len(name) > LONGEST_NAME or not visible(name):
        yield path, "no model can repeat this name", f"Give it up to {LONGEST_NAME} characters, all on one line."
    elif normalised(name) or is_address(name):
        yield path, "a number or an address is no name", "Name it by what it is: sales, the night desk."


def _contact(contact: Contact, path: tuple[str | int, ...], here: NumberList) -> Iterator[Problem]:
    if bool(contact.number) == bool(contact.sip):
        problem = "both a number and a SIP address" if contact.sip else "neither a number nor a SIP address"
        yield path, f"it has {problem}", "Give one of the two."
    elif contact.sip and sip_address(contact.sip) is None:
        yield (*path, "sip"), f"{contact.sip!r} is no SIP address", 'Write "sip:desk@pbx.example.com".'
    elif contact.sip and contact.messages:
        yield (*path, "messages"), "a SIP address takes no text messages", "Drop it, or give a number."
    elif contact.number and contact.mode == "refer":
        yield (*path, "mode"), "only a SIP address can be referred to", "Write `mode: cold`, or give `sip`."
    elif contact.number:
        yield from _number(contact.number, (*path, "number"), here)
    if contact.caller_id and normalised(contact.caller_id) is None:
        yield (*path, "caller_id"), f"{contact.caller_id!r} is no phone number", HOW_TO_WRITE


def _number(number: str, path: tuple[str | int, ...], here: NumberList) -> Iterator[Problem]:
    plain = normalised(number)
    fault = classify(plain).fault if plain else None
    if plain is None:
        yield path, f"{number!r} is no phone number", HOW_TO_WRITE
    elif fault in NEVER:
        yield path, f"it is {NEVER[fault]}, and no agent may call one", "Name somebody else."
    elif plain in here:
        yield path, "it is one that is answered here, under `numbers`", "Name a number that people answer."
    elif fault == "unclear":
        yield path, "a digit in it is only dialled within its country", "Leave out the 0 after the country code."


def _countries(countries: Iterable[str], path: tuple[str | int, ...]) -> Iterator[Problem]:
    known = phonenumbers.SUPPORTED_REGIONS
    for position, country in enumerate(countries):
        if country not in known:
            meant = country.strip().upper()
            hint = f"Did you mean {meant}?" if meant in known else "Write two capitals, such as US, DE or GB."
            yield (*path, position), f"{country!r} is no country", hint


def _narrowed(wanted: Sequence[str], directory: Collection[str], path: tuple[str | int, ...]) -> Iterator[Problem]:
    for position, name in enumerate(wanted):
        if name not in directory:
            near = difflib.get_close_matches(name, directory, 1)
            remedy = f"Did you mean {near[0]}?" if near else f"There is {', '.join(directory) or 'nobody'} in it."
            yield (*path, position), f"dialling.directory has no {name!r}", remedy
