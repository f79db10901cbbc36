"""Every no of a provider, in each of its three shapes, means what its table says."""

from __future__ import annotations

import pytest

from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.upstream.failures import TABLE, of_close, of_error, of_refusal


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "fatal"),
        (403, "fatal"),
        (404, "fatal"),
        (418, "fatal"),
        (302, "fatal"),
        (0, "fatal"),  # the key cannot even be sent
        (429, "later"),
        (503, "later"),
        (408, "elsewhere"),
        (500, "elsewhere"),
        (599, "elsewhere"),
    ],
)
def test_a_handshake_is_judged_by_its_status(status, kind):
    assert of_refusal(UpstreamRefused("no", status)).kind == kind


def test_a_server_that_cannot_be_reached_is_replaced():
    assert of_refusal(UpstreamLost("nothing listens there")).kind == "elsewhere"


def test_a_server_can_say_when_to_come_back():
    assert of_refusal(UpstreamRefused("full", 429, retry_after=20)).retry_after == 20


@pytest.mark.parametrize(
    ("code", "before", "during"),
    [
        (1000, "elsewhere", "benign"),
        (1001, "elsewhere", "benign"),
        (1007, "elsewhere", "benign"),
        (1008, "fatal", "elsewhere"),
        (4000, "fatal", "elsewhere"),
        (1013, "later", "later"),
        (1011, "elsewhere", "elsewhere"),
        (None, "elsewhere", "elsewhere"),
        (4321, "elsewhere", "elsewhere"),
    ],
)
def test_a_close_is_judged_by_its_code_and_by_whether_there_was_a_session(code, before, during):
    assert of_close(code, "", established=False).kind == before
    assert of_close(code, "", established=True).kind == during


@pytest.mark.parametrize(
    ("error", "before", "during"),
    [
        ({"code": "invalid_api_key"}, "fatal", "fatal"),
        ({"type": "insufficient_quota"}, "fatal", "fatal"),
        ({"code": "rate_limit_exceeded"}, "later", "later"),
        ({"type": "session_limit_reached", "message": "all 4 places are taken"}, "later", "later"),
        ({"type": "server_error"}, "elsewhere", "elsewhere"),
        ({"code": "max_duration"}, "elsewhere", "benign"),
        ({"code": "conversation_already_has_active_response"}, "elsewhere", "benign"),
        ({"type": "server_error", "message": "Upstream realtime handshake rejected with HTTP 401"}, "fatal", "fatal"),
        ({"type": "server_error", "message": "Upstream realtime handshake rejected with HTTP 429"}, "later", "later"),
        ({}, "elsewhere", "benign"),
    ],
)
def test_an_error_is_judged_by_its_code_and_by_whether_there_was_a_session(error, before, during):
    event = {"type": "error", "error": error}
    assert of_error(event, established=False).kind == before
    assert of_error(event, established=True).kind == during


def test_every_sign_stands_in_one_row_only():
    for signs in ("statuses", "closes", "codes"):
        found = [sign for row in TABLE for sign in getattr(row, signs)]
        assert len(found) == len(set(found))
