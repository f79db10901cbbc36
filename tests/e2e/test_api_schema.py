"""The API held to its own description: schemathesis asks whatever OpenAPI allows and what it does not, over sockets.

Each route is asked while a call goes on and with its id as well, so that not everything ends with 404.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api_world import asked, live_call, serving
from apis import EVERYTHING

pytestmark = [
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.timeout(180),
    # The process under test runs in another thread, and may throw dice while a case is drawn.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module"),
]

EXAMPLES = 12
"""For each route and each way of asking it."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PATIENCE = 10.0
"""Seconds an answer may take."""


async def test_whatever_is_asked_nothing_breaks_and_every_answer_is_as_described(tmp_path: Path) -> None:
    async with serving(tmp_path) as (made, client), asyncio.TaskGroup() as group:
        calling = group.create_task(made.call({"wait": "end"}, patience=150), name="caller")
        live = await live_call(client)
        _, document = await asked(client, "/openapi.json")
        schema = schemathesis.openapi.from_dict(document)
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) == sum(len(methods) for methods in document["paths"].values())
        url = client.url.removesuffix("/api/v1")
        for operation in operations:
            for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
                await asyncio.to_thread(ask, operation, mode, url, {})
                if "{call}" in operation.path and not operation.path.endswith(("/hang-up", "/transfer")):
                    await asyncio.to_thread(ask, operation, mode, url, {"call": live["id"]})
        assert (await asked(client, f"/live/{live['id']}/hang-up", {}))[0] == 202
        await calling


def ask(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, url: str, known: dict[str, str]) -> None:
    """Ask one route in several ways. Of an answer without end only the beginning is looked at."""
    streams = operation.path.endswith("/events")
    inputs = [*operation.path_parameters, *operation.query, *operation.headers, *operation.body]
    if mode is GenerationMode.NEGATIVE and not inputs:
        return  # there is nothing to get wrong
    cases = operation.as_strategy(mode, path_parameters=known or None)
    headers = {"Authorization": f"Bearer {EVERYTHING}"}

    @given(case=cases)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def each(case: schemathesis.Case) -> None:
        if streams:
            arguments = case.as_transport_kwargs(base_url=url, headers=headers)
            with requests.request(**arguments, stream=True, timeout=PATIENCE) as response:
                assert response.status_code < 500, case.as_curl_command()
            return
        case.validate_response(case.call(base_url=url, headers=headers, timeout=PATIENCE), checks=CHECKS)

    each()
