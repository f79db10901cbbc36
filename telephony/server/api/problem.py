"""Answers that say what is wrong: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; the names of Python before 3.13 are older."""


class ProblemDetails(msgspec.Struct, rename={"kind": "type"}):
    """What is wrong."""

    kind: str
    """`about:blank`: the status says it all."""
    title: str
    """The status, in words."""
    status: int
    detail: str
    """Whose mistake it is, and what to do."""


class Problem(Exception):
    """A request cannot be answered as it was meant to be."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        """*headers* with `_` for each `-` of their names."""
        super().__init__(detail)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def title(self) -> str:
        return TITLES.get(self.status) or HTTPStatus(self.status).phrase

    def details(self) -> ProblemDetails:
        return ProblemDetails("about:blank", self.title, self.status, str(self))


_DETAILS = {
    404: "There is nothing at this path; see openapi.json.",
    405: "This path takes other methods; see Allow.",
    413: "The body is too large.",
}


def of_http(error: web.HTTPException) -> Problem:
    """What aiohttp itself refuses."""
    problem = Problem(error.status, _DETAILS.get(error.status, f"The server says: {error.reason}."))
    if allow := error.headers.get("Allow"):
        problem.headers["Allow"] = allow
    return problem
