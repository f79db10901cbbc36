"""Logging belongs to the process; tests that set it up leave it as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from telephony.runtime.logs import QUIET


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, quiet = logging.getLogger(), [logging.getLogger(name) for name in QUIET]
    before = (root.level, list(root.handlers), [logger.level for logger in quiet])
    yield
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for logger, level in zip(quiet, before[2], strict=True):
        logger.setLevel(level)
