"""A declared HTTP endpoint, called by a model through a toolbox, against a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from remote_services import http_service
from telephony.commands import RunTool
from telephony.errors import ConfigurationError
from telephony.events import ToolFinished
from telephony.links.guarded import GuardedClient
from telephony.settings import HttpToolSettings
from telephony.tools import CallContext, Toolbox
from telephony.tools.http_tool import HttpTool

TEXT: dict[str, Any] = {"type": "string", "description": "…"}
BY_ID: dict[str, Any] = {"properties": {"id": TEXT}, "required": ["id"]}


class Service:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"text": '{"due": "Thursday"}', "content_type": "application/json"}
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append(
            {"method": request.method, "path": request.raw_path, "headers": request.headers, "body": body}
        )
        return web.Response(**self.answer)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    async with http_service(made.handle) as made.url:
        yield made


async def called(service: Service, arguments: str, path: str = "/orders/{id}", **settings: Any) -> ToolFinished:
    given: dict[str, Any] = {"description": "Look.", "parameters": BY_ID, "allow_private": True, **settings}
    client = GuardedClient()
    tool = HttpTool("look_up", HttpToolSettings(url=service.url + path, **given), client)
    box = Toolbox([tool])
    try:
        return await box.run(RunTool("c1", "look_up", arguments), CallContext("CA1"))
    finally:
        await box.close()
        await client.close()


def refused(**settings: Any) -> ConfigurationError:
    given: dict[str, Any] = {"description": "Look.", "url": "https://shop.example.com/orders", **settings}
    with pytest.raises(ConfigurationError) as error:
        HttpTool("look_up", HttpToolSettings(**given), GuardedClient())
    return error.value


# -- what is sent --------------------------------------------------------------------------------------------------


async def test_an_argument_goes_where_the_url_names_it_and_the_rest_into_the_query(service: Service) -> None:
    more = {"properties": {"id": TEXT, "full": {"type": "boolean"}, "tags": {"type": "array"}, "deep": {}}}
    arguments = '{"id": "a/b @#", "full": true, "tags": ["x y", 2], "deep": {"k": "é"}}'
    await called(service, arguments, parameters={**BY_ID, **more})
    assert service.asked[0]["path"] == (
        "/orders/a%2Fb%20%40%23?full=true&tags=x+y&tags=2&deep=%7B%22k%22%3A+%22%C3%A9%22%7D"
    )
    assert service.asked[0]["body"] == ""


async def test_a_method_that_changes_something_sends_the_rest_as_json(service: Service) -> None:
    more = {"properties": {"id": TEXT, "amount": {"type": "integer"}}}
    finished = await called(service, '{"id": "1", "amount": 2}', method="POST", parameters={**BY_ID, **more})
    assert finished.outcome == "ok"
    (asked,) = service.asked
    assert (asked["method"], asked["path"], json.loads(asked["body"])) == ("POST", "/orders/1", {"amount": 2})
    assert asked["headers"]["Content-Type"] == "application/json"


async def test_headers_and_token_go_along(service: Service) -> None:
    secrets = {"headers": {"X-Shop": SecretStr("s1")}, "bearer_token": SecretStr("t1")}
    await called(service, '{"id": "1"}', **secrets)
    headers = service.asked[0]["headers"]
    assert (headers["X-Shop"], headers["Authorization"]) == ("s1", "Bearer t1")


@pytest.mark.parametrize("value", ["../admin", "..", "a\\r\\nHost: x", "%2e%2e/admin"])
async def test_what_could_lead_elsewhere_is_not_sent(service: Service, value: str) -> None:
    finished = await called(service, f'{{"id": "{value}"}}')
    assert finished.outcome == "invalid"
    assert service.asked == []


# -- what is told --------------------------------------------------------------------------------------------------


async def test_the_answer_is_told_as_it_is(service: Service) -> None:
    assert (await called(service, '{"id": "1"}')).output == '{"due": "Thursday"}'


async def test_an_answer_that_is_too_long_is_cut_and_says_so(service: Service) -> None:
    service.answer = {"text": "x" * 5000, "content_type": "text/plain"}
    output = (await called(service, '{"id": "1"}', max_result=200)).output
    assert output.startswith("x" * 200 + "\n[Cut here")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 204}, "returned nothing"),
        ({"body": b"\x89PNG", "content_type": "image/png"}, "image/png, which cannot be read"),
    ],
)
async def test_a_success_without_text_is_told_as_one(service: Service, answer: dict[str, Any], told: str) -> None:
    service.answer = answer
    finished = await called(service, '{"id": "1"}')
    assert finished.outcome == "ok"
    assert told in finished.output


@pytest.mark.parametrize(("status", "told"), [(404, "404 (Not Found)"), (500, "500 (Int"), (599, "599"), (302, "302")])
async def test_a_failure_tells_the_status_and_nothing_of_the_inside(service: Service, status: int, told: str) -> None:
    service.answer = {"status": status, "text": "Traceback: db.internal refused", "headers": {"Server": "inside/1"}}
    finished = await called(service, '{"id": "1"}')
    assert finished.outcome == "error"
    assert told in finished.output
    assert "inside" not in finished.output
    assert "internal" not in finished.output


async def test_arguments_that_do_not_fit_are_told_as_a_functions_are(service: Service) -> None:
    finished = await called(service, '{"id": 3, "extra": 1}')
    told = json.loads(finished.output)
    assert (finished.outcome, told["retry"]) == ("invalid", True)
    assert "call look_up again" in told["error"]
    assert service.asked == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_service_that_is_not_there_leaves_no_doubt_about_effects(service: Service, method: str) -> None:
    service.url = "http://127.0.0.1:9"
    with capture_logs() as logs:
        finished = await called(service, '{"id": "1"}', method=method)
    assert finished.outcome == "error"
    assert "may have taken effect" not in finished.output
    assert "127.0.0.1" not in finished.output
    assert "127.0.0.1" in str(logs)


async def test_a_private_address_is_refused_when_it_is_called() -> None:
    """`127.1` is no address to Python and one to the system, so only the call itself finds out."""
    client = GuardedClient()
    tool = HttpTool("look_up", HttpToolSettings(description="Look.", url="http://127.1:9/"), client)
    box = Toolbox([tool])
    finished = await box.run(RunTool("c1", "look_up", "{}"), CallContext())
    await client.close()
    assert finished.outcome == "error"
    assert "could not be reached" in finished.output


# -- what is declared ----------------------------------------------------------------------------------------------


def test_the_model_sees_name_description_and_a_closed_schema() -> None:
    settings = HttpToolSettings(description="Look.", url="https://shop.example.com/{id}", parameters=BY_ID, say="One.")
    tool = HttpTool("look_up", settings, GuardedClient())
    assert (tool.spec.name, tool.spec.description, tool.spec.say) == ("look_up", "Look.", "One.")
    assert tool.spec.parameters == {"type": "object", "additionalProperties": False, **BY_ID}
    assert (tool.reference, tool.origin) == ("http:look_up", "GET shop.example.com")


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, False), ({"method": "POST"}, True), ({"side_effects": True}, True)]
)
def test_only_get_is_taken_for_harmless(settings: dict[str, Any], expected: bool) -> None:
    made = HttpToolSettings(description="Look.", url="https://shop.example.com/", **settings)
    assert HttpTool("look_up", made, GuardedClient()).spec.side_effects is expected


@pytest.mark.parametrize(
    ("settings", "key", "problem"),
    [
        ({"url": "http://127.0.0.1/"}, "url", "not a public address (loopback)"),
        ({"url": "http://localhost/"}, "url", "not a public address"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url", "private"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url", "metadata"),
        ({"url": "https://{h}/"}, "url", "must not choose the host"),
        ({"headers": {"X Y": SecretStr("a")}}, "headers.X Y", "no header"),
        ({"headers": {"Host": SecretStr("a")}}, "headers.Host", "no header"),
        ({"headers": {"X": SecretStr("planted\r\nY: 1")}}, "headers.X", "line end"),
        ({"parameters": {"type": "string"}}, "parameters", "of an object"),
        ({"parameters": {"properties": {"a": {"type": "objekt"}}}}, "parameters", "properties.a.type"),
        ({"url": "https://shop.example.com/{id}"}, "parameters", "the URL needs {id}"),
        ({"url": "https://shop.example.com/{id}", "parameters": {"properties": {"id": {}}}}, "parameters", "required"),
    ],
)
def test_a_declaration_that_cannot_be_used_says_where_and_what_to_do(
    settings: dict[str, Any], key: str, problem: str
) -> None:
    error = refused(**settings)
    assert error.key == f"http_tools.look_up.{key}"
    assert problem in error.problem
    assert error.remedy
    assert "planted" not in str(error)


def test_a_name_that_no_model_accepts_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no name that models accept"):
        HttpTool("look up", HttpToolSettings(description="x", url="https://a.example/"), GuardedClient())


def test_it_can_be_run_as_carefully_as_a_tool_that_is_written() -> None:
    careful: dict[str, Any] = {"say_after": 2.0, "on_barge_in": "detach", "once": True, "confirm": "Shall I?"}
    settings = HttpToolSettings(
        description="Order.", url="https://shop.example.com/{id}", parameters=BY_ID, sensitive=["id"], **careful
    )
    spec = HttpTool("order", settings, GuardedClient()).spec
    assert {name: getattr(spec, name) for name in careful} == careful
    assert spec.sensitive == ("id",)
