"""Recorded calls replayed from disk: by which policy they are compared, with which agent, and accepting what is new."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from telephony.agents.agent import HANG_UP, Agent, call_settings
from telephony.cassette import resolved
from telephony.cassette.format import Cassette, Header, header_line
from telephony.cassette.reacting.reactive import react
from telephony.cassette.replay import Replayed, replay
from telephony.cassette.semantic import semantic_differences
from telephony.cassette.telling import sentence
from telephony.errors import CassetteError, ConfigurationError
from telephony.runtime.cassettes import new_carrier, open_cassette, write_cassette
from telephony.runtime.clips import clips_for
from telephony.settings import CallSettings, Settings
from telephony.tools.load import AnyTool, load_tools
from telephony.tools.sources import ToolSources
from telephony.version import __version__

Keep = Callable[[bytes], None]
"""Takes the lines of a call as it is now."""
Script = tuple[Mapping[str, Any], str]
"""What a simulated model does, and where that was written: a scenario and its place."""


class Wishes(msgspec.Struct, frozen=True):
    """How a call is to be performed."""

    settings: CallSettings | None = None
    """Those of an agent that takes the call in place of the recorded one."""
    script: Script | None = None
    """What the model does, where it is simulated."""
    keep: Keep | None = None
    digest: bool = False
    """Whether all that goes out is to be summed up in one number."""


Perform = Callable[[Cassette, Wishes], Replayed]


class Policy(msgspec.Struct, frozen=True):
    """How a call is replayed, and what counts as different."""

    about: str
    perform: Perform
    differences: Callable[[Replayed], list[str]]
    """A sentence for each; none if the call is the same."""
    is_a_replay: bool = True
    """Whether what came in comes in again as it was; otherwise the call is another one, which nobody has recorded."""
    well: str = "the same"
    """How a call is, of which nothing differs."""
    badly: tuple[str, str] = ("differs", "differ")
    """What one does, or several do, that are not."""


def wire_differences(replayed: Replayed) -> list[str]:
    """The first message that is another one."""
    return [sentence(replayed.divergence)] if replayed.divergence else []


def again(cassette: Cassette, wishes: Wishes) -> Replayed:
    """What came in comes in again."""
    if wishes.script:
        raise ConfigurationError("--script", "only reactive has a model that follows one", "Add --policy reactive.")
    return replay(cassette, new_carrier, settings=wishes.settings, keep=wishes.keep, digest=wishes.digest)


def called_again(cassette: Cassette, wishes: Wishes) -> Replayed:
    """The recorded caller calls again, and the model is simulated."""
    document, place = wishes.script or (None, "")
    now = react(cassette, new_carrier, settings=wishes.settings, script=document, place=place)
    steps = sum(b'"dir":"in"' in line[:80] for line in now.lines)
    duration, complaints = now.record.duration, now.complaints
    then = None if now.broken_off else now.recorded
    return Replayed(now.name, now.record, then, duration, steps, 0, None, now.digest, complaints=complaints)


POLICIES: Mapping[str, Policy] = {
    "strict": Policy("every message that goes out is the same", again, wire_differences),
    "semantic": Policy("the same tools, words heard, waits and end", again, semantic_differences),
    "reactive": Policy(
        "the recorded caller calls a changed agent, whose model is simulated, and the call is completed",
        called_again,
        lambda replayed: replayed.complaints,
        is_a_replay=False,
        well="completed",
        badly=("did not work out", "did not work out"),
    ),
}
"""All that there are, by the name that command line and tests give; the first is the default."""
DEFAULT = next(iter(POLICIES))


class Outcome(msgspec.Struct):
    """A file that was replayed, and what a policy makes of it."""

    path: Path
    header: Header
    policy: str
    replayed: Replayed
    differences: list[str]

    @property
    def same(self) -> bool:
        return not self.differences


def perform(
    path: Path,
    policy: str = DEFAULT,
    *,
    agent: Callable[[Header], CallSettings | None] | None = None,
    script: Script | None = None,
    digest: bool = False,
) -> Outcome:
    """Replay the call in *path*. *agent* gives the settings of one in place of the recorded one; *script* is what the
    simulated model does, under `reactive`; *digest* asks for the sum of all that goes out.

    Raises `CassetteError` for a file that cannot be replayed, and for a policy that is none `ConfigurationError`.
    """
    cassette = open_cassette(path)
    settings = agent(cassette.header) if agent else None
    return _perform(path, cassette, policy, Wishes(settings, script, digest=digest))


def _perform(path: Path, cassette: Cassette, policy: str, wishes: Wishes) -> Outcome:
    how = policy_named(policy)
    try:
        replayed = how.perform(cassette, wishes)
    except CassetteError as error:
        raise _named(path, error) from error
    return Outcome(path, cassette.header, policy, replayed, how.differences(replayed))


def _named(path: Path, error: CassetteError) -> CassetteError:
    """Every complaint says which of many files it is about."""
    return error if str(path) in str(error) else CassetteError(f"{path}: {error}")


def policy_named(name: str) -> Policy:
    """Raises `ConfigurationError` if there is none."""
    if name not in POLICIES:
        raise ConfigurationError("policy", f"there is no policy {name!r}", f"Use {', '.join(POLICIES)}.")
    return POLICIES[name]


# -- another agent ---------------------------------------------------------------------------------------------------


def settings_of(agent: Agent, sources: ToolSources | None = None) -> CallSettings:
    """What a call with *agent* is carried under, as it would be on the telephone; but for tools of MCP servers, which
    nobody connects to for this."""
    tools = load_tools(agent.tools, f"agents.{agent.name}.tools", sources)
    return call_settings(agent, [tool.spec for tool in tools], clips_for(agent))


def configured(settings: Settings, header: Header) -> CallSettings:
    """The agent of the recorded one's name in a configuration. Raises `ConfigurationError` if it has none."""
    name = str(header.agent.get("name", ""))
    if name not in settings.agents:
        known = ", ".join(settings.agents) or "none"
        remedy = f"Its agents are: {known}. Give the one that is to take this call the name that was recorded."
        raise ConfigurationError(f"agents.{name}", "the recorded call was this agent's, and there is none", remedy)
    sources = ToolSources(settings.http_tools, settings.mcp)
    return settings_of(Agent.from_settings(name, settings.agents[name]), sources)


