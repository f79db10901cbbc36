"""The table of threats names tests that exist, and each of its rows names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = [
    line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)
]
NAMED = re.compile(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[2].strip()[:40] for row in ROWS])
def test_a_threat_names_tests_that_exist(row: str) -> None:
    named = NAMED.findall(row)
    assert named, "no test holds it off"
    for path, name in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), f"{path} has no {name}"


def test_there_is_a_table() -> None:
    assert len(ROWS) > 20
