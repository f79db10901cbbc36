"""`telephony config`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
import yaml

from telephony.cli.serve import ConfigOption
from telephony.runtime.redaction import redacted
from telephony.runtime.serving import read_settings

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the configuration."""


@app.command()
def show(
    config: ConfigOption = None,
    redact: Annotated[bool, typer.Option("--redact", help="Accepted for clarity: secrets are never shown.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
) -> None:
    """Show the settings in force: flags over environment over .env over file over defaults. Secrets are masked."""
    settings, _ = read_settings(config)
    plain = redacted(settings)
    if as_json:
        typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        typer.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), nl=False)
