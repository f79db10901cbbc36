"""Keys: how they may be written, and what may be seen of them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.encryption.keys import Key, KeyRing
from telephony.errors import EncryptionError

SECRET = bytes(range(200, 232))
secrets = st.binary(min_size=32, max_size=32)


@given(secrets)
def test_a_key_is_read_from_base64_and_from_hexadecimal(secret: bytes) -> None:
    standard, urlsafe = base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()
    for text in (standard, urlsafe, standard.rstrip("="), secret.hex(), secret.hex().upper(), f" {standard}\n"):
        assert Key.read(text).secret == secret


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "neither base64 nor hexadecimal"),
        ("correct horse battery staple", "neither base64 nor hexadecimal"),
        ("ключ" * 11, "neither base64 nor hexadecimal"),
        ("A" * 41, "neither base64 nor hexadecimal"),
        (base64.b64encode(SECRET[:16]).decode(), "128 bits where 256 are needed"),
        (base64.b64encode(SECRET * 2).decode(), "512 bits where 256 are needed"),
        (SECRET.hex()[:-1], "bits where 256 are needed|neither"),
    ],
)
def test_what_is_no_key_is_told_and_not_shown(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as raised:
        Key.read(text)
    assert not text or text not in str(raised.value)


def test_the_secret_is_not_in_what_is_printed_of_a_key() -> None:
    key = Key(SECRET)
    assert repr(key) == f"Key({key.id.hex()})"
    assert len(key.id) == 8
    assert key.id not in SECRET


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 16"):
        Key(SECRET[:16])


def test_a_ring_finds_the_newest_and_the_old_ones() -> None:
    new, old, unknown = Key(SECRET), Key(bytes(32)), Key(bytes([1] * 32))
    ring = KeyRing(new, [old])
    assert (len(ring), ring.newest) == (2, new)
    assert (ring.of(new.id), ring.of(old.id)) == (new, old)
    with pytest.raises(EncryptionError, match=f"{unknown.id.hex()}.*{old.id.hex()}.*encryption.old_keys"):
        ring.of(unknown.id)


def test_a_ring_without_keys_says_so() -> None:
    with pytest.raises(EncryptionError, match="there is none configured here"):
        KeyRing().of(bytes(8))
