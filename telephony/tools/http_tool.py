"""`http:<name>`: an HTTP endpoint that the configuration declares under `http_tools`, as a function."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import ConfigurationError, ToolError
from telephony.links.guarded import GuardedAnswer, GuardedClient, GuardedRequest, Unreachable, why_not_public
from telephony.settings import HttpToolSettings, ToolSpec
from telephony.tools.arguments import InvalidArguments
from telephony.tools.context import CallContext
from telephony.tools.json_schema import ArgumentSchema
from telephony.tools.options import NAME
from telephony.tools.remote import RemoteTool
from telephony.tools.url_template import UrlTemplate

PREFIX = "http:"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2)."""
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
"""Headers that follow from the request itself."""
_UNREACHED = "The service could not be reached. Tell the caller that it does not work right now."
_CUT = "\n[Cut here: the answer is longer. Ask for less, or work with this part.]"
_IN_QUERY = frozenset({"GET", "DELETE"})

_log: FilteringBoundLogger = structlog.get_logger("telephony.tools")


class HttpTool(RemoteTool):
    """One endpoint. Raises `ConfigurationError` for a declaration that cannot be used."""

    def __init__(self, name: str, settings: HttpToolSettings, client: GuardedClient) -> None:
        key = f"http_tools.{name}"
        if not NAME.fullmatch(name):
            problem = f"{name!r} is no name that models accept: 1 to 64 of a-z, A-Z, 0-9, _ and -"
            raise ConfigurationError(key, problem, "Rename it.")
        self._template = UrlTemplate(settings.url, f"{key}.url")
        _check_host(self._template.host, settings.allow_private, key)
        self._headers = _headers(settings, key)
        parameters = _parameters(settings.parameters, self._template, key)
        try:
            self._schema = ArgumentSchema(parameters)
        except ValueError as error:
            remedy = "Write {type: object, properties: {…}, required: […]} as JSON Schema has it."
            raise ConfigurationError(f"{key}.parameters", str(error), remedy) from None
        self._settings = settings
        self._client = client
        self.reference = f"{PREFIX}{name}"
        self.origin = f"{settings.method} {self._template.host}"
        self.spec = ToolSpec(
            name=name,
            description=settings.description,
            parameters=parameters,
            timeout=settings.timeout,
            side_effects=settings.method != "GET" if settings.side_effects is None else settings.side_effects,
            say=settings.say,
            say_after=settings.say_after,
            on_barge_in=settings.on_barge_in,
            once=settings.once,
            confirm=settings.confirm,
            sensitive=tuple(settings.sensitive),
        )

    async def run(self, arguments: str, context: CallContext) -> object:
        request = self._request(self._schema.read(arguments))
        log = _log.bind(tool=self.spec.name, call_id=context.call_id)
        try:
            answer = await self._client.fetch(request)
        except Unreachable as error:
            log.warning("http tool not reached", error=str(error))
            raise ToolError(_UNREACHED) from None
        if not 200 <= answer.status < 300:
            log.warning("http tool refused", status=answer.status)
            raise ToolError(f"The service answered with HTTP status {_status(answer.status)}.")
        return _told(answer)

    def _request(self, arguments: dict[str, Any]) -> GuardedRequest:
        settings = self._settings
        named = {name: _text(name, arguments[name]) for name in self._template.names}
        rest = {name: value for name, value in arguments.items() if name not in named and value is not None}
        url, headers, body = self._template.fill(named), dict(self._headers), None
        if settings.method in _IN_QUERY:
            query = "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in _pairs(rest))
            url += ("&" if "?" in url else "?") + query if query else ""
        else:
            headers["Content-Type"] = "application/json"
            body = json.dumps({name: arguments[name] for name in arguments if name not in named}).encode()
        return GuardedRequest(settings.method, url, headers, body, settings.max_result, settings.allow_private)


def _check_host(host: str, allow_private: bool, key: str) -> None:
    """What can be said without asking DNS; the rest is found when it is called."""
    literal = why_not_public(host)
    local = host == "localhost" or host.endswith(".localhost")
    if not allow_private and (local or literal not in ("", "no IP address")):
        problem = f"{host} is not a public address ({literal if not local else 'loopback'})"
        raise ConfigurationError(f"{key}.url", problem, "Set allow_private: true for this tool if it is meant.")


def _headers(settings: HttpToolSettings, key: str) -> dict[str, str]:
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    if token := settings.bearer_token.get_secret_value():
        headers["Authorization"] = f"Bearer {token}"
    for name, value in headers.items():
        place = f"{key}.headers.{name}"
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise ConfigurationError(place, "it is no header that can be set", "Leave it out, or correct its name.")
        if not value.isprintable() or not value.isascii():
            raise ConfigurationError(place, "its value has a line end or a letter beyond ASCII", "Correct the value.")
    return headers


def _parameters(given: dict[str, Any], template: UrlTemplate, key: str) -> dict[str, Any]:
    """The schema as the model sees it: always an object's, and closed unless it says otherwise."""
    schema = {"type": "object", "properties": {}, "additionalProperties": False, **given}
    if schema["type"] != "object" or not isinstance(schema["properties"], dict):
        raise ConfigurationError(f"{key}.parameters", "it is not the schema of an object", "Write type: object.")
    required = schema.get("required", [])
    for name in template.names:
        if name not in schema["properties"] or not isinstance(required, list) or name not in required:
            problem = f"the URL needs {{{name}}}, which is not among the required parameters"
            remedy = f"Describe {name} under properties, and list it under required."
            raise ConfigurationError(f"{key}.parameters", problem, remedy)
    return schema


def _text(name: str, value: object) -> str:
    """An argument as a part of a URL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidArguments(f"`{name}` must be a text or a number.")


def _pairs(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """A query: a list repeats its name, and what is deeper is JSON."""
    pairs: list[tuple[str, str]] = []
    for name, value in arguments.items():
        for each in value if isinstance(value, list) else [value]:
            plain = isinstance(each, str | int | float)
            pairs.append((name, _text(name, each) if plain else json.dumps(each, ensure_ascii=False)))
    return pairs


def _status(number: int) -> str:
    try:
        return f"{number} ({HTTPStatus(number).phrase})"
    except ValueError:
        return str(number)


def _told(answer: GuardedAnswer) -> str | None:
    """What the model is told of a success."""
    if not answer.content_type:
        return None
    if not answer.text:
        return f"It worked; the service answered with {answer.content_type}, which cannot be read."
    return answer.text + (_CUT if answer.cut else "")
