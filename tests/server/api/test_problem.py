"""Problems, as RFC 9457 has them."""

from __future__ import annotations

import msgspec
import pytest
from aiohttp import web

from telephony.server.api.document import MEANINGS
from telephony.server.api.problem import Problem, of_http


def test_a_problem_says_what_is_wrong_in_four_fields() -> None:
    details = Problem(422, "agent: there is no 'x'.", Retry_After="5").details()
    assert msgspec.to_builtins(details) == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "agent: there is no 'x'.",
    }
    assert Problem(503, "Not now.", Retry_After="5").headers == {"Retry-After": "5"}


@pytest.mark.parametrize("status", MEANINGS)
def test_every_status_that_is_documented_has_a_title(status: int) -> None:
    assert Problem(status, "").title


def test_what_aiohttp_refuses_is_a_problem_and_keeps_what_is_allowed() -> None:
    problem = of_http(web.HTTPMethodNotAllowed("PUT", ["GET", "HEAD"]))
    assert (problem.status, problem.headers["Allow"]) == (405, "GET,HEAD")
    assert "openapi.json" in str(of_http(web.HTTPNotFound()))
    assert str(of_http(web.HTTPLengthRequired())) == "The server says: Length Required."
