"""How errors are told apart: by code where there is one, by words where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.events import ModelError
from telephony.realtime.complaints import understand


def decode(message: dict[str, Any]) -> list[Any]:
    return [understand(message)]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"type": "server_error", "message": "Upstream realtime handshake rejected with HTTP 401"}}, "fatal"),
        ({"error": {"message": "Upstream realtime handshake rejected with HTTP 429"}}, "session_over"),
        ({"error": {"message": "Item not found"}}, "benign"),
        ({"error": "Item not found"}, "benign"),
        ({"message": "no active response", "code": "oops"}, "no_active_response"),
        ({"error": {"code": "beta_api_shape_disabled"}}, "fatal"),
        ({"error": {"code": "something_new", "message": "Who knows."}}, "recoverable"),
        ({}, "recoverable"),
    ],
)
def test_errors_are_understood_wherever_they_are_written(error, kind):
    (event,) = decode({"type": "error"} | error)
    assert isinstance(event, ModelError)
    assert event.kind == kind


@pytest.mark.parametrize("code", ["max_duration", "session_expired", "timeout"])
def test_the_end_of_a_session_is_known_by_code_and_by_type(code):
    assert understand({"type": "error", "error": {"code": code}}).kind == "session_over"
    assert understand({"type": "error", "error": {"type": code}}).kind == "session_over"


def test_a_refused_configuration_is_never_taken_for_a_harmless_truncation():
    error = {"message": "Cannot truncate like that.", "param": "session.truncation"}
    assert understand({"type": "error", "error": error}).kind == "recoverable"


def test_code_and_words_are_kept_and_the_type_stands_in_for_a_missing_code():
    error = {"type": "server_error", "code": None, "message": "Oops."}
    assert understand({"type": "error", "error": error}) == ModelError("recoverable", "server_error", "Oops.")
    assert understand({"type": "error", "message": "Oops."}) == ModelError("recoverable", "", "Oops.")
