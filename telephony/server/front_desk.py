"""What becomes of a call before an agent speaks in it: the decision of its number's line, carried out.

The addresses that the carrier is told to come back to name the record and the way in their query. So whoever answers
there, be it this process after a restart or another one, goes on with the same call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.agents.admission import Admission, Line, Situation
from telephony.agents.numbers import normal
from telephony.bridge.visits import Visit, new_record
from telephony.carriers.base import Announcement, IncomingCall
from telephony.records import CallRecord, EndedBy, Result
from telephony.server.connecting import connect
from telephony.server.reception import CLOSED, NOT_IN_SERVICE, Reception
from telephony.server.tokens import LIFETIME
from telephony.settings import Route

FORWARDED = "/twilio/forwarded"
MESSAGE = "/twilio/message"
MESSAGE_STATUS = "/twilio/message-status"
CONSENT = "/twilio/consent"

TALK = 4 * 3600.0
"""Seconds that a forwarded call may last: Twilio's own limit."""
SLACK = 60.0
"""Seconds for what is said before a message, and for the carrier to tell of it."""

RECORD_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")

_log: FilteringBoundLogger = structlog.get_logger("telephony.front_desk")

_ENDS: dict[str, tuple[Result, EndedBy]] = {
    "blocked": ("completed", "server"),
    "closed": ("completed", "server"),
    "overflow": ("completed", "limit"),
    "outage": ("failed", "server"),
}

Query = Mapping[str, str]


