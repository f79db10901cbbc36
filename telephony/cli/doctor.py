"""`telephony doctor`."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from telephony.cli.serve import ConfigOption, importable
from telephony.doctor.configuration import read
from telephony.doctor.examination import examine
from telephony.doctor.finding import Finding, State, skipped
from telephony.runtime import logs
from telephony.runtime.redaction import mask_text, secrets_of

STYLES: dict[State, str] = {"green": "green", "amber": "yellow", "red": "bold red", "skipped": "dim"}
STATE_WIDTH = 9
NAME_WIDTH = 27
INDENT = STATE_WIDTH + NAME_WIDTH + 1


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    config: ConfigOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Only what needs no network.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Point the numbers at Twilio here, where they do not.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
) -> None:
    """Look at all that must hold before a call is answered: a line each, green, amber or red with the remedy.

    While the port is free it listens there itself, so that name, certificate,
    proxy and port are tried before the first start. A running server is asked.

    A session is opened with every model, and nothing said in it.

    Nothing is changed without --fix. Exit code 1 if anything is red.
    """
    importable()
    console = Console(highlight=False)
    settings, environ, found = read(config)
    secrets = secrets_of(settings, environ) if settings else []
    shown: list[Finding] = []

    def tell(finding: Finding) -> None:
        masked = msgspec.structs.replace(
            finding, what=mask_text(finding.what, secrets), remedy=mask_text(finding.remedy, secrets)
        )
        shown.append(masked)
        if not as_json:
            _print(console, masked)

    if settings is None:
        for finding in (*found, skipped("everything else", "mend the configuration first")):
            tell(finding)
    else:
        logs.set_up("error", secrets=secrets)  # what failed is told in the report
        asyncio.run(examine(settings, environ, tell, offline=offline, fix=fix))
    counts = Counter(finding.state for finding in shown)
    if as_json:
        typer.echo(json.dumps(_as_object(shown), indent=2, ensure_ascii=False))
    else:
        console.print(", ".join(f"{counts[state]} {state}" for state in STYLES if counts[state]), markup=False)
    if counts["red"]:
        raise typer.Exit(1)


def _print(console: Console, finding: Finding) -> None:
    line = Text(finding.state.ljust(STATE_WIDTH), style=STYLES[finding.state])
    console.print(line, Text(f"{finding.name.ljust(NAME_WIDTH)} {finding.what}"), sep="", soft_wrap=True)
    if finding.remedy and console.is_terminal:
        console.print(Padding(Text(finding.remedy, style="dim"), (0, 0, 0, INDENT)))
    elif finding.remedy:  # whoever reads it from a file wants it on one line
        console.print(" " * INDENT + finding.remedy, markup=False, soft_wrap=True)


def _as_object(findings: Sequence[Finding]) -> dict[str, object]:
    """Stable keys: `findings` with `name`, `state`, `what` and `remedy` each, and `ok`."""
    return {
        "ok": all(finding.state != "red" for finding in findings),
        "findings": [msgspec.to_builtins(finding) for finding in findings],
    }
