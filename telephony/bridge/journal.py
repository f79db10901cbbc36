"""What outlives the process that carries a call: enough for another one to go on with it.

A call whose agent may move has a journal in the database that grows with its turns. Whoever carries the call leaves it
there for another process, or dies: then the journal is for whoever the carrier asks what comes after the stream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.bridge.away import BROKEN_OFF, MOVED, Absent
from telephony.errors import CallStays, StoreError
from telephony.records import Termination

MORE = "something has happened in it meanwhile"
LOST = Termination("failed", "carrier", "the caller did not come to the process that was to go on with the call")

_log: FilteringBoundLogger = structlog.get_logger("telephony.journal")


LetGo = Callable[[str], Awaitable[None]]


class Journals(Protocol):
    """Where they are kept, for all processes. Every method is bounded and raises `StoreError`."""

    async def keep(self, call_id: str, record_id: str, journal: str, *, left: bool) -> None:
        """Replace the journal of a call, as ours; *left* for whoever takes it first."""

    async def take(self, call_id: str) -> tuple[str, bool] | None:
        """The journal of a call, and whether it was left on purpose. The journal, the call and its record are ours from
        here on. None if there is none, or its process lives and has not left it."""

    async def drop(self, call_id: str) -> None:
        """The call is over."""


class Journal:
    """What the calls of a process do with theirs."""

    def __init__(self, journals: Journals | None = None, let_go: LetGo | None = None) -> None:
        """*journals*: None where nothing is kept. *let_go* sees that what is asked about a call is asked of others from
        then on; it is bounded and raises `CallStays`."""
        self._journals = journals
        self._let_go = let_go
        self._kept: set[str] = set()
        """Calls of this process that have one."""

    async def keep(self, call_id: str, absent: Absent) -> None:
        """Keep what is known by now, in case that the process dies. It raises nothing. Of a call that has come to know
        a secret nothing is left: what was kept before would know too little."""
        if self._journals is None:
            return
        try:
            text = told(absent)
        except CallStays:
            await self.drop(call_id)
            return
        self._kept.add(call_id)
        try:
            await self._journals.keep(call_id, absent.record.id, text, left=False)
        except StoreError as error:
            _log.debug("the journal of a call was not kept", call_id=call_id, error=str(error))

    async def leave(self, call_id: str, absent: Absent, still: Callable[[], bool] = lambda: True) -> None:
        """Leave a call for another process, if that is *still* all of it once it is written down. Raises `CallStays` or
        `StoreError` if it must stay."""
        if self._journals is None or self._let_go is None:
            raise CallStays("there is no other process")
        text = told(absent)
        self._kept.add(call_id)
        try:
            await self._journals.keep(call_id, absent.record.id, text, left=True)
            if not still():
                raise CallStays(MORE, again=True)
            await self._let_go(call_id)
        except CallStays:
            await self._journals.keep(call_id, absent.record.id, text, left=False)
            raise
        self._kept.discard(call_id)

    async def take(self, call_id: str) -> Absent | None:
        """A call that another process has left, or has died with. It raises nothing."""
        if self._journals is None:
            return None
        try:
            found = await self._journals.take(call_id)
        except StoreError as error:
            _log.error("whether a call is to go on here cannot be told", call_id=call_id, error=str(error))
            return None
        if found is None:
            return None
        text, left = found
        try:
            absent = msgspec.json.decode(text, type=Absent)
        except msgspec.MsgspecError as error:
            _log.error("another version's journal of a call cannot be read", call_id=call_id, error=str(error))
            return None
        self._kept.add(call_id)
        absent.back = MOVED if left else BROKEN_OFF
        absent.record.termination = LOST
        return absent

    async def drop(self, call_id: str) -> None:
        """The call is over. It raises nothing; what is left behind is deleted with the next ones."""
        if self._journals is None or call_id not in self._kept:
            return
        self._kept.discard(call_id)
        try:
            await self._journals.drop(call_id)
        except StoreError as error:
            _log.debug("the journal of a call was not deleted", call_id=call_id, error=str(error))


def told(absent: Absent) -> str:
    """The journal as text. Raises `CallStays` for a call with secrets, which are written to no database, and for one
    whose tools keep what no text can hold."""
    if absent.hidden or any(ran.sensitive for ran in absent.functions):
        raise CallStays("it has a secret")
    try:
        state = msgspec.json.decode(msgspec.json.encode(absent.state))
    except (TypeError, msgspec.MsgspecError):
        state = None
    if state != absent.state:
        raise CallStays("its tools keep what is no JSON (`CallContext.state`)")
    return msgspec.json.encode(absent).decode()
