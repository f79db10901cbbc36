"""The clock on the wall is set while somebody calls: what lasts is measured by another one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import aiohttp
import pytest

from offices import world
from raw_lines import CONNECTED, Overheard, form_of, new_call, post, raw_line
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.settings.numbers import NumberSettings, OpeningHours, Route

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

HOUR = timedelta(hours=1)
SetClock = Callable[[timedelta], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets the clock of the whole program ahead by so much, or back."""
    ahead = timedelta(0)

    class Wall(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            told = super().now(tz) + ahead
            return cls.fromtimestamp(told.timestamp(), tz)

    for name, module in list(sys.modules.items()):
        if name.startswith("telephony.") and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Wall)

    def set_to(by: timedelta) -> None:
        nonlocal ahead
        ahead = by

    return set_to


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])
async def test_neither_a_call_nor_its_proof_nor_its_length_depends_on_it(
    tmp_path: Path, set_clock: SetClock, jump: timedelta
) -> None:
    frame, overheard = b"\x40" * 160, Overheard()
    agent = Agent("frontdesk", speaks_first=False, audio="pcmu")
    async with world(tmp_path, {}, agent, on_event=overheard) as made:
        before = datetime.now().astimezone()
        async with raw_line(made, started=False) as line:
            set_clock(jump)  # between the webhook and its stream: the proof is good for a minute, not for an hour
            await line.send(CONNECTED, line.start(), line.media(frame))
            await overheard.until(line.session, frame)
            set_clock(-jump)
            await line.send(line.media(frame))
            await overheard.until(line.session, frame * 2)
            assert list(made.office.calls.live) == [line.call_id]
            await made.office.keeper.round()
            await line.send(line.stop)
            record = await line.record()
        assert made.outside.faults() == []
        assert record.termination == Termination("completed", "caller", "caller hung up")
        assert 0 <= record.duration < 60
        assert record.started_at is not None
        assert abs(record.started_at - before - jump) < HOUR / 2, "the clock was not set"


async def test_a_caller_who_was_sent_on_was_there_as_long_as_they_were(tmp_path: Path, set_clock: SetClock) -> None:
    numbers = {"*": NumberSettings(agent="frontdesk", hours="never", closed=Route(forward="+15550177"))}
    never = {"never": OpeningHours(timezone="Europe/Berlin")}
    async with (
        world(tmp_path, {}, Agent("frontdesk"), numbers=numbers, hours=never) as made,
        aiohttp.ClientSession() as session,
    ):
        for jump in (HOUR, -HOUR):
            call_id = new_call()
            set_clock(timedelta(0))
            _, twiml = await post(session, made.office.settings, "/twilio/voice", form_of(call_id))
            assert "+15550177" in twiml
            set_clock(jump)
            await post(session, made.office.settings, "/twilio/status", form_of(call_id, "completed"))
            assert 0 < (await made.record_of(call_id)).duration < 60
