"""How a caller leaves: hung up on, or sent on to a number when no model answers."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.agents.numbers import normal
from telephony.bridge.consultations import Consultations
from telephony.carriers.base import Account
from telephony.commands import HangUp, HttpRequest, Sending
from telephony.errors import CarrierRefused, ConfigurationError
from telephony.links.http import perform
from telephony.settings import Fallback

_log: FilteringBoundLogger = structlog.get_logger("telephony.departures")


class Departures:
    """What the calls of a process ask of the carrier in the end.

    *ended_url* is asked for instructions after a transfer. *fallback_of* finds the agent's fallback by the carrier's id
    of a call: who is shown as the caller there, and how long it may ring.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        account: Account,
        ended_url: str,
        fallback_of: Callable[[str], Fallback],
        consultations: Consultations,
    ) -> None:
        self._session = session
        self._account = account
        self._ended_url = ended_url
        self._fallback_of = fallback_of
        self._consultations = consultations

    async def hang_up(self, command: HangUp) -> None:
        """End the call, or send the caller on. If the carrier will not have that, it is ended after all where no model
        answers; an agent whose caller stays is told so.

        Raises `CarrierError` if the carrier refused, or gave no answer. A transfer without an answer may have been
        carried out, so that a hang-up would end a conversation with whoever took the call; where it was not, the stream
        ends a little later, and with it the call.
        """
        if command.transfer_to:
            try:
                await perform(self._session, self._transfer(command))
            except (CarrierRefused, ConfigurationError) as error:
                if command.sending:
                    self._consultations.release(command.call_id)
                    raise
                _log.warning("transfer refused; the call is hung up instead", call_id=command.call_id, error=str(error))
            else:
                _log.info("caller sent on", call_id=command.call_id, reason=command.reason)
                return
        await perform(self._session, self._account.hang_up(command.call_id))

    def _transfer(self, command: HangUp) -> HttpRequest:
        fallback = self._fallback_of(command.call_id)
        if (there := command.sending) and there.room and not self._consultations.waits(there.room):
            raise CarrierRefused(f"{there.name or command.transfer_to} has hung up")
        sending = command.sending or Sending(caller_id=normal(fallback.caller_id), timeout=fallback.timeout)
        return self._account.transfer(command.call_id, command.transfer_to, sending, ended_url=self._ended_url)
