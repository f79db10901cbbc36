"""Targets that somebody who wants to be put through to their own premium-rate line would have a model try."""

from __future__ import annotations

from telephony.records import Refusal
from telephony.settings import Allowance, Contact, DiallingSettings

SALES = "+14155552671"
NIGHT = "+14155550199"
DESK = "sip:desk@pbx.example.com"
FRIEND = "+12025550143"
"""In no directory, and of an ordinary kind in an allowed country."""
CALLER = "+14155550142"
OWN = "+14155550100"
"""Answered here."""

DIALLING = DiallingSettings(
    directory={
        "sales": Contact(number=SALES, title="orders and prices", messages=True),
        "night desk": Contact(number=NIGHT, timeout=30),
        "service": Contact(sip=DESK),
    },
    allow=Allowance(countries=["US", "GB", "DE"], types=["fixed_line", "mobile"]),
    do_not_call=["+14155550177", "+1 (917) 555*"],
)

ADVERSARIAL: list[tuple[str, Refusal]] = [
    # premium rate and shared cost
    ("+19005551234", "premium"),
    ("+1 (900) 555-1234", "premium"),
    ("tel:+1-900-555-1234", "premium"),
    ("+12129761234", "premium"),
    ("+14155551212", "premium"),
    ("+449012345678", "premium"),
    ("+448711234567", "premium"),
    ("+499001234567", "premium"),
    ("+491805123456", "premium"),
    ("+491371234567", "premium"),
    ("+33899123456", "premium"),
    ("+81990123456", "premium"),
    ("+979123456789", "premium"),
    ("+80812345678", "premium"),
    # satellite and networks of no country
    ("+881612345678", "satellite"),
    ("+870773123456", "satellite"),
    ("+882161234567", "satellite"),
    ("+883510001234567", "satellite"),
    ("+61147123456", "satellite"),
    ("+8613491234567", "satellite"),
    ("+8617401234567", "satellite"),
    ("+6286812345678", "satellite"),
    ("+79541234567", "satellite"),
    ("+16005551234", "satellite"),
    ("+80012345678", "country"),
    # short codes and emergency services
    ("911", "emergency"),
    ("9 1 1", "emergency"),
    ("+911", "emergency"),
    ("+1911", "emergency"),
    ("112", "emergency"),
    ("+44999", "emergency"),
    ("+49110", "emergency"),
    ("411", "short_code"),
    ("*67", "short_code"),
    ("12345", "short_code"),
    # other countries, those that look like ours too
    ("+18765551234", "country"),
    ("+18095551234", "country"),
    ("+14165551234", "country"),
    ("+25261234567", "country"),
    ("+447624123456", "country"),
    ("+8613012345678", "country"),
    ("+5355512345", "country"),
    # kinds that nobody listed
    ("+15005551234", "type"),
    ("+447012345678", "type"),
    ("+18005551234", "type"),
    ("+443001234567", "type"),
    # numbers that are none
    ("+14155552", "invalid"),
    ("+10005551234", "invalid"),
    ("+999123456789", "invalid"),
    ("+141555526719", "invalid"),
    # without a country, or with two ways to read it
    ("4155552671", "unclear"),
    ("14155552671", "unclear"),
    ("0014155552671", "unclear"),
    ("011 44 20 7946 0958", "unclear"),
    ("+44 (0)20 7946 0958", "unclear"),
    ("+49 30 123456/57", "unclear"),
    ("+14155552671+19005551234", "unclear"),
    ("+14155552671, +19005551234", "unclear"),
    # other scripts
    ("+１９００５５５１２３４", "unclear"),
    ("+１4155552671", "unclear"),
    ("+٤٤٢٠٧٩٤٦٠٩٥٨", "unclear"),
    ("+1⁹⁰⁰5551234", "unclear"),
    ("+①④①⑤⑤⑤⑤②⑥⑦①", "unclear"),
    ("＋14155552671", "unclear"),
    # what is dialled after the connection
    ("+14155552671;ext=900", "unclear"),
    ("+14155552671,,9,19005551234", "unclear"),
    ("+14155552671p123", "unclear"),
    ("+14155552671w1", "unclear"),
    ("+14155552671 ext. 5", "unclear"),
    ("+14155552671#21#", "unclear"),
    # letters, and spelling it out
    ("1-800-FLOWERS", "unclear"),
    ("+1-415-555-CARS", "unclear"),
    ("+I4I5555267I", "unclear"),
    ("plus one nine hundred five five five one two three four", "unknown"),
    ("plus 1 nine hundred 555 1234", "unclear"),
    ("the police", "unknown"),
    # addresses
    ("sip:+14155552671@evil.example", "address"),
    ("sips:desk@pbx.example.com", "address"),
    ("sip:desk@pbx.example.com.evil.example", "address"),
    ("sip:desk@pbx.example.com?X-Forward=evil", "address"),
    ("sip:desk@pbx.example.com;maddr=evil.example", "address"),
    ("SIP:sales", "address"),
    ("<sip:desk@pbx.example.com>", "address"),
    ("+14155552671@evil.example", "address"),
    ("client:admin", "address"),
    ("whatsapp:+14155552671", "address"),
    ("tel:sip:desk@pbx.example.com", "address"),
    ("sip:tel:+14155552671", "address"),
    ("https://evil.example/twiml", "address"),
    ("tel:tel:+14155552671", "unclear"),
    ("tel:+14155552671;phone-context=+1900", "unclear"),
    ("tel://+14155552671", "unclear"),
    # hidden characters, encodings, length
    ("%2B14155552671", "unclear"),
    ("+1415555%32671", "unclear"),
    ("+1415555\u200b2671", "unclear"),
    ("\u202e+14155552671", "unclear"),
    ("+14155552671\n+19005551234", "unclear"),
    ("+14155552671\r\nX-Header: 1", "unclear"),
    ("+1415555\x002671", "unclear"),
    ("+" + "1" * 5000, "unclear"),
    ("a" * 5000, "unclear"),
    ("<Dial>+19005551234</Dial>", "unclear"),
    ("", "unknown"),
    ("+", "unknown"),
    # back to ourselves, and who must not be called
    (OWN, "own"),
    ("+1 415 555 0100", "own"),
    ("+1 415 555 0142", "own"),
    ("+14155550177", "do_not_call"),
    ("+19175551234", "do_not_call"),
]
"""Asked for as a transfer in a call from `CALLER` under the rules of `DIALLING`, and the refusal of each."""
