"""Encrypting and decrypting the chunks of a file, by number. See the package for the form."""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import msgspec

from telephony.encryption.keys import ID_BYTES, Key, KeyRing
from telephony.errors import EncryptionError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"TELENC1\n"
SALT_BYTES = 32
HEADER_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES
CHUNK = 4096
"""Bytes of what is encrypted. What has not filled one is lost with its process: an eighth of a second of stereo."""
TAG_BYTES = 16
SEALED = CHUNK + TAG_BYTES
_NUMBER_BYTES = 11


class Place(IntEnum):
    """Where a chunk stands, the last byte of its nonce."""

    INSIDE = 0
    LAST = 1
    AFTER_DEATH = 2
    """The last one, put there by whoever found the file of a process that had died, or of one whose disk was full."""


Ending = Literal["whole", "recovered", "cut"]
"""`whole`: all that there was is there. `recovered`: its process died, or its disk was full, and all that was written
until then is there. `cut`: its end is not there. Somebody has cut or changed it, or nobody has recovered it yet."""


class Layout(msgspec.Struct, frozen=True):
    """What a file of a given size consists of."""

    whole: int
    """Chunks that are full; none of them is the last."""
    rest: int
    """Bytes behind them."""

    @classmethod
    def of(cls, file_bytes: int) -> Layout:
        return cls(*divmod(max(0, file_bytes - HEADER_BYTES), SEALED))

    @property
    def end(self) -> int:
        """The byte of the file after the last whole chunk."""
        return HEADER_BYTES + self.whole * SEALED


class Cipher:
    """The chunks of one file. *header* is the file's, *key* the one that it names."""

    def __init__(self, key: Key, header: bytes) -> None:
        self._key = key
        self._header = header

    @classmethod
    def of(cls, header: bytes, keys: KeyRing) -> Cipher:
        """That of the file that begins with *header*. Raises `EncryptionError` if it is none, or its key is unknown."""
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise EncryptionError("it is no encrypted file of ours, or its beginning is damaged")
        return cls(keys.of(header[len(MAGIC) : len(MAGIC) + ID_BYTES]), header)

    @cached_property
    def aead(self) -> AESGCM:
        """The cipher, with the file's own key."""
        # Loaded only here: it is an extra, and takes whoever encrypts nothing time and memory.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        salt = self._header[-SALT_BYTES:]
        return AESGCM(HKDF(SHA256(), len(self._key.secret), salt, MAGIC).derive(self._key.secret))

    def seal(self, number: int, place: Place, content: bytes) -> bytes:
        """The chunk of that *number*, encrypted. No number and place may be used for two contents."""
        return self.aead.encrypt(_nonce(number, place), content, self._header)

    def open(self, number: int, place: Place, chunk: bytes) -> bytes:
        """What was encrypted. Raises `EncryptionError` if *chunk* is not what was put there."""
        from cryptography.exceptions import InvalidTag

        try:
            return self.aead.decrypt(_nonce(number, place), chunk, self._header)
        except (InvalidTag, ValueError):  # ValueError: too short to have a tag
            raise EncryptionError(f"its chunk {number} is damaged, or somebody has changed it") from None

    def close(self, chunks: int) -> bytes:
        """What is put behind so many whole chunks of a process that has died."""
        return self.seal(chunks, Place.AFTER_DEATH, b"")

    def last(self, layout: Layout, rest: bytes) -> tuple[bytes, Ending]:
        """What is in the last chunk, and whether it is there; *rest* is what stands behind the whole ones."""
        endings: tuple[tuple[Place, Ending], ...] = ((Place.LAST, "whole"), (Place.AFTER_DEATH, "recovered"))
        for place, ending in endings:
            try:
                return self.open(layout.whole, place, rest), ending
            except EncryptionError:
                continue
        return b"", "cut"


class Sealer:
    """Encrypts a file from its beginning to its end. *salt* is 32 random bytes that were never used before."""

    def __init__(self, key: Key, salt: bytes) -> None:
        if len(salt) != SALT_BYTES:
            raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}.")
        self.header = MAGIC + key.id + salt
        """What the file begins with."""
        self._cipher = Cipher(key, self.header)
        self._number = 0
        self._waiting = bytearray()
        self._ended = False

    def prepare(self) -> None:
        """Load the ciphers, so that nobody waits for them later."""
        _ = self._cipher.aead

    def add(self, content: bytes) -> bytes:
        """The chunks that are full with *content*; what has not filled one waits for more."""
        if self._ended:
            raise ValueError("the file has its last chunk.")
        self._waiting += content
        sealed = []
        while len(self._waiting) >= CHUNK:
            sealed.append(self._cipher.seal(self._number, Place.INSIDE, bytes(self._waiting[:CHUNK])))
            del self._waiting[:CHUNK]
            self._number += 1
        return b"".join(sealed)

    def end(self) -> bytes:
        """The last chunk, with what waited."""
        if self._ended:
            raise ValueError("the file has its last chunk.")
        self._ended = True
        return self._cipher.seal(self._number, Place.LAST, bytes(self._waiting))


def _nonce(number: int, place: Place) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([place])
