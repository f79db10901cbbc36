"""Events and commands that are on no wire, as JSON objects that name their kind, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from telephony import commands as cmd
from telephony import events as ev
from telephony.cassette.format import Channel
from telephony.cassette.resolved import agent_of, call_settings, rest_of
from telephony.errors import CassetteError

CHANNELS: Mapping[type, Channel] = {
    ev.ToolFinished: "tool",
    ev.ToolSays: "tool",
    ev.ToolProgress: "tool",
    ev.SpeechWanted: "tool",
    ev.HangUpWanted: "tool",
    ev.TransferWanted: "tool",
    ev.HandOverWanted: "tool",
    ev.TonesWanted: "tool",
    ev.KeysWanted: "tool",
    ev.MessageWanted: "tool",
    ev.ErrandDropped: "tool",
    cmd.ErrandDone: "tool",
    cmd.MessageAudio: "tool",
    cmd.RunTool: "tool",
    cmd.CancelTool: "tool",
    ev.ModelConnected: "session",
    ev.ModelLost: "session",
    cmd.OpenSession: "session",
    cmd.CloseSession: "session",
    cmd.CheckSession: "session",
    cmd.HangUp: "rest",
    ev.HangUpAnswered: "rest",
    ev.CarrierLost: "call",
    ev.CallEnded: "call",
    ev.ServerMoving: "call",
    ev.Moved: "call",
    ev.ServerStopping: "call",
    cmd.Move: "call",
    cmd.EndCall: "call",
}
"""On which channel each stands."""
EVENTS: Mapping[str, type[ev.Event]] = {kind.__name__: kind for kind in CHANNELS if issubclass(kind, ev.Event)}
"""Those that come in, by name."""


LATER: Mapping[type, tuple[str, ...]] = {
    cmd.HangUp: ("sending.room", "sending.refer", "sending"),
    ev.HangUpWanted: ("operator", "final"),
    ev.TransferWanted: ("operator",),
    cmd.OpenSession: ("agent",),
    ev.Moved: ("again",),
}
"""Fields that cassettes of earlier versions do not have, and that are not told where they say nothing."""
HIDDEN = "0"
"""Stands for a secret key: as many as there were, since that decides what follows."""


def told(happening: ev.Event | cmd.Command) -> dict[str, Any]:
    """`ToolFinished("c1", "{}")` as `{"type": "ToolFinished", "call_id": "c1", …}`."""
    if isinstance(happening, cmd.MessageAudio):  # what it holds came in with the caller's audio
        return {"type": "MessageAudio", "errand": happening.errand, "bytes": len(happening.payload)}
    if isinstance(happening, cmd.ErrandDone) and happening.secret:
        happening = msgspec.structs.replace(happening, keys=HIDDEN * len(happening.keys))
    if isinstance(happening, ev.HandOverWanted):
        settings = happening.settings
        return {"type": "HandOverWanted", "agent": agent_of(settings), "settings": rest_of(settings)}
    fields = msgspec.to_builtins(happening)
    for path in LATER.get(type(happening), ()):
        *above, name = path.split(".")
        within = fields[above[0]] if above else fields
        if within and not within[name]:
            del within[name]
    return {"type": type(happening).__name__, **fields}


def event_of(message: Any) -> ev.Event:
    """The event that `told` made *message* of. Raises `ValueError` for anything else."""
    if not isinstance(message, Mapping):
        raise ValueError("it is no object")
    kind = EVENTS.get(str(message.get("type")))
    if kind is None:
        raise ValueError(f"there is no event {message.get('type')!r}")
    if kind is ev.HandOverWanted:
        try:
            return ev.HandOverWanted(call_settings(message["agent"], message["settings"]))
        except (KeyError, AttributeError, CassetteError) as problem:
            raise ValueError(f"no agent is in it ({problem})") from None
    fields = {name: value for name, value in message.items() if name in kind.__struct_fields__}
    return msgspec.convert(fields, kind)
