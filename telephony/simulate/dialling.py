"""`<Dial>` in a simulated call: whom it rings, what they hear before they are put through, and what its action is told.

A number that a callee of the simulation has is rung as that callee answers; what becomes of any other was settled when
the call was placed (`dial_status`).
"""

from __future__ import annotations

import msgspec

from telephony.sim.caller import SimulatedCaller
from telephony.simulate.board import Switchboard
from telephony.simulate.callee import beep
from telephony.simulate.live import CallState, LiveCall, new_sid
from telephony.simulate.requests import Fields
from telephony.simulate.telling import Callbacks, Teller, progress


class Target(msgspec.Struct, frozen=True):
    """A `<Number>` or `<Sip>`: somebody to ring."""

    address: str
    url: str = ""
    """Instructions that whoever answers hears before they are put through: a whisper."""
    method: str = "POST"
    callbacks: Callbacks = Callbacks(events=())


class Leg:
    """The call to one target of a `<Dial>`."""

    def __init__(self, board: Switchboard, parent: LiveCall, target: Target, shown: str) -> None:
        self.live = LiveCall(
            new_sid("CA"), parent.account_sid, shown, target.address, parent.time_limit, "outbound-dial", parent.sid
        )
        self.callee = board.callees[target.address]
        self.courier = board.courier(self.live, target.url, target.callbacks.url)
        self.target = target
        self._teller = Teller(self.courier, target.callbacks, board.callback_faults)
        board.add(self.live)
        board.start(self._teller.run(), f"{self.live.sid} callbacks")
        self._teller.tell("initiated", progress(self.live))

    def rings(self) -> None:
        self.live.status = "ringing"
        self._teller.tell("ringing", progress(self.live))

    def answers(self) -> SimulatedCaller:
        """Whoever was called is there now."""
        self.live.answer()
        self._teller.tell("answered", progress(self.live))
        script = self.callee.script(self.live.from_number, self.live.to_number)
        return SimulatedCaller(script, lambda text: b"", sounds={"beep": beep()})

    def ends(self, status: CallState) -> None:
        self.live.finish(status)
        self._teller.tell("completed", progress(self.live, [("SipResponseCode", self.callee.sip_code)]))
        self._teller.close()


def dialled(status: str, sid: str, seconds: int | None = None, *, bridged: bool = False) -> Fields:
    """What the action of a `<Dial>` is told. *seconds*: how long the call lasted, if there was one."""
    fields: Fields = [("DialCallStatus", status), ("DialCallSid", sid)]
    if seconds is not None:
        fields += [("DialCallDuration", str(seconds)), ("DialBridged", "true" if bridged else "false")]
    return fields
