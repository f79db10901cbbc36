"""What parents and workers say to each other. Names of workers are unique for ever; an empty one is nobody's."""

from __future__ import annotations

import msgspec

from telephony.agents.places import Cap, Full


class Message(msgspec.Struct, tag=True):
    """One of them."""


# -- a worker to its parent --------------------------------------------------------------------------------------------


class Where(Message):
    """Whose is this call? Answer: `Owner`."""

    call_id: str
    adopt: bool = False
    """It is mine, since nobody else answers for it."""
    here: bool = False
    """Other versions are not to be asked: it is no call."""


class Take(Message):
    """Answer: `Taken`."""

    call_id: str
    caps: list[Cap]


class Hold(Message):
    """See `Sharing.hold`."""

    call_id: str
    caps: list[Cap]


class Release(Message):
    """See `Sharing.release`."""

    call_id: str


class LetGo(Message):
    """A call goes on in another process, which will be asked about it. Answer: `Done`."""

    call_id: str


class Ready(Message):
    """It answers calls."""


class Idle(Message):
    """It was told to drain, and its last call is over."""


class Report(Message):
    """Said every second."""

    lag: float
    """Seconds; see `LoopLag.high`."""
    calls: int


# -- a parent to its worker --------------------------------------------------------------------------------------------


class Welcome(Message):
    """The first thing that is said."""

    name: str
    folder: str
    """The run folder."""
    secret: str
    """What media tokens are signed with, in hexadecimal digits."""


class Accept(Message):
    """Whether connections are to be accepted."""

    on: bool


class Others(Message):
    """Who else carries calls: the other workers, and those of other versions."""

    names: list[str]


class Drain(Message):
    """Take no more calls, and let the running ones end."""


class MoveOn(Message):
    """Another version takes the calls that may go on there."""


class End(Message):
    """Nothing more will be asked of you; *at_once* whatever still runs."""

    at_once: bool = False


# -- a parent to another -----------------------------------------------------------------------------------------------


class State(Message):
    """Said first, and whenever it changes."""

    since: int
    """When it was started, in nanoseconds of the machine's monotonic clock: the larger, the newer."""
    ready: bool
    draining: bool
    workers: list[str] = []
    """Those that answer."""


class Known(Message):
    """Is this call one of yours? Answer: `Owner`."""

    call_id: str


class Assign(Message):
    """A call that none of us knows; you are the newest. Answer: `Owner`."""

    call_id: str


class Listener(Message):
    """Give the listening socket to whoever receives at *path*. Answer: `Done`."""

    path: str


# -- answers -----------------------------------------------------------------------------------------------------------


class Owner(Message):
    """Who has a call."""

    name: str


class Taken(Message):
    """Whether there was room."""

    full: Full | None


class Done(Message):
    """Whether it was done."""

    ok: bool


AnyMessage = (
    Where
    | Take
    | Hold
    | Release
    | LetGo
    | Ready
    | Idle
    | Report
    | Welcome
    | Accept
    | Others
    | Drain
    | MoveOn
    | End
    | State
    | Known
    | Assign
    | Listener
    | Owner
    | Taken
    | Done
)
