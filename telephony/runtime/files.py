"""What the system allows this process to have open."""

from __future__ import annotations

import math
import resource


def allowed_files() -> float:
    """How many file descriptors it may have; infinite if nobody counts."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft
