"""Kinds of number, beyond those of the table in `targets`."""

from __future__ import annotations

import pytest

from telephony.dialling.numbering import TYPES, Number, classify, short_code
from telephony.settings.dialling import NumberType


@pytest.mark.parametrize(
    ("number", "country", "kind"),
    [
        ("+14155552671", "US", "fixed_line_or_mobile"),
        ("+442079460958", "GB", "fixed_line"),
        ("+491701234567", "DE", "mobile"),
        ("+18005551234", "US", "toll_free"),
        ("+443001234567", "GB", "uan"),
        ("+447012345678", "GB", "personal_number"),
        ("+447640123456", "GB", "pager"),
    ],
)
def test_an_ordinary_number_has_a_country_and_a_kind(number: str, country: str, kind: str) -> None:
    assert classify(number) == Number(country, kind, None)


@pytest.mark.parametrize("number", ["+15550123", "+0", "+999", "+14155552", "+1" * 3, "junk"])
def test_what_is_no_number_is_said_to_be_none(number: str) -> None:
    assert classify(number).fault == "invalid"


@pytest.mark.parametrize(("number", "fault"), [("+12129761234", "premium"), ("+1411", "short_code")])
def test_what_libphonenumber_leaves_out_is_known(number: str, fault: str) -> None:
    assert classify(number).fault == fault


def test_a_national_prefix_in_the_middle_is_not_dialled_from_abroad() -> None:
    assert classify("+4402079460958").fault == "unclear"


def test_a_few_digits_reach_emergency_services_or_something_else() -> None:
    assert short_code("911", []) == "emergency"
    assert short_code("000", []) == "short_code"
    assert short_code("000", ["AU"]) == "emergency"
    assert short_code("4711", ["AU"]) == "short_code"


def test_every_kind_that_can_be_listed_is_one_that_is_found() -> None:
    assert set(TYPES.values()) == set(NumberType.__args__)  # type: ignore[attr-defined]
