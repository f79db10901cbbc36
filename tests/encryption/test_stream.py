"""The form of an encrypted file: whatever is done to it is noticed, and what was whole before it is not lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.encryption.keys import Key, KeyRing
from telephony.encryption.stream import CHUNK, HEADER_BYTES, SEALED, TAG_BYTES, Cipher, Ending, Layout, Place, Sealer
from telephony.errors import EncryptionError

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(range(1, 33)))
RING = KeyRing(KEY)
SALT = bytes(range(100, 132))

pieces = st.lists(st.integers(0, 3 * CHUNK).map(lambda size: bytes(i * 7 % 251 for i in range(size))), max_size=6)


def encrypted(content: bytes, salt: bytes = SALT, key: Key = KEY) -> bytes:
    sealer = Sealer(key, salt)
    return sealer.header + sealer.add(content) + sealer.end()


def decrypted(file: bytes, ring: KeyRing = RING) -> tuple[bytes, Ending]:
    """What is in *file*, chunk by chunk. Raises `EncryptionError`."""
    cipher, layout = Cipher.of(file[:HEADER_BYTES], ring), Layout.of(len(file))
    whole = [
        cipher.open(number, Place.INSIDE, file[HEADER_BYTES + number * SEALED : HEADER_BYTES + (number + 1) * SEALED])
        for number in range(layout.whole)
    ]
    rest, ending = cipher.last(layout, file[layout.end :])
    return b"".join(whole) + rest, ending


def content_of(size: int) -> bytes:
    return bytes((i * 31 + i // CHUNK) % 256 for i in range(size))


# -- there and back ------------------------------------------------------------------------------------------------


@given(pieces)
def test_what_was_encrypted_comes_back_however_it_was_cut(parts: list[bytes]) -> None:
    sealer = Sealer(KEY, SALT)
    file = sealer.header + b"".join(sealer.add(part) for part in parts) + sealer.end()
    content = b"".join(parts)
    assert decrypted(file) == (content, "whole")
    assert file == encrypted(content)
    assert len(file) == HEADER_BYTES + len(content) + TAG_BYTES * (len(content) // CHUNK + 1)


def test_it_is_aes_256_gcm_under_a_key_that_hkdf_makes_for_the_file() -> None:
    """Written down a second time, from the description: whoever has the key and the description can read the files."""
    file = encrypted(b"hello")
    assert file[:8] == b"TELENC1\n"
    assert (file[8:16], file[16:48]) == (KEY.id, SALT)
    own = HKDF(SHA256(), 32, salt=SALT, info=b"TELENC1\n").derive(KEY.secret)
    assert AESGCM(own).decrypt(bytes(11) + b"\x01", file[48:], file[:48]) == b"hello"


def test_nothing_of_the_content_stands_in_the_file() -> None:
    content = b"RIFF" + b"\x10\x20\x30\x40" * 5000
    file = encrypted(content)
    assert not any(content[at : at + 8] in file for at in range(16))


def test_each_file_has_a_key_of_its_own() -> None:
    one, two = encrypted(b"the same" * 2000, SALT), encrypted(b"the same" * 2000, bytes(32))
    assert one[HEADER_BYTES:] != two[HEADER_BYTES:]


def test_no_nonce_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[bytes] = []
    encrypt = AESGCM.encrypt

    class Watched:
        def __init__(self, key: bytes) -> None:
            self._real = AESGCM(key)

        def encrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
            used.append(nonce)
            return encrypt(self._real, nonce, data, associated)

    monkeypatch.setattr("cryptography.hazmat.primitives.ciphers.aead.AESGCM", Watched)
    sealer = Sealer(KEY, SALT)
    for size in (1, CHUNK - 1, 0, 5 * CHUNK, 17):
        sealer.add(bytes(size))
    sealer.end()
    Cipher(KEY, sealer.header).close(6)
    assert len(used) == len(set(used)) == 8


def test_after_its_end_nothing_can_be_added() -> None:
    sealer = Sealer(KEY, SALT)
    sealer.end()
    with pytest.raises(ValueError, match="last chunk"):
        sealer.add(b"more")
    with pytest.raises(ValueError, match="last chunk"):
        sealer.end()


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 8"):
        Sealer(KEY, bytes(8))


def test_what_has_not_filled_a_chunk_is_less_than_one() -> None:
    """What dies with a process: never more than this, whatever was added."""
    sealer, added, written = Sealer(KEY, SALT), 0, 0
    for size in (10, CHUNK, 5000, 3, 4 * CHUNK):
        added += size
        written += len(sealer.add(bytes(size))) // SEALED * CHUNK
        assert 0 <= added - written < CHUNK


# -- tampering -----------------------------------------------------------------------------------------------------

FILE = encrypted(content_of(3 * CHUNK + 100))
CONTENT = content_of(3 * CHUNK + 100)


@settings(max_examples=300)
@given(at=st.integers(0, len(FILE) - 1), bit=st.integers(0, 7))
def test_no_bit_can_be_turned_unnoticed(at: int, bit: int) -> None:
    changed = bytearray(FILE)
    changed[at] ^= 1 << bit
    try:
        content, ending = decrypted(bytes(changed))
    except EncryptionError:
        return
    assert at >= Layout.of(len(FILE)).end, "only the last chunk may be taken for one that is not there"
    assert (content, ending) == (CONTENT[: 3 * CHUNK], "cut")


@settings(max_examples=300)
@given(st.integers(0, len(FILE) - 1))
def test_a_file_that_was_cut_gives_the_whole_chunks_before_it_and_says_so(length: int) -> None:
    if length < HEADER_BYTES:
        with pytest.raises(EncryptionError, match="no encrypted file of ours"):
            decrypted(FILE[:length])
        return
    whole = (length - HEADER_BYTES) // SEALED
    assert decrypted(FILE[:length]) == (CONTENT[: whole * CHUNK], "cut")


@given(st.binary(min_size=1, max_size=2 * SEALED))
def test_nothing_can_be_put_behind_it(more: bytes) -> None:
    try:
        content, ending = decrypted(FILE + more)
    except EncryptionError:
        return
    assert (content, ending) == (CONTENT[: len(content)], "cut")


chunks = [FILE[HEADER_BYTES + n * SEALED : HEADER_BYTES + (n + 1) * SEALED] for n in range(4)]
foreign = encrypted(CONTENT, bytes(32))
strange = [foreign[HEADER_BYTES + n * SEALED : HEADER_BYTES + (n + 1) * SEALED] for n in range(4)]


@given(st.lists(st.sampled_from([*chunks, *strange]), max_size=6))
def test_chunks_cannot_be_reordered_left_out_repeated_or_taken_from_another_file(order: list[bytes]) -> None:
    file = FILE[:HEADER_BYTES] + b"".join(order)
    try:
        content, ending = decrypted(file)
    except EncryptionError:
        return
    if order == chunks:
        assert (content, ending) == (CONTENT, "whole")
    else:
        assert ending == "cut"
        assert CONTENT.startswith(content)


def test_a_chunk_is_not_taken_for_its_neighbour() -> None:
    cipher = Cipher.of(FILE[:HEADER_BYTES], RING)
    for one, two in pairwise(range(3)):
        with pytest.raises(EncryptionError, match=f"chunk {one} is damaged, or somebody has changed it"):
            cipher.open(one, Place.INSIDE, chunks[two])


def test_another_key_reads_nothing() -> None:
    with pytest.raises(EncryptionError, match=KEY.id.hex()):
        decrypted(FILE, KeyRing(OTHER))
    named = FILE[:8] + OTHER.id + FILE[16:]
    with pytest.raises(EncryptionError, match="damaged, or somebody has changed it"):
        decrypted(named, KeyRing(OTHER))


# -- a process that died -------------------------------------------------------------------------------------------


@given(written=st.integers(HEADER_BYTES, len(FILE)), cut=st.integers(0, len(FILE)))
def test_what_a_dead_process_left_is_closed_and_then_cannot_be_cut_unnoticed(written: int, cut: int) -> None:
    layout = Layout.of(written)
    cipher = Cipher.of(FILE[:HEADER_BYTES], RING)
    closed = FILE[: layout.end] + cipher.close(layout.whole)
    assert decrypted(closed) == (CONTENT[: layout.whole * CHUNK], "recovered")
    if HEADER_BYTES <= cut < len(closed):
        assert decrypted(closed[:cut])[1] == "cut"
