"""`telephony gateway`: the models of `model_list` for other programs, without a telephone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import ConfigurationError
from telephony.runtime.checks import is_loopback
from telephony.server.app import Server, gateway_application
from telephony.server.gateway import Gateway
from telephony.server.keys import Keyring
from telephony.server.sharing import Sharing
from telephony.settings import Settings
from telephony.upstream.deployment import Deployment, realtime_only
from telephony.upstream.pool import Upstream

PORT = 4000
"""Where a LiteLLM proxy listens, and so whatever asks for one."""
SHORT_KEY = 16
"""Characters below which a master key can be guessed; LiteLLM's examples have `sk-1234`."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.gateway")


class OpenGateway:
    """A running gateway process."""

    def __init__(self, server: Server, gateway: Gateway) -> None:
        self.server = server
        self.gateway = gateway

    @property
    def address(self) -> str:
        """Where it listens, for a program on this machine."""
        host = "127.0.0.1" if self.server.host in ("0.0.0.0", "::") else self.server.host  # noqa: S104  compared, not bound
        return f"http://{host}:{self.server.port}"


def has_keys(settings: Settings) -> bool:
    """Whether there is a key for anybody."""
    return bool(_master(settings) or settings.gateway.keys)


def make_gateway(settings: Settings, upstream: Upstream, sharing: Sharing | None = None) -> Gateway:
    """The gateway that *settings* describe, in a process that shares its port or does not."""
    if 0 < len(_master(settings)) < SHORT_KEY:
        _log.warning("the master key is short enough to be guessed; telephony gateway --new-key makes a better one")
    return Gateway(upstream, Keyring(_master(settings), settings.gateway.keys), sharing=sharing)


def offered(settings: Settings, environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """The realtime deployments of a `model_list` that may hold models of every kind; those that are passed over because
    they are somebody else's are named in one warning.

    Raises `ConfigurationError` if one that says it is realtime cannot be used, or if nothing is left.
    """
    found, passed_over = realtime_only(settings.model_list, environ)
    if not found and passed_over:
        raise passed_over[0]
    if passed_over:
        names = ", ".join(dict.fromkeys(error.place.removeprefix("model_list, ") for error in passed_over))
        _log.warning("not offered: taken for models of another kind", models=names, first=str(passed_over[0]))
    return found


@contextlib.asynccontextmanager
async def open_gateway(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[OpenGateway]:
    """Resolve the models, listen, and on leaving let the sessions end.

    *environ* is where providers' keys are looked up. Raises `ConfigurationError` before anything listens.
    """
    if not has_keys(settings) and not is_loopback(settings.host):
        raise ConfigurationError(
            "general_settings.master_key",
            f"there is no key, and {settings.host} can be reached by others, who would talk at your expense",
            "Set LITELLM_MASTER_KEY, give clients keys under gateway.keys, or listen with --host 127.0.0.1.",
        )
    upstream = Upstream(offered(settings, environ), settings.router_settings)
    if not upstream.balancer.names:
        problem, remedy = "it has no realtime model", "Add one, such as xai/grok-voice-latest."
        raise ConfigurationError("model_list", problem, remedy)
    gateway = make_gateway(settings, upstream)
    server = Server(gateway_application(gateway), settings.host, settings.port)
    try:
        await server.start()
        yield OpenGateway(server, gateway)
        await gateway.drain(settings.drain)
    finally:
        await server.stop()


async def serve_clients(settings: Settings, environ: Mapping[str, str], stop: asyncio.Event) -> None:
    """Serve clients until *stop* is set, then let their sessions end."""
    async with open_gateway(settings, environ) as running:
        models = ", ".join(running.gateway.models)
        _log.info("listening", address=f"{running.address}/v1/realtime", models=models)
        await stop.wait()
        _log.info("stopping", sessions=running.gateway.sessions, seconds=settings.drain)


def _master(settings: Settings) -> str:
    key = settings.general_settings.master_key
    return key.get_secret_value() if key else ""
