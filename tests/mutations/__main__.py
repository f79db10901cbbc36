"""Holds every mistake against the whole library and says who notices; for whoever adds one, or removes a call."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from library import CALLS
from library.shelf import path_of
from mutations import MUTATIONS
from mutations.workshop import Workshop


def main() -> int:
    paths = [path_of(name) for name in CALLS]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        for mutation in MUTATIONS:
            try:
                noticed = workshop.noticed(mutation, paths)
            except AssertionError as problem:
                noticed = []
                sys.stdout.write(f"{str(problem)[-300:]}\n")
            unnoticed += not noticed
            missing = [name for name in mutation.caught_by if name not in noticed]
            sys.stdout.write(f"{mutation}\n    {len(noticed)}: {', '.join(noticed[:8])}\n")
            sys.stdout.write(f"    NOT {', '.join(missing)}\n" if missing else "")
            sys.stdout.flush()
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
