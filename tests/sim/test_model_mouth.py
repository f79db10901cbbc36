"""Answering: pace and pieces of generated speech, and everything a script can make go wrong with a reply."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.audio.format import MULAW_8K, PCM16_24K, AudioFormat
from telephony.sim.model_client import ModelClient, hum
from telephony.sim.model_mouth import interleaved, starts

TEXT = "Your order has shipped and will be with you on Thursday."


def asked(profile: str = "xai", *, audio: AudioFormat = PCM16_24K, wait: float = 8, **reply: Any) -> ModelClient:
    """A client that asked for a greeting; keys of the reply in *reply*, of the script under `script`."""
    script = reply.pop("script", {})
    reply = {"on": "greeting", "say": TEXT, **reply}
    client = ModelClient({"profile": profile, "replies": [reply], **script}, audio=audio)
    client.configure()
    client.send("response.create")
    client.wait(wait)
    return client


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


@both
def test_speech_arrives_whole_in_the_sessions_format(profile: str) -> None:
    client = asked(profile, audio=MULAW_8K)
    item = client.last("response.output_item.done")["item"]["id"]
    assert client.audio_of(item) == hum(TEXT)


@given(low=st.integers(5, 200), more=st.integers(0, 700), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_deltas_keep_to_their_range_and_lose_nothing(low: int, more: int, seed: int) -> None:
    replies = [{"on": "greeting", "say": TEXT, "delta_ms": [low, low + more]}]
    client = ModelClient({"profile": "openai", "replies": replies}, audio=MULAW_8K, seed=seed)
    client.configure()
    client.send("response.create")
    client.wait(30)
    lengths = [len(delta["delta"]) * 3 // 4 // 8 for delta in client.all("response.output_audio.delta")]
    assert all(low - 2 <= length <= low + more + 2 for length in lengths[:-1])
    assert client.audio_of(client.last("response.output_item.done")["item"]["id"]) == hum(TEXT)


@both
def test_speech_is_generated_faster_than_it_can_be_heard(profile: str) -> None:
    client = asked(profile)
    times = dict(zip((message["type"] for message in client.messages), client.at, strict=True))
    first = client.at[client.types(deltas=True).index("response.output_audio.delta")]
    created = client.at[client.types(deltas=True).index("response.created")]
    assert first - created == pytest.approx(0.4)
    seconds = len(hum(TEXT)) / 8000
    assert seconds / 10 <= times["response.done"] - first <= seconds / 5 + 0.1


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    def run(seed: int) -> list[str]:
        client = ModelClient({"replies": [{"on": "greeting", "say": TEXT}]}, seed=seed)
        client.configure()
        client.send("response.create")
        client.wait(5)
        return client.raw

    assert run(7) == run(7)
    assert run(7) != run(8)


@both
def test_parallel_calls_come_in_one_response(profile: str) -> None:
    calls = [{"name": "f", "arguments": {"a": 1}}, {"name": "g"}]
    client = asked(profile, calls=calls)
    done = client.all("response.function_call_arguments.done")
    assert [(call["name"], call["arguments"]) for call in done] == [("f", '{"a":1}'), ("g", "{}")]
    assert len({call["call_id"] for call in done}) == 2
    assert len({call["response_id"] for call in done}) == 1
    assert [item["type"] for item in client.last("response.done")["response"]["output"]] == [
        "message",
        "function_call",
        "function_call",
    ]


@both
def test_voice_without_sound_still_has_its_words(profile: str) -> None:
    replies = [{"on": "greeting", "say": TEXT}]
    client = ModelClient({"profile": profile, "replies": replies}, voice=lambda _: b"")
    client.configure()
    client.send("response.create")
    client.wait(2)
    assert client.last("response.output_audio_transcript.done")["transcript"] == TEXT
    assert client.types()[-1] in ("response.done", "rate_limits.updated")


def test_words_stand_beside_the_audio_in_which_they_begin() -> None:
    begins = starts(["12345", "67890", "12345", "67890"], 400.0)
    assert begins == [0.0, 100.0, 200.0, 300.0]
    led = list(interleaved([150.0, 150.0, 100.0], begins, words_lead=True))
    assert led == [("words", 0), ("words", 1), ("audio", 0), ("words", 2), ("words", 3), ("audio", 1), ("audio", 2)]
    followed = list(interleaved([150.0, 100.0], begins, words_lead=False))
    assert followed == [("audio", 0), ("words", 0), ("words", 1), ("audio", 1), ("words", 2), ("words", 3)]


# -- faults --------------------------------------------------------------------------------------------------------


@both
def test_dropped_reply_is_opened_and_never_continued(profile: str) -> None:
    client = asked(profile, drop=True)
    assert client.types()[-1] in ("response.created", "ping")
    assert client.all("response.done") == []
    client.send("response.create", response={"instructions": '"Again."'})
    client.wait(3)
    assert client.last("response.done")["response"]["status"] == "completed"
    assert client.faults == []


@both
def test_reply_can_lack_its_end(profile: str) -> None:
    client = asked(profile, omit_done=True)
    assert client.all("response.output_item.done")
    assert client.all("response.done") == []


@both
def test_reply_can_fail(profile: str) -> None:
    client = asked(profile, fail="rate_limit_exceeded")
    response = client.last("response.done")["response"]
    assert response["status"] == "failed"
    if profile == "openai":
        assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
        assert client.all("error") == []
    else:
        assert response["status_details"] == "unimplemented"
        assert client.last("error")["error"]["type"] == "internal_error"


def test_reply_can_stall_in_the_middle() -> None:
    client = asked(stall_ms=3000, delta_ms=[200, 200])
    audio = [at for at, m in zip(client.at, client.messages, strict=True) if m["type"] == "response.output_audio.delta"]
    gaps = [after - before for before, after in itertools.pairwise(audio)]
    assert max(gaps) >= 3.0
    assert sorted(gaps)[-2] < 0.1


@both
def test_socket_can_close_in_the_middle(profile: str) -> None:
    client = asked(profile, close=1011, delta_ms=[200, 200])
    assert client.model.close_request == (1011, "scripted close")
    assert client.types()[-1].endswith("delta")
    assert client.model.deadline() is None
    assert client.send("response.cancel") == []


@both
def test_deltas_can_come_late_after_a_cancel(profile: str) -> None:
    client = asked(profile, late_deltas=2, delta_ms=[200, 200], wait=0.6, script={"speed": [1, 1]})
    client.send("response.cancel")
    types = client.types(deltas=True)
    assert types[-2:] == ["response.output_audio.delta"] * 2
    assert "response.done" in types
    late, last = client.messages[-1], client.last("response.done")
    assert late["response_id"] == last["response"]["id"]


@both
def test_call_can_be_announced_twice_and_with_bad_arguments(profile: str) -> None:
    client = asked(profile, call={"name": "f"}, duplicate_call=True, bad_arguments='{"order_id":')
    first, second = client.all("response.function_call_arguments.done")
    assert first["call_id"] == second["call_id"]
    assert first["arguments"] == '{"order_id":'


def test_malformed_messages_are_sent_along() -> None:
    client = asked(malformed=2)
    assert len(client.raw) - len(client.messages) == 2
    assert client.last("response.done")["response"]["status"] == "completed"
