"""Secrets are hidden by name, by shape and by value, and nothing else is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from telephony.runtime.environment import Environment
from telephony.runtime.redaction import MASK, is_secret_name, mask, mask_text, redacted, secrets_of
from telephony.settings import LiteLLMParams, ModelEntry, Settings, TwilioSettings

PLANTED = "planted-7c1f-secret"


def planted() -> Settings:
    return Settings(
        database_url=f"postgresql://bob:{PLANTED}@db.example.com/calls",
        twilio=TwilioSettings(auth_token=SecretStr(PLANTED), shared_keys={"CR1": SecretStr(PLANTED)}),
        model_list=[
            ModelEntry(
                model_name="a",
                litellm_params=LiteLLMParams(
                    model="xai/grok", api_key=SecretStr(PLANTED), aws_secret_access_key=PLANTED, rpm=3
                ),
                model_info={"note": f"the key is {PLANTED}"},
            ),
            ModelEntry(
                model_name="b",
                litellm_params=LiteLLMParams(model="xai/grok", api_key=SecretStr("os.environ/XAI_API_KEY")),
            ),
        ],
    )


def test_redacted_settings_are_json_and_hold_no_secret() -> None:
    text = json.dumps(redacted(planted()))
    assert PLANTED not in text
    shown = json.loads(text)
    assert shown["twilio"]["auth_token"] == shown["twilio"]["shared_keys"]["CR1"] == MASK
    assert shown["model_list"][0]["litellm_params"]["rpm"] == 3
    assert shown["database_url"] == f"postgresql://{MASK}@db.example.com/calls"


def test_redacted_settings_tell_whether_a_secret_is_set_and_where_it_comes_from() -> None:
    shown = redacted(planted())
    assert shown["twilio"]["auth_token_secondary"] == ""
    assert shown["model_list"][1]["litellm_params"]["api_key"] == "os.environ/XAI_API_KEY"


def test_secrets_of_settings_and_environment_are_found_longest_first() -> None:
    found = secrets_of(
        planted(), Environment({"XAI_API_KEY": PLANTED + "-longer", "HOME": "/home/x", "A_TOKEN_FILE": "/no"})
    )
    assert found == [PLANTED + "-longer", PLANTED]


@pytest.mark.parametrize(
    "name",
    [
        "auth_token",
        "api_key",
        "OPENAI_API_KEY",
        "password",
        "Authorization",
        "master_key",
        "client-secret",
        "apiKey",
        "token",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["key", "keypad", "monkey", "author", "session", "call_id", "tokenizer", "secretary"])
def test_names_that_only_sound_like_it(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {}",
        "basic {}==",
        "openai-insecure-api-key.{}",
        "sk-proj-{}",
        "xai-{}",
        "wss://user:{}@host/v1",
        "https://host/v1?model=x&api_key={}&y=1",
        "auth_token={}",
    ],
)
def test_shapes_of_secrets(text: str) -> None:
    assert PLANTED not in mask_text(text.format(PLANTED))
    assert MASK in mask_text(text.format(PLANTED))


@pytest.mark.parametrize(
    "text", ["call CA0123 answered", "https://voice.example.com:8443/x", "the basic idea", "a-sk-b"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert mask_text(text) == text


def test_counts_of_tokens_are_numbers_and_stay() -> None:
    assert mask({"total_tokens": 12, "tokens": {"audio_tokens": 3}}) == {
        "total_tokens": 12,
        "tokens": {"audio_tokens": 3},
    }


def test_whatever_stands_below_a_secret_name_is_hidden() -> None:
    assert mask({"shared_keys": {"CR1": "x"}, "tokens": ["y"]}) == {"shared_keys": {"CR1": MASK}, "tokens": [MASK]}


@given(st.text(), st.text(min_size=8).filter(lambda s: s not in MASK), st.text())
def test_a_known_secret_is_found_inside_anything(before: str, secret: str, after: str) -> None:
    shown = mask_text(before + secret + after, [secret])
    assert secret not in shown.replace(MASK, "\0")
