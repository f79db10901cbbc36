"""`telephony demo`."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telephony import show
from telephony.commands import Note
from telephony.demo import Demo, run_demo
from telephony.errors import ConfigurationError, TelephonyError
from telephony.runtime import logs


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where recording and database go.")] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for machines, no progress.")] = False,
) -> None:
    """Take one call without keys or a phone: real server, simulated Grok, simulated Twilio, all on this machine.

    It takes half a minute, since the call runs in real time. Exit code 0 only if everything that was scripted was seen.
    """
    logs.set_up("error")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the folder {out} cannot be made ({error.strerror})"
        raise ConfigurationError("--out", problem, "Name one that this user may write to.") from error
    console = Console(quiet=as_json, highlight=False)
    progress = show.Progress(console)
    console.print("Starting", style="bold")

    def on_note(at: float, note: Note) -> None:
        progress.note(at, note)

    try:
        result = asyncio.run(run_demo(out, on_note, lambda stage: console.print(f"  {stage}", markup=False)))
    except TimeoutError:
        raise TelephonyError("The demo got stuck; please report this with the output above.") from None
    if as_json:
        typer.echo(json.dumps(_as_json(result), indent=2, ensure_ascii=False))
    else:
        _tell(result, console)
    if not result.passed:
        raise typer.Exit(1)


def _tell(result: Demo, console: Console) -> None:
    console.print()
    console.print(show.call_page(result.record))
    if result.passed:
        console.print("\nEverything that was scripted was seen, and the call replays the same.", style="green")
        console.print(f"Listen to it: {result.recording}", markup=False, soft_wrap=True)
        console.print("(left: the caller; right: the agent, as the caller heard it)", style="dim")
        console.print(
            f"Replay it: telephony replay {shlex.quote(result.record.cassette)} --why", markup=False, soft_wrap=True
        )
        return
    console.print("\nNot everything went as scripted:", style="bold red")
    for complaint in result.complaints:
        console.print(f"  {complaint}", markup=False)


def _as_json(result: Demo) -> dict[str, object]:
    return {
        "passed": result.passed,
        "complaints": result.complaints,
        "recording": str(result.recording),
        "call": show.as_json(result.record),
    }
