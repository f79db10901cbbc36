"""Media streams of genuine calls that break the protocol, lie or go wild: over real sockets, against the whole process.

Whatever a stream says, it is bounded, told by its code why it was closed, leaves one record, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from offices import world
from raw_lines import Overheard, RawLine, raw_line
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

QUIET = Agent("frontdesk", speaks_first=False, audio="pcmu", limits={"caller_silence": 0})
"""Hears the telephone's own bytes, so that what it was sent can be compared to the bit, and says nothing."""
HUNG_UP = Termination("completed", "caller", "caller hung up")


def frame(number: int) -> bytes:
    """20 ms that cannot be mistaken for silence or for their neighbours."""
    return bytes([1 + number % 100]) * 160


async def listening(line: RawLine, overheard: Overheard) -> None:
    """Wait until the model hears the line."""
    await line.send(line.media(FIRST))
    await overheard.until(line.session, FIRST)


FIRST = b"\x65" * 160
LAST = b"\x66" * 160
"""20 ms at the beginning and at the end of what a test says."""


# -- what cannot be read -------------------------------------------------------------------------------------------

AUDIO = base64.b64encode(frame(0)).decode()


def media(payload: str, more: str = "") -> str:
    return f'{{"event":"media","media":{{"payload":{payload}}}{more}}}'


UNUSABLE: dict[str, str] = {
    "cut off": '{"event":"media","media":{"payload":"',
    "empty": "",
    "an array": "[]",
    "a text": '"media"',
    "no character": "\x00",
    "ten thousand brackets": "[" * 10_000,
    "deep where nobody looks": media(f'"{AUDIO}"', f',"extra":{"[" * 10_000}{"]" * 10_000}'),
    "not a number": media("NaN"),
    "a number of five thousand digits": media("9" * 5000),
    "an infinite timestamp": f'{{"event":"media","media":{{"payload":"{AUDIO}","timestamp":1e999}}}}',
    "two kinds at once": f'{{"event":"media","event":"stop","media":{{"payload":"{AUDIO}"}}}}',
    "half a character": '{"event":"dtmf","dtmf":{"digit":"\\ud800"}}',
    "a kind that is a number": '{"event":7}',
    "no kind": '{"media":{}}',
    "media without media": '{"event":"media"}',
    "no base64": media('"%%%%"'),
    "base64 that ends too early": media('"AAA"'),
    "no payload": media("null"),
    "a mark without a name": '{"event":"mark","mark":{}}',
    "no key of a keypad": '{"event":"dtmf","dtmf":{"digit":"12"}}',
}
"""20 of them: as many as a call may have."""


async def test_what_cannot_be_read_is_dropped_and_counted_until_it_is_too_much(tmp_path: Path) -> None:
    assert len(UNUSABLE) == 20
    overheard = Overheard()
    with capture_logs() as logs:
        async with world(tmp_path, {}, QUIET, on_event=overheard) as made:
            async with raw_line(made) as line:
                await listening(line, overheard)
                await line.send(*UNUSABLE.values(), line.media(LAST))
                await overheard.until(line.session, FIRST + LAST)
                await line.send(line.stop, line.stop)
                assert await line.closed() == 1000
                tolerated = await line.record()
            async with raw_line(made) as line:
                await listening(line, overheard)
                await line.send(*UNUSABLE.values(), "{", line.media(LAST))
                assert await line.closed() == 1008
                given_up = await line.record()
            assert overheard.spoken(line.session) == FIRST, "it was not heard any more"
            assert len(made.records) == 2
    assert tolerated.termination == HUNG_UP
    assert sum(note.startswith("The carrier sent something unusable") for note in tolerated.notes) > 10
    assert why(given_up) == ("failed", "carrier")
    assert given_up.termination is not None
    assert "more than 20 unusable messages" in given_up.termination.reason
    assert "exc_info" not in {key for line in logs for key in line}, "no bug of ours"


def why(record: CallRecord) -> tuple[str, str]:
    assert record.termination is not None
    return record.termination.result, record.termination.by


# -- what breaks the protocol --------------------------------------------------------------------------------------

Said = Callable[[RawLine], str | bytes]
BREACHES: dict[str, tuple[Said, int]] = {
    "a binary frame": (lambda line: line.media(LAST).encode(), 1003),
    "a message of 64 KiB": (lambda line: line.message("media", {"payload": "A" * 65_536}), 1009),
    "media of another stream": (lambda line: line.media(LAST).replace(line.stream_id, "MZ" + "9" * 32), 1008),
    "a key of another stream": (lambda line: line.key("1").replace(line.stream_id, "MZ" + "9" * 32), 1008),
    "the end of another stream": (lambda line: line.stop.replace(line.stream_id, "MZ" + "9" * 32), 1008),
    "a second start": (lambda line: line.start(), 1008),
    "a second start of another call": (lambda line: line.start(callSid="CA" + "9" * 32), 1008),
}


async def test_a_breach_of_the_protocol_ends_the_call_with_its_code_and_nobody_elses(tmp_path: Path) -> None:
    overheard = Overheard()
    async with world(tmp_path, {}, QUIET, on_event=overheard) as made, raw_line(made) as other:
        await listening(other, overheard)
        for breach, (said, code) in BREACHES.items():
            async with raw_line(made) as line:
                await listening(line, overheard)
                await line.send(said(line), line.media(LAST))
                assert await line.closed() == code, breach
                record = await line.record()
            assert why(record) == ("failed", "carrier"), breach
            assert overheard.spoken(line.session) == FIRST, breach
        await other.send(other.media(LAST))
        await overheard.until(other.session, FIRST + LAST)
        await other.send(other.stop)
        assert (await other.record()).termination == HUNG_UP
        assert len(made.records) == 1 + len(BREACHES)


