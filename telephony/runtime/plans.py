"""The plan of an agent's calls, which changes with the tools that come and go while the process runs."""

from __future__ import annotations

from collections.abc import Callable

from telephony.bridge.plan import Plan
from telephony.settings import ToolSpec


class Plans:
    """One agent's. Raises what *make* raises for no further tools: such a mistake is there from the start."""

    def __init__(
        self, make: Callable[[tuple[ToolSpec, ...]], Plan], offered: Callable[[], tuple[ToolSpec, ...]]
    ) -> None:
        """*make* makes a plan with further tools, *offered* says which there are at the moment."""
        self._make = make
        self._offered = offered
        self._specs: tuple[ToolSpec, ...] = ()
        self._plan = make(())

    def now(self) -> Plan:
        """The plan for a call that begins now. It stays as it is for as long as that call lasts."""
        specs = self._offered()
        if specs != self._specs:
            self._plan, self._specs = self._make(specs), specs
        return self._plan
