"""Where tools come from that are declared in the configuration: HTTP endpoints and MCP servers."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from telephony.errors import ConfigurationError
from telephony.links.guarded import GuardedClient
from telephony.settings import HttpToolSettings, McpServerSettings
from telephony.tools.http_tool import PREFIX as HTTP
from telephony.tools.http_tool import HttpTool
from telephony.tools.mcp_servers import PREFIX as MCP
from telephony.tools.mcp_servers import McpServers
from telephony.tools.remote import RemoteTool

PREFIXES = (HTTP, MCP)


class ToolSources:
    """What `http:…` and `mcp:…` lead to. Raises `ConfigurationError` for a declaration that cannot be used.

    Opens nothing before a tool is called or `servers.run` is awaited; `close` it on the loop where that was.
    """

    def __init__(
        self,
        http_tools: Mapping[str, HttpToolSettings] | None = None,
        servers: Mapping[str, McpServerSettings] | None = None,
    ) -> None:
        self._client = GuardedClient()
        self._http = {name: HttpTool(name, own, self._client) for name, own in (http_tools or {}).items()}
        self.servers = McpServers(servers or {})

    async def close(self) -> None:
        await self._client.close()

    def load(self, reference: str, place: str = "") -> list[RemoteTool]:
        """The tools that are known before anything is connected: none of an MCP server, which is noted as wanted."""
        if reference.startswith(MCP):
            self.servers.want(reference, place)
            return []
        name = reference.removeprefix(HTTP)
        if name not in self._http:
            near = difflib.get_close_matches(name, self._http, n=1)
            known = f"There is {', '.join(HTTP + each for each in self._http)}." if self._http else ""
            remedy = f"Did you mean {HTTP}{near[0]}?" if near else known or "Describe it under http_tools."
            raise ConfigurationError(reference, "http_tools has no tool of that name", remedy, place)
        return [self._http[name]]
