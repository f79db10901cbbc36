"""Messages and keys that a simulated Twilio takes: what its REST API has of them afterwards."""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import aiohttp
import pytest

from offices import ACCOUNT, TOKEN, ShortVoice
from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_script import CallerScript
from telephony.simulate.live import LiveCall
from telephony.simulate.rest import TwilioRest
from telephony.simulate.twiml_input import GatherVerb, RecordVerb
from telephony.simulate.voicemail import Answer, Recorder, wav

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(20)]

RECORD = RecordVerb("", "POST", 1, "#", 60)


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as api:
        yield api


async def taken(rest: TwilioRest, verb: RecordVerb | GatherVerb, *steps: Any) -> Answer:
    live = LiveCall("CA" + "1" * 32, ACCOUNT, "+15550142", "+15550100", 60)
    script = CallerScript.parse({"patience": 10, "steps": [*steps, {"wait": "end"}]})
    caller = SimulatedCaller(script, ShortVoice("caller"))
    async with asyncio.TaskGroup() as group:

        def beside(work: Coroutine[object, object, object], name: str) -> None:
            group.create_task(work, name=name)

        recorder = Recorder(rest.board.courier(live), caller, live, rest.board, beside)
        return await (recorder.record(verb) if isinstance(verb, RecordVerb) else recorder.gather(verb))


async def fetched(rest: TwilioRest, path: str, token: str = TOKEN) -> tuple[int, bytes]:
    url = f"{rest.base_url}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{path}"
    login = "Basic " + base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode()
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Authorization": login}) as response:
        return response.status, await response.read()


async def test_what_was_said_can_be_fetched_with_the_login_only(rest: TwilioRest) -> None:
    answer = await taken(rest, RECORD, {"say": "Call me."}, {"press": "#"})
    fields = dict(answer.extra)
    assert (answer.asks, answer.hung_up, fields["Digits"]) == (True, False, "#")
    status, body = await fetched(rest, f"{fields['RecordingSid']}.wav")
    assert status == 200
    with wave.open(io.BytesIO(body)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert file.getnframes() >= 4000
    assert (await fetched(rest, f"{fields['RecordingSid']}.wav", "wrong"))[0] == 401
    assert (await fetched(rest, "RE" + "0" * 32 + ".wav"))[0] == 404


async def test_nothing_is_asked_where_nobody_spoke(rest: TwilioRest) -> None:
    answer = await taken(rest, RECORD)
    assert (answer.asks, rest.board.recordings) == (False, {})


async def test_who_hangs_up_has_left_a_message(rest: TwilioRest) -> None:
    answer = await taken(rest, RECORD, {"say": "Call me."}, "hang_up")
    assert (answer.asks, answer.hung_up, dict(answer.extra)["Digits"]) == (True, True, "hangup")


async def test_a_question_is_answered_by_a_key_or_by_none(rest: TwilioRest) -> None:
    assert dict((await taken(rest, GatherVerb("", "POST", 1, 1), {"press": "7"})).extra)["Digits"] == "7"
    assert not (await taken(rest, GatherVerb("", "POST", 1, 1))).asks
    assert (await taken(rest, GatherVerb("", "POST", 1, 1, on_empty=True))).asks


def test_a_wav_is_as_long_as_what_was_said() -> None:
    with wave.open(io.BytesIO(wav(b"\xff" * 800))) as file:
        assert file.getnframes() == 800
