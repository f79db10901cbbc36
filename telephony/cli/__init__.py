"""The command line: `telephony --help`.

Exit codes: 0 ok, 1 failed, 2 configuration or usage error (with the setting and the remedy), 75 try again later.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from telephony.cli import (
    agents,
    api_key,
    bench,
    call,
    calls,
    cassette,
    config,
    demo,
    doctor,
    gateway,
    health,
    replay,
    serve,
    simulate,
)
from telephony.errors import CassetteError, ConfigurationError, ScriptError, StoreError, TelephonyError
from telephony.runtime.serving import tell_problems
from telephony.version import __version__

app = typer.Typer(
    name="telephony",
    help="Answer a phone number with a realtime speech model.",
    epilog="Begin with `telephony demo`. Exit codes: 0 ok, 1 failed, 2 configuration or usage, 75 try again later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (demo, serve, doctor, health, call, api_key, gateway, replay):
    part.register(app)
app.add_typer(simulate.app, name="simulate")
app.add_typer(calls.app, name="calls")
app.add_typer(cassette.app, name="cassette")
app.add_typer(agents.app, name="agents")
app.add_typer(config.app, name="config")
app.add_typer(bench.app, name="bench")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"telephony {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Answer a phone number with a realtime speech model."""


def main() -> None:
    """The console script. Errors that are somebody's fault are told in words, never as a traceback."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        app()
    except ConfigurationError as error:
        tell_problems(error)
        sys.exit(2)
    except (ScriptError, CassetteError) as error:
        errors.print("error", style="bold red", end=" ")
        errors.print(str(error), markup=False)
        sys.exit(2)
    except StoreError as error:
        errors.print(f"the call records cannot be read: {error}", markup=False, style="red")
        sys.exit(75)
    except TelephonyError as error:
        errors.print(str(error), markup=False, style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
