"""Calls before an agent speaks in them, asked for by hand: the instructions, and what comes back with them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from front_door import CALL, FORM, NUMBER, PUBLIC, FrontDoor, front_door, start
from telephony.agents.places import Cap
from telephony.server.front_desk import CONSENT, FORWARDED, MESSAGE, MESSAGE_STATUS
from telephony.server.sharing import Alone
from telephony.settings import NumberSettings

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]

RECORDING = "RE" + "a" * 32
PERSON = "+15550177"
BUSY: Any = {"busy": True}


def number(**settings: Any) -> dict[str, NumberSettings | str]:
    """A number on which nobody has room for a second call."""
    return {NUMBER: NumberSettings.model_validate({"agent": "frontdesk", "max_calls": 1, **settings})}


async def second_call(door: FrontDoor) -> ET.Element:
    """The instructions for a call while another one waits for its stream."""
    other = [("CallSid", "CA" + "9" * 32), *FORM[1:]]
    assert "<Stream" in (await door.post(form=other))[1]
    return await instructions(door)


async def instructions(door: FrontDoor, path: str = "/twilio/voice", *fields: tuple[str, str]) -> ET.Element:
    status, text = await door.post(path, [*FORM, *fields])
    assert status == 200
    return ET.fromstring(text)  # noqa: S314  our own answer


def local(element: ET.Element | None, attribute: str) -> str:
    """An address in the instructions, without the public host."""
    assert element is not None
    value = element.get(attribute, "") if attribute else (element.text or "")
    assert value.startswith(PUBLIC)
    return value.removeprefix(PUBLIC)


async def records(door: FrontDoor) -> list[str]:
    while tasks := list(door.reception.calls.visits._tasks):
        await asyncio.wait(tasks)
    return [record.termination.reason for record in door.records if record.termination]


async def test_a_call_that_waits_for_its_stream_takes_room(tmp_path: Path) -> None:
    async with front_door(tmp_path, numbers=number(overflow=BUSY)) as door:
        answer = await second_call(door)
        assert [(verb.tag, verb.get("reason")) for verb in answer] == [("Reject", "busy")]
        again = await instructions(door)
        assert [verb.tag for verb in again] == ["Hangup"], "the call is over"
        assert await records(door) == ["overflow: 1 calls are going on for this number"]


async def test_a_call_does_not_stand_in_its_own_way(tmp_path: Path) -> None:
    async with front_door(tmp_path, numbers=number(overflow=BUSY)) as door:
        first, again = await instructions(door), await instructions(door)
        assert ([verb.tag for verb in first], [verb.tag for verb in again]) == (["Connect"], ["Connect"])


async def test_callers_are_sent_elsewhere_while_the_machine_has_no_time_and_those_who_were_admitted_are_not(
    tmp_path: Path,
) -> None:
    async with front_door(tmp_path, numbers=number(overflow=BUSY)) as door:
        await instructions(door)
        door.reception.lagging = lambda: "no time"
        again = await instructions(door)
        assert [verb.tag for verb in again] == ["Connect"]
        other = ET.fromstring((await door.post(form=[("CallSid", "CA" + "9" * 32), *FORM[1:]]))[1])  # noqa: S314
        assert [verb.tag for verb in other] == ["Reject"]
        assert await records(door) == ["overflow: no time"]


async def test_an_agent_of_whom_too_much_is_asked_has_room_again_when_a_call_is_over(tmp_path: Path) -> None:
    async with front_door(tmp_path, numbers=number(max_calls=None, overflow=BUSY)) as door:
        door.reception.caps_for = lambda agent: [Cap("agent", agent, 1)]
        assert [verb.tag for verb in await second_call(door)] == ["Reject"]
        assert await records(door) == ["overflow: 1 calls are going on with frontdesk"]
        status = [("CallSid", "CA" + "9" * 32), *FORM[1:-1], ("CallStatus", "completed")]
        assert (await door.post("/twilio/status", status))[0] == 204
        third = ET.fromstring((await door.post(form=[("CallSid", "CA" + "8" * 32), *FORM[1:]]))[1])  # noqa: S314
        assert [verb.tag for verb in third] == ["Connect"]


async def test_a_last_resort_is_asked_whatever_is_full_and_counts(tmp_path: Path) -> None:
    async with front_door(tmp_path, numbers=number(overflow={"agent": "frontdesk"})) as door:
        assert [verb.tag for verb in await second_call(door)] == ["Connect"]
        assert isinstance(door.reception.sharing, Alone)
        assert door.reception.sharing.places.count("number", NUMBER) == 2


async def test_a_forwarded_call_comes_back_with_its_record_and_its_way(tmp_path: Path) -> None:
    route = {"say": "One moment.", "forward": "+1 (555) 0177", "timeout": 30, "unanswered": "Nobody."}
    async with front_door(tmp_path, numbers=number(overflow=route, language="de-DE")) as door:
        answer = await second_call(door)
        assert [verb.tag for verb in answer] == ["Say", "Dial"]
        assert answer[0].get("language") == "de-DE"
        assert (answer[1].findtext("Number"), answer[1].get("timeout")) == (PERSON, "30")
        back = local(answer.find("Dial"), "action")
        assert urlsplit(back).path == FORWARDED
        query = parse_qs(urlsplit(back).query)
        assert query["way"] == ["overflow"]
        repeated = await instructions(door)
        assert local(repeated.find("Dial"), "action") == back, "a webhook that comes again begins no other record"
        told = await instructions(door, back, ("DialCallStatus", "busy"))
        assert ([verb.tag for verb in told], told.findtext("Say")) == (["Say", "Hangup"], "Nobody.")
        again = await instructions(door, back, ("DialCallStatus", "busy"))
        assert [verb.tag for verb in again] == ["Hangup"]
        assert await records(door) == [f"overflow: 1 calls are going on for this number, {PERSON}: busy"]
        assert door.records[0].id == query["record"][0]


async def test_a_message_is_asked_for_and_an_empty_one_leads_back_too(tmp_path: Path) -> None:
    route = {"say": "Speak.", "voicemail": True, "voicemail_seconds": 60}
    async with front_door(tmp_path, numbers=number(overflow=route)) as door:
        answer = await second_call(door)
        assert [verb.tag for verb in answer] == ["Say", "Record", "Redirect"]
        record = answer.find("Record")
        assert record is not None
        asked = {name: record.get(name) for name in ("maxLength", "finishOnKey", "playBeep", "timeout")}
        assert asked == {"maxLength": "60", "finishOnKey": "#", "playBeep": "true", "timeout": "5"}
        assert urlsplit(local(record, "action")).path == MESSAGE
        assert urlsplit(local(record, "recordingStatusCallback")).path == MESSAGE_STATUS
        back = local(answer.find("Redirect"), "")
        assert back == local(record, "action")
        assert [verb.tag for verb in await instructions(door, back)] == ["Hangup"]
        assert (await records(door))[0].endswith("the caller left no message")


async def test_a_message_of_a_call_that_nobody_here_knows_has_its_record_all_the_same(door: FrontDoor) -> None:
    back = f"{MESSAGE}?record=20261128-033737-abcdef&way=closed"
    fields = [("RecordingSid", RECORDING), ("RecordingDuration", "7"), ("RecordingUrl", f"https://x/{RECORDING}")]
    await instructions(door, back, *fields)
    await instructions(door, back.replace(MESSAGE, MESSAGE_STATUS), *fields, ("RecordingStatus", "completed"))
    assert await records(door) == ["closed, the caller left a message of 7 s"]
    (record,) = door.records
    assert (record.id, record.agent) == ("20261128-033737-abcdef", "frontdesk")
    assert record.notes[0] == f"The carrier keeps the message as {RECORDING}"


@pytest.mark.parametrize("wrong", ["../../etc", "", "20261128-033737-ABCDEF", "x" * 5000])
async def test_a_record_that_is_none_of_ours_is_not_begun(door: FrontDoor, wrong: str) -> None:
    await instructions(door, f"{MESSAGE}?record={wrong}&way=closed", ("RecordingSid", RECORDING))
    assert await records(door) == []


async def test_a_recording_id_that_is_none_is_refused(door: FrontDoor) -> None:
    status, _ = await door.post(f"{MESSAGE}?record=20261128-033737-abcdef", [*FORM, ("RecordingSid", "RE../../x")])
    assert status == 400


@pytest.mark.parametrize("path", [CONSENT, FORWARDED, MESSAGE, MESSAGE_STATUS])
async def test_what_is_not_signed_is_refused(door: FrontDoor, path: str) -> None:
    status, text = await door.post(f"{path}?record=20261128-033737-abcdef&way=closed", signature="forged")
    assert (status, text) == (403, "Forbidden\n")
    signed_for_another = await door.post(f"{path}?way=closed", url=f"{PUBLIC}{path}?way=outage")
    assert signed_for_another[0] == 403, "the query is signed, too"


async def test_consent_is_asked_for_before_anything_is_connected(tmp_path: Path) -> None:
    async with front_door(tmp_path, numbers=number(consent={"say": "Press 1.", "key": "1"})) as door:
        answer = await instructions(door)
        gather = answer.find("Gather")
        assert gather is not None
        asked = {name: gather.get(name) for name in ("input", "numDigits", "actionOnEmptyResult")}
        assert asked == {"input": "dtmf", "numDigits": "1", "actionOnEmptyResult": "true"}
        assert gather.findtext("Say") == "Press 1."
        back = local(gather, "action")
        refused = await instructions(door, back)
        assert [verb.tag for verb in refused] == ["Connect"]
        assert list(door.reception.unrecorded) == [CALL]
        door.reception.unrecorded.clear()
        await instructions(door, back, ("Digits", "1"))
        assert not door.reception.unrecorded


async def test_who_has_no_agent_to_go_to_is_hung_up_on_after_consent(door: FrontDoor) -> None:
    answer = await instructions(door, f"{CONSENT}?agent=nobody&key=1", ("Digits", "1"))
    assert [verb.tag for verb in answer] == ["Hangup"]


async def test_a_stream_that_came_leaves_the_record_to_its_call(door: FrontDoor) -> None:
    await instructions(door)
    assert door.reception.calls.visits.waiting == [CALL]
    socket = await door.stream()
    await socket.send_str(start(door.token()))
    async with asyncio.timeout(5):
        while CALL not in door.reception.calls.live:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
    await instructions(door)
    assert door.reception.calls.visits.waiting == [], "nor does a webhook that comes again wait for another stream"
    await socket.close()
    await door.reception.calls.cut_off()
    assert [record.carrier_call_id for record in door.records] == [CALL]
