"""Recorded shapes of wire messages, one file per kind, and what every dialect is built from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WIRE = Path(__file__).parents[2] / "fixtures" / "wire"

Wire = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def wire() -> Wire:
    """`wire("xai", "ping")` is the message in `fixtures/wire/xai/ping.json`."""
    return lambda provider, name: json.loads((WIRE / provider / f"{name}.json").read_text())
