"""One connection to a Model Context Protocol server, made with the official SDK: nothing else of ours imports that.

A server on stdin and stdout is a process of ours: the SDK starts it in a group of its own and ends it with that (stdin
closed, then SIGTERM, then SIGKILL, about six seconds in all); what it writes to stderr goes to the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any, TextIO

import anyio
import httpx2
import msgspec
import structlog
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    Implementation,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic_core import to_json
from structlog.typing import FilteringBoundLogger

from telephony.errors import ToolError
from telephony.settings import McpServerSettings
from telephony.tools.remote import RemoteFailed
from telephony.version import __version__

PAGES = 20
"""Pages of a list of tools that are asked for."""
LONGEST_TEXT = 64_000
"""Characters of an answer that are put together; what the model gets of them is bounded by the toolbox."""
LONGEST_LINE = 500
"""Characters of a line on a server's stderr that are logged."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.mcp")


class Listed(msgspec.Struct, frozen=True):
    """A tool as the server lists it."""

    name: str
    description: str
    schema: dict[str, Any]
    """JSON Schema of its arguments."""
    read_only: bool
    """Whether the server says that it changes nothing."""


class McpSession:
    """An open connection."""

    def __init__(self, client: Client, doubted: asyncio.Event) -> None:
        self._client = client
        self.doubted = doubted
        """Set when something suggests that the server is gone."""

    async def tools(self) -> list[Listed]:
        """What it offers. Raises what the SDK raises; unbounded in time."""
        found: list[Listed] = []
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self._client.list_tools(cursor=cursor)
            for tool in page.tools:
                read_only = bool(tool.annotations and tool.annotations.read_only_hint)
                found.append(Listed(tool.name, tool.description or tool.title or "", tool.input_schema, read_only))
            cursor = page.next_cursor
            if cursor is None:
                break
        return found

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool; its answer as text. Cancelling tells the server.

        Raises `ToolError` with the server's own words if the tool says that it failed, and `RemoteFailed`.
        """
        try:
            result = await self._client.call_tool(name, arguments)
        except MCPError as error:
            raise RemoteFailed(f"{error.message} ({error.code})") from None
        except Exception as error:  # an answer that does not keep to its own schema, a transport that broke
            raise RemoteFailed(f"{type(error).__name__}: {error}") from error
        text = _text(result)
        if result.is_error:
            raise ToolError(text or "The service said that it failed.")
        return text


@contextlib.asynccontextmanager
async def connect(name: str, settings: McpServerSettings) -> AsyncIterator[McpSession]:
    """Start or reach the server *name*, and end or leave it. Enter and leave it in one task. Raises what the SDK
    raises; unbounded in time on the way in, bounded by the SDK on the way out."""
    doubted = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        errors: TextIO | None = None
        if settings.command:
            errors = stack.enter_context(await _stderr(name, stack))
            env = {key: value.get_secret_value() for key, value in settings.env.items()}
            program, *words = settings.command
            transport = stdio_client(StdioServerParameters(command=program, args=words, env=env), errors)
        else:
            headers = {key: value.get_secret_value() for key, value in settings.headers.items()}
            if token := settings.bearer_token.get_secret_value():
                headers["Authorization"] = f"Bearer {token}"
            waits = httpx2.Timeout(settings.timeout, read=None)  # whoever calls a tool bounds the wait for its answer
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=waits))
            transport = streamable_http_client(settings.url, http_client=http)
        who = Implementation(name="telephony", version=__version__)
        client = Client(_watched(transport, doubted), client_info=who, cache=None)
        await stack.enter_async_context(client)
        if errors:
            errors.close()  # the child has its own; ours would keep the pipe from ending with it
        yield McpSession(client, doubted)


# -- noticing the end ----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _watched(transport: Any, ended: asyncio.Event) -> AsyncIterator[tuple[Any, Any]]:
    """*transport*, which sets *ended* when the server has nothing more to say."""
    async with transport as (reads, writes):
        yield _Watched(reads, ended), writes


class _Watched:
    """A stream of incoming messages as the SDK reads it."""

    def __init__(self, stream: Any, ended: asyncio.Event) -> None:
        self._stream = stream
        self._ended = ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> Any:
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._ended.set()
            raise

    async def __aenter__(self) -> _Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> bool | None:
        left: bool | None = await self._stream.__aexit__(*error)
        return left


# -- what a child says -----------------------------------------------------------------------------------------------


async def _stderr(name: str, stack: contextlib.AsyncExitStack) -> TextIO:
    """The end of a pipe that a child may write to; its lines go to the log until *stack* is left."""
    here, there = os.pipe()
    reads, writes = os.fdopen(here, "rb", buffering=0), os.fdopen(there, "w")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: _Lines(name), reads)
    stack.callback(transport.close)
    return writes


class _Lines(asyncio.Protocol):
    """Logs each line; one without an end is cut."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) > 4 * LONGEST_LINE:
            self._tell(self._rest)
            self._rest = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell(self._rest)

    def _tell(self, line: bytes) -> None:
        if text := line.decode(errors="replace").strip():
            _log.info("mcp server says", server=self._name, line=text[:LONGEST_LINE])


# -- answers as text -------------------------------------------------------------------------------------------------


def _text(result: CallToolResult) -> str:
    """What a model can read of an answer: its texts, or its structured content where there is none."""
    parts: list[str] = []
    room = LONGEST_TEXT
    for block in result.content:
        part = _block(block)[:room]
        parts.append(part)
        room -= len(part)
        if room <= 0:
            break
    has_text = any(isinstance(block, TextContent) and block.text.strip() for block in result.content)
    if result.structured_content is not None and not has_text:
        parts.append(to_json(result.structured_content, inf_nan_mode="null").decode()[:room])
    return "\n".join(part for part in parts if part)


def _block(block: ContentBlock) -> str:
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ResourceLink):
        return f"[{block.title or block.name}: {block.uri}]"
    if isinstance(block, EmbeddedResource):
        resource = block.resource
        return resource.text if isinstance(resource, TextResourceContents) else f"[a file, {resource.mime_type}]"
    return f"[{block.type}, {block.mime_type}: it cannot be shown on the telephone]"
