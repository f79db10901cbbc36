"""What the model is told."""

from __future__ import annotations

from typing import get_args

import pytest

from telephony.dialling.words import NAMED, sentence
from telephony.records import Refusal, Use


@pytest.mark.parametrize("code", get_args(Refusal))
@pytest.mark.parametrize("use", get_args(Use))
def test_every_refusal_says_what_to_do_next(code: Refusal, use: Use) -> None:
    told = sentence(code, use, {"sales": ""}, use == "sms")
    assert told.endswith(".")
    assert "sales" in told or "ell the caller" in told


def test_a_long_directory_is_not_read_out() -> None:
    names = {f"room {n}": "" for n in range(NAMED + 1)}
    told = sentence("unknown", "transfer", names, False)
    assert f"room {NAMED - 1}, others of the directory" in told
    assert f"room {NAMED}" not in told


def test_where_there_is_nobody_to_offer_that_is_said() -> None:
    assert sentence("unknown", "transfer", {}, False).endswith("tell the caller that it is not possible.")
