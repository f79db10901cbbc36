"""Whom the calls of a process reach besides their callers: judged by the rules, written down, and then done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import aiohttp
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.agents.agent import TRANSFER, Agent
from telephony.agents.numbers import normal
from telephony.bridge.consultations import Consultations
from telephony.bridge.permits import Permits
from telephony.carriers.base import Announcement
from telephony.carriers.twilio_account import TwilioAccount
from telephony.carriers.twilio_messages import create_message, read_message
from telephony.commands import Sending
from telephony.dialling import DialPolicy, Refused
from telephony.links.http import perform
from telephony.settings import ToolSpec
from telephony.tools.permits import Answered, Denied, Ends, Granted, Use

_log: FilteringBoundLogger = structlog.get_logger("telephony.desk")


class CallDesk:
    """Implements `tools.permits.Desk` for one account."""

    def __init__(
        self, permits: Permits, account: TwilioAccount, session: aiohttp.ClientSession, consultations: Consultations
    ) -> None:
        self._permits = permits
        self._account = account
        self._session = session
        self._consultations = consultations

    async def permit(self, use: Use, target: str, ends: Ends) -> Granted | Denied:
        """See `Permits.permit`."""
        verdict = await self._permits.permit(
            use, target, ends.call_id, ends.agent, datetime.now(UTC), caller=ends.caller, called=ends.called
        )
        if isinstance(verdict, Refused):
            _log.warning("an agent may not reach that", call_id=ends.call_id, use=use, code=verdict.code)
            return Denied(verdict.sentence)
        contact = verdict.contact
        refer = contact.mode == "refer" and ends.caller.startswith(("sip:", "sips:"))
        sending = Sending(verdict.name, normal(contact.caller_id), contact.timeout, contact.time_limit, refer=refer)
        return Granted(verdict.number, sending, contact.mode == "warm", contact.language)

    async def consult(self, ends: Ends, granted: Granted, briefing: str) -> Answered:
        """Shown to them is the number of their entry in the directory, or the one of ours that the call is on."""
        sending = granted.sending
        found = await self._consultations.consult(
            ends.call_id,
            granted.to,
            sending.caller_id or normal(ends.called),
            Announcement(briefing, granted.language),
            ring=sending.timeout,
            time_limit=sending.time_limit,
        )
        return Answered(found.room, found.outcome)

    def release(self, call_id: str, but: str = "") -> None:
        """See `Consultations.release`."""
        self._consultations.release(call_id, but)

    async def send_sms(self, ends: Ends, to: str, body: str) -> str:
        """From the number that they see, which a message can be answered to."""
        request = create_message(self._account.rest, to, body, from_number=normal(ends.called))
        message = read_message((await perform(self._session, request)).body)
        _log.info("message sent", call_id=ends.call_id, message=message.sid)
        return message.sid


def knowing(specs: Iterable[ToolSpec], agent: Agent, policy: DialPolicy) -> tuple[ToolSpec, ...]:
    """*specs*, with whom they may reach told to the model where it chooses among names."""
    return tuple(_knowing(spec, agent, policy) for spec in specs)


def _knowing(spec: ToolSpec, agent: Agent, policy: DialPolicy) -> ToolSpec:
    if spec.name != "transfer" or TRANSFER not in agent.settings.tools:
        return spec
    names = policy.reachable(agent.name, "transfer")
    told = ", ".join(f"{name} ({title})" if title else name for name, title in names.items())
    description = f"{spec.description} The directory: {told or 'nobody'}."
    return msgspec.structs.replace(spec, description=description)
