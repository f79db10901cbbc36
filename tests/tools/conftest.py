"""What the tests of tools share: a module search path of their own, and the check that no thread is left."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SHOP = Path(__file__).resolve().parents[2] / "fixtures" / "agents"


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("tool ")]
    for thread in left:
        thread.join(timeout=10)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Write a module into a folder that is the working directory and is searched, as `telephony serve` does."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> None:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the module `fixtures/agents/shop.py`, importable."""
    monkeypatch.syspath_prepend(SHOP)
    yield "shop"
    sys.modules.pop("shop", None)
