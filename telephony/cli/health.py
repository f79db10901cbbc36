"""`telephony health`: whether the server on this machine lives, for whoever watches containers."""

from __future__ import annotations

import http.client
from typing import Annotated

import typer
from rich.console import Console

from telephony.cli.serve import ConfigOption
from telephony.errors import ConfigurationError, TelephonyError
from telephony.runtime.serving import read_settings
from telephony.settings import Settings

PATIENCE = 3.0
"""Seconds that a server whose event loop runs needs far less of."""
LONGEST = 2000
"""Bytes of an answer that are shown."""


def register(app: typer.Typer) -> None:
    app.command()(health)


def health(
    config: ConfigOption = None,
    internal_port: Annotated[int | None, typer.Option(help="The server's internal port.")] = None,
    ready: Annotated[bool, typer.Option("--ready", help="Whether it takes calls, not only whether it lives.")] = False,
) -> None:
    """Ask a running server, at its internal port, whether it is well. Exit code 0 if it is, 1 if not.

    For a container's HEALTHCHECK and for scripts. With --ready a server that drains is not well.
    """
    settings, _ = read_settings(config, {"internal_port": internal_port})
    status, body = ask(settings, "/readyz" if ready else "/healthz")
    if status != http.HTTPStatus.OK:
        raise TelephonyError(f"The server answers {status}: {body}")
    Console(highlight=False, soft_wrap=True).print(body, markup=False)


def ask(settings: Settings, path: str) -> tuple[int, str]:
    """Status and body of what the internal port answers. Raises `TelephonyError` if that is nothing."""
    if not settings.internal_port:
        problem = "the server has no internal port that can be known"
        raise ConfigurationError("internal_port", problem, "Set it for the server and for this, such as 9464.")
    connection = http.client.HTTPConnection(_reachable(settings.internal_host), settings.internal_port, PATIENCE)
    where = f"{connection.host}:{connection.port}"
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(LONGEST).decode(errors="replace").strip()
    except TimeoutError:
        raise TelephonyError(f"The server at {where} does not answer within {PATIENCE:g} s.") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise TelephonyError(f"No server answers at {where}: {reason}.") from None
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """Where a program on this machine reaches what listens on *host*."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
