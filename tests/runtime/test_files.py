"""How many files a process may open is what the system says."""

from __future__ import annotations

import os
import resource

import pytest

from telephony.runtime.files import allowed_files


def test_a_descriptor_below_the_limit_can_be_had_and_none_above() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
        last = int(allowed_files()) - 1
        assert last == 199
        os.close(os.dup2(0, last))
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.dup2(0, last + 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
