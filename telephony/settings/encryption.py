"""With what the sound that calls leave behind is encrypted."""

from __future__ import annotations

from pydantic import SecretStr

from telephony.settings.base import Group


class EncryptionSettings(Group):
    """With what the sound that calls leave behind is encrypted: recordings, messages, cassettes."""

    key: SecretStr = SecretStr("")
    """256 bits in base64 or hexadecimal, as `openssl rand -base64 32` makes them, for new recordings, messages and
    cassettes. Unset encrypts nothing."""
    old_keys: list[SecretStr] = []
    """Keys that were `key` before: what was encrypted with them can still be read."""
