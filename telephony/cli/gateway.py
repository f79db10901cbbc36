"""`telephony gateway`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from telephony.cli.serve import ConfigOption, missing_file_told
from telephony.runtime import logs
from telephony.runtime.gateway import PORT, serve_clients
from telephony.runtime.redaction import secrets_of
from telephony.runtime.serving import read_settings, until_told
from telephony.server.keys import hashed, new_key


def register(app: typer.Typer) -> None:
    app.command()(gateway)


def gateway(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help=f"Port to listen on, {PORT} if none is set; 0 picks a free one.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    log_format: Annotated[
        str | None, typer.Option(help="auto, pretty or json; auto is pretty in a terminal and JSON lines elsewhere.")
    ] = None,
    key_for: Annotated[
        str | None, typer.Option("--new-key", metavar="NAME", help="Make a key for a client, show it, and end.")
    ] = None,
) -> None:
    """Offer the models of model_list to clients of the OpenAI realtime protocol, at /v1/realtime?model=….

    A LiteLLM config.yaml works as it is. SIGTERM or Ctrl-C lets running sessions end first; a second one cuts them
    short.
    """
    if key_for is not None:
        _show_new_key(key_for)
        return
    flags = {"host": host, "port": port, "log_level": log_level, "log_format": log_format}
    with missing_file_told(config):
        settings, environ = read_settings(config, flags)
        if "port" not in settings.model_fields_set:
            settings = settings.model_copy(update={"port": PORT})
        logs.set_up(settings.log_level, settings.log_format, secrets=secrets_of(settings, environ))
        asyncio.run(until_told(lambda stop: serve_clients(settings, environ, stop)))


def _show_new_key(name: str) -> None:
    key = new_key()
    typer.echo(f"The key, shown this once: {key}\n\nFor the configuration, which needs only its hash:\n")
    typer.echo(f"gateway:\n  keys:\n    {name}: {{sha256: {hashed(key)}}}")
