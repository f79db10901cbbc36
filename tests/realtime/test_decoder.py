"""What no server may do to a call: odd messages, junk, and names from before."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.events import (
    CallerTranscript,
    ModelAudio,
    ModelFault,
    ModelNoise,
)
from telephony.realtime.decoder import BETA_NAMES, IGNORABLE, Decoder

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "wire").glob("*/*.json"))


def decode(message: dict[str, Any]) -> list[Any]:
    return Decoder().decode(json.dumps(message))


def audio(**more: Any) -> dict[str, Any]:
    return {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": "AQID"} | more


@pytest.mark.parametrize(("beta", "ga"), sorted(BETA_NAMES.items()))
def test_beta_names_mean_the_same_as_ga_names(beta, ga):
    message = {"response_id": "r", "item_id": "i", "delta": "AQID", "transcript": "x", "item": {"id": "i"}}
    old, new = decode({"type": beta} | message), decode({"type": ga} | message)
    assert old == new or [event.type for event in old + new] == [beta, ga]


@pytest.mark.parametrize("kind", sorted(IGNORABLE))
def test_documented_events_without_consequence_are_known_noise(kind):
    assert decode({"type": kind}) == [ModelNoise(kind, known=True)]


def test_an_event_of_the_future_is_unknown_noise():
    assert decode({"type": "response.hologram.delta"}) == [ModelNoise("response.hologram.delta", known=False)]


def test_audio_survives_whatever_else_is_missing():
    assert decode({"type": "response.output_audio.delta", "delta": "AQID"}) == [ModelAudio("", "", b"\1\2\3")]


@pytest.mark.parametrize(
    "more", [{"item_id": 7}, {"content_index": "0"}, {"response_id": None}, {"content_index": None}]
)
def test_audio_survives_fields_of_the_wrong_type(more):
    (event,) = decode(audio(**more))
    assert event.payload == b"\1\2\3"


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=30)
def test_audio_of_any_length_is_passed_on_byte_for_byte(payload):
    (event,) = decode(audio(delta=base64.b64encode(payload).decode(), content_index=2))
    assert event == ModelAudio("r", "i", payload, 2)


@pytest.mark.parametrize("delta", ["AQI", "!!!!", "AQ=D", "AQID\n", "äöüß", None, 5])
def test_audio_that_is_not_base64_is_a_fault(delta):
    (event,) = decode(audio(delta=delta))
    assert isinstance(event, ModelFault)


def test_empty_audio_is_noise():
    assert decode(audio(delta="")) == [ModelNoise("response.output_audio.delta")]


@pytest.mark.parametrize(
    "message", [b"\x00\x01", b'{"type":"ping"}', "", "{", "[]", "7", '{"type":5}', "{}", "[" * 9000]
)
def test_what_is_no_message_is_a_fault(message):
    (event,) = Decoder().decode(message)
    assert isinstance(event, ModelFault)


def test_words_about_audio_deltas_are_not_taken_for_audio():
    message = {"type": "conversation.item.input_audio_transcription.completed", "transcript": 'say "audio.delta"'}
    (event,) = decode(message)
    assert event == CallerTranscript("", 'say "audio.delta"', final=True)


MISSING = "(taken out)"
JUNK = [MISSING, None, True, -1, 2**70, 1e300, 0.5, "", "x", [], [7, None], [{}], {}, {"type": {}}, {"error": "x"}]


def places(message: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every key of *message*, at any depth, with the object it is in."""
    inner = [place for value in message.values() if isinstance(value, dict) for place in places(value)]
    return [(message, key) for key in message] + inner


@given(
    path=st.sampled_from(FIXTURES),
    distortions=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(JUNK)), min_size=1, max_size=3),
)
@settings(max_examples=200)
def test_no_distortion_of_a_real_message_raises(path, distortions):
    message = json.loads(path.read_text())
    for index, junk in distortions:
        if known := places(message):
            place, key = known[index % len(known)]
            place[key] = copy.deepcopy(junk)
            if junk == MISSING:
                del place[key]
    decoder = Decoder()
    for _ in range(2):  # the second time its function calls are known
        assert decoder.decode(json.dumps(message))


@given(st.text() | st.binary())
@settings(max_examples=100)
def test_no_message_raises(message):
    assert Decoder().decode(message)
