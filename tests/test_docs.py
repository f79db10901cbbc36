"""What is documented is what there is: settings in README, files in the packaging list, targets in CONTRIBUTING."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from telephony.runtime.settings_table import describe_settings, renewed

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_has_a_sentence() -> None:
    assert [row.key for row in describe_settings() if not row.meaning] == []


def test_readme_holds_the_table_of_settings_as_it_is_now() -> None:
    assert renewed(README) == README, "run: python -m telephony.runtime.settings_table README.md"


def test_readme_names_every_setting() -> None:
    missing = [row.key for row in describe_settings() if f"`{row.key}`" not in README]
    assert missing == [], "run: python -m telephony.runtime.settings_table README.md"


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    documents = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(?:PYTHON=\S+ )?make ([a-z]+)", documents)) <= targets


def test_paths_named_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:telephony|tests|fixtures|\.ci|\.github)/[\w/.\-]*)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_sdist_takes_every_document_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    documents = [path.name for path in ROOT.glob("*.md")]
    assert [name for name in documents if f"/{name}" not in included] == []
