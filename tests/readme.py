"""The README as data: its blocks of code, and the files that a reader is told to put into a folder."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks in *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The blocks that begin with a comment that is a file name, by that name; of two versions the first."""
    found: dict[str, str] = {}
    for language in ("yaml", "python", "sh"):
        for block in blocks(language):
            if name := re.match(r"# ([\w-]*\.\w+)\n", block):
                found.setdefault(name[1], block)
    return found


def commands() -> list[str]:
    """What stands behind a `$` in console blocks, line by line."""
    return [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]
