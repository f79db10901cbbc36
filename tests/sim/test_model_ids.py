"""Ids look as the providers' do and are the same in every run."""

from __future__ import annotations

import uuid

from telephony.sim.model_ids import Ids


def test_ids_have_the_providers_forms() -> None:
    ids = Ids(1)
    assert uuid.UUID(ids.uuid()).version == 4
    assert len(bytes.fromhex(ids.hexadecimal())) == 16
    assert ids.prefixed("item").startswith("item_")
    assert len(ids.prefixed("call", 16)) == len("call_") + 16
    assert ids.letters(12).isalnum()


def test_ids_never_repeat_and_follow_the_seed() -> None:
    first, again, other = Ids(1), Ids(1), Ids(2)
    made = [first.uuid() for _ in range(200)]
    assert len(set(made)) == 200
    assert [again.uuid() for _ in range(200)] == made
    assert other.uuid() not in made
