"""What Python's garbage collector need not look at again in a process that serves."""

from __future__ import annotations

import gc


def settle() -> None:
    """Leave everything that is there now out of every garbage collection to come.

    Modules, settings and plans are a hundred thousand objects that live to the end, and a full collection stops all
    calls while it looks at each: forty to eighty milliseconds. Call it once, when the process has opened everything.
    """
    gc.collect()
    gc.freeze()
