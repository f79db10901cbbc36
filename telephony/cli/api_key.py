"""`telephony api-key`."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from telephony.server.keys import hashed, new_key
from telephony.settings import Scope

SCOPES: tuple[Scope, ...] = get_args(Scope)


def register(app: typer.Typer) -> None:
    app.command("api-key")(api_key)


def api_key(
    name: Annotated[str, typer.Argument(help="Who gets the key.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help=f"What it is for; may be repeated. One of {', '.join(SCOPES)}."),
    ] = None,
) -> None:
    """Make a key for /api/v1, show it once, and what the configuration needs of it: its SHA-256.

    Without --scope the key can look at everything, and change and hear nothing.
    """
    wanted = scopes or [scope for scope in SCOPES if scope.endswith(":read")]
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(SCOPES)}.", param_hint="--scope")
    key = new_key()
    typer.echo(f"The key, shown this once: {key}\n\nFor the configuration, which needs only its hash:\n")
    listed = ", ".join(f'"{scope}"' for scope in dict.fromkeys(wanted))
    typer.echo(f'api:\n  keys:\n    {name}:\n      sha256: "{hashed(key)}"\n      scopes: [{listed}]')
