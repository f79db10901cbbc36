"""The API's own description: OpenAPI 3.1, made from the route table and the models.

What a field means stands in the string behind it, as it does for settings; where the source is not at hand, only these
sentences are missing.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import msgspec

from telephony.server.api.problem import CONTENT_TYPE, ProblemDetails
from telephony.server.api.route import BASE, EVENTS, Route
from telephony.version import __version__

ID = "^[A-Za-z0-9_.:-]{1,64}$"
ALWAYS = (401, 403, 500, 503)
"""Problems that every route has: the key, its scope, a mistake of ours, a database that does not answer."""
MEANINGS = {
    400: "The request cannot be understood.",
    401: "There is no key, or it is none of this API.",
    403: "The key is not for this, or it is not allowed by the configuration.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "It does not go with what there is already.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    416: "Nothing of the file is in the range.",
    422: "What is asked for cannot be.",
    429: "Too much is asked for at once; see Retry-After.",
    500: "A mistake of the server's.",
    502: "The carrier refused.",
    503: "Not now; see Retry-After.",
}

Json = dict[str, Any]


def describe(routes: Iterable[Route]) -> Json:
    """The document."""
    routes = list(routes)
    schemas = _schemas(routes)
    paths: Json = {}
    for route in routes:
        paths.setdefault(f"{BASE}{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    scheme = {"type": "http", "scheme": "bearer", "description": "A key of `api.keys`; each is for some scopes."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "telephony", "version": __version__, "description": "Calls: taken, placed, and going on."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": scheme}},
    }


def _operation(route: Route, schemas: Mapping[str, Any]) -> Json:
    operation: Json = {
        "operationId": _name(route),
        "summary": route.about,
        "security": [{"key": [route.scope] if route.scope else []}],
        "parameters": [*_path(route), *_query(route, schemas), *_headers(route)],
        "responses": {str(status): _answer(content) for status, content in route.answers.items()}
        | {str(status): _problem(status) for status in sorted({*ALWAYS, *route.problems})},
    }
    if route.body:
        content = {"application/json": {"schema": _reference(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _name(route: Route) -> str:
    words = re.findall(r"[a-z]+", route.path.removesuffix(".json"))
    return "_".join([route.method.lower(), *words])


def _answer(content: Mapping[str, Any]) -> Json:
    shown: Json = {}
    for content_type, kind in content.items():
        if content_type == EVENTS:
            names = ", ".join(f"`{each.__name__}`" for each in get_args(kind))
            about = f"Server-sent events, whose data is JSON: {names}; its `event` says which."
            shown[content_type] = {"schema": {"type": "string", "description": about}}
        elif kind is None:
            shown[content_type] = {}
        else:
            shown[content_type] = {"schema": _reference(kind)}
    return {"description": "As asked for.", "content": shown}


def _problem(status: int) -> Json:
    content = {CONTENT_TYPE: {"schema": _reference(ProblemDetails)}}
    return {"description": MEANINGS[status], "content": content}


def _path(route: Route) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": ID}}


def _query(route: Route, schemas: Mapping[str, Any]) -> Iterator[Json]:
    if route.query:
        for name, schema in schemas[route.query.__name__]["properties"].items():
            yield {"name": name, "in": "query", "schema": schema}


def _headers(route: Route) -> Iterator[Json]:
    for name, about in route.headers.items():
        required = name.endswith("*")
        schema: Json = {"type": "string", "pattern": ID} if required else {"type": "string"}
        yield {
            "name": name.removesuffix("*"),
            "in": "header",
            "required": required,
            "description": about,
            "schema": schema,
        }


# -- models --------------------------------------------------------------------------------------------------------


def _models(routes: Iterable[Route]) -> Iterator[Any]:
    yield ProblemDetails
    for route in routes:
        yield from (kind for kind in (route.query, route.body) if kind)
        yield from (kind for content in route.answers.values() for kind in content.values() if kind)


def _schemas(routes: Iterable[Route]) -> Json:
    kinds = list(dict.fromkeys(_models(routes)))
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    structs = {kind.__name__: kind for kind in _structs(kinds)}
    for name, schema in schemas.items():
        schema.pop("title", None)
        sentences = _sentences(structs[name])
        for field, shown in schema.get("properties", {}).items():
            if sentence := sentences.get(field):
                shown["description"] = sentence
    return schemas


def _structs(kinds: Iterable[Any]) -> Iterator[type]:
    """Every struct that is in one of them."""
    waiting, seen = list(kinds), set()
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield kind
            waiting += [field.type for field in msgspec.structs.fields(kind)]
        waiting += get_args(kind)


def _sentences(kind: type) -> dict[str, str]:
    """The string behind each field, by its name on the wire."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    with contextlib.suppress(OSError, SyntaxError):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        return {
            names[field.target.id]: " ".join(text.value.value.split())
            for field, text in itertools.pairwise(body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
    return {}


def _reference(kind: Any) -> Json:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"type": "object"}
