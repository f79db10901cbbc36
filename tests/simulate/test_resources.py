"""The resources have the fields that Twilio's own client looks for in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twilio.rest.api.v2010 import account as official
from twilio.rest.api.v2010.account.call import CallInstance
from twilio.rest.api.v2010.account.call.recording import RecordingInstance
from twilio.rest.api.v2010.account.conference import ConferenceInstance
from twilio.rest.api.v2010.account.conference.participant import ParticipantInstance
from twilio.rest.api.v2010.account.message import MessageInstance

from telephony.simulate import resources
from telephony.simulate.board import CallRecording, Message
from telephony.simulate.conference import Conference, ConferenceNoun
from telephony.simulate.live import LiveCall

ACCOUNT, CALL = "AC" + "1" * 32, "CA" + "2" * 32
LIVE = LiveCall(CALL, ACCOUNT, "+15550100", "+15550177", 60, "outbound-api")
ROOM = Conference(ACCOUNT, "room")

MADE: dict[str, tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]] = {
    "call": (CallInstance, resources.call(LIVE), {"account_sid": ACCOUNT}),
    "recording": (RecordingInstance, resources.recording(CallRecording(CALL, 2), ACCOUNT), {"call_sid": CALL}),
    "conference": (ConferenceInstance, resources.conference(ROOM), {}),
    "participant": (
        ParticipantInstance,
        resources.participant(ROOM.expect(LIVE, ConferenceNoun(name="room")), ROOM),
        {"conference_sid": ROOM.sid},
    ),
    "message": (MessageInstance, resources.message(Message("+15550177", "+15550100", "Hi"), ACCOUNT), {}),
}


class Asked(dict[str, Any]):
    """Remembers which fields were looked for."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.wanted: set[str] = set()

    def get(self, name: str, otherwise: Any = None) -> Any:
        self.wanted.add(name)
        return super().get(name, otherwise)


@pytest.mark.parametrize("name", MADE)
def test_a_resource_has_the_fields_that_the_official_client_reads(name: str) -> None:
    instance, fields, where = MADE[name]
    asked = Asked(fields)
    instance(official, asked, **{"account_sid": ACCOUNT, **where})
    assert asked.wanted - set(fields) <= {"stir_verstat"}
    assert asked.wanted


def test_a_list_is_cut_into_pages() -> None:
    items = [{"n": number} for number in range(5)]
    page = resources.listed("calls", items, "/Calls.json", 2, 1)
    assert (page["calls"], page["start"], page["end"]) == ([{"n": 2}, {"n": 3}], 2, 3)
    assert (page["previous_page_uri"], page["next_page_uri"]) == (
        "/Calls.json?PageSize=2&Page=0",
        "/Calls.json?PageSize=2&Page=2",
    )
    assert resources.listed("calls", [], "/Calls.json", 2, 0)["next_page_uri"] is None
