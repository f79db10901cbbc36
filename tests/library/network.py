"""What telephone networks do to a stream: frames lost, doubled, late, not sent at all, and messages nobody can use."""

from __future__ import annotations

import json

from library.kit import ANSWER, ASK, ASKS, LISTENS, TELL, at, call, from_carrier, spoken_with
from library.tape import Tape
from telephony.events import CarrierLost
from telephony.sim.caller_faults import CallerFaults

STREAM = "MZ" + "0" * 31 + "1"
CALL = "CA" + "0" * 31 + "1"
UNUSABLE = [
    "no JSON at all",
    json.dumps({"event": "media", "streamSid": STREAM, "media": {"payload": "%%%"}}),
    json.dumps({"event": "mark", "streamSid": STREAM}),
    json.dumps({"event": "dtmf", "streamSid": STREAM, "dtmf": {"digit": "X"}}),
    json.dumps({"event": "from.the.future", "streamSid": STREAM}),
]


def answered(tape: Tape) -> bool:
    """The caller was understood and answered, in spite of everything."""
    return bool(tape.callers == [ASK] and tape.agents == [TELL])


NETWORK = [
    call(
        "frames-lost",
        "Holes that the stream's own timestamps show are filled with silence, so that the model's clock goes on.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: (
            answered(tape)
            and int(tape.from_carrier("media")[-1]["media"]["chunk"]) > len(tape.from_carrier("media")) + 6
        ),
        faults=CallerFaults(seed=5, frames_lost=0.35),
    ),
    call(
        "frames-doubled",
        "A frame that comes twice is heard once.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: (
            answered(tape) and len(tape.to_model("input_audio_buffer.append")) < 0.85 * len(tape.from_carrier("media"))
        ),
        faults=CallerFaults(seed=5, frames_doubled=0.3),
    ),
    call(
        "frames-late",
        "Frames that come late and in bursts are taken as they are: nothing is made up in between.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: (
            answered(tape) and len(tape.from_carrier("media")) - 12 < len(tape.to_model("input_audio_buffer.append"))
        ),
        faults=CallerFaults(seed=5, jitter_ms=60, burst_ms=120),
    ),
    call(
        "silence-not-sent",
        "A carrier that sends nothing while the caller is silent: silence is made up by the clock, or the model would "
        "wait for ever for the end of the turn.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and len(tape.from_carrier("media")) < 30,
        faults=CallerFaults(silence_suppressed=True),
    ),
    call(
        "frames-without-timestamps",
        "A carrier that says nothing of where a frame belongs is believed to send them in order.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and "timestamp" not in tape.from_carrier("media")[0]["media"],
        faults=CallerFaults(counters="missing"),
    ),
    call(
        "carrier-somleng",
        "Another carrier that speaks Twilio's protocol puts its parameters elsewhere and counts in numbers.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and "customParameters" in tape.from_carrier("start")[0],
        faults=CallerFaults(variant="somleng", counters="integers"),
    ),
    call(
        "carrier-sends-unusable-messages",
        "What cannot be used is noted and passed over, and a kind of message that is new is none of our business.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and tape.notes.count("unusable") == 4,
        prepare=from_carrier(0.3, *UNUSABLE),
    ),
    call(
        "carrier-breaks-the-protocol",
        "A second start cannot be survived: the call ends, and the record says whose fault it was.",
        [{"pause": 5}],
        [],
        lambda tape: tape.ending[:2] == ("failed", "carrier") and "second start" in tape.ending[2],
        prepare=from_carrier(
            0.3, json.dumps({"event": "start", "start": {"streamSid": STREAM, "callSid": CALL}, "streamSid": STREAM})
        ),
        until=2.0,
        unmet=True,
    ),
    call(
        "carrier-stops-sending",
        "A stream in which nothing comes any more is taken for lost after a while.",
        [{"pause": 0.5}, *ASKS],
        [],
        lambda tape: tape.ending == ("failed", "carrier", "the carrier sent nothing any more"),
        faults=CallerFaults(silence_suppressed=True),
        limit={"stream_silence": 0.4},
        until=2.0,
        unmet=True,
    ),
    call(
        "carrier-socket-lost",
        "A media stream whose socket breaks ends the call as the carrier's failure.",
        [*ASKS, {"pause": 5}],
        [ANSWER | {"say": "On Friday."}],
        lambda tape: tape.ending == ("failed", "carrier", "media stream lost: reset") and tape.cut,
        prepare=at(0.8, CarrierLost("reset")),
        until=2.0,
        unmet=True,
    ),
    *[
        call(
            f"audio-{audio}",
            "Telephone audio is transcoded to what the model speaks and back, exact to the bit.",
            [*ASKS, *LISTENS],
            [ANSWER],
            lambda tape, audio=audio: answered(tape) and tape.header.agent["audio"] == audio,
            session=spoken_with(audio=audio),
        )
        for audio in ("pcm16-16k", "pcm16-8k", "pcma")
    ],
    call(
        "audio-pcm16-interrupted",
        "After a clear the filters begin anew, so that nothing of what was thrown away sounds into what follows.",
        [*ASKS, {"wait": {"agent_ms": 60}}, {"say": "Hm?"}, {"wait": {"agent_ms": 60}}, "hang_up"],
        [ANSWER | {"say": "Friday"}, {"on": "speech", "hears": "Hm?", "say": "Yes."}],
        lambda tape: tape.to_carrier("clear") and len(tape.record["turns"]) == 4,
        model={"speed": [1.0, 1.0]},
        session=spoken_with(audio="pcm16"),
    ),
]
