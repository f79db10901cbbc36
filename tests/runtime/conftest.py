"""Logging belongs to the process; tests that set it up leave it as it was."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _logging(logging_as_before: None) -> None:
    """For all of them."""
