"""`telephony calls decrypt`: the sound again, or in words why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tapes import call
from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.bridge.encrypted import encrypted
from telephony.encryption.keys import Key
from telephony.encryption.stream import CHUNK, HEADER_BYTES, SEALED
from terminals import Telephony

SECRET, OTHER = bytes(range(32)).hex(), bytes(32).hex()
SOUND = wav.write(PCM16_8K, 2, bytes(range(200)) * 100)
FILE = Path("1.wav.enc")


@pytest.fixture
def console(telephony: Telephony, monkeypatch: pytest.MonkeyPatch) -> Telephony:
    monkeypatch.setenv("TELEPHONY_ENCRYPTION__KEY", SECRET)
    FILE.write_bytes(encrypted(SOUND, Key.read(SECRET)))
    return telephony


def test_a_recording_is_written_beside_the_file_or_where_it_is_wanted(console: Telephony) -> None:
    assert console("calls", "decrypt", str(FILE)).code == 0
    assert Path("1.wav").read_bytes() == SOUND
    assert console("calls", "decrypt", str(FILE), "mine.wav").code == 0
    assert Path("mine.wav").read_bytes() == SOUND


def test_nothing_is_written_over_unasked(console: Telephony) -> None:
    Path("1.wav").write_bytes(b"mine")
    done = console("calls", "decrypt", str(FILE))
    assert (done.code, Path("1.wav").read_bytes()) == (1, b"mine")
    assert "--force" in done.errors
    assert console("calls", "decrypt", str(FILE), "--force").code == 0
    assert Path("1.wav").read_bytes() == SOUND
    assert "the encrypted file itself" in console("calls", "decrypt", str(FILE), str(FILE), "--force").errors


def test_an_old_key_decrypts_and_a_wrong_or_missing_one_is_told(
    console: Telephony, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEPHONY_ENCRYPTION__KEY", OTHER)
    done = console("calls", "decrypt", str(FILE))
    assert (done.code, Path("1.wav").exists()) == (1, False)
    assert Key.read(SECRET).id.hex() in done.errors
    assert "encryption.old_keys" in done.errors
    monkeypatch.delenv("TELEPHONY_ENCRYPTION__KEY")
    assert "there is none configured here" in console("calls", "decrypt", str(FILE)).errors
    monkeypatch.setenv("TELEPHONY_ENCRYPTION__OLD_KEYS", f'["{OTHER}", "{SECRET}"]')
    assert console("calls", "decrypt", str(FILE)).code == 0


def test_a_file_that_was_cut_is_written_as_far_as_it_goes_and_the_exit_code_tells(console: Telephony) -> None:
    os.truncate(FILE, HEADER_BYTES + 2 * SEALED + 30)
    done = console("calls", "decrypt", str(FILE))
    assert (done.code, Path("1.wav").read_bytes()) == (1, SOUND[: 2 * CHUNK])
    assert "Its end is missing" in done.errors


def test_of_a_file_that_somebody_has_changed_nothing_is_written(console: Telephony) -> None:
    data = bytearray(FILE.read_bytes())
    data[HEADER_BYTES + SEALED] ^= 1
    FILE.write_bytes(data)
    done = console("calls", "decrypt", str(FILE))
    assert (done.code, Path("1.wav").exists()) == (1, False)
    assert f"{FILE}: its chunk 1 is damaged, or somebody has changed it" in done.errors


@pytest.mark.parametrize(("name", "told"), [("1.wav", "does not end with .enc"), ("gone.wav.enc", "cannot be read")])
def test_what_cannot_be_decrypted_is_told(console: Telephony, name: str, told: str) -> None:
    done = console("calls", "decrypt", name)
    assert (done.code, told in done.errors) == (1, True)
    assert "Traceback" not in done.errors


def test_a_cassette_says_that_it_is_encrypted_and_replays_once_it_is_not(console: Telephony) -> None:
    Path("calls").mkdir()
    Path("calls/1.jsonl.enc").write_bytes(encrypted(b"".join(call()), Key.read(SECRET)))
    for words in (("replay", "calls"), ("cassette", "show", "calls/1.jsonl.enc")):
        done = console(*words)
        assert done.code != 0
        assert "telephony calls decrypt" in done.out + done.errors
    assert console("calls", "decrypt", "calls/1.jsonl.enc", "1.jsonl").code == 0
    assert console("replay", "1.jsonl").code == 0
