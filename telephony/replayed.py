"""A recorded call played again, for asserts in Python:

    from telephony.replayed import replay_call

    call = replay_call("fixtures/calls/slow-lookup.jsonl")
    assert call.said("It arrives on Thursday", by="agent")
    assert call.tools[0].output["due"] == "Thursday"
    assert call.turns[2].latency < 1.5
    assert call.ended.by == "agent"

Under pytest the fixture `replay_call` is the same and finds calls by their names.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from telephony.agents.agent import Agent
from telephony.cassette.format import Header
from telephony.cassette.replay import Divergence
from telephony.cassette.resolved import call_settings
from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Finding, Termination, Turn
from telephony.runtime import replaying
from telephony.settings import CallSettings
from telephony.show import clean, ending, transcript
from telephony.show_replay import plain, whole
from telephony.simulate.scenario import load_scenario
from telephony.tools.load import AnyTool

_WORDS = re.compile(r"[^\W_]+").findall


class ToolRun(msgspec.Struct, frozen=True):
    """One function call of the model's, with its JSON read."""

    name: str
    arguments: Any
    """A dict, as the function gets it; the text itself where the model wrote no JSON."""
    output: Any
    """What the model was told; the text itself where it is no JSON."""
    outcome: str
    """`ok`, `error`, `timeout`, `cancelled`, `invalid` or `running`."""
    started_at: float
    """Seconds since the call began."""
    finished_at: float | None


class ReplayedCall:
    """A call as it is now: with the program, and perhaps the agent, of today."""

    def __init__(self, outcome: replaying.Outcome) -> None:
        self.outcome = outcome

    @property
    def record(self) -> CallRecord:
        """Everything about the call, as `telephony calls show --json` has it; it has no id."""
        return self.outcome.replayed.record

    @property
    def turns(self) -> list[Turn]:
        """Who said what, in order: `speaker`, `heard`, `unheard`, `interrupted`, `latency` (seconds, or None)."""
        return self.record.turns

    @property
    def tools(self) -> list[ToolRun]:
        """The functions that were called, in order."""
        return [
            ToolRun(use.name, _read(use.arguments), _read(use.output), use.outcome, use.started_at, use.finished_at)
            for use in self.record.tools
        ]

    @property
    def ended(self) -> Termination | None:
        """How it ended: `result`, `by` and `reason`; None if the recording breaks off before that."""
        return self.record.termination

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.outcome.replayed.duration

    @property
    def findings(self) -> list[Finding]:
        """What the caller will have minded, and why: `at`, `seconds`, `kind`, `cause`, `sentence`."""
        return self.record.findings

    @property
    def divergence(self) -> Divergence | None:
        """The first message that goes out differently; None if all of them are the same."""
        return self.outcome.replayed.divergence

    @property
    def same(self) -> bool:
        """Whether the policy finds nothing that differs."""
        return self.outcome.same

    @property
    def differences(self) -> list[str]:
        """What differs by the policy, a sentence for each."""
        return self.outcome.differences

    def said(self, words: str, by: Literal["agent", "caller", "keypad"] | None = None) -> bool:
        """Whether somebody, or *by* whom, was heard saying *words* within one turn. Whole words are compared: upper
        case, punctuation and spaces make no difference. What never reached the caller's ear was not said."""
        wanted = _spoken(words)
        return any(wanted in _spoken(turn.heard) for turn in self.turns if by in (None, turn.speaker))

    @property
    def report(self) -> str:
        """What `telephony replay` shows of it."""
        return whole(self.outcome)

    def __str__(self) -> str:
        """The transcript, as `telephony calls show` has it."""
        return plain(transcript(self.record))

    def __repr__(self) -> str:
        """The same on one line, which is how a failing assert shows it."""
        said = [f"{turn.speaker}: {clean(turn.heard) or '…'}" for turn in self.turns]
        end = ending(self.ended).plain if self.ended else "the recording breaks off"
        told = " | ".join([f"{self.outcome.path}, {self.duration:.1f} s", *said, end])
        return f"<{told}>"


def replay_call(
    path: str | Path,
    *,
    policy: str = replaying.DEFAULT,
    agent: Agent | None = None,
    config: str | Path | None = None,
    tools: Iterable[AnyTool | str] | None = None,
    script: str | Path | Mapping[str, Any] | None = None,
) -> ReplayedCall:
    """Replay the recorded call in the file *path*.

    It was recorded with an agent, whose settings are in the file. *agent* takes the call instead, or the one of the
    recorded name in the configuration *config*; *tools* (functions with `@tool`, or their references) replace what the
    model is told it may call. No function runs: what it answered then is what the model hears. *script*, with the
    policy `reactive`, is what the simulated model does: a scenario file, or its `model` as Python has it.

    Raises `CassetteError` for a file that cannot be replayed and `ConfigurationError` for an agent that cannot be used,
    but nothing because the call differs: look at `same`, or at what matters to you.
    """
    path = Path(path)

    def settings(header: Header) -> CallSettings | None:
        found = _agent(agent, config, header)
        if tools is None:
            return found
        return replaying.with_tools(found or call_settings(header.agent, header.settings, str(path)), tools)

    written = load_scenario(script) if isinstance(script, str | Path) else script and (script, "script")
    return ReplayedCall(replaying.perform(path, policy, agent=settings, script=written or None))


def _agent(agent: Agent | None, config: str | Path | None, header: Header) -> CallSettings | None:
    if agent is not None and config is not None:
        raise ConfigurationError("agent", "config is given as well", "Give one of them: who is to take the call?")
    if agent is not None:
        return replaying.settings_of(agent)
    if config is None:
        return None
    from telephony.runtime.serving import read_settings

    try:
        settings, _ = read_settings(Path(config))
    except ConfigurationError as error:
        if error.key != "--config":
            raise
        raise ConfigurationError("config", error.problem, error.remedy) from None
    return replaying.configured(settings, header)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _spoken(words: str) -> str:
    """Letters and digits, each word between spaces."""
    return f" {' '.join(_WORDS(unicodedata.normalize('NFKC', words).casefold()))} "
