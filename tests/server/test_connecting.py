"""The answer that connects a call with an agent."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from front_door import CALL, PUBLIC, FrontDoor
from telephony.carriers.base import Announcement
from telephony.server.connecting import STREAM_ENDED, STREAM_STATUS, connect
from telephony.server.reception import MEDIA


async def test_a_stream_is_offered_with_a_token_for_this_call_behind_what_is_said(door: FrontDoor) -> None:
    words = Announcement("This call is recorded.", "en-GB")
    document = connect(door.reception, CALL, "frontdesk", "+15550142", "+15550100", words)
    say, connection = ET.fromstring(document)  # noqa: S314  our own answer
    assert (say.tag, say.text, say.get("language")) == ("Say", "This call is recorded.", "en-GB")
    (stream,) = connection
    assert connection.get("action") == PUBLIC + STREAM_ENDED
    assert stream.get("url") == PUBLIC.replace("https", "wss") + MEDIA
    assert stream.get("statusCallback") == PUBLIC + STREAM_STATUS
    parameters = {parameter.get("name"): parameter.get("value") for parameter in stream}
    ticket = door.reception.tokens.redeem(parameters["token"] or "", CALL, door.reception.now)
    assert (ticket.agent, parameters["agent"]) == ("frontdesk", "frontdesk")


async def test_nothing_is_said_where_there_is_nothing_to_say(door: FrontDoor) -> None:
    document = connect(door.reception, CALL, "frontdesk", "+15550142", "+15550100")
    assert [verb.tag for verb in ET.fromstring(document)] == ["Connect"]  # noqa: S314  our own answer
