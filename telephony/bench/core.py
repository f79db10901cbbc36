"""`bench core`: a call without sockets, message in to messages out, beside the shortest way to do its audio.

The floor decodes, resamples linearly and encodes with the standard library, and knows nothing of turns, marks, time or
what was heard. So the ratio says what all of that costs, less what better codecs save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from telephony.audio.format import PCM16_24K
from telephony.bench import messages
from telephony.bench.figures import Figure
from telephony.bench.plain import PlainCall
from telephony.bench.timing import BLOCKS, Timing, compare
from telephony.carriers.twilio import TwilioStream
from telephony.events import CallStarted
from telephony.exchange import Exchange
from telephony.realtime import dialect
from telephony.settings import CallSettings, SessionConfig

SECONDS = 60
"""Of a call-minute."""
CYCLE = 4.0
"""Seconds: the model speaks for the first half of each, and the caller interrupts the last of it."""
FRAME = messages.FRAME_MS / 1000
DELTA = messages.DELTA_MS / 1000

Make = Callable[[CallSettings, CallStarted, TwilioStream], Exchange]
Message = tuple[float, bool, str]
"""Seconds, whether it is the carrier's, the message."""


def measure(blocks: int = BLOCKS, seconds: float = SECONDS) -> list[Figure]:
    """A caller's frame in, a model's delta out with its mark, and a whole minute of both with all that goes with it."""
    frame, delta = caller_frames(seconds), model_deltas(seconds)
    whole = _compare(conversation(seconds), blocks, 1e6 * seconds / SECONDS)
    return [
        *_compare(frame, blocks, len(frame)).figures("core.frame", "µs/20 ms"),
        *_compare(delta, blocks, sum(_is_audio(message) for _, _, message in delta)).figures("core.delta", "µs/100 ms"),
        Figure("core.call_minute", "CPU-s/call-min", whole.p50, whole.floor_p50),
    ]


def _compare(script: list[Message], blocks: int, count: float) -> Timing:
    """One whole performance of *script* is a block; the timing is of a *count*th of it."""
    timing = compare(lambda: play(script), lambda: play_plain(script), blocks=blocks, block=0)
    return Timing(*(value / count for value in msgspec.structs.astuple(timing)))


def _is_audio(message: str) -> bool:
    return '"media"' in message or 'audio.delta"' in message


# -- what happens --------------------------------------------------------------------------------------------------


def caller_frames(seconds: float) -> list[Message]:
    """The caller talks and nobody answers."""
    media = messages.MediaWriter()
    return [(number * FRAME, True, media(number)) for number in range(round(seconds / FRAME))]


def model_deltas(seconds: float) -> list[Message]:
    """The model talks in real time, and each mark comes back when it was heard."""
    script: list[Message] = [(0.0, False, messages.response_created("resp_1"))]
    pcm = messages.noise(PCM16_24K, messages.DELTA_MS)
    delta = messages.audio_delta("resp_1", "item_1", pcm)
    for number in range(round(seconds / DELTA)):
        script.append((number * DELTA, False, delta))
        script.append(((number + 1) * DELTA, True, messages.mark(f"m{number + 1}")))
    return sorted(script, key=lambda entry: entry[0])


def conversation(seconds: float) -> list[Message]:
    """The caller talks all the time and the model half of it; each of its answers is interrupted."""
    script = caller_frames(seconds)
    marks = iter(range(1, round(seconds / DELTA) + 1))
    for number in range(round(seconds / CYCLE)):
        script += _answer(number, marks)
    return sorted(script, key=lambda entry: entry[0])


def _answer(number: int, marks: Iterator[int]) -> list[Message]:
    response, item, caller = f"resp_{number}", f"item_{number}", f"caller_{number}"
    delta = messages.audio_delta(response, item, messages.noise(PCM16_24K, messages.DELTA_MS))
    at = number * CYCLE
    script: list[Message] = [
        (at, False, messages.response_created(response)),
        (at + 0.1, False, messages.words(response, item, "Whatever it is that an agent says.")),
    ]
    for place in range(round(CYCLE / 2 / DELTA)):
        script.append((at + place * DELTA, False, delta))
        script.append((at + (place + 1) * DELTA, True, messages.mark(f"m{next(marks)}")))
    over = at + CYCLE / 2 - DELTA / 2
    return [
        *script,
        (over, False, messages.speech_started(caller, round(over * 1000))),
        (over + 0.03, False, messages.response_done(response, "cancelled")),
        (at + CYCLE - 0.5, False, messages.speech_stopped(caller, round((at + CYCLE - 0.7) * 1000))),
        (at + CYCLE - 0.3, False, messages.caller_said(caller, "Whatever it is that a caller says.")),
    ]


# -- carried out ---------------------------------------------------------------------------------------------------


def play(script: list[Message]) -> int:
    """Give *script* to a new exchange that ticks whenever it wants to; returns how many messages it sent."""
    return perform(ready_exchange(), script)


def perform(exchange: Exchange, script: list[Message]) -> int:
    """Give *script* to *exchange*; returns how many messages it sent."""
    sent = 0
    for now, carrier, message in script:
        while (due := exchange.deadline()) is not None and due <= now:
            sent += len(exchange.tick(due))
        take = exchange.from_carrier if carrier else exchange.from_model
        sent += len(take(message, now))
    return sent


def ready_exchange(make: Make = Exchange) -> Exchange:
    """A call whose model has accepted the session, *make*d as it is wanted."""
    carrier = TwilioStream()
    (started,) = carrier.decode(messages.start())
    if not isinstance(started, CallStarted):
        raise TypeError(f"a start message was read as {started}")
    settings = CallSettings("bench", SessionConfig(), speaks_first=False)
    exchange = make(settings, started, carrier)
    exchange.model_connected(dialect("xai", settings.session), "bench", 0.0)
    exchange.from_model(messages.session_updated({"turn_detection": {"type": "server_vad"}}), 0.0)
    return exchange


def play_plain(script: list[Message]) -> int:
    """The audio of *script*, and nothing else."""
    call = PlainCall(messages.STREAM_ID)
    sent = 0
    for _, carrier, message in script:
        if _is_audio(message):
            (call.frame if carrier else call.delta)(message)
            sent += 1
    return sent
