"""A telephone voice-agent bridge: a phone call on one side, a realtime speech model on the other.

The floors, arrows pointing down only:

     7   cli/  demo  show  __main__
     6   runtime/                                        picks the concrete classes: the only wiring
     5   server/  simulate/                              webhooks, media, health; the simulators' sockets
     4   bridge/  client                                 asyncio around one call, or one session without a call
     3   store/  tools/  upstream/
     2   links/                                          every socket the program opens
     ════ the waterline: below it no asyncio, no clock, no environment, no randomness, no files ════
     1   exchange  rehearsal  cassette/
     1   carriers/  realtime/  conversation/  diagnosis/  agents/  sim/  scrub/
     0   events  commands  records  settings  errors  audio/
"""

from __future__ import annotations

import sys
import types
import typing

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError, TelephonyError, ToolError
from telephony.tools.context import CallContext
from telephony.tools.tool import tool
from telephony.version import __version__ as __version__

if typing.TYPE_CHECKING:
    from telephony.client import realtime
    from telephony.runtime.serving import serve

__all__ = ["Agent", "CallContext", "ConfigurationError", "TelephonyError", "ToolError", "realtime", "serve", "tool"]


def __getattr__(name: str) -> typing.Any:
    """`serve` brings the whole server with it, which a module of tools has no use for; it is loaded when asked for."""
    if name == "serve":
        from telephony.runtime.serving import serve

        return serve
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


class _Door(types.ModuleType):
    """Keeps `telephony.realtime` the function, loaded when asked for, although the dialects are a package of that name:
    the import system would hang the package into its place as soon as anything imports a dialect."""

    @property
    def realtime(self) -> typing.Any:
        from telephony.client import realtime

        return realtime

    @realtime.setter
    def realtime(self, package: types.ModuleType) -> None:
        """The package is found where `from telephony.realtime import …` looks for it, in `sys.modules`."""


sys.modules[__name__].__class__ = _Door
