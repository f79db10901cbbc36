"""`telephony serve`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from telephony.errors import ConfigurationError
from telephony.runtime import logs
from telephony.runtime.configuration import DEFAULT_FILE, ConfigurationErrors, problems_of
from telephony.runtime.redaction import secrets_of
from telephony.runtime.serving import read_settings, run_until_told

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="YAML file; telephony.yaml is read if it is there."),
]


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")] = None,
    public_url: Annotated[str | None, typer.Option(help="https://… as Twilio reaches this server.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the port: one for each core.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    log_format: Annotated[
        str | None, typer.Option(help="auto, pretty or json; auto is pretty in a terminal and JSON lines elsewhere.")
    ] = None,
) -> None:
    """Answer calls: webhook at /twilio/voice, media at /twilio/media.

    Reads telephony.yaml and .env in the folder it starts in, and imports tools from there.

    SIGTERM or Ctrl-C lets running calls end first; a second one cuts them short. With several workers a new version may
    be started on the same port before that: it takes the new calls at once.
    """
    importable()
    flags = {"host": host, "port": port, "public_url": public_url, "workers": workers}
    flags |= {"log_level": log_level, "log_format": log_format}
    with missing_file_told(config):
        settings, environ = read_settings(config, flags)
        logs.set_up(settings.log_level, settings.log_format, secrets=secrets_of(settings, environ))
        asyncio.run(run_until_told(settings, environ))


@contextlib.contextmanager
def missing_file_told(config: Path | None) -> Iterator[None]:
    """Where settings are found wanting and there is no file at all, that is what to say first: most likely somebody is
    in another folder than they think. Everything can stand in the environment, so by itself it is no mistake."""
    try:
        yield
    except ConfigurationError as error:
        if config is not None or "TELEPHONY_CONFIG" in os.environ or DEFAULT_FILE.exists():
            raise
        problem = f"there is no {DEFAULT_FILE} in {Path.cwd()}"
        missing = ConfigurationError("--config", problem, "Go to your agent's folder, or name one with --config.")
        raise ConfigurationErrors([missing, *problems_of(error)]) from None


def importable() -> None:
    """Tools live in modules beside the configuration; a console script does not look there by itself."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
