"""How dialects are found by name."""

from __future__ import annotations

import pytest

from telephony.errors import ConfigurationError
from telephony.realtime import dialect
from telephony.settings import SessionConfig


def test_an_unknown_dialect_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationError, match="litellm, openai, xai"):
        dialect("klingon", SessionConfig())
