"""Keys from the settings: from a variable, from a file, and every mistake told without showing what stands there."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path

import pytest

from telephony.encryption.keys import Key
from telephony.errors import ConfigurationError
from telephony.runtime.configuration import load
from telephony.runtime.encryption import key_ring
from telephony.runtime.redaction import redacted, secrets_of

NEW, OLD, OLDER = (base64.b64encode(bytes(range(n, n + 32))).decode() for n in (1, 2, 3))


def ids(*texts: str) -> list[bytes]:
    return [Key.read(text).id for text in texts]


def written(folder: Path, text: str) -> Path:
    path = folder / "telephony.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_key_comes_from_a_variable_a_file_or_a_credential(tmp_path: Path) -> None:
    secret = tmp_path / "TELEPHONY_ENCRYPTION__KEY"
    secret.write_text(NEW + "\n", encoding="utf-8")
    ways = (
        {"TELEPHONY_ENCRYPTION__KEY": NEW},
        {"TELEPHONY_ENCRYPTION__KEY_FILE": str(secret)},
        {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    )
    for way in ways:
        newest = key_ring(load(env=way, dotenv=None)).newest
        assert newest is not None
        assert [newest.id] == ids(NEW)


def test_old_keys_are_listed_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, "encryption:\n  key: os.environ/NEW\n  old_keys: [os.environ/OLD, os.environ/OLDER]\n")
    ring = key_ring(load(path, {"NEW": NEW, "OLD": OLD, "OLDER": OLDER}, dotenv=None))
    assert [ring.of(each).id for each in ids(NEW, OLD, OLDER)] == ids(NEW, OLD, OLDER)
    env = {"TELEPHONY_ENCRYPTION__OLD_KEYS": f'["{OLD}", "{OLDER}"]'}
    ring = key_ring(load(env=env, dotenv=None))
    assert (ring.newest, len(ring)) == (None, 2), "what was encrypted can be read, and nothing more is"


def test_without_a_key_nothing_is_encrypted() -> None:
    ring = key_ring(load(env={}, dotenv=None))
    assert (ring.newest, len(ring)) == (None, 0)


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("key", "correct-horse-battery-staple!", "it is neither base64 nor hexadecimal"),
        ("key", NEW[:20], "it has 120 bits where 256 are needed"),
        ("old_keys", f'["{OLD}", "swordfish"]', "encryption.old_keys.1"),
    ],
)
def test_what_is_no_key_is_told_and_not_shown(setting: str, value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        load(env={f"TELEPHONY_ENCRYPTION__{setting.upper()}": value}, dotenv=None)
    told = str(raised.value)
    assert "openssl rand -base64 32" in told
    assert f"TELEPHONY_ENCRYPTION__{setting.upper()}" in told
    assert not any(secret in told for secret in (value, "swordfish", OLD))


def test_a_missing_library_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "cryptography" else found(name))
    with pytest.raises(ConfigurationError, match=r"pip install 'telephony-bridge\[encryption\]'"):
        load(env={"TELEPHONY_ENCRYPTION__KEY": NEW}, dotenv=None)
    load(env={}, dotenv=None)


def test_keys_are_masked_wherever_settings_are_shown() -> None:
    settings = load(env={"TELEPHONY_ENCRYPTION__KEY": NEW, "TELEPHONY_ENCRYPTION__OLD_KEYS": f"['{OLD}']"}, dotenv=None)
    assert {NEW, OLD} <= set(secrets_of(settings))
    assert not any(secret in str(redacted(settings)) for secret in (NEW, OLD))
