"""What kind of number it is, and whether anybody may dial it: what libphonenumber knows, and what it leaves out."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, shortnumberinfo

from telephony.records import Refusal

TYPES: dict[int, str] = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
"""Those that can be allowed, by libphonenumber's number for them."""

_SATELLITE = re.compile(
    r"\+(?:870|88[123]|"  # Inmarsat; Iridium, Globalstar; networks that belong to no country (ITU-T E.164 annex)
    r"61147|"  # Australia's satellite range, which libphonenumber takes for VoIP
    r"7954|861349|86174[01]|62868|"  # Russia's, China's and Indonesia's, which it takes for mobile
    r"1600)"  # Canada's, for satellite and other services that the caller pays for; again taken for VoIP
)
_PREMIUM = re.compile(
    r"\+(?:979|808|"  # international premium rate and shared cost
    r"1900|"
    r"1[2-9][0-9]{2}976|"  # pay-per-call exchanges of North American cities, which libphonenumber takes for subscribers
    r"1[2-9][0-9]{2}5551212$)"  # and directory assistance, which is charged for
)
_USUAL = ("US", "GB", "DE")
"""Whose emergency numbers everybody knows: 911; 999 and 112; 110."""


class Number(msgspec.Struct, frozen=True):
    """A number, judged."""

    country: str
    """Two letters; `001` for those of no country, empty for what is no number."""
    type: str
    """One of `TYPES`, or empty."""
    fault: Refusal | None
    """Why nobody may dial it."""


def classify(number: str) -> Number:
    """What *number* (E.164) is."""
    if _SATELLITE.match(number):
        return Number("", "", "satellite")
    if _PREMIUM.match(number):
        return Number("", "", "premium")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Number("", "", "invalid")
    country = phonenumbers.region_code_for_number(parsed) or ""
    kind = phonenumbers.number_type(parsed)
    if kind in (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST):
        return Number(country, "", "premium")
    if phonenumbers.is_valid_number(parsed):
        # A trunk prefix in the middle, as in +44 (0)20 …, is understood there and nowhere else.
        plain = phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == number
        return Number(country, TYPES.get(kind, ""), None if plain else "unclear")
    return Number(country, "", _short_fault(parsed))


def short_code(digits: str, countries: Collection[str]) -> Refusal:
    """What dialling a few bare *digits* would reach, in *countries* or where everybody knows them."""
    emergency = any(shortnumberinfo.is_emergency_number(digits, country) for country in {*_USUAL, *countries})
    return "emergency" if emergency else "short_code"


def _short_fault(parsed: phonenumbers.PhoneNumber) -> Refusal:
    """Of what no country has: maybe a short code with a country put before it."""
    country = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    national = phonenumbers.national_significant_number(parsed)
    if len(national) > 6:
        return "invalid"
    if shortnumberinfo.is_emergency_number(national, country):
        return "emergency"
    return "short_code" if shortnumberinfo.is_possible_short_number_for_region(parsed, country) else "invalid"
