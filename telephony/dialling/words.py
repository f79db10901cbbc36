"""What the model is told of a refusal: never what it asked for, always what it can do instead."""

from __future__ import annotations

from collections.abc import Mapping

from telephony.records import Refusal, Use

NAMED = 12
"""Names of the directory that a sentence lists; the tool's description has all of them."""

_WHY: dict[Refusal, str] = {
    "unknown": "There is nobody of that name.",
    "unclear": "That cannot be read as one number. Write a plus, the country code and the number, in plain digits.",
    "address": "That address is not in the directory.",
    "invalid": "There is no such number.",
    "emergency": "Emergency services cannot be reached from here. Tell the caller to hang up and dial them directly.",
    "short_code": "Short numbers cannot be reached from here.",
    "premium": "Numbers that cost extra are never called.",
    "satellite": "Satellite numbers are never called.",
    "own": "That leads back to this very line.",
    "do_not_call": "That number must not be contacted.",
    "not_listed": "Only the directory may be used.",
    "country": "Numbers of that country may not be used.",
    "type": "Numbers of that kind may not be used.",
    "per_call": "This call has used up what it may ask for.",
    "per_day": "No more of these are possible today.",
    "unrecorded": "That is not possible at the moment.",
    "over": "The call is over.",
}
_FINAL: set[Refusal] = {"emergency", "per_call", "per_day", "unrecorded", "over"}
"""No other target would help."""


def sentence(code: Refusal, use: Use, names: Mapping[str, str], to_caller: bool) -> str:
    """Why, and what to do. *names* are those of the directory that may be used, with their titles."""
    if code == "emergency":
        return _WHY[code]
    if code in _FINAL:
        return f"{_WHY[code]} Do not try again; tell the caller so, and offer to help otherwise."
    return f"{_WHY[code]} {_instead(use, names, to_caller)}"


def _instead(use: Use, names: Mapping[str, str], to_caller: bool) -> str:
    """The ways that are open."""
    listed = [f"{name} ({title})" if title else name for name, title in list(names.items())[:NAMED]]
    if len(names) > NAMED:
        listed.append("others of the directory")
    if to_caller:
        listed.append("caller (the number they call from)")
    if not listed:
        return "There is nobody else to offer; tell the caller that it is not possible."
    return f"{'You can write to' if use == 'sms' else 'You can reach'}: {', '.join(listed)}. Use one of these names."
