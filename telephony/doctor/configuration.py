"""The configuration: everything that `serve` would refuse, what would work badly, and the keys of the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from telephony.agents.agent import Agent
from telephony.agents.check import check
from telephony.dialling import DialPolicy
from telephony.doctor.finding import Finding, amber, green, red
from telephony.errors import ConfigurationError
from telephony.runtime.checks import serving_problems
from telephony.runtime.configuration import problems_of
from telephony.runtime.desk import knowing
from telephony.runtime.dialling import do_not_call
from telephony.runtime.number_checks import directory_of
from telephony.runtime.serving import read_settings
from telephony.settings import Settings, ToolSpec
from telephony.tools.load import load_tools
from telephony.tools.sources import ToolSources
from telephony.upstream.balancer import chain
from telephony.upstream.deployment import Deployment, resolve

NAME = "configuration"


class Staff(msgspec.Struct, frozen=True):
    """Who answers, with what it takes, as far as that can be had."""

    agents: tuple[Agent, ...] = ()
    tools: Mapping[str, Sequence[ToolSpec]] = {}
    """By agent."""
    deployments: tuple[Deployment, ...] = ()
    """Those that some agent may come to speak with, and whose key is there."""


def read(config: Path | None) -> tuple[Settings | None, Mapping[str, str], list[Finding]]:
    """The settings and the environment, or None and every mistake for which there are none."""
    try:
        settings, environ = read_settings(config)
    except ConfigurationError as error:
        return None, {}, [_red(problem) for problem in problems_of(error)]
    return settings, environ, []


def examined(settings: Settings, environ: Mapping[str, str]) -> tuple[Staff, list[Finding]]:
    """Who answers, and what is to be said of the configuration and the keys."""
    agents = tuple(Agent.from_settings(name, own) for name, own in settings.agents.items())
    found = [_red(problem) for problem in serving_problems(settings)]
    policy, wrong = _policy(agents, settings)
    tools, mistakes = _tools(agents, settings, policy)
    found += wrong
    models = {entry.model_name for entry in settings.model_list}
    found += mistakes
    for one in check(directory_of(settings, agents), models, tools) if agents else ():
        told = f"{one.key}: {one.message}"
        found.append(red(NAME, told, one.remedy) if one.level == "problem" else amber(NAME, told, one.remedy))
    if not found:
        numbers = ", ".join(settings.numbers)
        found.append(green(NAME, f"agents: {', '.join(settings.agents)}; numbers: {numbers}"))
    deployments, keys = _deployments(agents, settings, environ)
    return Staff(agents, tools, deployments), [*found, *keys]


def _policy(agents: Sequence[Agent], settings: Settings) -> tuple[DialPolicy, list[Finding]]:
    """Whom agents may reach; without the file of those who must not be called if it cannot be read."""
    narrowed = {agent.name: agent.settings.directory for agent in agents}
    file, listed, found = settings.dialling.do_not_call_file, list[str](), list[Finding]()
    try:
        listed = do_not_call(Path(file)) if file else []
    except ConfigurationError as error:
        found = [_red(error)]
    return DialPolicy(settings.dialling, narrowed, settings.numbers, listed), found


def _tools(
    agents: Sequence[Agent], settings: Settings, policy: DialPolicy
) -> tuple[dict[str, Sequence[ToolSpec]], list[Finding]]:
    """The tools of each agent as its calls offer them, those left out that cannot be loaded. MCP servers are not
    asked."""
    sources, specs = ToolSources(settings.http_tools, settings.mcp), dict[str, Sequence[ToolSpec]]()
    found = []
    for agent in agents:
        try:
            tools = load_tools(agent.tools, f"agents.{agent.name}.tools", sources)
            specs[agent.name] = knowing([tool.spec for tool in tools], agent, policy)
        except ConfigurationError as error:
            found += [_red(problem) for problem in problems_of(error)]
    return specs, found


def _deployments(
    agents: Sequence[Agent], settings: Settings, environ: Mapping[str, str]
) -> tuple[tuple[Deployment, ...], list[Finding]]:
    """What agents may speak with, those included that stand in; one line for each, since each has a key."""
    wanted = {name for agent in agents for name in _names(agent, settings)}
    deployments, found = [], []
    for entry in settings.model_list:
        if entry.model_info.get("mode", "realtime") != "realtime" or entry.model_name not in wanted:
            continue
        name = f"key {entry.litellm_params.model}"
        try:
            deployment = resolve(entry, environ)
        except ConfigurationError as error:
            found.append(red(name, f"{error.key}: {error.problem}", error.remedy))
            continue
        deployments.append(deployment)
        found.append(green(name, "there is one" if deployment.key.get_secret_value() else "none, and none is needed"))
    return tuple(deployments), found


def _names(agent: Agent, settings: Settings) -> Iterator[str]:
    """The models that may come to speak for *agent*; one that is not named is the only one there is."""
    if agent.settings.model:
        yield from chain(agent.settings.model, settings.router_settings)
    else:
        yield from (entry.model_name for entry in settings.model_list)


def _red(error: ConfigurationError) -> Finding:
    where = f" ({error.place})" if error.place else ""
    return red(NAME, f"{error.key}{where}: {error.problem}", error.remedy)
