"""`telephony call`."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Annotated

import typer
from rich.console import Console

from telephony.cli.serve import ConfigOption
from telephony.errors import ConfigurationError
from telephony.runtime.ordering import order_call, server_of
from telephony.runtime.serving import read_settings


def register(app: typer.Typer) -> None:
    app.command()(call)


def call(
    number: Annotated[str, typer.Argument(help="Whom to call: a plus, the country code and the number.")],
    agent: Annotated[str, typer.Option(help="The agent who speaks with them.")],
    from_number: Annotated[
        str, typer.Option("--from", help="The number that is shown; unset takes outbound.from_number.")
    ] = "",
    key: Annotated[
        str, typer.Option(help="Asking again with the same key asks for no other call; unset makes a new one.")
    ] = "",
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="What the agent's tools find in call.metadata."),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the call to be over.")] = 0,
    server: Annotated[str, typer.Option(help="Where `telephony serve` runs; unset: where these settings say.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
    config: ConfigOption = None,
) -> None:
    """Let an agent call somebody. A running `telephony serve` places the call: POST /api/v1/calls.

    Exit code 1 if it was not placed or, with --wait, not completed.
    """
    pairs = _pairs(metadata or [])
    settings, _ = read_settings(config)
    placed = asyncio.run(
        order_call(
            settings,
            server.rstrip("/") or server_of(settings),
            key or secrets.token_hex(8),
            to=number,
            agent=agent,
            from_number=from_number,
            metadata=pairs,
            wait=wait,
        )
    )
    if as_json:
        typer.echo(json.dumps(placed, indent=2))
    else:
        told = f"{placed['id']}: {placed['state']}" + (f", {placed['call_id']}" if placed["call_id"] else "")
        Console(soft_wrap=True, highlight=False).print(told, markup=False)
    if wait and placed["state"] != "completed":
        raise typer.Exit(1)


def _pairs(written: list[str]) -> dict[str, str]:
    """What `--metadata` says. A value may hold any character, an equals sign as well."""
    pairs: dict[str, str] = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            problem = f"{pair[:40]!r} is no KEY=VALUE"
            raise ConfigurationError("--metadata", problem, "Write --metadata order=A-1042, once for each pair.")
        if name in pairs:
            raise ConfigurationError("--metadata", f"{name} is given twice", "Leave one of them out.")
        pairs[name] = value
    return pairs
