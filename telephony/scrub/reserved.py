"""What may stand in a fixture although it looks real: numbers and names that are reserved for fiction and for tests."""

from __future__ import annotations

import re

from telephony.scrub.digits import CARDS

FICTIONAL_NUMBERS = re.compile(
    r"\+(?:"
    r"1\d{3}55501\d{2}"  # North America: 555-0100 to 555-0199 within any area (NANPA)
    r"|44(?:2079460\d{3}|1(?:1[3-8]|21|31|41|51|61)4960\d{3}|1914980\d{3}|2896496\d{3}|2920180\d{3}"
    r"|1632960\d{3}|7700900\d{3}|8081570\d{3}|9098790\d{3}|3069990\d{3})"  # Ofcom, for TV and radio
    r"|49(?:3023125\d{3}|6990009\d{3}|4066969\d{3}|2214710\d{3}|8999998\d{3})"  # Bundesnetzagentur, for films
    r"|33(?:19900|26191|35301|46571|53649|63998)\d{4}"  # Arcep, for audiovisual works
    r"|61(?:[2378](?:5550|7010)\d{4}|491570\d{3})"  # ACMA, for creative works
    r")"
)
"""Telephone numbers in E.164 that nobody has."""

TEST_CARDS = frozenset(number for numbers in CARDS.values() for number in numbers) | {
    "4242424242424242", "4111111111111111", "4012888888881881", "4000000000000002", "4000000000009995",
    "4000000000000069", "4000000000000119", "4000000000000127", "4000000000003220", "4000002500003155",
    "5555555555554444", "5105105105105100", "6011111111111117", "6011000990139424", "3056930009020004",
    "378282246310005", "30569309025904", "38520000023237", "4222222222222", "3530111333300000",
}  # fmt: skip
"""Card numbers that Stripe and PayPal publish for tests."""

_DOMAIN = re.compile(r"(?:.*\.)?(?:example\.(?:com|net|org)|example|test|invalid|localhost)", re.IGNORECASE)
"""RFC 2606 and RFC 6761."""


def is_reserved_domain(domain: str) -> bool:
    return _DOMAIN.fullmatch(domain) is not None


def is_made_up_sid(sid: str) -> bool:
    """Whether a SID of Twilio was invented: behind its letters zeros (sixteen and more), or one half twice."""
    half = len(sid[2:]) // 2
    return sid[2:].startswith("0" * half) or sid[2 : 2 + half] == sid[2 + half :]
