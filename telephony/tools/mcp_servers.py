"""`mcp:<server>` and `mcp:<server>/<tool>`: tools of Model Context Protocol servers that the configuration names.

Each server that an agent names has one connection for the whole process, held by one task: it connects, lists the
tools, looks after them now and then, and connects anew, ever more patiently, when the server is lost. Calls never wait
for that. One that begins gets the tools of the servers that are alive then; a call of a tool whose server has died
since is answered at once.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib.util
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import ConfigurationError, ToolError
from telephony.settings import McpServerSettings, ToolSpec
from telephony.tools.context import CallContext
from telephony.tools.json_schema import ArgumentSchema
from telephony.tools.remote import MAYBE_DONE, RemoteFailed, RemoteTool

if TYPE_CHECKING:
    from telephony.tools.mcp_session import Listed, McpSession

PREFIX = "mcp:"
RECHECK = 30.0
"""Seconds between looks at a server's tools. A call that fails brings the next look forward."""
FIRST_WAIT = 1.0
"""Seconds before a lost server is tried again; doubled each time it fails, up to `LONGEST_WAIT`."""
LONGEST_WAIT = 60.0
MOST_TOOLS = 64
"""Tools of one server that are offered; a model that has more chooses badly, and every call pays for their text."""
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64
_GONE = "The service behind {name} is not reachable right now. Tell the caller, and offer another way."

_log: FilteringBoundLogger = structlog.get_logger("telephony.mcp")


class McpTool(RemoteTool):
    """One tool of a server, as it was last listed. Raises `ValueError` if its schema is none."""

    def __init__(self, server: McpServer, listed: Listed) -> None:
        settings = server.settings
        self.server = server
        self.listed_name = listed.name
        """What the server calls it."""
        schema = {"type": "object", "properties": {}, **listed.schema}
        self._arguments = ArgumentSchema(schema, trusted=False)
        self.reference = self.origin = f"{PREFIX}{server.name}/{listed.name}"
        self.spec = ToolSpec(
            name=_UNFIT.sub("_", settings.prefix + listed.name)[:_LONGEST_NAME],
            description=listed.description,
            parameters={key: value for key, value in schema.items() if key not in ("$schema", "title")},
            timeout=settings.timeout,
            side_effects=not listed.read_only,
            say=settings.say,
        )

    async def run(self, arguments: str, context: CallContext) -> object:
        return await self.server.call(self, self._arguments.read(arguments), context)


class McpServer:
    """One server: its connection and its tools."""

    def __init__(self, name: str, settings: McpServerSettings) -> None:
        self.name = name
        self.settings = settings
        self.tools: tuple[McpTool, ...] = ()
        """As last listed, whether the server is alive or not."""
        self.problem = "it was not tried yet"
        """Why it is not alive; empty if it is."""
        self.tried = asyncio.Event()
        """Set once the first attempt to connect has come to something or nothing."""
        self._session: McpSession | None = None

    @property
    def alive(self) -> bool:
        return self._session is not None

    async def run(self) -> None:
        """Hold the connection until cancelled, which closes it and ends the server's process, if it has one."""
        wait = FIRST_WAIT
        while True:
            try:
                await self._hold()
            except Exception as error:  # noqa: BLE001  the SDK's, its dependencies' and the server's own
                self.problem = _why(error, self.settings.timeout)
            finally:
                wait = FIRST_WAIT if self.alive else wait
                self._session = None
                self.tried.set()
            _log.warning(
                "mcp server lost: calls go without its tools", server=self.name, problem=self.problem, again_in_s=wait
            )
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _hold(self) -> None:
        """One connection, from its beginning until it is lost. Raises whatever it was lost by."""
        from telephony.tools.mcp_session import connect

        async with asyncio.timeout(self.settings.timeout) as bound, connect(self.name, self.settings) as session:
            self._learn(await session.tools())
            bound.reschedule(None)
            self._session, self.problem = session, ""
            self.tried.set()
            _log.info("mcp server ready", server=self.name, tools=[tool.spec.name for tool in self.tools])
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RECHECK):
                        await session.doubted.wait()
                session.doubted.clear()
                async with asyncio.timeout(self.settings.timeout):
                    self._learn(await session.tools())

    def _learn(self, listed: Iterable[Listed]) -> None:
        allowed, tools = self.settings.tools, []
        for each in listed:
            if allowed and each.name not in allowed:
                continue
            try:
                tools.append(McpTool(self, each))
            except ValueError as error:
                _log.warning("mcp tool left out", server=self.name, tool=each.name, problem=str(error))
        if len(tools) > MOST_TOOLS:
            _log.warning("mcp server has too many tools: choose some under `tools`", server=self.name, most=MOST_TOOLS)
        self.tools = tuple(tools[:MOST_TOOLS])

    async def call(self, tool: McpTool, arguments: dict[str, Any], context: CallContext) -> str:
        """Call one of its tools; what it answered, as text. Raises `ToolError`. Bounded by whoever calls."""
        session = self._session
        if session is None:
            raise ToolError(_GONE.format(name=tool.spec.name))
        try:
            return await session.call(tool.listed_name, arguments)
        except RemoteFailed as error:
            session.doubted.set()
            _log.warning("mcp call failed", tool=tool.reference, call_id=context.call_id, error=str(error))
            raise ToolError(_GONE.format(name=tool.spec.name) + MAYBE_DONE * tool.spec.side_effects) from None


