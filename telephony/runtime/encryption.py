"""The keys of what calls leave behind as audio, from the settings."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from telephony.bridge.encrypted import sealer_for
from telephony.encryption.keys import MAKE_ONE, Key, KeyRing
from telephony.runtime.located import Path
from telephony.settings import Settings

EXTRA = "Install it: pip install 'telephony-bridge[encryption]'."


def key_ring(settings: Settings) -> KeyRing:
    """The keys, of settings in which `encryption_problems` finds nothing."""
    own = settings.encryption
    newest = own.key.get_secret_value()
    old = [Key.read(key.get_secret_value()) for key in own.old_keys]
    ring = KeyRing(Key.read(newest) if newest else None, old)
    if ring.newest:
        sealer_for(ring.newest).prepare()  # while a process starts, and not in its first call
    return ring


def encryption_problems(settings: Settings) -> Iterator[tuple[Path, str, str]]:
    """Path, problem and remedy for each key that is none, and for the library that is needed and not there."""
    own = settings.encryption
    keys: dict[Path, str] = {
        ("encryption", "old_keys", at): key.get_secret_value() for at, key in enumerate(own.old_keys)
    }
    if newest := own.key.get_secret_value():
        keys["encryption", "key"] = newest
    for path, text in keys.items():
        try:
            Key.read(text)
        except ValueError as error:
            yield path, str(error), MAKE_ONE
    if keys and importlib.util.find_spec("cryptography") is None:
        yield ("encryption",), "it needs a package that is not installed", EXTRA
