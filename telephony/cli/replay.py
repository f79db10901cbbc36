"""`telephony replay`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from telephony import show_replay as shown
from telephony.cassette.format import Header
from telephony.cli.reports import Entry, JUnit, as_object, entry_json
from telephony.cli.serve import importable
from telephony.errors import CassetteError
from telephony.runtime import replaying
from telephony.runtime.cassettes import cassettes_in
from telephony.runtime.serving import read_settings
from telephony.settings import CallSettings
from telephony.show import clean
from telephony.simulate.scenario import load_scenario

POLICIES = "; ".join(f"{name}: {policy.about}" for name, policy in replaying.POLICIES.items())
NAMES = "|".join(replaying.POLICIES)


def register(app: typer.Typer) -> None:
    app.command()(replay)


def _known(policy: str) -> str:
    if policy not in replaying.POLICIES:
        raise typer.BadParameter(f"{policy!r} is none; there are {', '.join(replaying.POLICIES)}.")
    return policy


def replay(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files and folders by their paths, or patterns in quotes.")
    ],
    policy: Annotated[
        str,
        typer.Option(metavar=NAMES, callback=_known, help=f"What must be the same. {POLICIES}."),
    ] = replaying.DEFAULT,
    script: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With reactive: what the model does, as `telephony simulate model` reads it."
        ),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Say of each call why it paused, and where the time went.")
    ] = False,
    bless: Annotated[bool, typer.Option("--bless", help="Show what differs, and record it as what is wanted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit's XML as well, a test case for each call.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Let the agent of that name in this YAML file answer."),
    ] = None,
) -> None:
    """Play recorded calls again, without model and telephone, and compare what goes out with what went out then.

    Exit code 1 if a call differs, 2 if a file is no recorded call.
    """
    if bless and not replaying.POLICIES[policy].is_a_replay:
        problem = f"Under {policy} the call is another one, and what was recorded would be gone."
        raise typer.BadParameter(problem, param_hint="--bless")
    files = cassettes_in(paths)
    how = _How(policy, _agent(config) if config else None, load_scenario(script) if script else None, bless, why)
    run = _Run(how, Console(quiet=as_json, highlight=False), shown.name_width(files), junit)
    entries: list[dict[str, Any]] = []
    for path in files:
        entry = run.one(path)
        if as_json:
            entries.append(entry_json(entry))
    if as_json:
        typer.echo(json.dumps(as_object(entries, policy, run.tally), indent=2, ensure_ascii=False))
    run.end()


def _agent(config: Path) -> Callable[[Header], CallSettings]:
    importable()
    settings, _ = read_settings(config)
    return lambda header: replaying.configured(settings, header)


class _How(msgspec.Struct, frozen=True):
    """What is to be done with each call."""

    policy: str
    agent: Callable[[Header], CallSettings] | None
    script: replaying.Script | None
    bless: bool
    why: bool


class _Run:
    """Several calls, one after the other: nothing of one is kept when the next is played."""

    def __init__(self, how: _How, console: Console, width: int, junit: Path | None) -> None:
        self.tally = shown.Tally(how.policy)
        self._how = how
        self._console = console
        self._width = width
        self._junit = JUnit(how.policy) if junit else None
        self._junit_file = junit
        self._wrong = False
        """Whether something differs that was not accepted."""

    def one(self, path: Path) -> Entry:
        """Replay a call and tell of it."""
        began = perf_counter()
        try:
            how, digest = self._how, self._console.quiet
            outcome = replaying.perform(path, how.policy, agent=how.agent, script=how.script, digest=digest)
        except CassetteError as error:
            entry = Entry(path, perf_counter() - began, problem=str(error))
            self.tally.unreadable += 1
            self._console.print(shown.trouble_line(entry.problem))
        else:
            entry = Entry(path, perf_counter() - began, outcome)
            self._tell(entry, outcome)
        self.tally.took += entry.seconds
        if self._junit:
            self._junit.add(entry)
        return entry

    def _tell(self, entry: Entry, outcome: replaying.Outcome) -> None:
        self._console.print(shown.call_line(outcome, self._width))
        new = self._how.bless and outcome.replayed.divergence is not None
        if new or not outcome.same or not replaying.POLICIES[outcome.policy].is_a_replay:
            self._console.print(shown.report(outcome))
        if self._how.why:
            self._console.print(shown.why(outcome))
        if new:
            entry.problem = self._accept(entry.path)
            entry.blessed = not entry.problem
            self._say(entry.problem or "accepted: the file holds what goes out now", entry.blessed)
        self.tally.count(outcome, accepted=entry.blessed)
        self._wrong = self._wrong or not (outcome.same or entry.blessed) or bool(entry.problem)

    def _accept(self, path: Path) -> str:
        """Why it could not be; empty if it was done."""
        try:
            return replaying.bless(path, self._how.policy, agent=self._how.agent)
        except CassetteError as error:
            return str(error)

    def _say(self, text: str, well: bool) -> None:
        self._console.print(f"  {clean(text)}\n", style="green" if well else "red", markup=False)

    def end(self) -> None:
        """The last line, the file for JUnit, and the exit code."""
        self._console.print(shown.summary(self.tally))
        if self._junit and self._junit_file:
            try:
                self._junit_file.parent.mkdir(parents=True, exist_ok=True)
                self._junit_file.write_bytes(self._junit.text(self.tally))
            except OSError as error:
                problem = f"{self._junit_file} cannot be written ({error.strerror})."
                raise typer.BadParameter(problem, param_hint="--junit") from None
        if self.tally.unreadable:
            raise typer.Exit(2)
        if self._wrong:
            raise typer.Exit(1)
