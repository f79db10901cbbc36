"""Recordings that have to replay the same before something is made of them."""

from __future__ import annotations

from typing import Any

import pytest

import tapes
from telephony.cassette.faithful import faithful, verified
from telephony.cassette.format import Cassette
from telephony.cassette.replay import replay
from telephony.errors import CassetteError
from telephony.runtime.cassettes import new_carrier


def renamed(line: Any) -> None:
    line["msg"]["name"] = "lookup_ordre"


def test_a_recording_that_replays_the_same_is_taken_as_it_is() -> None:
    cassette = Cassette("call.jsonl", tapes.call())
    assert faithful(cassette, new_carrier) == (cassette, "")
    assert faithful(cassette, new_carrier, bless=True) == (cassette, "")
    assert verified("call.jsonl", list(tapes.call()), new_carrier) == list(tapes.call())


def test_one_that_does_not_is_refused_with_what_differs_first_and_what_to_do() -> None:
    lines = tapes.edited(b'"RunTool"', renamed)
    told = r"call.jsonl: it does not replay as it was recorded: at .*RunTool differs.*lookup_ordre.*replay --bless"
    with pytest.raises(CassetteError, match=told):
        faithful(Cassette("call.jsonl", lines), new_carrier)
    with pytest.raises(CassetteError, match=r"what would be written does not replay the same.*report it"):
        verified("call.jsonl", list(lines), new_carrier)


def test_what_is_new_may_be_accepted() -> None:
    cassette, differs = faithful(Cassette("call.jsonl", tapes.edited(b'"RunTool"', renamed)), new_carrier, bless=True)
    assert "lookup_ordre" in differs
    assert replay(cassette, new_carrier).divergence is None
    assert not any(b"lookup_ordre" in bytes(line.msg) for line in cassette.lines)
