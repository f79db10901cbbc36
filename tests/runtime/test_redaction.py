"""Secrets are hidden by name, by shape and by value, and nothing else is."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from telephony.runtime.environment import Environment
from telephony.runtime.redaction import MASK, is_secret_name, mask, mask_json, mask_text, redacted, secrets_of, stars
from telephony.settings import (
    HttpToolSettings,
    LiteLLMParams,
    McpServerSettings,
    ModelEntry,
    Settings,
    TwilioSettings,
)

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


def test_the_secrets_of_declared_tools_are_found_with_their_scheme_and_without() -> None:
    header = SecretStr(f"Bearer {PLANTED}")
    tool = HttpToolSettings(description="Look.", url="https://shop.example.com", headers={"Authorization": header})
    server = McpServerSettings(command=["x"], env={"WORD": SecretStr("planted-word-5e1d")})
    settings = Settings(http_tools={"a": tool}, mcp={"b": server})
    assert secrets_of(settings) == [f"Bearer {PLANTED}", PLANTED, "planted-word-5e1d"]
    assert "planted" not in str(redacted(settings))


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
        "eyJhbGciOiJIUzI1NiJ9.{}.c2ln",
        "ghp_{}",
        "AKIA{}",
        "xoxb-{}",
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


@given(st.text(), st.text(min_size=8).filter(lambda s: s not in MASK and not s.isalpha()), st.text())
def test_a_known_secret_is_found_inside_anything(before: str, secret: str, after: str) -> None:
    shown = mask_text(before + secret + after, [secret])
    assert secret not in shown.replace(MASK, "\0")


# -- JSON, as it goes onto a cassette -------------------------------------------------------------------------------

ODD = 'quo"te\\back/pässwört'
"""A secret that JSON does not write as it is."""
STARS = "*" * len(PLANTED)
TEXTS = st.text(max_size=12) | st.sampled_from(
    [PLANTED, f"Bearer {PLANTED}", f"token={PLANTED}", f"ws://a:{PLANTED}@b", "", "a\\", '"', "password"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | TEXTS.map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["password", "api_key", "headers"]), inner, max_size=3)
        | inner.map(json.dumps)
    ),
    max_leaves=8,
)


def is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"session.update","session":{"instructions":"Be brief.\\nAlways."}}',
        '{ "usage": {"total_tokens": 12, "input_tokens": 1.50} }', '{"text":"The key is under the mat."}', "3", '""',
        '{"url":"wss:\\/\\/host\\/v1"}', '{"name":"\\u0041"}', '{"token":""}', '{"api_key":"os.environ/XAI_API_KEY"}',
        '{"arguments":"{\\"order\\": \\"A 1042\\"}"}', '{"a":1e999,"tokens":3}', '{"a":"\\ud800"}',
    ],
)  # fmt: skip
def test_json_without_a_secret_is_returned_to_the_letter(text: str) -> None:
    assert mask_json(text, [PLANTED]) == text


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ({"authorization": PLANTED}, {"authorization": STARS}),
        ({"server": {"headers": {"X-Mine": PLANTED, "n": 3}}}, {"server": {"headers": {"X-Mine": STARS, "n": 3}}}),
        ({"session": {"client_secret": {"value": PLANTED}}}, {"session": {"client_secret": {"value": STARS}}}),
        ([{"text": f"say Bearer {PLANTED}!"}], [{"text": f"say Bearer {STARS}!"}]),
        ({"url": f"https://a/b?token={PLANTED}&c=d"}, {"url": f"https://a/b?token={STARS}&c=d"}),
        ({"output": json.dumps({"password": PLANTED, "a": 1})}, {"output": f'{{"password":"{STARS}","a":1}}'}),
        ({"output": json.dumps([json.dumps({"token": PLANTED})])}, {"output": f'["{{\\"token\\":\\"{STARS}\\"}}"]'}),
    ],
)  # fmt: skip
def test_secrets_in_json_are_found_by_name_and_by_shape(value: object, rest: object) -> None:
    for ascii_ in (True, False):
        assert json.loads(mask_json(json.dumps(value, ensure_ascii=ascii_))) == rest


def test_the_headers_and_the_authorization_of_a_providers_tool_are_no_ones_business() -> None:
    tool = {"type": "mcp", "server_url": "https://a", "authorization": PLANTED, "headers": {"X-Api": PLANTED}}
    shown = json.loads(mask_json(json.dumps({"type": "session.update", "session": {"tools": [tool]}})))
    assert shown["session"]["tools"] == [tool | {"authorization": STARS, "headers": {"X-Api": STARS}}]


@pytest.mark.parametrize("secret", [PLANTED, ODD, "line\nbreak-secret", "\u2028-separated", "🔑🔑🔑🔑🔑🔑🔑🔑"])
@pytest.mark.parametrize("ascii_", [True, False])
@pytest.mark.parametrize("slashes", [True, False])
def test_a_configured_secret_is_found_however_json_writes_it(secret: str, ascii_: bool, slashes: bool) -> None:
    inner = json.dumps({"note": f"it is {secret}, he said"}, ensure_ascii=ascii_)
    text = json.dumps({"a": [secret], "output": inner, secret: 1, "b": f"x{secret}y"}, ensure_ascii=ascii_)
    shown = mask_json(text.replace("/", "\\/") if slashes else text, ["other-secret", secret])
    hid = stars(secret)
    assert json.loads(shown) == {
        "a": [hid], "output": json.dumps({"note": f"it is {hid}, he said"}, separators=(",", ":")), hid: 1,
        "b": f"x{hid}y",
    }  # fmt: skip


def test_names_that_are_spelled_with_escapes_are_names_all_the_same() -> None:
    assert json.loads(mask_json('{"p\\u0061ssword":"abc"}')) == {"password": "***"}
    assert json.loads(mask_json('{"url":"wss:\\/\\/me:abc@host"}')) == {"url": "wss://******@host"}


def test_stars_take_as_many_characters_as_the_secret_did() -> None:
    """How much of a sentence was heard is counted in characters, and a replay counts on it."""
    said = f"Your token is sk-{PLANTED}, and the password={PLANTED} is {ODD}. Bearer {PLANTED} it is."
    assert len(json.loads(mask_json(json.dumps({"transcript": said}), [ODD]))["transcript"]) == len(said)


def test_an_ordinary_word_that_is_somebodys_secret_is_no_secret_wherever_it_is_said() -> None:
    text = '{"transcript":"Let us practice a booking.","token":""}'
    assert mask_json(text, ["practice"]) == text
    assert "practice9" not in mask_json('{"transcript":"It is practice9."}', ["practice9"])


def test_the_schema_of_an_argument_is_no_secret_whatever_the_argument_is_called() -> None:
    schema = {"password": {"type": "string", "description": "What was agreed."}, "token": {"$ref": "#/x"}}
    text = json.dumps({"parameters": {"type": "object", "properties": schema}})
    assert mask_json(text, [PLANTED]) == text
    bearer = {"token": {"type": "bearer", "value": PLANTED}}
    assert PLANTED not in mask_json(json.dumps(bearer))


def test_a_count_of_tokens_that_is_a_text_is_a_count() -> None:
    text = '{"max_output_tokens":"inf","max_response_output_tokens":"inf"}'
    assert mask_json(text) == text


def test_pieces_of_a_functions_arguments_are_stars_since_none_of_them_shows_what_it_is_part_of() -> None:
    piece = {"type": "response.function_call_arguments.delta", "call_id": "c1", "delta": '{"pin":"20'}
    assert json.loads(mask_json(json.dumps(piece))) == piece | {"delta": "*" * len(piece["delta"])}


def test_what_is_no_json_is_masked_as_a_text() -> None:
    assert mask_json(f"token={PLANTED}") == f"token={STARS}"
    assert mask_json(f'{{"a": {PLANTED}', [PLANTED]) == f'{{"a": {STARS}'


def test_nesting_that_nobody_can_follow_and_numbers_that_nobody_can_hold_do_not_let_a_secret_through() -> None:
    deep = '{"password":' * 600 + f'"Bearer {PLANTED}"' + "}" * 600
    huge = f'{{"n":1e999,"i":{"9" * 5000},"text":"token={PLANTED}\\"","u":"http://x","v":"a@b"}}'
    for text in (deep, huge):
        shown = mask_json(text, [PLANTED])
        assert is_json(shown)
        assert PLANTED not in shown


@given(VALUES, st.booleans())
def test_json_stays_json_on_one_line_and_keeps_no_secret(value: object, ascii_: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_)
    shown = mask_json(text, [PLANTED])
    assert PLANTED not in shown
    assert "\n" not in shown
    assert is_json(shown) >= is_json(text)
    assert mask_json(shown, [PLANTED]) == shown, "once is enough"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6))
def test_a_known_secret_is_nowhere_in_json_that_held_it(value: object) -> None:
    text = json.dumps({"before": value, "here": [ODD, {"x": ODD + "!"}]})
    shown = json.loads(mask_json(text, [ODD]))
    assert shown["here"] == [stars(ODD), {"x": stars(ODD) + "!"}]


def test_the_password_in_a_url_is_a_secret_by_itself() -> None:
    found = secrets_of(Settings(database_url="postgresql://bob:p%40ss-w0rd-1@db.example.com/calls"))
    assert {"p%40ss-w0rd-1", "p@ss-w0rd-1"} <= set(found)
    assert mask_text('password authentication failed for "p@ss-w0rd-1"', found).count("p@ss") == 0


def test_what_traces_are_exported_with_is_a_secret() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=planted-one-7c1f, authorization=Basic%20planted-two-7c1f",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "k=planted-three-7c1f",
        "OTEL_SERVICE_NAME": "front-office",
    }
    found = secrets_of(Settings(), environ)
    assert {"planted-one-7c1f", "planted-two-7c1f", "planted-three-7c1f"} <= set(found)
    assert "front-office" not in found
