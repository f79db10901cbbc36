"""Lets both sides hear each other when it is asked to; what goes out is the same, and stands where it stood."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

import tapes
from telephony.audio.transcode import Transcoder
from telephony.cassette.format import Cassette, decode_line
from telephony.cassette.patient import Waiting, Written
from telephony.cassette.player import Player, heard, spelled
from telephony.runtime.cassettes import new_carrier


def played(lines: tuple[bytes, ...], patience: int) -> list[list[bytes]]:
    """What goes out in each step if both sides hear each other after every so many steps."""
    source = Cassette("a", lines)
    player = Player(source, new_carrier, None, None)
    steps: list[list[Written]] = []
    for number, read in enumerate(source.lines, 2):
        if read.dir == "in":
            steps.append(player.give(read, number))
            if len(steps) % patience == 0:
                player.hear_out()
    player.hear_out()
    assert all(heard(written) for written in steps)
    return [spelled(written) for written in steps]


def then(lines: tuple[bytes, ...]) -> list[list[bytes]]:
    """What went out in each step."""
    steps: list[list[bytes]] = []
    for text in lines[1:]:
        if decode_line(text).dir == "in":
            steps.append([])
        else:
            steps[-1].append(text)
    return steps


@pytest.mark.parametrize("patience", [1, 2, 7, 50, 10_000])
def test_how_long_a_frame_waits_changes_nothing_of_what_goes_out(patience: int) -> None:
    assert played(tapes.call(), patience) == then(tapes.call())


def test_a_frame_that_waits_holds_its_place() -> None:
    source = Cassette("a", tapes.call())
    player = Player(source, new_carrier, None, None)
    waiting = {"carrier": 0, "model": 0}
    for number, read in enumerate(source.lines, 2):
        if read.dir == "in":
            written = player.give(read, number)
            waiting[read.ch] = waiting.get(read.ch, 0) + sum(isinstance(entry, Waiting) for entry in written)
            assert heard(written) != any(isinstance(entry, Waiting) for entry in written)
    assert waiting["carrier"] > 100
    assert waiting["model"] > 10


def test_what_was_said_before_the_stream_ended_goes_out_though_it_is_heard_after() -> None:
    lines = tapes.call()
    spoken = next(at for at, text in enumerate(lines) if tapes.AUDIO in text)
    came_in = next(at for at in range(spoken, 0, -1) if decode_line(lines[at]).dir == "in")
    player = Player(Cassette("a", lines), new_carrier, None, None)
    written: list[Written] = []
    for number, text in enumerate(lines[1 : came_in + 1], 2):
        if (read := decode_line(text)).dir == "in":
            written = player.give(read, number)
    assert any(isinstance(entry, Waiting) for entry in written)
    started = decode_line(lines[2]).message
    stop = {"event": "stop", "streamSid": started["streamSid"], "stop": {"callSid": started["start"]["callSid"]}}
    now = decode_line(lines[came_in]).t
    player.give(decode_line(json.dumps({"t": now, "ch": "carrier", "dir": "in", "msg": stop}).encode()), 0)
    assert spelled(written) == then((*lines[:1], *lines[came_in:]))[0]
    assert lines[spoken] in spelled(written)


def test_a_mistake_in_what_is_done_later_is_found_at_the_frame_that_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = tapes.call()

    def stumble(self: Transcoder, payloads: Sequence[bytes]) -> list[bytes]:
        raise ArithmeticError

    monkeypatch.setattr(Transcoder, "feed_all", stumble)
    result = tapes.replayed(lines)
    assert result.failure
    assert result.failure.what == "ArithmeticError"
    divergence = result.divergence
    assert divergence
    assert divergence.cause
    assert divergence.expected
    assert divergence.expected.message["type"] == "input_audio_buffer.append"
    assert divergence.got is None
    begun, first, *_ = [number for number, text in enumerate(lines, 1) if b'"input_audio_buffer.append"' in text]
    assert begun < divergence.number == first - 1, "what was heard at the beginning of the session did not wait"
    assert divergence.t == decode_line(lines[first - 1]).t
