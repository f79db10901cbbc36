"""The library of calls: `fixtures/calls/` holds one cassette for each behaviour, and here stands how each is made.

    python -m library                        # from tests/: make what is missing, and the table in fixtures/calls/
    python -m library barge-in-middle    # make this one
    python -m library --again NAME…          # also where the cassette that is there replays as it was recorded

`make calls ARGS="…"` does the same from the root. A new behaviour brings its entry and its cassette: add a `call(…)` to
the module it belongs to, with a predicate that sees the behaviour in the file, and make it.
"""

from __future__ import annotations

from library.barge_ins import BARGE_INS
from library.endings import ENDINGS
from library.errands import ERRANDS
from library.errands_lost import ERRANDS_LOST
from library.functions import FUNCTIONS
from library.kit import Call
from library.marks import MARKS
from library.network import NETWORK
from library.openings import OPENINGS
from library.outbound import OUTBOUND
from library.policies import POLICIES
from library.reaching import REACHING
from library.servers import SERVERS
from library.sessions import SESSIONS
from library.waiting import WAITING

PARTS = (
    OPENINGS,
    BARGE_INS,
    MARKS,
    FUNCTIONS,
    POLICIES,
    ERRANDS,
    ERRANDS_LOST,
    REACHING,
    WAITING,
    SESSIONS,
    SERVERS,
    NETWORK,
    ENDINGS,
    OUTBOUND,
)
CALLS: dict[str, Call] = {entry.name: entry for part in PARTS for entry in part}
"""All of them, by name."""
