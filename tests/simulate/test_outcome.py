"""What became of a call, as a recording and as complaints."""

from __future__ import annotations

import io
import wave

from telephony.sim.caller_inbox import TwilioWarning
from telephony.simulate.outcome import CallOutcome


def outcome(**changes: object) -> CallOutcome:
    plain = {
        "call_sid": "CA" + "1" * 32,
        "stream_sids": (),
        "status": "completed",
        "ended_by": "caller",
        "warnings": (),
        "unmet": (),
        "observations": (),
        "exchanges": (),
        "dialled": (),
        "said": b"",
        "heard": b"",
        "duration": 1.0,
    }
    return CallOutcome(**{**plain, **changes})  # type: ignore[arg-type]


def test_warnings_and_unmet_steps_are_complaints() -> None:
    assert outcome().ok
    told = outcome(warnings=(TwilioWarning(11200, "no answer"),), unmet=("say 'Hi'",))
    assert (told.ok, told.complaints) == (False, ["Twilio 11200: no answer", "say 'Hi'"])


def test_the_recording_has_a_side_for_each_and_silence_where_one_ends() -> None:
    with wave.open(io.BytesIO(outcome(said=b"\x00" * 160, heard=b"\x00" * 80).stereo_wav())) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 160)
        frames = file.readframes(160)
    assert frames[4 * 79 + 2 : 4 * 79 + 4] != b"\x00\x00"
    assert frames[4 * 80 + 2 : 4 * 80 + 4] == b"\x00\x00"
