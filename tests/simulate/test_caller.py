"""Calls over real sockets: what a server sees of a simulated Twilio, and what is reported of the server."""

from __future__ import annotations

import asyncio
import io
import wave
from typing import Any

import pytest
from aiohttp import web

from telephony.errors import ConfigurationError, ScriptError
from telephony.sim.caller_script import CallerScript
from telephony.sim.noise import white_noise
from telephony.simulate.caller import CallOutcome, place_call
from telephony.simulate.rest import TwilioRest

SPEECH = white_noise(-20, 16_000)
ACCOUNT, TOKEN = "AC" + "7" * 32, "12345"


def voice(text: str) -> bytes:
    return SPEECH[: 160 * len(text)]


async def call(server: Any, *steps: object, **options: Any) -> CallOutcome:
    script = CallerScript.parse({"steps": list(steps), "patience": options.pop("patience", 5)})
    keys = {"account_sid": ACCOUNT, "auth_token": TOKEN, "voice": voice, "public_url": "https://voice.example.com"}
    return await place_call(f"{server.url}/twilio/voice", script, **{**keys, **options})


async def test_a_call_brings_what_was_said_to_the_server_and_ends_with_stop(server: Any) -> None:
    outcome = await call(server, {"pause": 0.1}, {"say": "hello"}, status_callback="/twilio/status")
    assert outcome.ok, outcome.complaints
    assert (outcome.status, outcome.ended_by) == ("completed", "caller")
    assert b"".join(server.frames) == outcome.said == b"\xff" * 800 + SPEECH[:800]
    (start,) = server.started
    assert start["start"]["customParameters"] == {"session": "token"}
    assert start["start"]["callSid"] == outcome.call_sid
    assert start["streamSid"] == outcome.stream_sids[0]
    assert server.received[-1]["event"] == "stop"
    (status,) = server.told("/twilio/status")
    assert status["CallStatus"] == "completed"
    assert status["CallSid"] == outcome.call_sid
    assert [told["StreamEvent"] for told in server.told("/twilio/stream-status")] == [
        "stream-started",
        "stream-stopped",
    ]
    purposes = [exchange.purpose for exchange in outcome.exchanges]
    assert purposes == ["voice", "stream-started", "stream-stopped", "completed"]


async def test_the_webhook_and_the_upgrade_look_like_twilios(server: Any) -> None:
    outcome = await call(server, {"pause": 0.04})
    path, headers, fields = server.posts[0]
    assert path == "/twilio/voice"
    assert headers["host"] == "voice.example.com"
    assert headers["user-agent"] == "TwilioProxy/1.1"
    assert headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert headers["accept"] == "*/*"
    assert "i-twilio-idempotency-token" in headers
    assert fields["CallSid"] == outcome.call_sid
    assert fields["AccountSid"] == ACCOUNT
    assert fields["CallStatus"] == "ringing"
    assert fields["ToCity"] == ""
    (upgrade,) = server.upgrades
    assert upgrade["host"] == "voice.example.com"
    assert upgrade["user-agent"] == "Twilio.TmeWs/1.0"
    for absent in ("origin", "sec-websocket-protocol", "sec-websocket-extensions", "cookie", "accept"):
        assert absent not in upgrade
    assert upgrade["x-twilio-signature"]


async def test_the_agent_is_heard_marks_come_back_and_the_caller_reacts(server: Any) -> None:
    async def media(own: Any, socket: web.WebSocketResponse) -> None:
        await own.until(socket, "start")
        await own.say(socket, SPEECH[:1600], mark="end")
        await own.until(socket, "stop")

    server.media = media
    outcome = await call(server, {"wait": "agent"}, {"say": "ok"})
    assert outcome.ok, outcome.complaints
    assert outcome.heard.replace(b"\xff", b"") == SPEECH[:1600].replace(b"\xff", b"")
    assert [message["mark"]["name"] for message in server.received if message["event"] == "mark"] == ["end"]
    assert len(outcome.said) <= len(outcome.heard) + 160
    with wave.open(io.BytesIO(outcome.stereo_wav())) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        assert file.getnframes() == max(len(outcome.said), len(outcome.heard))


