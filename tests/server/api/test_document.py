"""The API's description: valid OpenAPI 3.1, and told by the routes and models alone."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from telephony.server.api.document import describe
from telephony.server.api.route import EVENTS, JSON, Route


class Part(msgspec.Struct):
    """A part of it."""

    size: float
    """Metres."""


class Shown(msgspec.Struct, rename={"from_number": "from"}):
    """What is shown."""

    from_number: str
    """The number
    that calls."""
    parts: list[Part]
    other: int


class Asked(msgspec.Struct):
    """What is asked."""

    limit: Annotated[int, Meta(ge=1)] = 5
    """How many."""
    agent: str | UnsetType = UNSET


class Began(msgspec.Struct, tag="began"):
    """It begins."""


class Ended(msgspec.Struct, tag="ended"):
    """It is over."""


async def handler(request: Any, holder: Any) -> Any:
    """Never called."""


ROUTES = [
    Route(
        "GET", "/things/{thing}", "calls:read", handler, "A thing.", {200: {JSON: Shown, "text/plain": None}}, (404,)
    ),
    Route("GET", "/things", "calls:read", handler, "Things.", {200: {JSON: Shown}}, (400,), query=Asked),
    Route("POST", "/things", "calls:write", handler, "Make.", {201: {JSON: Shown}}, body=Asked, headers={"Key*": "A."}),
    Route("GET", "/events", "live:read", handler, "Events.", {200: {EVENTS: Began | Ended}}),
]
DOCUMENT = describe(ROUTES)


def test_every_route_is_there_with_its_scope_and_its_problems() -> None:
    paths = DOCUMENT["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == {
        ("/api/v1/things/{thing}", "get"),
        ("/api/v1/things", "get"),
        ("/api/v1/things", "post"),
        ("/api/v1/events", "get"),
    }
    one = paths["/api/v1/things/{thing}"]["get"]
    assert one["security"] == [{"key": ["calls:read"]}]
    assert list(one["responses"]) == ["200", "401", "403", "404", "500", "503"]
    assert list(one["responses"]["404"]["content"]) == ["application/problem+json"]
    assert [parameter["name"] for parameter in one["parameters"]] == ["thing"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_parameters_headers_and_bodies_follow_from_the_models() -> None:
    asked, made = DOCUMENT["paths"]["/api/v1/things"]["get"], DOCUMENT["paths"]["/api/v1/things"]["post"]
    assert asked["parameters"] == [
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "default": 5, "description": "How many."},
        },
        {"name": "agent", "in": "query", "schema": {"type": "string"}},
    ]
    assert made["requestBody"]["content"][JSON]["schema"] == {"$ref": "#/components/schemas/Asked"}
    assert [(header["name"], header["required"]) for header in made["parameters"]] == [("Key", True)]


def test_what_a_field_means_stands_beside_it_under_its_name_on_the_wire() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Shown"]["properties"]["from"]["description"] == "The number that calls."
    assert schemas["Part"]["properties"]["size"]["description"] == "Metres."
    assert "description" not in schemas["Shown"]["properties"]["other"]
    assert schemas["Part"]["description"] == "A part of it."


def test_events_are_described_by_their_models() -> None:
    (shown,) = DOCUMENT["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"].values()
    assert "`Began`, `Ended`" in shown["schema"]["description"]
    assert {"Began", "Ended"} <= set(DOCUMENT["components"]["schemas"])
