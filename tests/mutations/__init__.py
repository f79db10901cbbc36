"""The mutation check: mistakes that the library of calls must notice, each with the calls that do.

    python -m mutations            # from tests/: hold every mistake against the whole library, and say who notices

The list is data. `tests/test_mutations.py` makes each mistake in a copy of the package and replays the calls that are
named beside it; at least one must go another way.
"""

from __future__ import annotations

from mutations.conversation import CONVERSATION
from mutations.edges import EDGES
from mutations.errands import ERRANDS
from mutations.kit import Mutation
from mutations.sessions import SESSIONS

MUTATIONS: list[Mutation] = [*CONVERSATION, *ERRANDS, *SESSIONS, *EDGES]
"""All of them."""
