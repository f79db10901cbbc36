"""Keys that cannot be one are refused where a deployment is resolved, and not by the first session."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from telephony.errors import ConfigurationError
from telephony.settings import LiteLLMParams, ModelEntry
from telephony.upstream.deployment import Deployment, resolve


def resolved(environ: Mapping[str, str], **params: str) -> Deployment:
    given = LiteLLMParams.model_validate({"model": "xai/grok-voice-latest", **params})
    return resolve(ModelEntry(model_name="voice", litellm_params=given), environ)


@pytest.mark.parametrize("base", ["wss://api.x.ai", "ws://127.0.0.1:9100"], ids=["far", "this machine"])
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("xai-…", "it holds the letter '…'"),
        ("xai-schlüssel", "it holds the letter 'ü'"),
        ("xai-planted\n", "it holds an unprintable character"),
        ("xai-\u200bplanted", "it holds an unprintable character"),
    ],
)
def test_key_that_no_header_can_carry_is_refused_with_the_name_of_its_variable(base: str, key: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolved({"XAI_API_KEY": key}, api_base=base)
    assert str(caught.value).startswith(f"XAI_API_KEY (model_list, voice): {told}, which no key does")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "name"), [("sk-…", "litellm_params.api_key"), ("os.environ/MINE", "MINE")], ids=["written", "referred"]
)
def test_complaint_names_the_place_that_the_key_came_from(written: str, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolved({"XAI_API_KEY": "xai-good", "MINE": "sk-…"}, api_key=written)
    assert caught.value.key == name


def test_any_printable_text_may_be_a_key() -> None:
    assert resolved({"XAI_API_KEY": "a key/with+odd=signs~"}).key.get_secret_value() == "a key/with+odd=signs~"
