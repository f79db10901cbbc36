"""Whose turn it is: replies to speech, barge-in, and what each provider makes of a caller who goes on speaking."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient

LONG = "This answer is so long that nobody would listen to the end of it. " * 3
REPLIES = [{"on": "speech", "hears": "One", "say": LONG}, {"on": "speech", "hears": "Two", "say": "Short."}]


def ready(profile: str, *replies: dict[str, Any], **options: Any) -> ModelClient:
    client = ModelClient({"profile": profile, "replies": list(replies or REPLIES), **options})
    client.configure()
    return client


def spoken(client: ModelClient) -> list[str]:
    return [message["transcript"] for message in client.all("response.output_audio_transcript.done")]


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


@both
def test_speech_is_answered_and_its_bounds_are_told(profile: str) -> None:
    client = ready(profile)
    client.quiet(1000)
    client.speak(800)
    client.quiet(6000)
    started = client.last("input_audio_buffer.speech_started")
    stopped = client.last("input_audio_buffer.speech_stopped")
    padding = 333 if profile == "xai" else 300
    assert started["audio_start_ms"] == pytest.approx(1000 - padding, abs=20)
    assert stopped["audio_end_ms"] == pytest.approx(1000 + 800 + 300, abs=20)
    assert stopped["item_id"] == started["item_id"] == client.last("input_audio_buffer.committed")["item_id"]
    assert spoken(client) == [LONG.strip()]
    assert client.faults == []


@both
def test_barge_in_cancels_the_response(profile: str) -> None:
    client = ready(profile, speed=[1, 1])
    client.speak(500)
    client.quiet(2000)
    client.speak(500)
    (done,) = client.all("response.done")
    assert done["response"]["status"] == "cancelled"
    if profile == "openai":
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    client.forget()
    client.quiet(2000)
    assert client.last("response.done")["response"]["status"] == "completed"
    assert spoken(client) == ["Short."]
    first = client.all("response.output_audio.delta")[0]
    assert all(delta["response_id"] == first["response_id"] for delta in client.all("response.output_audio.delta"))


@both
def test_response_that_is_generated_is_not_cancelled_by_speech(profile: str) -> None:
    client = ready(profile, speed=[100, 100])
    client.speak(500)
    client.quiet(2000)
    client.speak(500)
    assert [done["response"]["status"] for done in client.all("response.done")] == ["completed"]


@both
def test_without_interrupt_response_the_reply_goes_on(profile: str) -> None:
    client = ModelClient({"profile": profile, "replies": REPLIES, "speed": [2, 2]})
    detection = {"type": "server_vad", "create_response": True, "interrupt_response": False}
    if profile == "xai":
        client.configure(turn_detection=detection)
    else:
        client.configure(audio={"input": {"turn_detection": detection}})
    client.speak(500)
    client.quiet(1500)
    client.speak(500)
    client.quiet(8000)
    assert [done["response"]["status"] for done in client.all("response.done")] == ["completed"]


def test_openai_makes_a_new_item_of_speech_after_the_commit() -> None:
    client = ready("openai")
    client.speak(500)
    client.quiet(320)
    client.speak(500)
    first, second = client.all("input_audio_buffer.speech_started")
    assert first["item_id"] != second["item_id"]


def test_xai_continues_the_item_of_a_caller_who_goes_on_before_the_commit() -> None:
    client = ready("xai", commit_ms=400, created_ms=600)
    client.speak(500)
    client.quiet(400)
    client.speak(500)
    client.quiet(3000)
    first, second = client.all("input_audio_buffer.speech_started")
    assert first["item_id"] == second["item_id"]
    assert len(client.all("conversation.item.added")) == 2  # the caller's item once, the reply's once
    assert len(client.all("input_audio_buffer.committed")) == 1
    assert len(client.all("response.created")) == 1


def test_xai_drops_the_reply_that_began_before_the_commit_without_a_word() -> None:
    client = ready("xai", commit_ms=800, created_ms=100, latency_ms=100)
    client.speak(500)
    client.quiet(660)  # 300 end the turn, then the reply begins
    assert client.all("response.output_audio.delta")
    dropped = client.last("response.created")["response"]["id"]
    while len(client.all("input_audio_buffer.speech_started")) < 2:
        client.speak(20)
    client.forget()
    client.speak(500)
    client.quiet(6000)
    assert all(message.get("response_id") != dropped for message in client.messages)
    assert client.last("response.done")["response"]["id"] != dropped
    assert spoken(client) == [LONG.strip()], "the script's reply is due again"
    assert client.last("conversation.item.input_audio_transcription.completed")["transcript"] == "One"


@both
def test_caller_who_goes_on_before_the_reply_began_is_not_talked_over(profile: str) -> None:
    client = ready(profile, commit_ms=50, created_ms=400)
    client.speak(500)
    client.quiet(400)  # committed, and the reply not begun
    client.speak(1500)
    assert client.all("response.created") == []
    client.quiet(6000)
    assert len(client.all("response.created")) == 1
    assert spoken(client) == [LONG.strip()]


def test_xai_may_tell_of_speech_only_when_it_is_over() -> None:
    client = ready("xai", late_speech_started=True)
    client.speak(800)
    assert client.all("input_audio_buffer.speech_started") == []
    client.quiet(1000)
    types = client.types()
    started = types.index("input_audio_buffer.speech_started")
    assert types[started + 2] == "input_audio_buffer.speech_stopped"


def test_without_create_response_openai_only_reports_speech() -> None:
    client = ModelClient({"profile": "openai", "replies": REPLIES})
    detection = {"type": "server_vad", "create_response": False}
    client.configure(audio={"input": {"turn_detection": detection, "transcription": {"model": "any"}}})
    client.speak(500)
    client.quiet(1000)
    assert client.all("response.created") == []
    assert client.all("input_audio_buffer.committed")
    transcripts = client.all("conversation.item.input_audio_transcription.completed")
    assert [transcript["transcript"] for transcript in transcripts] == ["One"]


def test_xai_does_not_honour_create_response_false() -> None:
    client = ModelClient({"profile": "xai", "replies": REPLIES})
    client.configure(turn_detection={"type": "server_vad", "create_response": False})
    client.speak(500)
    client.quiet(1000)
    assert client.all("response.created")


def test_xai_never_answers_without_create_response() -> None:
    client = ModelClient({"profile": "xai", "replies": REPLIES})
    client.configure(turn_detection={"type": "server_vad"})
    client.speak(500)
    client.quiet(1000)
    assert client.all("input_audio_buffer.speech_stopped")
    assert client.all("response.created") == []
    assert client.faults == ["missing_create_response"]


def test_xai_in_manual_mode_does_not_detect_and_answers_a_commit() -> None:
    client = ModelClient({"profile": "xai", "replies": REPLIES})
    client.configure(turn_detection=None)
    client.send("input_audio_buffer.commit")
    assert client.all("input_audio_buffer.committed") == [], "a commit of silence is ignored"
    client.speak(500)
    client.quiet(1000)
    assert client.all("input_audio_buffer.speech_started") == []
    client.send("input_audio_buffer.commit")
    client.wait(3)
    assert client.all("input_audio_buffer.committed")
    assert client.all("response.created")
    assert client.faults == []


def test_openai_in_manual_mode_commits_without_answering() -> None:
    client = ModelClient({"profile": "openai", "replies": REPLIES})
    client.configure(audio={"input": {"turn_detection": None}})
    client.speak(500)
    client.send("input_audio_buffer.commit")
    client.wait(1)
    assert client.all("input_audio_buffer.committed")
    assert client.all("response.created") == []
    client.send("response.create")
    assert client.all("response.created")


def test_uninterruptible_message_drops_the_callers_audio_until_it_is_played() -> None:
    client = ready("xai", *REPLIES)
    content = [{"type": "output_text", "text": "This call is recorded."}]  # 1.3 s of humming
    item = {"type": "force_message", "role": "assistant", "interruptible": False, "content": content}
    client.send("conversation.item.create", item=item)
    client.speak(1500)
    client.quiet(200)
    assert client.all("input_audio_buffer.speech_started") == []
    client.speak(500)
    assert client.all("input_audio_buffer.speech_started")


def test_cancelled_message_gives_the_caller_back_the_floor() -> None:
    client = ready("xai", *REPLIES)
    content = [{"type": "output_text", "text": "This call is recorded. " * 5}]
    item = {"type": "force_message", "role": "assistant", "interruptible": False, "content": content}
    client.send("conversation.item.create", item=item)
    client.wait(0.5)
    client.send("response.cancel")
    client.speak(500)
    assert client.all("input_audio_buffer.speech_started")


@both
def test_clearing_the_buffer_is_acknowledged(profile: str) -> None:
    client = ready(profile)
    client.speak(40)
    client.send("input_audio_buffer.clear")
    assert client.all("input_audio_buffer.cleared")
