"""How requests of Twilio's REST API are put together, and what its errors mean."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from telephony.carriers.twilio_rest import (
    REFUSALS,
    RestApi,
    checked_number,
    checked_sid,
    form_of,
    within,
    words,
)
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, CarrierRefused, ConfigurationError
from telephony.settings import TwilioSettings

ACCOUNT = "AC0123456789abcdef0123456789abcdef"


def api(**settings: Any) -> RestApi:
    return RestApi(TwilioSettings(**{"account_sid": ACCOUNT, "auth_token": SecretStr("a token"), **settings}))


def test_a_request_goes_to_the_account_with_its_login() -> None:
    assert api(api_base="http://127.0.0.1:9200/").post("Calls", (("To", "x"),), "create call") == HttpRequest(
        method="POST",
        url=f"http://127.0.0.1:9200/2010-04-01/Accounts/{ACCOUNT}/Calls.json",
        form=(("To", "x"),),
        auth=(ACCOUNT, "a token"),
        purpose="create call",
        refusals=REFUSALS,
    )


def test_looking_and_removing_may_be_repeated_and_creating_may_not() -> None:
    one = api()
    assert one.get("Calls", (("To", "+1 5"), ("StartTime>", "x")), "find").url.endswith("?To=%2B1+5&StartTime%3E=x")
    assert (one.get("Calls", (), "find").url.endswith(".json"), one.get("Calls", (), "find").idempotent) == (True, True)
    assert (one.delete("Calls", "remove").idempotent, one.delete("Calls", "remove").gone_is_success) == (True, True)
    assert not one.post("Calls", (), "create").idempotent


def test_there_is_no_request_without_an_account() -> None:
    with pytest.raises(ConfigurationError, match="TWILIO_ACCOUNT_SID"):
        api(account_sid="").get("Calls", (), "find")


def test_a_form_leaves_out_what_is_not_wanted_and_repeats_what_is_several() -> None:
    pairs = form_of({"A": "", "B": None, "C": 0, "D": False, "E": True, "F": ("y", "x"), "G": (), "H": "h"})
    assert pairs == (("C", "0"), ("D", "false"), ("E", "true"), ("F", "y"), ("F", "x"), ("H", "h"))


@pytest.mark.parametrize("sid", ["", "CA1", "AC" + "1" * 32, "CA" + "g" * 32, "CA" + "1" * 32 + "\n", "CA" + "١" * 32])
def test_only_an_id_enters_a_path(sid: str) -> None:
    with pytest.raises(CarrierError, match="no Twilio call id"):
        checked_sid("CA", sid, "call")


@pytest.mark.parametrize("number", ["", "911", "+0305550100", "+1 555 0100", "sip:x@y", "+1" * 9, "+٣٣٣"])
def test_only_a_full_number_is_dialled(number: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^to: "):
        checked_number("to", number)


def test_numbers_out_of_range_are_refused_here_already() -> None:
    assert within("ring", None, 1, 600) is None
    assert within("ring", 600, 1, 600) == 600
    with pytest.raises(ConfigurationError, match="ring: 601 is not between 1 and 600"):
        within("ring", 601, 1, 600)


def test_fields_are_read_as_text_whatever_they_are() -> None:
    assert words({"a": 1, "b": None, "c": "x"}, "a", "b", "c", "d") == ("1", "", "x", "")


def test_codes_mean_what_the_tree_of_errors_says() -> None:
    names = {code: REFUSALS[code].__name__ for code in (20003, 20404, 20429, 21220, 21211, 21215, 21610)}
    assert names == {
        20003: "AccountRefused",
        20404: "CarrierGone",
        20429: "CarrierBusy",
        21220: "CallStateRefused",
        21211: "NumberRefused",
        21215: "NumberRefused",
        21610: "NumberRefused",
    }
    assert all(issubclass(kind, CarrierRefused) for kind in REFUSALS.values())
