"""The files that the calls of a process leave: recordings, cassettes, what callers say after the tone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path

from telephony.bridge.errands import MessageFile
from telephony.bridge.plan import Plan
from telephony.bridge.scribe import Scribe
from telephony.bridge.shelf import CassetteFile, Shelf, is_sampled
from telephony.bridge.tape import Tape
from telephony.bridge.writers import Writers
from telephony.carriers.base import Carrier
from telephony.encryption.keys import Key
from telephony.events import CallStarted
from telephony.exchange import Exchange
from telephony.settings import CallSettings

MakeShelf = Callable[[Executor], Shelf]


class Archive:
    """Where they go, the threads that write them, and the key that encrypts recordings and messages."""

    def __init__(self, recordings: Path, shelf: MakeShelf | None, key: Key | None = None) -> None:
        self._recordings = recordings
        self._key = key
        # Recordings have threads of their own: sync tools that hang must not keep them from the disk.
        self._writers = Writers(2, "tape")
        self._shelf = shelf(self._writers) if shelf else None

    @property
    def waiting(self) -> int:
        """Pieces that no thread has written yet."""
        return self._writers.waiting

    def close(self) -> None:
        """No call will come any more."""
        self._writers.shutdown(wait=False)

    def tape(self, scribe: Scribe, started: CallStarted) -> Tape:
        """The recording of a stream."""
        tape = Tape(self._recordings / f"{scribe.name}.wav", started.audio, self._writers, self._key)
        scribe.has_recording(str(tape.path))
        return tape

    def message(self, scribe: Scribe, started: CallStarted, errand: str) -> MessageFile:
        """What the caller leaves after the tone, beside the recording."""
        return MessageFile(self._recordings / f"{scribe.name}-{errand}.wav", started.audio, self._writers, self._key)

    def exchange(
        self,
        scribe: Scribe,
        plan: Plan,
        settings: CallSettings,
        started: CallStarted,
        carrier: Carrier,
        tape: Tape | None,
        opening: Iterable[str | bytes],
    ) -> tuple[CassetteFile | None, Exchange]:
        """The exchange of a stream, and the cassette that it is written on, if it is."""
        if self._shelf is None or not is_sampled(scribe.record.carrier_call_id, plan.cassette):
            return None, Exchange(settings, started, carrier, tape)
        file = self._shelf.file(scribe.name)
        scribe.has_cassette(str(file.path))
        exchange = self._shelf.exchange(file, settings, started, carrier, tape, dialect=plan.dialect, opening=opening)
        return file, exchange
