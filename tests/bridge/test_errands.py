"""Tools wait for what they want of the call, and a message of the caller's becomes a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from telephony.audio import wav
from telephony.audio.format import MULAW_8K, PCM16_8K
from telephony.bridge.errands import Errands, MessageFile
from telephony.commands import ErrandDone, MessageAudio
from telephony.events import ErrandDropped, Event, KeysWanted, MessageWanted, TonesWanted

SECOND = b"\x10\x90" * 4000


class Clock:
    now = 1.0


class Desk:
    """Errands with everything that they told the conversation."""

    def __init__(self, folder: Path) -> None:
        self.fed: list[Event] = []
        self.path = folder / "call-errand-1.wav"
        self.errands = Errands(
            self.fed.append, Clock(), lambda name: MessageFile(folder / f"call-{name}.wav", MULAW_8K)
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_whoever_wants_something_waits_until_it_is_done(desk: Desk) -> None:
    async with asyncio.TaskGroup() as group:
        one = group.create_task(desk.errands.run(lambda name: TonesWanted(name, "1")), name="one")
        other = group.create_task(desk.errands.run(KeysWanted), name="other")
        await asyncio.sleep(0)
        assert desk.fed == [TonesWanted("errand-1", "1"), KeysWanted("errand-2")]
        desk.errands.done(ErrandDone("errand-2", "ok", "42"))
        assert (await other).done.keys == "42"
        assert not one.done()
        desk.errands.done(ErrandDone("errand-1"))
        desk.errands.done(ErrandDone("errand-1", "cut"))
    assert one.result().done.outcome == "ok"


async def test_whoever_is_cancelled_takes_the_errand_back(desk: Desk) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.errands.run(KeysWanted), name="keys")
        await asyncio.sleep(0)
        task.cancel()
    assert desk.fed == [KeysWanted("errand-1"), ErrandDropped("errand-1")]
    desk.errands.done(ErrandDone("errand-1"))


async def test_a_message_is_whole_when_its_tool_hears_of_it(desk: Desk) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.errands.run(MessageWanted), name="message")
        await asyncio.sleep(0)
        for _ in range(3):
            desk.errands.message(MessageAudio("errand-1", SECOND))
            await desk.errands.write()
        desk.errands.done(ErrandDone("errand-1", seconds=3.0))
    assert task.result().path == str(desk.path)
    recording = wav.read(desk.path.read_bytes())
    assert (recording.format, recording.channels, len(recording.data)) == (PCM16_8K, 1, 48_000)
    assert desk.errands.messages == [f"The caller left a message; it is in {desk.path}"]


async def test_a_message_that_the_end_of_the_call_cuts_short_is_kept(desk: Desk) -> None:
    desk.errands.message(MessageAudio("errand-1", SECOND))
    await desk.errands.close()
    await desk.errands.close()
    assert len(wav.read(desk.path.read_bytes()).data) == 16_000
    assert len(desk.errands.messages) == 1


async def test_a_message_that_the_disk_will_not_have_is_told_of(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "missing")
    desk.errands.message(MessageAudio("errand-1", SECOND))
    await desk.errands.close()
    assert "could not be kept: No such file" in desk.errands.messages[0]


async def test_a_message_nobody_keeps_costs_nothing() -> None:
    errands = Errands(lambda event: None, Clock(), None)
    errands.message(MessageAudio("errand-1", SECOND))
    await errands.close()
    assert errands.messages == []
