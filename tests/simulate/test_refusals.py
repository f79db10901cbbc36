"""Errors are worded as Twilio words them."""

from __future__ import annotations

import json

from telephony.simulate.refusals import RefusedError, bad, not_found


def test_a_refusal_has_the_four_fields_of_twilios_errors() -> None:
    response = RefusedError(400, 21201, "A 'To' phone number is required.").response()
    assert response.status == 400
    assert json.loads(response.text or "") == {
        "code": 21201,
        "message": "A 'To' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21201",
        "status": 400,
    }


def test_a_value_that_will_not_do_is_named_and_cut() -> None:
    refusal = bad("Timeout", "x" * 200, "a number")
    assert str(refusal) == f"Invalid parameter Timeout: '{'x' * 80}' is not a number"
    assert (refusal.status, refusal.code) == (400, 20001)


def test_what_is_not_there_is_named() -> None:
    assert (not_found("/x").status, not_found("/x").code, "/x" in str(not_found("/x"))) == (404, 20404, True)