class McpServers:
    """The servers of a process. Nothing is imported or started before an agent has named one and `run` is awaited."""

    def __init__(self, settings: Mapping[str, McpServerSettings]) -> None:
        self._settings = settings
        self.wanted: dict[str, McpServer] = {}
        """Those that some agent names, by name."""

    def want(self, reference: str, place: str = "") -> tuple[McpServer, str]:
        """The server that *reference* names, and the tool, empty for all; raise `ConfigurationError`."""
        name, _, tool = reference.removeprefix(PREFIX).partition("/")
        settings = self._settings.get(name)
        if settings is None:
            near = difflib.get_close_matches(name, self._settings, n=1)
            known = f"There is {', '.join(PREFIX + each for each in self._settings)}." if self._settings else ""
            remedy = f"Did you mean {PREFIX}{near[0]}?" if near else known or "Describe it under mcp."
            raise ConfigurationError(reference, "mcp has no server of that name", remedy, place)
        if tool and settings.tools and tool not in settings.tools:
            problem = f"mcp.{name}.tools does not have {tool}"
            raise ConfigurationError(reference, problem, f"Add it there; it has {', '.join(settings.tools)}.", place)
        if importlib.util.find_spec("mcp") is None:
            problem = "servers of the Model Context Protocol need a package that is not installed"
            raise ConfigurationError(reference, problem, "Install it: pip install 'telephony-bridge[mcp]'.", place)
        if name not in self.wanted:
            self.wanted[name] = McpServer(name, settings)
        return self.wanted[name], tool

    async def run(self) -> None:
        """Hold all connections until cancelled."""
        async with asyncio.TaskGroup() as group:
            for server in self.wanted.values():
                group.create_task(server.run(), name=f"mcp server {server.name}")

    async def tried(self, timeout: float) -> None:
        """Wait until every server was reached or found to be unreachable, up to *timeout* seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                for server in self.wanted.values():
                    await server.tried.wait()


class McpTools:
    """What one agent has of the servers."""

    def __init__(
        self, servers: McpServers, references: Iterable[object], taken: Iterable[str] = (), place: str = ""
    ) -> None:
        """*references* are all of the agent's tools; *taken* are the names that its other tools have."""
        named = [each for each in references if isinstance(each, str) and each.startswith(PREFIX)]
        self._wanted = [servers.want(reference, place) for reference in named]
        self._taken = frozenset(taken)
        self._told: set[str] = set()

    def offered(self) -> tuple[McpTool, ...]:
        """The tools of the servers that are alive, in the agent's order; of two of one name the first."""
        return tuple(tool for tool in self._known().values() if tool.server.alive)

    def find(self, name: str) -> McpTool | None:
        """The tool of this name, also if its server has died: it says so itself."""
        return self._known().get(name)

    def listed(self) -> tuple[McpTool, ...]:
        """The tools of all its servers, as they were last listed."""
        return tuple(self._known().values())

    def missing(self) -> list[str]:
        """What it was to have and has not, in words: servers that cannot be reached, tools that they do not list."""
        found = []
        for server, only in self._wanted:
            if server.problem:
                found.append(f"{PREFIX}{server.name} cannot be reached: {server.problem}")
            elif only and only not in [tool.listed_name for tool in server.tools]:
                found.append(f"{PREFIX}{server.name} has no tool {only}")
        return found

    def _known(self) -> dict[str, McpTool]:
        known: dict[str, McpTool] = {}
        for server, only in self._wanted:
            for tool in server.tools:
                if only and tool.listed_name != only:
                    continue
                name = tool.spec.name
                if name in self._taken or known.setdefault(name, tool).reference != tool.reference:
                    self._tell(tool)
        return known

    def _tell(self, tool: McpTool) -> None:
        if tool.reference not in self._told:
            self._told.add(tool.reference)
            remedy = f"set mcp.{tool.server.name}.prefix"
            _log.warning(
                "mcp tool left out: its name is taken", tool=tool.reference, name=tool.spec.name, remedy=remedy
            )


def _why(error: Exception, timeout: float) -> str:
    """The first thing that went wrong, in words."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    return str(error) or type(error).__name__
