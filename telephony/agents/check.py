"""What `agents check` says: what cannot work, and what would work badly on a telephone."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from telephony.agents.agent import HANG_UP, TRANSFER, Agent
from telephony.agents.directory import Directory
from telephony.settings import AgentSettings, Clips, DiallingSettings, ToolSpec

PATIENCE = 4.0
"""Seconds of silence after which callers ask whether anybody is there; a slower tool should say something."""
LONG_GREETING = 300
"""Characters: about twenty seconds of speech."""
SEND_SMS = "builtin:send_sms"


class Finding(msgspec.Struct, frozen=True):
    """One thing to know about an agent."""

    level: Literal["problem", "warning"]
    """`problem`: a call would fail. `warning`: a caller would notice."""
    key: str
    """Where in the configuration, such as `agents.frontdesk.model`."""
    message: str
    remedy: str


def check(
    directory: Directory,
    models: Collection[str] = (),
    specs: Mapping[str, Sequence[ToolSpec]] | None = None,
    dialling: DiallingSettings | None = None,
) -> list[Finding]:
    """Findings about every agent, problems first. *models* are the `model_name`s; *specs* the loaded tools by agent;
    *dialling* says whom agents may reach."""
    findings = list(_numbers(directory))
    for agent in directory.agents.values():
        findings += check_agent(agent, models, (specs or {}).get(agent.name, ()))
        findings += _reach(agent.settings, f"agents.{agent.name}.tools", dialling) if dialling else ()
    return sorted(findings, key=lambda finding: finding.level)


def check_agent(agent: Agent, models: Collection[str] = (), specs: Sequence[ToolSpec] = ()) -> list[Finding]:
    """Findings about one agent."""
    place = f"agents.{agent.name}"
    return [
        *_model(agent, place, models),
        *_speech(agent.settings, place),
        *_fallback(agent.settings, f"{place}.fallback"),
        *_tools(agent.settings, place, specs),
    ]


def _numbers(directory: Directory) -> Iterator[Finding]:
    if not directory.agents:
        yield Finding("problem", "agents", "there is no agent, so nobody answers", "Describe one under `agents:`.")
    reachable = directory.reachable()
    for name in directory.agents:
        if name not in reachable:
            message = f"no number leads to {name}"
            yield Finding("warning", f"agents.{name}", message, f'Add one under `numbers:`, such as "*": {name}.')


def _model(agent: Agent, place: str, models: Collection[str]) -> Iterator[Finding]:
    model = agent.settings.model
    known = ", ".join(models) or "none"
    if not model and len(models) != 1:
        yield Finding("problem", f"{place}.model", "no model is named", f"Name one of model_list ({known}).")
    elif model and model not in models:
        near = difflib.get_close_matches(model, models, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Add it to model_list, or name one of it ({known})."
        yield Finding("problem", f"{place}.model", f"model_list has no {model}", remedy)


def _speech(settings: AgentSettings, place: str) -> Iterator[Finding]:
    if not settings.instructions.strip():
        message = "there are no instructions, so the model does not know whom it speaks for"
        yield Finding("warning", f"{place}.instructions", message, "Say who it is and what it can do.")
    if settings.greeting and len(settings.greeting) > LONG_GREETING:
        message = f"the greeting has {len(settings.greeting)} characters, which is over twenty seconds of speech"
        yield Finding("warning", f"{place}.greeting", message, "Two short sentences are enough on a telephone.")
    if settings.greeting and not settings.speaks_first:
        message = "there is a greeting, but the caller speaks first"
        yield Finding("warning", f"{place}.greeting", message, "Drop it, or set speaks_first to true.")
    if settings.turn_detection.type == "semantic_vad":
        message = "semantic_vad may never notice speech on telephone audio"
        yield Finding("warning", f"{place}.turn_detection.type", message, "Use server_vad.")
    for key in sorted({"turn_detection", "instructions", "audio", "voice"} & settings.session.keys()):
        message = f"session.{key} replaces or merges over what the agent's own settings say"
        yield Finding("warning", f"{place}.session.{key}", message, f"Use the agent's own key for {key} if it will do.")


def _fallback(settings: AgentSettings, place: str) -> Iterator[Finding]:
    fallback, language = settings.fallback, settings.language or "en"
    unspoken = [name for name in Clips.__struct_fields__ if not getattr(fallback, name)]
    if unspoken and language.partition("-")[0].lower() != "en":
        message = f"the agent speaks {language}, but when its model is lost the caller hears English"
        yield Finding("warning", place, message, f"Record {', '.join(unspoken)} as WAV files and name them here.")
    if fallback.caller_id and not fallback.transfer:
        message = "there is a number to show, but nobody to call"
        yield Finding("warning", f"{place}.caller_id", message, "Set fallback.transfer, or drop it.")


def _tools(settings: AgentSettings, place: str, specs: Sequence[ToolSpec]) -> Iterator[Finding]:
    if HANG_UP not in settings.tools:
        message = "the agent cannot end a call; it lasts until the caller hangs up or a limit does"
        yield Finding("warning", f"{place}.tools", message, f"Add {HANG_UP}.")
    for name, count in Counter(spec.name for spec in specs).items():
        if count > 1:
            message = f"{count} tools are called {name}"
            yield Finding("problem", f"{place}.tools", message, 'Rename one with @tool(name="…").')
    for spec in specs:
        own = f"builtin:{spec.name}" not in {HANG_UP, *map(str, settings.tools)}
        yield from _tool(spec, f"{place}.tools.{spec.name}", own=own)


def _reach(settings: AgentSettings, place: str, dialling: DiallingSettings) -> Iterator[Finding]:
    """Tools whose every target would be refused."""
    listed = dialling.directory.values()
    if TRANSFER in settings.tools and not (listed or dialling.allow.countries):
        message = f"{TRANSFER} has nobody to reach: dialling lists nobody and allows nobody"
        yield Finding("warning", place, message, "Name somebody in dialling.directory, or drop the tool.")
    texts = dialling.sms.to_caller or dialling.sms.countries or any(contact.messages for contact in listed)
    if SEND_SMS in settings.tools and not texts:
        message = f"{SEND_SMS} has nobody to reach: dialling lets nobody be sent a message"
        yield Finding("warning", place, message, "Set dialling.sms.to_caller to true, or drop the tool.")


def _tool(spec: ToolSpec, place: str, *, own: bool) -> Iterator[Finding]:
    """*own*: whether it is the user's to change; built-in ones speak, wait for the caller, or are quick."""
    if not spec.description.strip():
        message = f"{spec.name} has no description, so the model has to guess when to call it"
        yield Finding("warning", place, message, "Give the function a docstring.")
    arguments: dict[str, dict[str, Any]] = spec.parameters.get("properties", {})
    silent = [name for name, schema in arguments.items() if not schema.get("description")]
    if silent:
        message = f"nothing describes {', '.join(silent)} of {spec.name}"
        yield Finding("warning", place, message, "Describe it under `Args:` in the docstring, spelt alike.")
    if spec.timeout > PATIENCE and own and not (spec.say or spec.words_say):
        message = f"the caller may hear up to {spec.timeout:g} s of silence while {spec.name} runs"
        yield Finding("warning", place, message, 'Use @tool(say="One moment."), or a lower timeout.')