async def test_a_stream_in_a_format_that_nobody_speaks_is_refused_and_the_log_says_so(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with world(tmp_path, {}, QUIET) as made, raw_line(made, started=False) as line:
            await line.send(line.start("audio/opus"))
            assert await line.closed() == 1008
    (refusal,) = [line for line in logs if line["event"] == "media stream refused"]
    assert "opus" in refusal["reason"]


# -- what is odd ---------------------------------------------------------------------------------------------------


async def test_odd_frames_are_cut_or_dropped_and_the_rest_is_heard_whole(tmp_path: Path) -> None:
    overheard = Overheard()
    long = b"".join(frame(n) for n in range(100))
    async with world(tmp_path, {}, QUIET, on_event=overheard) as made:
        async with raw_line(made) as line:
            await listening(line, overheard)
            await line.send(
                line.media(b""),
                line.media(b"\x05"),
                line.media(frame(1), track="outbound"),
                '{"event":"tomorrow"}',
                line.media(long),
                line.media(LAST),
            )
            await overheard.until(line.session, FIRST + b"\x05" + long + LAST)
            await line.send(line.stop)
            record = await line.record()
        assert record.termination == HUNG_UP
        assert made.outside.faults() == []


SILENCE = b"\xff" * 160
ORDERS: dict[str, tuple[list[int], list[bytes]]] = {
    "as they were spoken": ([0, 1, 2], [frame(0), frame(1), frame(2)]),
    "one that comes twice": ([0, 1, 1, 2], [frame(0), frame(1), frame(2)]),
    "one that comes too late": ([0, 2, 1, 3], [frame(0), frame(2), frame(3)]),
    "three that are lost": ([0, 4], [frame(0), *[SILENCE] * 3, frame(4)]),
    "twenty that are lost": ([0, 21], [frame(0), *[SILENCE] * 10, frame(21)]),
    "a clock that jumps ahead": ([0, 90_001, 90_002], [frame(0), frame(90_001), frame(90_002)]),
}
"""Numbers of frames as they come, and what the model hears of them."""


async def test_holes_are_filled_within_bounds_and_nothing_is_heard_twice(tmp_path: Path) -> None:
    overheard = Overheard()
    async with world(tmp_path, {}, QUIET, on_event=overheard) as made:
        for what, (order, expected) in ORDERS.items():
            async with raw_line(made) as line:
                await line.send(*[line.media(frame(number), 20 * number) for number in order])
                await line.send(line.media(LAST))
                await overheard.until(line.session, LAST)
                heard, _, _ = overheard.audio[line.session].partition(LAST)
                await line.send(line.stop)
                assert (await line.record()).termination == HUNG_UP, what
            assert heard == b"".join(expected), what


async def test_a_stream_ten_times_too_fast_is_cut_to_what_can_be_spoken_and_others_do_not_notice(
    tmp_path: Path,
) -> None:
    overheard, began = Overheard(), asyncio.get_running_loop().time()
    steps: list[Any] = [{"wait": "agent"}, {"say": "Are you there?"}, {"wait": "agent"}, "hang_up"]
    desk = Agent("desk", greeting="Hello.")
    model = {"replies": [{"on": "speech", "hears": "Are you there?", "say": "Yes."}]}
    numbers = {"+15550100": "frontdesk", "*": "desk"}
    async with world(tmp_path, model, QUIET, desk, on_event=overheard, numbers=numbers) as made:
        async with raw_line(made) as line, asyncio.TaskGroup() as group:
            await listening(line, overheard)
            calling = group.create_task(made.call(*steps, to="+15550199"), name="another caller")
            sent = 0
            while not calling.done():
                await line.send(*[line.media(frame(sent + n), 20 * (sent + n)) for n in range(10)])
                sent += 10
                await asyncio.sleep(0.02)
            await line.send(line.media(LAST), line.stop)
            record = await line.record()
        seconds = asyncio.get_running_loop().time() - began
        assert sent * 0.02 > 2 * (seconds + 3), "it was too fast by far"
        assert len(overheard.audio[line.session]) / 8000 <= seconds * 1.01 + 3.1
        assert record.termination == HUNG_UP
        assert ["faster than anybody speaks" in note for note in record.notes] == [True]
        assert record.duration < seconds + 1
        assert calling.result().complaints == []
        assert [turn.heard for turn in (await made.record(calling.result())).turns] == [
            "Hello.",
            "Are you there?",
            "Yes.",
        ]
        recording = (tmp_path / "recordings" / f"{record.id}.wav").stat().st_size
        assert recording < (seconds + 5) * 32_000


async def test_a_flood_of_keys_is_one_number_of_bounded_length(tmp_path: Path) -> None:
    told: list[str] = []

    def on_event(session: Any, direction: str, message: str | bytes) -> None:
        if direction == "in" and "conversation.item.create" in str(message):
            told.append(str(message))

    async with world(tmp_path, {}, QUIET, on_event=on_event) as made, raw_line(made) as line:
        await line.send(line.media(FIRST), *[line.key("7") for _ in range(1000)], line.key("#"))
        async with asyncio.timeout(10):
            while not told:  # noqa: ASYNC110  the model says nothing of it
                await asyncio.sleep(0.01)
        await line.send(line.stop)
        record = await line.record()
    assert record.termination == HUNG_UP
    (number,) = told
    assert "7" * 64 in number
    assert "7" * 65 not in number
