"""A telephone voice-agent bridge: a phone call on one side, a realtime speech model on the other.

The floors, arrows pointing down only:

     7   cli/  demo  show  show_audit  show_cassette  show_replay  replayed  pytest_plugin  __main__
   6.5   doctor/                                         looks at all that must hold before a call is answered
     6   runtime/                                        picks the concrete classes: the only wiring
     5   server/  simulate/                              webhooks, media, health; the simulators' sockets
     4   bridge/  client                                 asyncio around one call, or one session without a call
     3   store/  tools/  upstream/
     2   links/                                          every socket the program opens
     ════ the waterline: below it no asyncio, no clock, no environment, no randomness, no files ════
     1   exchange  rehearsal  cassette/  dialling/
     1   carriers/  realtime/  conversation/  diagnosis/  agents/  sim/  scrub/  encryption/
     0   events  commands  records  settings  errors  audio/
"""

from __future__ import annotations

import importlib
import sys
import types
import typing

from telephony.version import __version__ as __version__

if typing.TYPE_CHECKING:
    from telephony.agents.agent import Agent
    from telephony.client import realtime
    from telephony.errors import ConfigurationError, TelephonyError, ToolError
    from telephony.runtime.serving import serve
    from telephony.tools.context import CallContext
    from telephony.tools.tool import tool

__all__ = ["Agent", "CallContext", "ConfigurationError", "TelephonyError", "ToolError", "realtime", "serve", "tool"]

_HOMES = {
    "Agent": "telephony.agents.agent",
    "CallContext": "telephony.tools.context",
    "ConfigurationError": "telephony.errors",
    "TelephonyError": "telephony.errors",
    "ToolError": "telephony.errors",
    "serve": "telephony.runtime.serving",
    "tool": "telephony.tools.tool",
}
"""Where the public names live."""


def __getattr__(name: str) -> typing.Any:
    """Each public name is loaded when it is asked for: a module of tools has no use for the whole server, and a run of
    pytest that replays no call none for anything, although its plugin is in here."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


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
