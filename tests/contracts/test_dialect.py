"""What every realtime dialect must do; a new one joins by its entry in `DIALECTS`."""

from __future__ import annotations

import base64
import json
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.audio.format import PCM16_24K, AudioFormat
from telephony.commands import (
    AddMessage,
    AddToolCall,
    AppendAudio,
    CancelResponse,
    ConfigureSession,
    ForgetItem,
    ModelCommand,
    RequestResponse,
    SendToolOutput,
    SpeakVerbatim,
    Truncate,
)
from telephony.errors import ConfigurationError
from telephony.events import ModelFault
from telephony.realtime import DIALECTS, Dialect, dialect
from telephony.settings import SessionConfig, ToolSpec

pytestmark = pytest.mark.parametrize("name", sorted(DIALECTS))

COMMANDS: dict[type, ModelCommand] = {
    ConfigureSession: ConfigureSession(),
    AppendAudio: AppendAudio(b"\x01\x02\x03\x04"),
    RequestResponse: RequestResponse("Say hello."),
    SpeakVerbatim: SpeakVerbatim("Hello."),
    CancelResponse: CancelResponse("resp_1"),
    Truncate: Truncate("item_1", 420),
    ForgetItem: ForgetItem("item_1"),
    SendToolOutput: SendToolOutput("call_1", '{"open": true}'),
    AddMessage: AddMessage("The caller pressed 1."),
    AddToolCall: AddToolCall("call-1", "lookup", "{}"),
}


def sent(speaker: Dialect, command: ModelCommand) -> dict:
    (message,) = speaker.encode(command)
    return json.loads(message)


@pytest.mark.parametrize("kind", typing.get_args(ModelCommand))
def test_every_command_becomes_one_typed_message(name, kind):
    assert isinstance(sent(dialect(name, SessionConfig()), COMMANDS[kind])["type"], str)


@given(payload=st.binary(max_size=960))
@settings(max_examples=20)
def test_audio_is_sent_byte_for_byte(name, payload):
    message = sent(dialect(name, SessionConfig()), AppendAudio(payload))
    assert set(message) == {"type", "audio"}
    assert message["type"] == "input_audio_buffer.append"
    assert base64.b64decode(message["audio"], validate=True) == payload


def test_a_configuration_is_complete_every_time(name):
    """Providers differ in whether an update merges or replaces, so a later update has to say everything again."""
    tool = ToolSpec("hang_up", "Ends the call.", {"type": "object", "properties": {}})
    speaker = dialect(name, SessionConfig(instructions="Be kind.", voice="eve", tools=(tool,)))
    first, second = (sent(speaker, ConfigureSession()) for _ in range(2))
    assert first == second
    text = json.dumps(first)
    for part in (
        "Be kind.",
        '"voice": "eve"',
        '"turn_detection"',
        '"create_response": true',
        '"transcription"',
        "hang_up",
    ):
        assert part in text
    assert text.count('"format"') == 2


def test_what_the_agent_adds_is_merged_deeply_and_last(name):
    extra = {"audio": {"output": {"speed": 1.2}}, "instructions": "Sing.", "resumption": {"enabled": True}}
    session = sent(dialect(name, SessionConfig(instructions="Speak.", extra=extra)), ConfigureSession())["session"]
    assert session["audio"]["output"]["speed"] == 1.2
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert session["instructions"] == "Sing."
    assert session["resumption"] == {"enabled": True}


def test_tools_that_the_provider_runs_stand_beside_functions(name):
    """As they were written; those are left out for which the provider would refuse the session."""
    hang_up = ToolSpec("hang_up", "Ends the call.", {"type": "object", "properties": {}})
    offered = (
        {"type": "web_search", "allowed_domains": ["example.com"]},
        {"type": "x_search", "from_date": "2026-01-01"},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "mcp", "server_url": "https://shop.example.com/mcp", "require_approval": "never"},
        {"type": "something_new", "depth": {"a": [1, None]}},
    )
    extra = {"tools": [{"type": "newer_still"}]}
    speaker = dialect(name, SessionConfig(tools=(hang_up,), provider_tools=offered, extra=extra))
    function, *theirs = sent(speaker, ConfigureSession())["session"]["tools"]
    assert function["name"] == "hang_up"
    assert theirs == [*(tool for tool in offered if tool["type"] not in speaker.traits.lacks), {"type": "newer_still"}]


def test_every_format_it_claims_can_be_configured(name):
    traits = dialect(name, SessionConfig()).traits
    assert PCM16_24K in traits.audio
    for audio in traits.audio:
        assert dialect(name, SessionConfig(audio=audio)).config.audio == audio


def test_a_format_it_does_not_claim_is_refused(name):
    with pytest.raises(ConfigurationError) as refusal:
        dialect(name, SessionConfig(audio=AudioFormat("pcm16", 12_345)))
    assert refusal.value.key == "agents.*.audio"


def test_a_tool_output_is_encoded_once(name):
    message = sent(dialect(name, SessionConfig()), SendToolOutput("call_1", '{"open": true}'))
    assert message["item"] == {"type": "function_call_output", "call_id": "call_1", "output": '{"open": true}'}


def test_a_text_that_utf8_cannot_carry_is_sent_all_the_same(name):
    speaker = dialect(name, SessionConfig())
    assert sent(speaker, SendToolOutput("call_1", "caf\u00e9 \ud800"))["item"]["output"] == "café ?"
    assert sent(speaker, AddMessage("caf\u00e9 \ud800"))["item"]["content"][0]["text"] == "café ?"


def test_a_cancellation_names_its_response(name):
    assert sent(dialect(name, SessionConfig()), CancelResponse("resp_1")) == {
        "type": "response.cancel",
        "response_id": "resp_1",
    }


def test_what_was_heard_is_told_in_milliseconds_of_the_item(name):
    speaker = dialect(name, SessionConfig())
    assert sent(speaker, Truncate("item_1", 420)) == {
        "type": "conversation.item.truncate",
        "item_id": "item_1",
        "content_index": 0,
        "audio_end_ms": 420,
    }
    assert sent(speaker, ForgetItem("item_1")) == {"type": "conversation.item.delete", "item_id": "item_1"}


def test_a_text_in_the_callers_name_is_a_user_message(name):
    item = sent(dialect(name, SessionConfig()), AddMessage("1"))["item"]
    assert item == {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "1"}]}


@given(message=st.text(max_size=60) | st.binary(max_size=60))
@settings(max_examples=20)
def test_junk_is_a_fault_and_never_an_exception(name, message):
    events = dialect(name, SessionConfig()).decode(message)
    assert len(events) == 1
    assert isinstance(events[0], ModelFault)


def test_it_is_called_what_it_is_registered_as(name):
    assert dialect(name, SessionConfig()).traits.name == name
