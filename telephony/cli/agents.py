"""`telephony agents`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telephony.agents.agent import Agent
from telephony.agents.check import Finding, check
from telephony.cli.serve import ConfigOption, importable, missing_file_told
from telephony.cli.tools import show_tools
from telephony.errors import ConfigurationError
from telephony.realtime import dialect
from telephony.runtime import logs
from telephony.runtime.number_checks import directory_of
from telephony.runtime.redaction import secrets_of
from telephony.runtime.serving import read_settings
from telephony.settings import SessionConfig, Settings
from telephony.tools.load import AnyTool, load_tools
from telephony.tools.mcp_servers import PREFIX as MCP
from telephony.tools.mcp_servers import McpServers, McpTools
from telephony.tools.provided import types_of
from telephony.tools.remote import RemoteTool
from telephony.tools.sources import ToolSources
from telephony.tools.tool import Tool
from telephony.upstream.balancer import chain
from telephony.upstream.deployment import Deployment, deployments

CONNECT = 60.0
"""Seconds for all MCP servers together; each has its own `timeout` within them."""
ConnectOption = Annotated[bool, typer.Option("--connect", help="Start or reach the MCP servers and list their tools.")]

app = typer.Typer(help="Look at the agents.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the agents."""


@app.command("check")
def check_agents(config: ConfigOption = None, connect: ConnectOption = False) -> None:
    """Check every agent: its model, key and tools, who can reach it. Exit code 2 if one could not take a call.

    No tool is called. MCP servers are started or reached only with --connect, which lists their tools, too.
    """
    importable()
    with missing_file_told(config):
        _check(config, connect)


@app.command("tools")
def tools() -> None:
    """Show how a tool is written, in ten lines, and every built-in one with its arguments."""
    show_tools(Console(highlight=False))


def _check(config: Path | None, connect: bool) -> None:
    settings, environ = read_settings(config)
    agents = [Agent.from_settings(name, own) for name, own in settings.agents.items()]
    if not agents:
        raise ConfigurationError("agents", "there are none", "Describe who answers: agents: {frontdesk: {…}}.")
    sources = ToolSources(settings.http_tools, settings.mcp)
    tools = {agent.name: load_tools(agent.tools, f"agents.{agent.name}.tools", sources) for agent in agents}
    provided = types_of(settings.provide, "provide")
    for tool in (tool for loaded in tools.values() for tool in loaded if isinstance(tool, Tool)):
        tool.given(provided)
    specs = {name: [tool.spec for tool in loaded] for name, loaded in tools.items()}
    mcp = {
        agent.name: McpTools(sources.servers, agent.tools, [spec.name for spec in specs[agent.name]])
        for agent in agents
    }
    if connect:
        logs.set_up("error", secrets=secrets_of(settings, environ))  # what failed is told below
        asyncio.run(_connected(sources.servers))
    found = {agent.name: _deployments(agent, settings, environ) for agent in agents}
    models = {entry.model_name for entry in settings.model_list}
    findings = check(directory_of(settings, agents), models, specs, settings.dialling)
    findings += [finding for agent in agents for finding in _lacking(agent, found[agent.name])]
    if connect:
        findings += [
            Finding("warning", f"agents.{name}.tools", missing, "Calls go without until it is mended.")
            for name, own in mcp.items()
            for missing in own.missing()
        ]
    console = Console(highlight=False, soft_wrap=True)
    for agent in agents:
        remote = [str(tool) for tool in agent.settings.tools if str(tool).startswith(MCP) and not connect]
        listed = mcp[agent.name].listed() if connect else []
        names = ", ".join([*map(_named, [*tools[agent.name], *listed]), *remote, *_types(agent)]) or "no tools"
        console.print(f"{agent.name}: {agent.settings.model or 'the only model'}; {names}", markup=False)
    for finding in findings:
        console.print(_line(finding), markup=False, style="red" if finding.level == "problem" else "yellow")
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(2)
    console.print("ok", style="green")


async def _connected(servers: McpServers) -> None:
    """Reach every server once, within its own bound, and leave it again; what it listed stays known."""
    holding = asyncio.get_running_loop().create_task(servers.run(), name="mcp servers")
    await servers.tried(CONNECT)
    holding.cancel()
    await asyncio.wait([holding])


def _named(tool: AnyTool) -> str:
    """A tool with who runs it, if that is not us."""
    return f"{tool.spec.name} ({tool.origin})" if isinstance(tool, RemoteTool) else tool.spec.name


def _deployments(agent: Agent, settings: Settings, environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """Whoever may come to speak for *agent*, those included that stand in."""
    model = agent.settings.model
    wanted = set(chain(model, settings.router_settings)) if model else None
    return deployments(settings.model_list, environ, wanted=wanted)


def _lacking(agent: Agent, found: Iterable[Deployment]) -> Iterator[Finding]:
    """Tools of the provider's that not everybody has who may speak for *agent*."""
    for deployment in found:
        for kind in _types(agent):
            if kind in dialect(deployment.dialect, SessionConfig()).traits.lacks:
                message = f"{deployment.provider}/{deployment.model} has no {kind} and goes without"
                yield Finding("warning", f"agents.{agent.name}.tools", message, "Word the instructions for both.")


def _types(agent: Agent) -> list[str]:
    return [str(tool.get("type")) for tool in agent.settings.tools if isinstance(tool, dict)]


def _line(finding: Finding) -> str:
    return f"{finding.level}: {finding.key}: {finding.message}. {finding.remedy}"