class FrontDesk:
    """Admits callers, and looks after those who are not. What its methods return are answers for the carrier."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    # -- coming in ---------------------------------------------------------------------------------------------------

    async def admit(self, call: IncomingCall) -> str:
        """A call comes in. Its place is taken before it is answered."""
        desk = self._reception
        line = desk.line_for(call.to_number)
        log = _log.bind(call_id=call.call_id, to=call.to_number)
        if line is None:
            log.warning("no agent answers this number; set `numbers` in the configuration")
            return self._turned_away(call, "", "no agent answers this number", "failed", "server", NOT_IN_SERVICE)
        full = ""
        if asked := line.asked(call.from_number, self._situation(line)):
            full = await self._full(call.call_id, asked, line)
        admission = line.admit(call.from_number, self._situation(line, full))
        if admission.why != "open":
            log.info("call not taken as usual", why=admission.why, detail=admission.detail)
        if admission.agent:
            log.info("call comes in", agent=admission.agent)
            return self._to_agent(call, line, admission)
        if call.call_id not in desk.calls.live:
            desk.sharing.release(call.call_id)
        return self._elsewhere(call, line, admission)

    async def _full(self, call_id: str, agent: str, line: Line) -> str:
        """Take the places of a call, or say why there is none, in words. A call whose webhook comes again has them."""
        desk = self._reception
        known = call_id in desk.calls.live or desk.calls.visits.get(call_id)
        if not known and (lagging := desk.lagging()):
            return lagging
        full = await desk.sharing.take(call_id, desk.caps(agent, line))
        return str(full) if full else ""

    def _situation(self, line: Line, full: str = "") -> Situation:
        """What decides about a call."""
        desk = self._reception
        return Situation(
            wall=desk.wall(line.hours.timezone) if line.hours else None,
            full=full,
            failing=desk.failing(),
            draining=desk.calls.draining,
        )

    def _to_agent(self, call: IncomingCall, line: Line, admission: Admission) -> str:
        desk, consent, language = self._reception, line.settings.consent, line.settings.language
        desk.sharing.hold(call.call_id, desk.caps(admission.agent, line))  # a last resort has not asked for any
        self._expect(call, admission.agent)
        said = admission.route.say if admission.route else ""
        if consent and consent.key:
            query = urlencode({"agent": admission.agent, "key": consent.key})
            question = Announcement(f"{said} {consent.say}".strip(), language)
            return desk.account.ask_for_key(question, answer_url=f"{desk.url(CONSENT)}?{query}")
        said = f"{said} {consent.say}".strip() if consent else said
        return connect(
            desk, call.call_id, admission.agent, call.from_number, call.to_number, Announcement(said, language)
        )

    def stranded(self, call: IncomingCall, agent: str) -> str:
        """The stream of a call has come, and *agent* has no model: where the caller goes instead, as those who call
        after it is known. Empty if there is no such way."""
        desk = self._reception
        line = desk.line_for(call.to_number)
        admission = line.stranded(agent, desk.failing()) if line else None
        if line is None or admission is None or admission.route is None:
            return ""
        _log.info("the agent who was to answer has no model", call_id=call.call_id, detail=admission.detail)
        desk.sharing.release(call.call_id)
        if not admission.agent:
            return self._elsewhere(call, line, admission)
        desk.sharing.hold(call.call_id, desk.caps(admission.agent, line))
        said = Announcement(admission.route.say, line.settings.language)
        self._expect(call, admission.agent)
        return connect(desk, call.call_id, admission.agent, call.from_number, call.to_number, said)

    def _expect(self, call: IncomingCall, agent: str) -> None:
        """The stream of the call is to come, unless it is there."""
        if call.call_id not in self._reception.calls.live:
            self._reception.calls.visits.expect(self._record(call, agent), LIFETIME)

    def consent(self, form: Mapping[str, str], query: Query) -> str:
        """The caller has agreed to be recorded, or has not."""
        desk = self._reception
        call, agent = desk.account.incoming(form), query.get("agent", "")
        if call.call_id in desk.calls.past or agent not in desk.agents:
            return desk.account.finish()
        if desk.calls.draining:
            return desk.account.apologise(CLOSED)
        if desk.account.key_pressed(form) != query.get("key"):
            desk.record_nothing_of(call.call_id)
            _log.info("the caller does not agree to be recorded", call_id=call.call_id)
        self._expect(call, agent)
        return connect(desk, call.call_id, agent, call.from_number, call.to_number)

    # -- going elsewhere ---------------------------------------------------------------------------------------------

    def _elsewhere(self, call: IncomingCall, line: Line, admission: Admission) -> str:
        desk, route, language = self._reception, admission.route, line.settings.language
        result, by = _ENDS[admission.why]
        why = f"{admission.why}: {admission.detail}" if admission.why != "blocked" else admission.detail
        if route is None and admission.why == "outage":
            return self._turned_away(call, line.settings.agent, why, result, by, CLOSED, language)
        if route is None or route.busy:
            self._turn_away(call, line.settings.agent, why, result, by)
            return desk.account.refuse(busy=route is not None)
        if not route.forward and not route.voicemail:
            return self._turned_away(call, line.settings.agent, why, result, by, route.say, language)
        visit = Visit(self._record(call, line.settings.agent), why, result, by, "elsewhere")
        if not route.forward:
            return self._ask_for_message(visit, route, admission.why, Announcement(route.say, language))
        visit = desk.calls.visits.open(visit, route.timeout + TALK)
        return desk.account.forward(
            normal(route.forward),
            Announcement(route.say, language),
            ended_url=self._back(FORWARDED, visit, admission.why),
            caller_id=normal(route.caller_id),
            timeout=route.timeout,
        )

    def forwarded(self, form: Mapping[str, str], query: Query) -> str:
        """The call to whom the caller was sent on is over, or did not come about."""
        desk, account = self._reception, self._reception.account
        call, status = account.incoming(form), account.dialled(form)
        route, language = self._route(call.to_number, query.get("way", ""))
        visit = self._visit(call, query)
        if visit is None:
            return account.finish()
        to = normal(route.forward) if route else "a number"
        if status == "completed" or account.status(form).terminal or route is None:
            desk.calls.visits.end(call.call_id, f"forwarded to {to}" if status == "completed" else f"{to}: {status}")
            return account.finish()
        if route.voicemail:
            visit.why = f"{visit.why}, {to}: {status}"
            return self._ask_for_message(visit, route, query.get("way", ""), Announcement(route.unanswered, language))
        desk.calls.visits.end(call.call_id, f"{to}: {status}")
        return account.apologise(route.unanswered, language)

    def _ask_for_message(self, visit: Visit, route: Route, way: str, words: Announcement) -> str:
        desk = self._reception
        visit = desk.calls.visits.open(visit, route.voicemail_seconds + SLACK)
        visit.stage = "message"
        return desk.account.take_message(
            words,
            ended_url=self._back(MESSAGE, visit, way),
            status_url=self._back(MESSAGE_STATUS, visit, way),
            seconds=route.voicemail_seconds,
        )

    def message(self, form: Mapping[str, str], query: Query) -> str:
        """The caller has left a message, or none, and the call is over; or a message can be fetched."""
        desk = self._reception
        taken = desk.account.message_taken(form)
        if self._visit(desk.account.incoming(form), query):
            desk.calls.visits.message(taken)
        return desk.account.finish()

    # -- records -----------------------------------------------------------------------------------------------------

    def _visit(self, call: IncomingCall, query: Query) -> Visit | None:
        """The visit of a call; one that another process began is gone on with. None if it is over."""
        desk = self._reception
        known = desk.calls.visits.get(call.call_id)
        record_id = query.get("record", "")
        if known or call.call_id in desk.calls.past or not RECORD_ID.fullmatch(record_id):
            return known
        line = desk.line_for(call.to_number)
        way = query.get("way", "")
        result, by = _ENDS.get(way, ("completed", "server"))
        record = self._record(call, line.settings.agent if line else "", record_id)
        return desk.calls.visits.open(Visit(record, way, result, by, "elsewhere"), SLACK)

    def _route(self, number: str, way: str) -> tuple[Route | None, str]:
        line = self._reception.line_for(number)
        route = getattr(line.settings, way) if line and way in ("closed", "overflow", "outage") else None
        return route, line.settings.language if line else ""

    def _record(self, call: IncomingCall, agent: str, record_id: str = "") -> CallRecord:
        carrier = self._reception.carrier
        return new_record(carrier, call.call_id, agent, call.from_number, call.to_number, record_id)

    def _turned_away(
        self,
        call: IncomingCall,
        agent: str,
        why: str,
        result: Result,
        by: EndedBy,
        sentence: str,
        language: str = "",
    ) -> str:
        self._turn_away(call, agent, why, result, by)
        return self._reception.account.apologise(sentence, language)

    def _turn_away(self, call: IncomingCall, agent: str, why: str, result: Result, by: EndedBy) -> None:
        visit = Visit(self._record(call, agent), why, result, by, "waiting")
        self._reception.calls.visits.turn_away(visit)

    def _back(self, path: str, visit: Visit, way: str) -> str:
        return f"{self._reception.url(path)}?{urlencode({'record': visit.record.id, 'way': way})}"
