"""The command line as somebody types it: in an empty folder, with nothing of the developer's own settings."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from telephony.cli import main
from telephony.runtime.environment import VENDOR_NAMES
from telephony.runtime.logs import Handler
from terminals import Desk


@dataclass(frozen=True)
class Typed:
    """What came of a command."""

    code: int
    out: str
    errors: str

    @property
    def said(self) -> str:
        """Everything, on one line."""
        return " ".join(f"{self.out} {self.errors}".split())


Type = Callable[..., Typed]


GOOD = """
public_url: http://127.0.0.1:18080
host: 127.0.0.1
port: 0
twilio: {account_sid: AC00000000000000000000000000000000, auth_token: planted-token-7c1f}
agents:
  desk:
    instructions: Be brief.
    tools: ["builtin:hang_up"]
numbers: {"*": desk}
model_list:
  - model_name: grok
    litellm_params: {model: xai/grok-voice-latest, api_key: planted-key-9d2e}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are given."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("TELEPHONY_") or name in VENDOR_NAMES or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def telephony(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Type]:
    """Type `telephony` and some words; whatever comes of it, it is never a traceback."""

    def run(*words: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["telephony", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        typed = Typed(int(end.value.code or 0), shown.out, shown.err)
        assert "Traceback" not in shown.out + shown.err, typed.said
        return typed

    yield run
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]  # a user's tools, which the next test writes anew
    root = logging.getLogger()
    for ours in [handler for handler in root.handlers if isinstance(handler, Handler)]:
        root.removeHandler(ours)
    structlog.reset_defaults()


@pytest.fixture
def good(folder: Path) -> Path:
    """A configuration with nothing wrong, under the name that is read without being asked for."""
    path = folder / "telephony.yaml"
    path.write_text(GOOD.lstrip(), encoding="utf-8")
    return path


@pytest.fixture
def spoil(good: Path) -> Callable[[str, str], None]:
    """Replaces a part of the good configuration."""

    def change(part: str, by: str) -> None:
        text = good.read_text(encoding="utf-8")
        assert part in text
        good.write_text(text.replace(part, by), encoding="utf-8")

    return change


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    """For commands that are ended by a signal, which must be processes of their own."""
    with Desk(folder) as made:
        yield made