async def test_frames_keep_to_their_grid_after_the_loop_was_blocked(server: Any) -> None:
    stalls: list[float] = []

    def stall(observation: Any) -> None:
        if observation.kind == "key":
            began = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - began < 0.1:
                stalls.append(observation.at)

    outcome = await call(server, {"pause": 0.1}, {"press": "5"}, {"pause": 0.2}, observe=stall)
    assert outcome.ok, outcome.complaints
    assert stalls
    stamps = [int(message["media"]["timestamp"]) for message in server.received if message["event"] == "media"]
    assert stamps == [20 * number for number in range(25)]
    assert [message["dtmf"]["digit"] for message in server.received if message["event"] == "dtmf"] == ["5"]


async def test_a_hang_up_through_rest_ends_the_stream_and_the_call(server: Any) -> None:
    async with TwilioRest(ACCOUNT, TOKEN) as rest:

        async def media(own: Any, socket: web.WebSocketResponse) -> None:
            start = await own.until(socket, "start")
            sid = start["start"]["callSid"]
            await own.rest_post(rest, sid, {"Status": "completed"})
            await own.until(socket, "stop")
            assert await own.next(socket) is None

        server.media = media
        outcome = await call(server, {"wait": "end"}, rest=rest, status_callback="/twilio/status")
    assert outcome.ok, outcome.complaints
    assert outcome.ended_by == "agent"
    assert server.received[-1]["event"] == "stop"
    assert len(server.told("/twilio/status")) == 1


async def test_a_redirect_through_rest_ends_the_stream_and_runs_the_new_instructions(server: Any) -> None:
    async with TwilioRest(ACCOUNT, TOKEN) as rest:

        async def media(own: Any, socket: web.WebSocketResponse) -> None:
            start = await own.until(socket, "start")
            twiml = '<Response><Dial action="/twilio/dial-done">+15550111</Dial></Response>'
            await own.rest_post(rest, start["start"]["callSid"], {"Twiml": twiml})
            await own.until(socket, "stop")

        server.media = media
        server.answers["/twilio/dial-done"] = web.Response(
            text="<Response><Hangup/></Response>", content_type="text/xml"
        )
        outcome = await call(server, {"wait": "end"}, rest=rest, dial_status="busy")
    assert outcome.ok, outcome.complaints
    assert outcome.dialled == ("+15550111",)
    assert server.told("/twilio/dial-done")[0]["DialCallStatus"] == "busy"
    assert outcome.ended_by == "agent"


async def test_when_the_server_closes_the_stream_the_action_is_asked_and_the_call_goes_on(server: Any) -> None:
    async def media(own: Any, socket: web.WebSocketResponse) -> None:
        await own.until(socket, "media")
        if len(own.started) > 1:
            await own.until(socket, "stop")

    server.media = media
    server.twiml = server.twiml.replace("<Connect>", '<Connect action="/twilio/stream-ended">')
    again = server.twiml.replace("token", "again")
    server.answers["/twilio/stream-ended"] = web.Response(text=again, content_type="text/xml")
    outcome = await call(server, {"pause": 0.2}, {"say": "hi"})
    assert [warning.code for warning in outcome.warnings] == [31921]
    assert [start["start"]["customParameters"]["session"] for start in server.started] == ["token", "again"]
    assert len(set(outcome.stream_sids)) == 2
    assert server.told("/twilio/stream-ended")[0]["CallStatus"] == "in-progress"
    assert outcome.unmet == ()
    assert outcome.ended_by == "caller"