def with_tools(settings: CallSettings, tools: Iterable[AnyTool | str]) -> CallSettings:
    """*settings* with these tools, functions with `@tool` or their references, in place of theirs."""
    loaded = load_tools(tuple(tools), "tools")
    session = msgspec.structs.replace(settings.session, tools=tuple(tool.spec for tool in loaded))
    hang_up = "hang_up" if any(tool.reference == HANG_UP for tool in loaded) else None
    return msgspec.structs.replace(settings, session=session, hang_up_tool=hang_up)


# -- accepting what is new -------------------------------------------------------------------------------------------


def bless(path: Path, policy: str = DEFAULT, *, agent: Callable[[Header], CallSettings | None] | None = None) -> str:
    """Put the call as it is now in place of the recorded one. Returns why that was left alone; empty if it was done.

    The new recording is replayed before it takes the old one's place, since one that is not the same as itself is no
    test of anything. Raises `CassetteError` if it cannot be written.
    """
    try:
        return _bless(path, policy, agent)
    except OSError as error:
        raise CassetteError(f"{path}: there is no room to prepare the new one ({error.strerror})") from None


def _bless(path: Path, policy: str, agent: Callable[[Header], CallSettings | None] | None) -> str:
    cassette = open_cassette(path)
    settings = agent(cassette.header) if agent else None
    with tempfile.NamedTemporaryFile(suffix=path.suffix) as file:

        def keep(line: bytes) -> None:
            file.write(line)

        keep(header_line(_header(cassette.header, settings)))
        failure = _perform(path, cassette, policy, Wishes(settings, keep=keep)).replayed.failure
        if failure:
            return f"it cannot be accepted, for the replay failed: {failure.what}"
        file.flush()
        new = Path(file.name)
        if found := perform(new).differences:
            return f"what goes out now differs from itself when it is replayed: {found[0]}"
        with new.open("rb") as lines:
            write_cassette(path, lines)
    return ""


def _header(header: Header, settings: CallSettings | None) -> Header:
    header = msgspec.structs.replace(header, software=f"telephony {__version__}")
    if settings is None:
        return header
    return msgspec.structs.replace(header, agent=resolved.agent_of(settings), settings=resolved.rest_of(settings))
