"""Signatures of webhooks and of WebSocket upgrades, against vectors and against forgers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from telephony.carriers.twilio_account import TwilioAccount
from telephony.carriers.twilio_signature import PublicUrl
from telephony.errors import ConfigurationError
from telephony.settings import TwilioSettings

TOKEN = "12345"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675310"),
    ("Digits", "1234"),
    ("From", "+14158675310"),
    ("To", "+18005551212"),
]
"""Twilio's own example, as its documentation prints it."""
SIGNED = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def account(url: str = "https://example.com", **settings: object) -> TwilioAccount:
    return TwilioAccount(url, TwilioSettings(**{"auth_token": SecretStr(TOKEN), **settings}))  # type: ignore[arg-type]


def signed(url: str, form: list[tuple[str, str]] | None = None, *, key: str = TOKEN, algorithm: str = "sha1") -> str:
    """Twilio's signature, from its description and not from our code."""
    text = url + "".join(name + value for name, value in sorted(set(form or [])))
    return base64.b64encode(hmac.new(key.encode(), text.encode(), algorithm).digest()).decode()


def webhook(
    who: TwilioAccount,
    signature: str,
    form: list[tuple[str, str]] = FORM,
    *,
    path: str = "/myapp.php",
    query: str = "foo=1&bar=2",
    settings: str | None = None,
) -> bool:
    headers = {"X-Twilio-Signature": signature}
    if settings is not None:
        headers["X-Twilio-Webhooks-Signature-Settings"] = settings
    return who.genuine_webhook(path, query, headers, form, urlencode(form).encode())


# -- webhooks ------------------------------------------------------------------------------------------------------


def test_the_documented_webhook_is_genuine() -> None:
    assert webhook(account(), SIGNED)
    callers = [(name, "+14158675309" if value == "+14158675310" else value) for name, value in FORM]
    assert webhook(account("https://mycompany.com"), "RSOYDt4T1cUTdK1PDd93/VVr8B8=", callers)


def test_the_documented_json_webhook_is_genuine() -> None:
    body = b'{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}'
    query = "bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9"
    headers = {"x-twilio-signature": "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="}
    assert account().genuine_webhook("/myapp", query, headers, [], body)
    assert not account().genuine_webhook("/myapp", query, headers, [], body + b" ")
    assert not account().genuine_webhook("/myapp", query, headers, [], body.replace(b"CA1", b"CA2"))


def test_a_body_that_nobody_vouches_for_is_refused() -> None:
    """A signed GET must not become a POST of somebody's choice."""
    headers = {"X-Twilio-Signature": signed("https://example.com/hook")}
    assert account().genuine_webhook("/hook", "", headers, [], b"")
    assert not account().genuine_webhook("/hook", "", headers, [], b'{"CallSid":"CA1"}')


def test_the_secondary_token_holds_while_tokens_rotate() -> None:
    rotating = account(auth_token=SecretStr("new"), auth_token_secondary=SecretStr(TOKEN))
    assert webhook(rotating, SIGNED)
    assert webhook(rotating, signed("https://example.com/myapp.php?foo=1&bar=2", FORM, key="new"))
    assert not webhook(rotating, signed("https://example.com/myapp.php?foo=1&bar=2", FORM, key="newer"))


def test_an_account_without_a_token_trusts_nobody() -> None:
    open_door = account(auth_token=SecretStr(""))
    assert not webhook(open_door, signed("https://example.com/myapp.php?foo=1&bar=2", FORM, key=""))
    assert not open_door.genuine_media("/media", {"X-Twilio-Signature": signed("wss://example.com/media", key="")})


@pytest.mark.parametrize("configured", ["https://example.com", "https://example.com:443", "https://example.com/"])
@pytest.mark.parametrize("told", ["https://example.com", "https://example.com:443"])
def test_the_port_may_be_signed_or_not(configured: str, told: str) -> None:
    assert webhook(account(configured), signed(f"{told}/myapp.php?foo=1&bar=2", FORM))


@pytest.mark.parametrize("told", ["https://example.com:8443", "https://example.com"])
def test_an_unusual_port_may_be_signed_or_not(told: str) -> None:
    assert webhook(account("https://example.com:8443"), signed(f"{told}/myapp.php?foo=1&bar=2", FORM))


def test_credentials_in_the_public_url_are_not_signed() -> None:
    assert webhook(account("https://user:pass@example.com"), SIGNED)


def test_a_path_prefix_is_part_of_what_is_signed() -> None:
    prefixed = account("https://example.com/voice/")
    assert webhook(prefixed, signed("https://example.com/voice/twilio", FORM), path="/twilio", query="")


