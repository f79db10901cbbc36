"""The answer that connects a call with an agent: a media stream, and the token by which it will be known."""

from __future__ import annotations

from typing import Literal

from telephony.bridge.away import Absent
from telephony.carriers.base import Announcement, StreamOffer
from telephony.server.reception import Reception

STREAM_STATUS = "/twilio/stream-status"
STREAM_ENDED = "/twilio/stream-ended"


def connect(
    desk: Reception,
    call_id: str,
    agent: str,
    from_number: str,
    to_number: str,
    before: Announcement = Announcement(),  # noqa: B008  frozen
    direction: Literal["inbound", "outbound"] = "inbound",
) -> str:
    """Instructions for the carrier; what the agent needs is got ready meanwhile."""
    unrecorded = call_id in desk.unrecorded
    token = desk.tokens.issue(call_id, agent, from_number, to_number, desk.now, direction, unrecorded=unrecorded)
    offer = StreamOffer(
        desk.media_url(desk.media_path),
        {"token": token, "agent": agent},
        ended_url=desk.url(STREAM_ENDED),
        status_url=desk.url(STREAM_STATUS),
        before=before,
    )
    instructions = desk.account.offer_stream(offer)
    desk.expect(call_id, agent)
    return instructions


def reconnect(desk: Reception, call_id: str, absent: Absent) -> str:
    """The same for a call that goes on with its agent. One that this version does not have is stood in for by the agent
    of the number that was called."""
    agent = absent.agent
    if agent not in desk.agents and (line := desk.line_for(absent.to_number)):
        agent = line.settings.agent
    if absent.unrecorded:
        desk.record_nothing_of(call_id)
    return connect(desk, call_id, agent, absent.from_number, absent.to_number, direction=absent.record.direction)
