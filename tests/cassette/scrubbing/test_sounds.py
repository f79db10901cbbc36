"""Both voices of a call: others, as loud as they were, and silent where they were."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import tapes
from scrubbed import again, amplitudes, level, scrubbed, sounds
from taped import recorded
from telephony.cassette.format import Cassette, Line, decode_line, line
from telephony.cassette.scrubbing.sounds import Sounds
from telephony.runtime.cassettes import new_carrier

Pair = tuple[Line, bytes, bytes]


@cache
def pairs() -> list[Pair]:
    """Each message with its audio then and now: of the telephone and of the model."""
    before = Cassette("call.jsonl", tapes.call())
    after = again(scrubbed(before))
    return [(entry, then, now) for (entry, then), (_, now) in zip(sounds(before), sounds(after), strict=True)]


def of(channel: str) -> list[Pair]:
    return [pair for pair in pairs() if pair[0].ch == channel]


@pytest.mark.parametrize("channel", ["carrier", "model"])
def test_a_voice_is_another_and_as_loud(channel: str) -> None:
    spoken = [(amplitudes(entry, then), amplitudes(entry, now)) for entry, then, now in of(channel)]
    spoken = [(then, now) for then, now in spoken if then.any()]
    assert len(spoken) > 20
    for then, now in spoken:
        assert len(now) == len(then)
        assert abs(20 * np.log10(level(now) / level(then))) < 1
    whole_then, whole_now = (np.concatenate(side) for side in zip(*spoken, strict=True))
    assert abs(np.corrcoef(whole_then, whole_now)[0, 1]) < 0.1


def test_silence_stays_silence() -> None:
    silent = [(entry, now) for entry, then, now in pairs() if not amplitudes(entry, then).any()]
    assert len(silent) > 100
    assert not any(amplitudes(entry, now).any() for entry, now in silent)


def test_nothing_else_of_a_message_changes() -> None:
    before = Cassette("call.jsonl", tapes.call())
    disguised = Sounds(before, new_carrier, b"")
    for entry in before.lines:
        if entry.dir == "out":
            continue
        made = disguised.replaced(entry)
        if made is None:
            continue
        other = decode_line(line(entry.t, entry.ch, "in", made, entry.session)).message
        message = entry.message
        if entry.ch == "carrier":
            assert other["media"] | {"payload": ""} == message["media"] | {"payload": ""}
            other, message = other | {"media": 0}, message | {"media": 0}
        assert other | {"delta": ""} == message | {"delta": ""}


def test_what_holds_no_audio_is_not_touched() -> None:
    disguised = Sounds(Cassette("call.jsonl", tapes.call()), new_carrier, b"")
    for message in (
        '{"event":"mark","mark":{"name":"m1"}}',
        '{"event":"media","media":{"payload":"?"}}',
        '{"event":"media","media":{"payload":7}}',
        '{"event":"media","media":null}',
        '{"event":"media"}',
    ):
        assert disguised.replaced(decode_line(line(0.1, "carrier", "in", message))) is None
    for message in ('{"type":"response.output_audio.delta"}', '{"type":"response.done"}'):
        assert disguised.replaced(decode_line(line(0.1, "model", "in", message))) is None


def test_sentences_of_a_model_differ_from_each_other() -> None:
    begun: dict[str, bytes] = {}
    for entry, _, now in of("model"):
        begun.setdefault(entry.message["item_id"], now[:160])
    assert len(begun) > 3
    assert len(set(begun.values())) == len(begun)


@pytest.mark.parametrize("story", ["openai", "lost", "rotated"])
def test_every_session_gets_another_voice(story: str) -> None:
    before = Cassette("call.jsonl", recorded(story))
    after = again(scrubbed(before))
    kept = [(entry, then, now) for (entry, then), (_, now) in zip(sounds(before), sounds(after), strict=True)]
    assert all(then != now for entry, then, now in kept if amplitudes(entry, then).any())