def test_blank_and_repeated_fields_are_signed_too() -> None:
    form = [("ToCity", ""), ("Digit", "2"), ("Digit", "1"), ("Digit", "2"), ("CallSid", "CA1")]
    url = "https://example.com/hook"
    assert webhook(account(), signed(url, form), form, path="/hook", query="")
    without_blank = [pair for pair in form if pair[1]]
    assert not webhook(account(), signed(url, [*form, ("Z", "")]), without_blank, path="/hook", query="")
    assert not webhook(account(), signed(url, form), [*form, ("Digit", "3")], path="/hook", query="")


def test_a_get_webhook_is_signed_by_its_url_alone() -> None:
    query = urlencode(FORM)
    signature = signed(f"https://example.com/hook?{query}")
    assert account().genuine_webhook("/hook", query, {"X-Twilio-Signature": signature}, [], b"")
    assert not account().genuine_webhook("/hook", query + "&x=1", {"X-Twilio-Signature": signature}, [], b"")


SHARED = {"shared_keys": {"wk_1": SecretStr("s3cret"), "wk_empty": SecretStr("")}}
URL = "https://example.com/myapp.php?foo=1&bar=2"


def test_a_shared_key_signs_with_sha256() -> None:
    signature = signed(URL, FORM, key="s3cret", algorithm="sha256")
    assert webhook(account(**SHARED), signature, settings="key=wk_1,algorithm=HMAC_SHA256")
    assert webhook(account(**SHARED), signature, settings=" algorithm = hmac_sha256 , key = wk_1")
    assert webhook(account(**SHARED), SIGNED, settings="")


@pytest.mark.parametrize(
    "settings",
    [
        "key=wk_2,algorithm=HMAC_SHA256",
        "key=wk_empty,algorithm=HMAC_SHA256",
        "key=wk_1,algorithm=HMAC_MD5",
        "key=wk_1,algorithm=NONE",
        "key=wk_1",
        "algorithm=HMAC_SHA256",
        "=,=,,",
        None,
    ],
)
def test_a_shared_key_holds_only_as_announced(settings: str | None) -> None:
    signature = signed(URL, FORM, key="s3cret", algorithm="sha256")
    assert not webhook(account(**SHARED), signature, settings=settings)


def test_an_empty_shared_key_is_no_key() -> None:
    signature = signed(URL, FORM, key="", algorithm="sha256")
    assert not webhook(account(**SHARED), signature, settings="key=wk_empty,algorithm=HMAC_SHA256")


@pytest.mark.parametrize(
    "signature", ["", " ", SIGNED[:-1], SIGNED[:-2] + "V=", SIGNED.lower(), "é", "\udc80", "0" * 10**5]
)
def test_any_other_signature_is_refused(signature: str) -> None:
    assert not webhook(account(), signature)


def test_a_missing_signature_is_refused() -> None:
    assert not account().genuine_webhook("/myapp.php", "foo=1&bar=2", {}, FORM, b"x")
    assert not account().genuine_media("/media", {})


def test_headers_of_a_proxy_change_nothing() -> None:
    forged = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Twilio-Signature": signed("http://evil.example/myapp.php?foo=1&bar=2", FORM),
    }
    assert not account().genuine_webhook("/myapp.php", "foo=1&bar=2", forged, FORM, b"x")
    assert account().genuine_webhook("/myapp.php", "foo=1&bar=2", forged | {"X-Twilio-Signature": SIGNED}, FORM, b"x")


PAIRS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5)


@given(st.text(max_size=40), PAIRS, st.text(max_size=20), st.text(max_size=40), st.binary(max_size=20))
def test_no_forgery_holds_and_none_makes_it_raise(
    signature: str, form: list[tuple[str, str]], query: str, settings: str, body: bytes
) -> None:
    headers = {"X-Twilio-Signature": signature, "X-Twilio-Webhooks-Signature-Settings": settings}
    assert not account(**SHARED).genuine_webhook("/hook" + query, query, headers, form, body)
    assert not account(**SHARED).genuine_media("/media" + query, headers)


FIELDS = st.text(alphabet=st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=6), st.data())
def test_whatever_twilio_posts_is_genuine_until_one_value_changes(
    form: list[tuple[str, str]], data: st.DataObject
) -> None:
    posted = parse_qsl(urlencode(form), keep_blank_values=True)
    signature = signed("https://example.com/hook", form)
    assert webhook(account(), signature, posted, path="/hook", query="")
    place = data.draw(st.integers(0, len(posted) - 1))
    name, value = posted[place]
    changed = [*posted[:place], (name, value + "x"), *posted[place + 1 :]]
    if set(changed) != set(form):
        assert not webhook(account(), signature, changed, path="/hook", query="")


