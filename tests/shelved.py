"""Calls whose cassettes lie on a real shelf, driven by hand: a caller who says nothing, fifty times a second."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from front_door import media, start
from telephony.bridge.shelf import Shelf
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.recorder import RecordedExchange
from telephony.cassette.replay import Replayed, replay
from telephony.events import CallStarted
from telephony.realtime import dialect
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.settings import CallSettings, SessionConfig

SETTINGS = CallSettings("desk", SessionConfig())
READY = '{"type":"session.updated","session":{"turn_detection":{"type":"server_vad"}}}'
BIG = 10**9


class Made:
    """A call whose cassette lies on a shelf."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.file = shelf.file(name)
        carrier = TwilioStream()
        (started,) = carrier.decode(start(None))
        assert isinstance(started, CallStarted)
        self.exchange: RecordedExchange = shelf.exchange(
            self.file, SETTINGS, started, carrier, None, dialect="xai", opening=[start(None)]
        )
        self.exchange.model_connected(dialect("xai", SETTINGS.session), "xai/test", 0.0)
        self.exchange.from_model(READY, 0.0)

    def talk(self, since: float, until: float) -> None:
        for frame in range(round(since * 50), round(until * 50)):
            self.exchange.from_carrier(media(), frame / 50)


def shelf_in(folder: Path, pool: ThreadPoolExecutor, largest: int = BIG, total: int = BIG) -> Shelf:
    return Shelf(folder, largest, total, str, pool)


def replayed(path: Path) -> Replayed:
    result = replay(open_cassette(path), new_carrier)
    assert result.divergence is None
    return result
