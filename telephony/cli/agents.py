"""`telephony agents`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import typer
from rich.console import Console

from telephony.agents.agent import Agent
from telephony.agents.check import Finding, check
from telephony.agents.directory import Directory
from telephony.cli.serve import ConfigOption, importable, missing_file_told
from telephony.errors import ConfigurationError
from telephony.realtime import dialect
from telephony.runtime.serving import read_settings
from telephony.settings import SessionConfig, Settings, ToolSpec
from telephony.tools.load import load_tools
from telephony.upstream.balancer import chain
from telephony.upstream.deployment import Deployment, deployments

app = typer.Typer(help="Look at the agents.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the agents."""


@app.command("check")
def check_agents(config: ConfigOption = None) -> None:
    """Check every agent: its model, key and tools, who can reach it. Exit code 2 if one could not take a call."""
    importable()
    with missing_file_told(config):
        _check(config)


def _check(config: Path | None) -> None:
    settings, environ = read_settings(config)
    agents = [Agent.from_settings(name, own) for name, own in settings.agents.items()]
    if not agents:
        raise ConfigurationError("agents", "there are none", "Describe who answers: agents: {frontdesk: {…}}.")
    specs: dict[str, list[ToolSpec]] = {}
    for agent in agents:
        specs[agent.name] = [tool.spec for tool in load_tools(agent.tools, f"agents.{agent.name}.tools")]
    found = {agent.name: _deployments(agent, settings, environ) for agent in agents}
    models = {entry.model_name for entry in settings.model_list}
    findings = check(Directory(agents, settings.numbers), models, specs)
    findings += [finding for agent in agents for finding in _lacking(agent, found[agent.name])]
    console = Console(highlight=False, soft_wrap=True)
    for agent in agents:
        names = ", ".join([*(spec.name for spec in specs[agent.name]), *_types(agent)]) or "no tools"
        console.print(f"{agent.name}: {agent.settings.model or 'the only model'}; {names}", markup=False)
    for finding in findings:
        console.print(_line(finding), markup=False, style="red" if finding.level == "problem" else "yellow")
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(2)
    console.print("ok", style="green")


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
