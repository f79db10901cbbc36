"""`telephony call`, as far as it goes without a server; with one it is in tests/e2e/test_outbound_killed.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from terminals import Said, Telephony


def said(typed: Said) -> str:
    """Everything, on one line."""
    return " ".join(f"{typed.out} {typed.errors}".split())


WORDS = ("call", "+15550177", "--agent", "desk")


def test_without_a_key_nobody_can_be_called(good: Path, telephony: Telephony) -> None:
    typed = telephony(*WORDS)
    assert typed.code == 2
    assert "outbound.api_key: it is not set" in said(typed)
    assert "TELEPHONY_OUTBOUND__API_KEY" in said(typed)


def test_a_server_that_is_not_there_is_told_of_with_the_key_to_ask_again(
    spoil: Callable[[str, str], None], telephony: Telephony
) -> None:
    spoil("port: 0", "port: 9\noutbound: {api_key: planted-key-77aa}")
    typed = telephony(*WORDS, "--key", "order-1")
    assert typed.code == 2
    assert "http://127.0.0.1:9 does not answer" in said(typed)
    assert "--key order-1 asks for this very call again" in said(typed)
    assert "planted-key-77aa" not in said(typed)


def test_the_key_is_not_shown_with_the_configuration(spoil: Callable[[str, str], None], telephony: Telephony) -> None:
    spoil("port: 0", "port: 9\noutbound: {api_key: planted-key-77aa}")
    typed = telephony("config", "show")
    assert typed.code == 0
    assert "planted-key-77aa" not in said(typed)


def test_it_wants_to_know_who_calls_whom(good: Path, telephony: Telephony) -> None:
    assert telephony("call", "+15550177").code == 2
    assert telephony("call", "--agent", "desk").code == 2


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (["order"], "'order' is no KEY=VALUE. Write --metadata order=A-1042"),
        (["=A-1042"], "'=A-1042' is no KEY=VALUE"),
        (["order=1", "order=2"], "order is given twice"),
    ],
)
def test_metadata_is_pairs(good: Path, telephony: Telephony, pairs: list[str], says: str) -> None:
    typed = telephony(*WORDS, *(word for pair in pairs for word in ("--metadata", pair)))
    assert typed.code == 2
    assert f"--metadata: {says}" in said(typed)
