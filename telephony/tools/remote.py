"""A tool that somebody else runs: an HTTP endpoint, a server of the Model Context Protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod

from telephony.settings import ToolSpec
from telephony.tools.context import CallContext


class RemoteFailed(Exception):
    """Whoever runs it, or the way there, failed. The message is for the log."""


MAYBE_DONE = " It may have taken effect or not, so do not repeat it."
"""Told of a tool with side effects that was lost on its way."""


class RemoteTool(ABC):
    """What a toolbox needs of it. The toolbox bounds its time by `spec.timeout` and cancels it."""

    spec: ToolSpec
    reference: str
    """How configuration names it."""
    origin: str
    """Who runs it, for a person."""

    @abstractmethod
    async def run(self, arguments: str, context: CallContext) -> object:
        """Call it with the JSON that the model wrote; what it returns is told to the model.

        Raises `InvalidArguments` for arguments that do not fit, and `ToolError` with a sentence for the model if it
        came to nothing. Cancelling gives it up.
        """

    def __repr__(self) -> str:
        return f"<tool {self.spec.name} from {self.reference}>"
