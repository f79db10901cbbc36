"""The dialects by name: what `upstream` and a cassette write down, and the bridge asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from telephony.errors import ConfigurationError
from telephony.realtime.base import Dialect
from telephony.realtime.litellm import LiteLLM
from telephony.realtime.openai import OpenAI
from telephony.realtime.xai import XAI
from telephony.settings import SessionConfig

DIALECTS: Mapping[str, Callable[[SessionConfig], Dialect]] = {"openai": OpenAI, "xai": XAI, "litellm": LiteLLM}
"""Every dialect by name. A new one is one file and one entry; the contract tests then run on it too."""


def dialect(name: str, config: SessionConfig) -> Dialect:
    """The codec of a new session.

    Raises `ConfigurationError` for a name that is none, and for a *config* that the provider cannot do.
    """
    make = DIALECTS.get(name)
    if make is None:
        raise ConfigurationError("dialect", f"there is no dialect {name!r}", f"Use {', '.join(sorted(DIALECTS))}.")
    return make(config)
