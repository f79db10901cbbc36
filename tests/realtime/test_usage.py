"""Counting what passes, wherever a provider puts it, and surviving what makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.realtime.usage import Usage, UsageMeter


def done(**fields: Any) -> str:
    return json.dumps({"type": "response.done", **fields})


def item(kind: str, *parts: str, **fields: Any) -> str:
    content = [{"type": part} for part in parts]
    return json.dumps({"type": "conversation.item.create", "item": {"type": kind, "content": content, **fields}})


def test_tokens_are_summed_wherever_they_stand():
    meter = UsageMeter()
    usage = {"total_tokens": 10, "output_token_details": {"audio_tokens": 7}}
    meter.from_model(done(response={"usage": usage}))  # OpenAI
    meter.from_model(done(response={"id": "r"}, usage=usage))  # xAI
    meter.from_model(done(response={"usage": {"total_tokens": 0}}, usage=usage))  # xAI through LiteLLM
    meter.from_model(done(response={"usage": None}))
    assert meter.usage == Usage(4, {"total_tokens": 30, "output_token_details.audio_tokens": 21})
    assert meter.usage.total_tokens == 30


def test_only_messages_with_text_are_text_items():
    meter = UsageMeter()
    meter.from_client(item("message", "input_text"))
    meter.from_client(item("message", "input_image", "input_text"))
    meter.from_client(item("message", "input_audio"))
    meter.from_client(item("function_call_output", output="{}"))
    meter.from_client('{"type": "response.create"}')
    assert meter.usage.text_items == 2


def test_the_words_of_a_conversation_are_not_taken_for_events():
    meter = UsageMeter()
    meter.from_model(json.dumps({"type": "response.output_text.delta", "delta": '{"type": "response.done"}'}))
    assert meter.usage == Usage()


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", '"response.done"', '{"type": 1}', '{"type": "conversation.item.create"}', "\ud800", "[" * 100_000,
     '{"type": "conversation.item.create", "item": {"type": "message", "content": "text"}}', b"\x00\xff",
     '{"type": "response.done", "response": 5, "usage": [1]}', "NaN"],
)  # fmt: skip
def test_what_cannot_be_read_is_passed_over(message):
    meter = UsageMeter()
    meter.from_client(message)
    meter.from_model(message)
    assert meter.usage.tokens == {}
    assert meter.usage.text_items == 0


@given(st.text() | st.binary())
def test_no_message_makes_it_raise(message):
    meter = UsageMeter()
    meter.from_client(message)
    meter.from_model(message)
