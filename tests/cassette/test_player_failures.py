"""A mistake of ours in the middle of a replay: told as what differs, with its place and what came in."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tapes
from telephony.cassette.format import Cassette
from telephony.cassette.replay import replay
from telephony.conversation.machine import Conversation
from telephony.errors import CassetteError, ConfigurationError
from telephony.events import CallerAudio, SpeechStarted
from telephony.runtime.cassettes import new_carrier
from telephony.settings import AUDIO_FORMATS, CallSettings, SessionConfig


@pytest.fixture(autouse=True)
def recorded_before() -> None:
    """The call is recorded, once, by a program that makes no mistakes."""
    tapes.call()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program as it would be with a mistake in it."""
    handle = Conversation.handle

    def stumble(self: Conversation, event: Any, now: float) -> Any:
        if isinstance(event, SpeechStarted) and now > 5.0:
            raise KeyError("a mistake")
        return handle(self, event, now)

    monkeypatch.setattr(Conversation, "handle", stumble)


@pytest.mark.usefixtures("broken")
def test_a_mistake_of_ours_is_what_differs() -> None:
    result = tapes.replayed(tapes.call())
    assert result.failure
    assert result.failure.what == "KeyError: 'a mistake'"
    assert result.failure.where.startswith("telephony.exchange, line ")
    assert result.divergence
    assert result.divergence.failure == result.failure
    assert result.divergence.cause
    assert result.divergence.cause.message["type"] == "input_audio_buffer.speech_started"
    assert result.divergence.expected
    assert result.divergence.got is None
    assert result.divergence.before
    assert result.diverged == 1
    assert result.record.turns


@pytest.mark.usefixtures("broken")
def test_what_differed_before_a_mistake_stays_the_first_that_does() -> None:
    result = tapes.replayed(tapes.without(b'"RunTool"'))
    assert result.failure
    assert result.divergence
    assert result.divergence.failure is None
    assert result.diverged == 2


def test_a_mistake_in_a_stretch_of_audio_is_found_at_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Conversation.handle

    def stumble(self: Conversation, event: Any, now: float) -> Any:
        if isinstance(event, CallerAudio) and now > 3.0:
            raise TypeError
        return handle(self, event, now)

    monkeypatch.setattr(Conversation, "handle", stumble)
    divergence = tapes.replayed(tapes.call()).divergence
    assert divergence
    assert divergence.failure
    assert divergence.failure.what == "TypeError"
    assert divergence.cause
    assert divergence.cause.t == divergence.t
    assert 3.0 < divergence.t <= 3.02
    assert json.loads(tapes.call()[divergence.number - 1])["t"] == divergence.t
    assert json.loads(tapes.call()[divergence.number - 2])["t"] == divergence.before[-1].t


def test_a_frame_that_is_no_text_is_the_recording_s_fault() -> None:
    lines = list(tapes.call())
    place = max(at for at, text in enumerate(lines) if b'"dir":"in","msg":{"event":"media"' in text)
    lines[place] = lines[place].replace(b'"event":"media"', b'"event":"media","x":"\xff"')
    with pytest.raises(CassetteError, match=rf"call\.jsonl:{place + 1}: "):
        tapes.replayed(tuple(lines))


def test_what_cannot_have_come_in_is_the_recording_s_fault() -> None:
    line = b'{"t":1.0,"ch":"session","dir":"in","msg":null}\n'
    lines = [*tapes.call()[:200], line]
    with pytest.raises(CassetteError, match=r"call\.jsonl:201: this cannot be given to a call"):
        tapes.replayed(tuple(lines))


def test_what_a_changed_agent_cannot_do_is_the_agent_s_fault() -> None:
    settings = CallSettings("test", SessionConfig(audio=AUDIO_FORMATS["pcm16-8k"], reasoning_effort="no such effort"))
    lines = [line.replace(b'"dialect":"xai"', b'"dialect":"openai"') for line in tapes.call()]
    with pytest.raises(ConfigurationError, match=r"agents\.\*\.audio"):
        replay(Cassette("call.jsonl", lines), new_carrier, settings=settings)


def test_a_recording_that_was_spelled_anew_is_no_broken_one() -> None:
    lines = tuple(json.dumps(json.loads(line)).encode() + b"\n" for line in tapes.call())
    assert tapes.replayed(lines).recorded
