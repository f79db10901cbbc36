"""The keys: 256 bits, written as text, known by a name that tells nothing of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence

from telephony.errors import EncryptionError

KEY_BYTES = 32
ID_BYTES = 8
_ID_OF = b"telephony: the name of a key\n"
MAKE_ONE = "Make one with: openssl rand -base64 32."


class Key:
    """A key of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(secret)}.")
        self.secret = secret
        self.id = hashlib.sha256(_ID_OF + secret).digest()[:ID_BYTES]
        """Stands in every file that it encrypts. Of a key that is random it tells nothing."""

    def __repr__(self) -> str:
        return f"Key({self.id.hex()})"

    @classmethod
    def read(cls, text: str) -> Key:
        """The key in *text*: 32 bytes in base64 (also URL-safe, also without padding) or 64 hexadecimal digits.

        Raises:
            ValueError: it is something else; the message does not show it.
        """
        plain = text.strip()
        if re.fullmatch(r"[0-9a-fA-F]{64}", plain):
            return cls(bytes.fromhex(plain))
        if not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", plain):
            raise ValueError("it is neither base64 nor hexadecimal")
        standard = plain.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            secret = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        except binascii.Error:
            raise ValueError("it is neither base64 nor hexadecimal") from None
        if len(secret) != KEY_BYTES:
            raise ValueError(f"it has {8 * len(secret)} bits where {8 * KEY_BYTES} are needed")
        return cls(secret)


class KeyRing:
    """Those that are known. *newest* encrypts; every other one is for reading what it once encrypted."""

    def __init__(self, newest: Key | None = None, old: Sequence[Key] = ()) -> None:
        self.newest = newest
        """None if nothing is to be encrypted."""
        self._keys = {key.id: key for key in (*old, *([newest] if newest else []))}

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, name: bytes) -> Key:
        """The key whose `Key.id` is *name*. Raises `EncryptionError` if it is not here."""
        if key := self._keys.get(name):
            return key
        known = f"none but {', '.join(each.hex() for each in self._keys)} are" if self._keys else "there is none"
        remedy = "Set encryption.key, or add it to encryption.old_keys."
        raise EncryptionError(f"it is encrypted with the key {name.hex()}, and {known} configured here. {remedy}")
