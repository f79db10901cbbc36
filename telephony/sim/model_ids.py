"""Ids as the providers make them, from a seed: the same session has the same ids every time."""

from __future__ import annotations

import hashlib

_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """A stream of ids that never repeat within a session."""

    def __init__(self, seed: int, purpose: str = "ids") -> None:
        self._root = f"{seed}/{purpose}/"
        self._count = 0

    def _digest(self) -> bytes:
        self._count += 1
        return hashlib.sha256(f"{self._root}{self._count}".encode()).digest()

    def hexadecimal(self) -> str:
        """32 digits, such as xAI's session ids."""
        return self._digest().hex()[:32]

    def uuid(self) -> str:
        """The form of a version 4 UUID (RFC 9562), as xAI gives to everything else."""
        digits = self.hexadecimal()
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def prefixed(self, prefix: str, length: int = 21) -> str:
        """OpenAI's form: `item_` and letters and digits."""
        letters = "".join(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in self._digest())
        return f"{prefix}_{letters[:length]}"

    def letters(self, length: int) -> str:
        """Up to 32 letters and digits."""
        return self.prefixed("", length)[1:]
