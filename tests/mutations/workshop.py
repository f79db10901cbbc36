"""A copy of the package in which mistakes are made, and the program that replays calls with it."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from mutations.kit import Mutation

PACKAGE = Path(__file__).resolve().parents[2] / "telephony"
SECONDS = 60
"""The longest that a replay may take."""

REPLAY = """
import json, sys
import telephony
from telephony.cassette.replay import replay
from telephony.runtime.cassettes import new_carrier, open_cassette
from pathlib import Path

def goes_another_way(path):
    return replay(open_cassette(Path(path)), new_carrier).divergence is not None

noticed = [path for path in sys.argv[1:] if goes_another_way(path)]
print(json.dumps({"package": telephony.__file__, "noticed": noticed}))
"""
"""Replays the cassettes that are named, with whichever package it finds first."""


class Workshop:
    """A copy of the package, compiled once: each start of an interpreter compiles only what was changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.copy = folder / PACKAGE.name
        shutil.copytree(PACKAGE, self.copy, ignore=shutil.ignore_patterns("__pycache__"))
        # By their contents: a change may leave size and time as they were.
        compileall.compile_dir(self.copy, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)

    def noticed(self, mutation: Mutation | None, paths: Sequence[Path]) -> list[str]:
        """The names of those cassettes that go another way with the mistake, or with none."""
        if mutation is None:
            return self._replay(paths)
        place = self.copy / mutation.file
        right = place.read_text(encoding="utf-8")
        place.write_text(mutated(right, mutation), encoding="utf-8")
        try:
            return self._replay(paths)
        finally:
            place.write_text(right, encoding="utf-8")

    def _replay(self, paths: Sequence[Path]) -> list[str]:
        command = [sys.executable, "-B", "-c", REPLAY, *map(str, paths)]
        environment = {**os.environ, "PYTHONPATH": str(self._folder)}
        done = subprocess.run(  # noqa: S603
            command, cwd=self._folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert Path(said["package"]).parent.samefile(self.copy), "another package was imported"
        return [Path(path).stem for path in said["noticed"]]


def mutated(source: str, mutation: Mutation) -> str:
    """*source* with the mistake in it."""
    assert source.count(mutation.old) == 1, (
        f"{mutation.file}: {mutation.old!r} occurs {source.count(mutation.old)} times"
    )
    return source.replace(mutation.old, mutation.new)
