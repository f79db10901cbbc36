"""`<Record>` and `<Gather>` carried out: what they tell, and the recording that the REST API has afterwards."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from telephony.audio.g711 import mulaw_to_pcm
from telephony.sim.caller import SimulatedCaller
from telephony.simulate.board import CallRecording, Switchboard
from telephony.simulate.listening import Bounds, Heard, listen
from telephony.simulate.live import LiveCall
from telephony.simulate.requests import Courier, Fields
from telephony.simulate.twiml_input import GatherVerb, RecordVerb

PROCESSING = 0.3
"""Seconds after its end until a recording can be fetched. Twilio takes some seconds."""
WORD = 0.3
"""Seconds that a word of what is said during a `<Gather>` takes."""


class Answer(msgspec.Struct, frozen=True):
    """What came of a verb that listens."""

    hung_up: bool = False
    """Whether the caller did."""
    asks: bool = False
    """Whether the action is asked for instructions."""
    extra: Fields = []
    """What it is told."""


class Recorder:
    """Listens to one call. *start* runs what goes on beside it."""

    def __init__(
        self,
        courier: Courier,
        caller: SimulatedCaller,
        live: LiveCall,
        board: Switchboard | None,
        start: Callable[[Coroutine[object, object, object], str], object],
    ) -> None:
        self._courier = courier
        self._caller = caller
        self._live = live
        self._board = board
        self._start = start
        self._clock = asyncio.get_running_loop().time

    async def record(self, verb: RecordVerb) -> Answer:
        """What a `<Record>` does: nothing is asked if nobody spoke."""
        bounds = Bounds(verb.timeout, verb.max_length, verb.finish_on_key)
        heard = await listen(self._caller, self._live, self._clock, bounds)
        hung_up = heard.end == "caller hung up"
        recording = CallRecording(self._live.sid, 1)
        if not heard.spoken:
            self._tell(verb, recording, "absent", 0)
            return Answer(hung_up)
        recording.source = "RecordVerb"
        seconds = max(1, round(len(heard.audio) / 8000))
        if self._board:
            self._board.recordings[recording.sid] = recording
        self._start(self._process(recording, bytes(heard.audio), verb, seconds), f"{recording.sid} is processed")
        fields = [
            ("RecordingUrl", self._address(recording)),
            ("RecordingSid", recording.sid),
            ("RecordingDuration", str(seconds)),
        ]
        if pressed := _pressed(heard, verb):
            fields.append(("Digits", pressed))
        return Answer(hung_up, True, fields)

    async def gather(self, verb: GatherVerb) -> Answer:
        """What a `<Gather>` does."""
        said = WORD * len(verb.say.split())
        bounds = Bounds(said + verb.timeout, said + 600, verb.finish_on_key, verb.digits, sounds=False)
        heard = await listen(self._caller, self._live, self._clock, bounds)
        hung_up = heard.end == "caller hung up"
        asks = bool(heard.keys) or verb.on_empty
        return Answer(hung_up, asks, [("Digits", heard.keys), ("FinishedOnKey", "")] if heard.keys else [])

    async def _process(self, recording: CallRecording, audio: bytes, verb: RecordVerb, seconds: int) -> None:
        await asyncio.sleep(PROCESSING)
        recording.audio = wav(audio)
        recording.status = "completed"
        recording.history.append("completed")
        await self._told(verb, recording, "completed", seconds)

    def _tell(self, verb: RecordVerb, recording: CallRecording, status: str, seconds: int) -> None:
        self._start(self._told(verb, recording, status, seconds), f"{recording.sid} {status}")

    async def _told(self, verb: RecordVerb, recording: CallRecording, status: str, seconds: int) -> None:
        if not verb.status_callback or status not in verb.events:
            return
        fields = [
            ("AccountSid", self._live.account_sid),
            ("CallSid", self._live.sid),
            ("RecordingSid", recording.sid),
            ("RecordingUrl", self._address(recording)),
            ("RecordingStatus", status),
            ("RecordingDuration", str(seconds)),
            ("RecordingChannels", "1"),
            ("RecordingStartTime", format_datetime(datetime.now(UTC))),
            ("RecordingSource", "RecordVerb"),
            ("RecordingTrack", "inbound"),
        ]
        await self._courier.tell(f"recording {status}", verb.status_callback, verb.status_method, fields)

    def _address(self, recording: CallRecording) -> str:
        return f"https://api.twilio.com/2010-04-01/Accounts/{self._live.account_sid}/Recordings/{recording.sid}"


def wav(mulaw: bytes) -> bytes:
    """*mulaw* at 8000 Hz as a WAV file of 16-bit PCM, which is what Twilio hands out."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(mulaw_to_pcm(mulaw))
    return buffer.getvalue()


def _pressed(heard: Heard, verb: RecordVerb) -> str:
    if heard.end == "caller hung up":
        return "hangup"
    return verb.finish_on_key[:1] if heard.end == "key" else ""