# -- the WebSocket upgrade -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signature",
    ["7PR3qMkpDyEJtMrVOY/LDyNq8J8=", "T+WBXwUXC0/CyoZ1DA+p9ilZORs=", "zyyJQiPZXIGCLy3HYdHEfry0yDg="],
    ids=["plain", "trailing slash", "with port"],
)
@pytest.mark.parametrize("path", ["/media", "/media/"])
def test_the_known_upgrade_signatures_are_genuine(signature: str, path: str) -> None:
    assert account().genuine_media(path, {"x-twilio-signature": signature})


@pytest.mark.parametrize("scheme", ["wss", "https"])
@pytest.mark.parametrize("port", ["", ":8443"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_upgrade_may_be_signed_in_any_spelling_of_our_url(scheme: str, port: str, slash: str) -> None:
    told = f"{scheme}://voice.example.com{port}/app/media{slash}"
    who = account("https://voice.example.com:8443/app")
    assert who.genuine_media("/media", {"X-Twilio-Signature": signed(told)})
    assert who.genuine_media("/media?token=stripped", {"X-Twilio-Signature": signed(told)})


@pytest.mark.parametrize(
    "told",
    [
        "wss://evil.example/media",
        "wss://example.com/other",
        "wss://example.com/media?token=x",
        "ws://example.com/media",
        "http://example.com/media",
        "wss://example.com:8443/media",
        "wss://example.com.evil.example/media",
        "wss://example.com",
        "",
    ],
)
def test_an_upgrade_for_any_other_url_is_refused(told: str) -> None:
    assert not account().genuine_media("/media", {"X-Twilio-Signature": signed(told)})


def test_a_plain_http_address_on_loopback_can_be_signed_too() -> None:
    who = account("http://127.0.0.1:8080")
    assert who.genuine_media("/media", {"X-Twilio-Signature": signed("ws://127.0.0.1:8080/media")})
    assert webhook(who, signed("http://127.0.0.1:8080/myapp.php?foo=1&bar=2", FORM))
    assert not who.genuine_media("/media", {"X-Twilio-Signature": signed("wss://127.0.0.1:8080/media")})


def test_an_ipv6_address_can_be_signed_too() -> None:
    who = account("http://[::1]:8080")
    assert who.genuine_media("/media", {"X-Twilio-Signature": signed("ws://[::1]:8080/media")})
    assert webhook(who, signed("http://[::1]:8080/myapp.php?foo=1&bar=2", FORM))


def test_an_upgrade_may_be_signed_with_the_secondary_token_or_a_shared_key() -> None:
    who = account(auth_token=SecretStr("new"), auth_token_secondary=SecretStr(TOKEN), **SHARED)
    assert who.genuine_media("/media", {"X-Twilio-Signature": signed("wss://example.com/media")})
    by_key = {
        "X-Twilio-Signature": signed("wss://example.com/media", key="s3cret", algorithm="sha256"),
        "X-Twilio-Webhooks-Signature-Settings": "key=wk_1,algorithm=HMAC_SHA256",
    }
    assert who.genuine_media("/media", by_key)
    assert not who.genuine_media("/media", by_key | {"X-Twilio-Webhooks-Signature-Settings": "key=wk_2"})


# -- the public URL ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "wss://example.com",
        "ftp://example.com",
        "https://",
        "https://example.com:port",
        "https://example.com:99999",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://[::1",
    ],
)
def test_an_address_nobody_could_sign_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="public_url") as caught:
        account(url)
    assert "PUBLIC_URL" in caught.value.remedy


def test_the_public_url_is_taken_apart_once() -> None:
    assert PublicUrl.parse(" https://u:p@Voice.example.com:8443/app/ ") == PublicUrl(
        "https", "Voice.example.com", 8443, "/app"
    )


def test_the_hash_of_a_json_body_is_read_from_the_signed_url() -> None:
    body = json.dumps({"a": "é"}, ensure_ascii=False).encode()
    query = f"x=1&bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"X-Twilio-Signature": signed(f"https://example.com/hook?{query}")}
    assert account().genuine_webhook("/hook", query, headers, [], body)
    assert not account().genuine_webhook("/hook", query.replace("x=1", "x=2"), headers, [], body)
    assert not account().genuine_webhook("/hook", query, headers, [], b"\xff")


# -- several servers behind one public address ---------------------------------------------------------------------


def test_both_the_public_address_and_that_of_this_server_alone_are_ours() -> None:
    alone = "https://example.com/at/b"
    who = TwilioAccount("https://example.com", TwilioSettings(auth_token=SecretStr(TOKEN)), alone)
    assert webhook(who, SIGNED)
    assert webhook(who, signed(f"{alone}/myapp.php?foo=1&bar=2", FORM))
    assert not webhook(who, signed("https://example.com/at/c/myapp.php?foo=1&bar=2", FORM))
    assert who.genuine_media("/media", {"X-Twilio-Signature": signed("wss://example.com/at/b/media")})
    assert not account().genuine_media("/media", {"X-Twilio-Signature": signed("wss://example.com/at/b/media")})
