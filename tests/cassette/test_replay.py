"""A recorded call replayed: the same to the last byte, and what shows when something is not."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from rehearsals import STEPS, rehearse, story
from telephony.cassette.format import Cassette
from telephony.cassette.replay import Replayed, replay
from telephony.errors import CassetteError
from telephony.runtime.cassettes import new_carrier


def recorded(profile: str = "xai", **changes: Any) -> list[bytes]:
    lines: list[bytes] = []
    rehearse(STEPS, story(), profile=profile, record=lines.append, **changes)
    return lines


def replayed(lines: list[bytes]) -> Replayed:
    return replay(Cassette("call.jsonl", lines), new_carrier, digest=True)


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_a_recorded_call_goes_out_again_as_it_went_out_then(profile: str) -> None:
    result = replayed(recorded(profile))
    assert result.divergence is None
    assert result.diverged == 0
    assert result.steps == sum(b'"dir":"in"' in text for text in recorded(profile))
    assert result.recorded
    assert result.record.turns == result.recorded.turns
    assert result.record.termination == result.recorded.termination
    assert [use.name for use in result.record.tools] == ["lookup_order", "hang_up"]


def test_the_same_replay_has_the_same_digest_and_another_call_another() -> None:
    lines = recorded()
    assert replayed(lines).digest == replayed(lines).digest
    assert replayed(lines).digest != replayed(recorded("openai")).digest


def test_what_is_kept_of_a_replay_is_the_recording_itself() -> None:
    lines, kept = recorded(), []
    replay(Cassette("call.jsonl", lines), new_carrier, keep=kept.append)
    assert kept == lines[1:]


@pytest.mark.parametrize("cut", [1, 7, 200, 700])
def test_a_recording_that_breaks_off_replays_up_to_there(cut: int) -> None:
    lines = recorded()[:-cut]
    lines[-1] = lines[-1][: len(lines[-1]) // 2]
    assert replayed(lines).divergence is None


def test_the_first_thing_that_differs_is_told_with_what_caused_it() -> None:
    lines = recorded()
    place = next(n for n, text in enumerate(lines) if b"conversation.item.truncate" in text)
    message = json.loads(lines[place])
    message["msg"]["audio_end_ms"] += 500
    lines[place] = json.dumps(message).encode() + b"\n"
    divergence = replayed(lines).divergence
    assert divergence
    assert divergence.cause
    assert divergence.cause.message["type"] == "input_audio_buffer.speech_started"
    (difference,) = divergence.differences
    assert difference.path == "audio_end_ms"
    assert difference.expected == difference.got + 500


def test_a_message_that_is_spelled_another_way_is_the_same_message() -> None:
    lines = [json.dumps(json.loads(text), indent=None, sort_keys=True).encode() + b"\n" for text in recorded()]
    assert replayed(lines).divergence is None


@pytest.mark.parametrize("broken", [b'{"t":1.5,"ch":"model","dir":"out"\n', b"nonsense\n"])
@pytest.mark.parametrize("direction", [b'"in"', b'"out"'])
def test_a_broken_line_in_the_middle_names_file_line_and_remedy(broken: bytes, direction: bytes) -> None:
    lines = recorded()
    places = [n for n, text in enumerate(lines) if b'"dir":' + direction in text[:80]]
    place = places[len(places) // 2]
    lines[place] = broken if broken == b"nonsense\n" else lines[place][:60] + b"\n"
    with pytest.raises(CassetteError, match=rf"^call\.jsonl:{place + 1}: .*head -n {place}$"):
        replayed(lines)


@pytest.mark.parametrize("record", [b"3", b"[]", b'{"turns":3}', b'{"termination":{"result":"fine"}}'])
def test_a_record_that_is_none_is_told_with_its_place(record: bytes) -> None:
    lines = recorded()
    place = next(n for n, text in enumerate(lines) if b'"record"' in text[:60])
    lines[place] = re.sub(rb'"msg":.*', b'"msg":' + record + b"}", lines[place])
    with pytest.raises(CassetteError, match=r"^call\.jsonl:\d+: what went out cannot be read"):
        replayed(lines)


def test_audio_that_differs_is_heard_from_there_on_though_the_rest_is_the_same() -> None:
    lines = recorded()
    places = [n for n, text in enumerate(lines) if b'"input_audio_buffer.append"' in text and b'"dir":"out"' in text]
    place = next(n for n in places if len({*_audio(lines[n])}) > 50)
    message = json.loads(lines[place])
    payload = _audio(lines[place])
    payload[101] ^= 0x20
    message["msg"]["audio"] = base64.b64encode(payload).decode()
    lines[place] = json.dumps(message).encode() + b"\n"
    result = replayed(lines)
    assert result.diverged == 1
    assert result.divergence
    found = result.divergence.audio
    assert found
    assert (found.first, found.differing, found.loudest, found.shift) == (50, 1, 0x2000, None)
    assert found.expected_samples == found.got_samples >= 2 * found.rate


def _audio(text: bytes) -> bytearray:
    return bytearray(base64.b64decode(json.loads(text)["msg"]["audio"]))
