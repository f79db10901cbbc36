"""Keys: whose they are, what they allow, and what is kept of them."""

from __future__ import annotations

import math

import pytest

from telephony.server.keys import DAY, Client, KeyExhausted, Keyring, hashed, new_key, presented
from telephony.settings import GatewayKey


def client(**allowed: object) -> Client:
    return Client("c", GatewayKey.model_validate(allowed))


def test_every_key_opens_for_its_holder_and_nothing_else_does():
    stored = new_key()
    keys = {"plain": GatewayKey(key="sk-plain"), "hashed": GatewayKey(sha256=hashed(stored).upper())}
    ring = Keyring("sk-master", keys)
    found = {
        key: getattr(ring.client(key), "name", None) for key in ("sk-master", "sk-plain", stored, "sk", "", "\udcff")
    }
    assert list(found.values()) == ["master", "plain", "hashed", None, None, None]
    assert not ring.open


def test_without_any_key_everybody_is_the_same_client():
    ring = Keyring()
    assert ring.open
    assert ring.client("") is ring.client("whatever")


def test_no_key_is_kept():
    ring = Keyring("sk-master", {"a": GatewayKey(key="sk-plain")})
    assert "sk-" not in repr(ring._clients)


def test_new_keys_are_long_and_never_the_same():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("sk-") and len(key) >= 45 for key in keys)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"Authorization": "Bearer k"}, "k"),
        ({"Authorization": "bearer  k "}, "k"),
        ({"api-key": "k"}, "k"),
        ({"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.k.1, openai-beta.realtime-v1"}, "k.1"),
        ({"Authorization": "Basic eDp5", "api-key": "k"}, "k"),
        ({"Authorization": "Bearer k", "api-key": "other"}, "k"),
        ({"Authorization": "Bearer "}, ""),
        ({"Sec-WebSocket-Protocol": "realtime"}, ""),
        ({}, ""),
    ],
)
def test_the_key_is_found_where_clients_put_it(headers, key):
    assert presented(headers) == key


def test_a_list_of_models_excludes_the_others():
    assert client(models=["a"]).may_use("a")
    assert not client(models=["a"]).may_use("b")
    assert client().may_use("b")


def test_sessions_at_once_are_capped_and_free_when_they_end():
    holder = client(max_sessions=2)
    first, _ = holder.enter(0), holder.enter(0)
    with pytest.raises(KeyExhausted, match="2 sessions at once") as exhausted:
        holder.enter(0)
    assert exhausted.value.code == "rate_limit_exceeded"
    holder.leave(first, 5)
    holder.enter(5)
    assert holder.sessions == 2


def test_minutes_are_shared_by_all_sessions_and_come_back_after_a_day():
    holder = client(minutes_per_day=2)
    first, second = holder.enter(0), holder.enter(0)
    assert holder.left(30) == 60
    assert holder.allowance(30) == 30
    holder.leave(first, 30)
    assert holder.left(60) == 30
    holder.leave(second, 90)
    assert holder.left(90) == 0
    with pytest.raises(KeyExhausted, match="2 minutes in 24 hours") as exhausted:
        holder.enter(91)
    assert exhausted.value.code == "insufficient_quota"
    assert holder.left(DAY + 31) == 30
    holder.enter(DAY + 31)


def test_the_master_key_has_no_limits():
    holder = Client("master")
    for _ in range(50):
        holder.leave(holder.enter(0), 1e6)
    assert holder.left(0) == math.inf
    assert holder.may_use("anything")