async def test_without_action_the_next_verb_follows_and_then_the_call_ends(server: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("telephony.simulate.switch.SECONDS_PER_WORD", 0.0)

    async def media(own: Any, socket: web.WebSocketResponse) -> None:
        await own.until(socket, "media")

    server.media = media
    server.twiml = server.twiml.replace("</Connect>", "</Connect><Say>Sorry about that.</Say>")
    outcome = await call(server, {"wait": "end"})
    assert [seen.text for seen in outcome.observations if seen.kind == "carrier says"] == ["Sorry about that."]
    assert outcome.ended_by == "agent"
    server.twiml = server.twiml.replace("<Say>Sorry about that.</Say>", "")
    assert (await call(server, {"wait": "end"})).ended_by == "server"


async def test_mistakes_of_the_server_are_reported_with_twilios_numbers(server: Any) -> None:
    async def media(own: Any, socket: web.WebSocketResponse) -> None:
        await own.until(socket, "start")
        await socket.send_bytes(b"audio")
        await socket.send_str('{"event":"media","streamSid":"MZ","media":{"payload":""}}')
        await own.until(socket, "stop")

    server.media = media
    outcome = await call(server, {"pause": 0.1})
    assert [warning.code for warning in outcome.warnings] == [31950, 31951]
    assert not outcome.ok
    assert "Twilio 31950: binary frame" in outcome.complaints[0]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (web.Response(status=403), 11200, "answered 403"),
        (web.Response(status=302, headers={"Location": "/elsewhere"}), 11200, "answered 302"),
        (web.Response(text="<Response/>", content_type="text/plain"), 12300, "text/plain"),
        (web.Response(text="<Response>", content_type="text/xml"), 12100, "not XML"),
    ],
)
async def test_a_webhook_without_instructions_fails_the_call(server: Any, answer: Any, code: int, says: str) -> None:
    server.answers["/twilio/voice"] = answer
    outcome = await call(server, {"wait": "agent"}, "hang_up")
    assert (outcome.status, outcome.ended_by) == ("failed", "carrier")
    assert [warning.code for warning in outcome.warnings] == [code]
    assert says in outcome.warnings[0].message
    assert outcome.unmet == ("the call ended before the caller could wait for the agent to have spoken",)


async def test_a_server_that_is_not_there_fails_the_call(unused_tcp_port: int) -> None:
    class Nobody:
        url = f"http://127.0.0.1:{unused_tcp_port}"

    outcome = await call(Nobody, "hang_up")
    assert outcome.status == "failed"
    assert [warning.code for warning in outcome.warnings] == [11200]


async def test_a_refused_upgrade_is_reported_and_the_action_is_asked(server: Any) -> None:
    server.twiml = server.twiml.replace("/twilio/media", "/twilio/nowhere")
    outcome = await call(server, {"wait": "end"})
    assert [warning.code for warning in outcome.warnings] == [31920]
    assert server.told("/twilio/stream-status")[0]["StreamEvent"] == "stream-error"
    assert outcome.stream_sids == ()
    assert outcome.said == b""


async def test_a_server_that_hangs_up_by_twiml(server: Any) -> None:
    server.twiml = "<Response><Reject reason='busy'/></Response>"
    outcome = await call(server, {"wait": "end"})
    assert (outcome.status, outcome.ended_by, outcome.warnings) == ("busy", "agent", ())
    server.twiml = "<Response><Pause length='0'/><Hangup/></Response>"
    outcome = await call(server, {"wait": "end"})
    assert (outcome.status, outcome.ended_by) == ("completed", "agent")


async def test_documents_that_go_in_circles_are_cut_short(server: Any) -> None:
    server.twiml = "<Response><Redirect>/twilio/voice</Redirect></Response>"
    outcome = await call(server, {"wait": "end"})
    assert "go in circles" in outcome.warnings[0].message
    assert len(server.posts) == 50


async def test_the_time_limit_ends_the_call_in_the_middle(server: Any) -> None:
    outcome = await call(server, {"pause": 60}, time_limit=0.2)
    assert outcome.ended_by == "carrier"
    assert server.received[-1]["event"] == "stop"
    server.twiml = "<Response><Pause length='60'/></Response>"
    assert (await call(server, {"wait": "end"}, time_limit=0.05)).ended_by == "carrier"


async def test_several_calls_at_once_keep_apart(server: Any) -> None:
    outcomes = await asyncio.gather(*[call(server, {"say": "x" * number}) for number in range(1, 5)])
    assert all(outcome.ok for outcome in outcomes)
    assert [len(outcome.said) for outcome in outcomes] == [160, 320, 480, 640]
    assert len({outcome.call_sid for outcome in outcomes}) == 4


async def test_a_cancelled_call_leaves_nothing_behind(server: Any) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call(server, {"pause": 60}), name="call")
        await server.hears.wait()
        task.cancel()
    assert task.cancelled()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("MZ")]


async def test_impossible_requests_are_errors_before_anything_is_sent(server: Any) -> None:
    with pytest.raises(ConfigurationError, match="public_url"):
        await call(server, "hang_up", public_url="voice.example.com")
    with pytest.raises(ScriptError, match="recording that was not given"):
        await call(server, {"play": "x.wav"})
    assert server.posts == []
