"""What a LiteLLM proxy is sent, where it differs from OpenAI."""

from __future__ import annotations

import json

from telephony.commands import ConfigureSession
from telephony.realtime.litellm import LiteLLM
from telephony.settings import SessionConfig


def session(config: SessionConfig) -> dict:
    (message,) = LiteLLM(config).encode(ConfigureSession())
    return json.loads(message)["session"]


def test_voice_and_turn_detection_stand_in_both_places():
    sent = session(SessionConfig(voice="eve"))
    assert sent["type"] == "realtime"
    assert sent["voice"] == sent["audio"]["output"]["voice"] == "eve"
    assert sent["turn_detection"] == sent["audio"]["input"]["turn_detection"]
    assert sent["turn_detection"]["type"] == "server_vad"


def test_both_places_follow_what_the_agent_adds():
    louder = {"audio": {"input": {"turn_detection": {"threshold": 0.8}}}}
    sent = session(SessionConfig(extra=louder))
    assert sent["turn_detection"]["threshold"] == 0.8
    assert "voice" not in sent
