"""`bench replay`: what an hour of a recorded call costs to replay, beside the shortest way to do its audio.

The call is that of `bench core`: the caller talks all the time and the model half of it, at 24 kHz.
"""

from __future__ import annotations

from telephony.bench import core, messages
from telephony.bench.figures import Figure, Target
from telephony.bench.timing import BLOCKS, compare
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.format import Cassette
from telephony.cassette.recorder import RecordedExchange, Recorder, header_of
from telephony.cassette.replay import replay
from telephony.commands import EndCall
from telephony.events import CallEnded, CallStarted
from telephony.runtime.cassettes import new_carrier
from telephony.settings import CallSettings

HOUR = 3600
TARGET = Target("value", 5.0)


def measure(blocks: int = BLOCKS, seconds: float = core.SECONDS) -> list[Figure]:
    """CPU seconds for an hour of call, and megabytes that it takes on disk."""
    script, lines = core.conversation(seconds), cassette(seconds)
    floor = core.play_plain

    def again() -> None:
        if replay(Cassette("bench", lines), new_carrier).divergence:
            raise RuntimeError("a replay went another way than its recording")

    timing = compare(again, lambda: floor(script), blocks=blocks, block=0)
    hours = seconds / HOUR
    return [
        Figure("replay.call_hour", "CPU-s/call-h", timing.p50 / 1e6 / hours, timing.floor_p50 / 1e6 / hours, TARGET),
        Figure("replay.size", "MB/call-h", sum(map(len, lines)) / 1e6 / hours),
    ]


def cassette(seconds: float) -> list[bytes]:
    """The lines of a call of so many seconds."""
    lines: list[bytes] = []
    recorder = Recorder(lines.append)

    def make(settings: CallSettings, started: CallStarted, carrier: TwilioStream) -> RecordedExchange:
        recorder.begin(header_of(settings, started, "twilio", "xai"), [messages.start()])
        return RecordedExchange(settings, started, carrier, recorder=recorder)

    exchange = core.ready_exchange(make)
    core.perform(exchange, core.conversation(seconds))
    outputs = exchange.handle(CallEnded("caller", "caller hung up"), seconds)
    if not any(isinstance(output, EndCall) for output in outputs):
        raise RuntimeError("the call did not end")
    return lines
