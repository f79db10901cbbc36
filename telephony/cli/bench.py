"""`telephony bench`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Literal

import typer
from rich.console import Console

from telephony.bench import audio, core, flood, relay, replay, table, wire
from telephony.bench.figures import Figure, Report, this_machine
from telephony.errors import TelephonyError

app = typer.Typer(help="Measure what things cost here, as ratios against a floor measured in the same run.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object for machines, no progress.")]
Calls = Annotated[int, typer.Option(min=1, max=400, help="Calls at once.")]
Seconds = Annotated[float, typer.Option(min=1, max=60, help="Seconds to measure, once for the floor and once for us.")]
Audio = Annotated[Literal["pcm16", "pcmu"], typer.Option(help="What is spoken with the model.")]
Record = Annotated[bool, typer.Option("--record", help="Write recordings and cassettes meanwhile; the floor does not.")]

Step = Callable[[], tuple[list[Figure], list[str]]]


@app.callback(invoke_without_command=True)
def everything(context: typer.Context, as_json: AsJson = False) -> None:
    """Measure what things cost here, as ratios against a floor measured in the same run.

    Without a command it measures everything, in about a minute.
    """
    if context.invoked_subcommand is None:
        steps: dict[str, Step] = {"audio": _audio, "wire": _wire, "core": _core, "replay": _replay}
        _run(steps | {"relay": lambda: _relay(relay.Plan())}, as_json=as_json)


@app.command("audio")
def audio_command(as_json: AsJson = False) -> None:
    """Transcoding a frame of 20 ms, beside audioop.ratecv."""
    _run({"audio": _audio}, as_json=as_json)


@app.command("wire")
def wire_command(as_json: AsJson = False) -> None:
    """Reading and writing one message, beside json and base64."""
    _run({"wire": _wire}, as_json=as_json)


@app.command("core")
def core_command(as_json: AsJson = False) -> None:
    """A call without sockets, beside the shortest way to do its audio."""
    _run({"core": _core}, as_json=as_json)


@app.command("replay")
def replay_command(as_json: AsJson = False) -> None:
    """Replaying an hour of a recorded call, beside the shortest way to do its audio."""
    _run({"replay": _replay}, as_json=as_json)


@app.command("relay")
def relay_command(
    calls: Calls = 20,
    seconds: Seconds = 10,
    audio: Audio = "pcm16",
    record: Record = False,
    as_json: AsJson = False,
) -> None:
    """Whole calls over loopback, beside a relay that moves prepared bytes. Exit code 1 if calls went wrong."""
    _run({"relay": lambda: _relay(relay.Plan(calls, seconds, audio, record))}, as_json=as_json)


@app.command("flood")
def flood_command(
    calls: Calls = 20,
    seconds: Seconds = 10,
    idle: Annotated[int, typer.Option(min=0, max=50_000, help="Sockets that say nothing.")] = 10_000,
    slow: Annotated[int, typer.Option(min=0, max=5000, help="Clients whose headers never end.")] = 300,
    per_second: Annotated[
        float, typer.Option(min=0, max=5000, help="Connections a second that only come and go.")
    ] = 1000,
    addresses: Annotated[int, typer.Option(min=1, max=10_000, help="Addresses that all of these come from.")] = 1,
    admitted: Annotated[
        bool, typer.Option("--admitted", help="Lift the limits of connections, so that all of them are let in.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Calls while strangers flood the port, beside the same calls in peace. Linux only. Exit code 1 if calls went
    wrong."""
    plan = flood.Plan(calls, seconds, idle, slow, per_second, addresses, admitted)
    _run({"flood": lambda: _flood(plan)}, as_json=as_json)


def _run(steps: dict[str, Step], *, as_json: bool) -> None:
    machine, figures, complaints = this_machine(), list[Figure](), list[str]()
    progress = Console(stderr=True, quiet=as_json)
    for name, step in steps.items():
        with progress.status(f"Measuring {name}"):
            found, problems = step()
        figures += found
        complaints += problems
    report = Report(machine, figures, complaints)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        table.show(report, Console(highlight=False))
    if complaints:
        raise typer.Exit(1)


def _audio() -> tuple[list[Figure], list[str]]:
    return audio.measure(), []


def _wire() -> tuple[list[Figure], list[str]]:
    return wire.measure(), []


def _core() -> tuple[list[Figure], list[str]]:
    return core.measure(), []


def _replay() -> tuple[list[Figure], list[str]]:
    return replay.measure(), []


def _relay(plan: relay.Plan) -> tuple[list[Figure], list[str]]:
    try:
        return asyncio.run(relay.measure(plan))
    except TimeoutError:
        raise TelephonyError("The relay's calls got stuck; please report this with the numbers of calls.") from None


def _flood(plan: flood.Plan) -> tuple[list[Figure], list[str]]:
    try:
        return asyncio.run(flood.measure(plan))
    except TimeoutError:
        raise TelephonyError("The calls in the flood got stuck; please report this with the numbers of both.") from None
