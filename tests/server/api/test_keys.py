"""Whose key it is, and what it is for."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.server.api.keys import ApiKeys, Holder
from telephony.server.keys import hashed, new_key
from telephony.settings import ApiKey

KEY, OTHER = new_key(), new_key()
KEYS = ApiKeys(
    {"ops": ApiKey(sha256=hashed(KEY), scopes=["calls:read", "live:read"])}, {"ours": (OTHER, ("calls:write",))}
)


def test_a_key_is_found_by_its_hash_alone() -> None:
    assert KEYS.holder(KEY) == Holder("ops", frozenset({"calls:read", "live:read"}))
    assert KEYS.holder(OTHER) == Holder("ours", frozenset({"calls:write"}))
    assert ApiKeys({"ops": ApiKey(sha256=hashed(KEY).upper(), scopes=["calls:read"])}).holder(KEY)


@given(st.one_of(st.text(), st.sampled_from([KEY[:-1], KEY + "x", hashed(KEY), "ops", ""])))
def test_anything_else_is_nobodys(key: str) -> None:
    assert KEYS.holder(key) is None


def test_the_hash_is_that_of_sha256sum() -> None:
    assert hashed(KEY) == hashlib.sha256(KEY.encode()).hexdigest()


@pytest.mark.parametrize(("keys", "there"), [(ApiKeys({}), False), (KEYS, True)])
def test_there_may_be_none(keys: ApiKeys, there: bool) -> None:
    assert bool(keys) is there
    assert ApiKeys({}).holder("") is None
