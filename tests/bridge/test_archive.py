"""The files of calls: named after the record and the stream, and there only where they are wanted."""

from __future__ import annotations

from pathlib import Path

from telephony.audio.format import MULAW_8K
from telephony.bridge.archive import Archive
from telephony.bridge.scribe import Caller, Scribe
from telephony.events import CallStarted

STARTED = CallStarted("CA1", "MZ1", MULAW_8K)


def test_a_recording_and_a_message_are_named_after_the_record_which_knows_the_recording(tmp_path: Path) -> None:
    archive, scribe = Archive(tmp_path, None), Scribe(Caller("CA1", "desk", "+1", "+2"), "twilio")
    assert archive.tape(scribe, STARTED).path == tmp_path / f"{scribe.record.id}.wav"
    assert scribe.record.recording == str(tmp_path / f"{scribe.record.id}.wav")
    assert archive.message(scribe, STARTED, "e1").path == tmp_path / f"{scribe.record.id}-e1.wav"
    assert archive.waiting == 0
    archive.close()
