"""`telephony agents`."""

from __future__ import annotations

import typer
from rich.console import Console

from telephony.agents.agent import Agent
from telephony.agents.check import Finding, check
from telephony.agents.directory import Directory
from telephony.cli.serve import ConfigOption, importable
from telephony.errors import ConfigurationError
from telephony.runtime.serving import read_settings
from telephony.settings import ToolSpec
from telephony.tools.load import load_tools
from telephony.upstream.deployment import deployments

app = typer.Typer(help="Look at the agents.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the agents."""


@app.command("check")
def check_agents(config: ConfigOption = None) -> None:
    """Check every agent: its model, key and tools, who can reach it. Exit code 2 if one could not take a call."""
    importable()
    settings, environ = read_settings(config)
    agents = [Agent.from_settings(name, own) for name, own in settings.agents.items()]
    if not agents:
        raise ConfigurationError("agents", "there are none", "Describe who answers: agents: {frontdesk: {…}}.")
    specs: dict[str, list[ToolSpec]] = {}
    for agent in agents:
        specs[agent.name] = [tool.spec for tool in load_tools(agent.tools, f"agents.{agent.name}.tools")]
    wanted = {agent.settings.model for agent in agents}
    deployments(settings.model_list, environ, wanted=None if "" in wanted else wanted)
    models = {entry.model_name for entry in settings.model_list}
    findings = check(Directory(agents, settings.numbers), models, specs)
    console = Console(highlight=False, soft_wrap=True)
    for agent in agents:
        names = ", ".join(spec.name for spec in specs[agent.name]) or "no tools"
        console.print(f"{agent.name}: {agent.settings.model or 'the only model'}; {names}", markup=False)
    for finding in findings:
        console.print(_line(finding), markup=False, style="red" if finding.level == "problem" else "yellow")
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(2)
    console.print("ok", style="green")


def _line(finding: Finding) -> str:
    return f"{finding.level}: {finding.key}: {finding.message}. {finding.remedy}"
