"""Folders that cannot be made are told before anybody calls; the rest is shown by tests/runtime/test_office.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.encryption.keys import KeyRing
from telephony.errors import ConfigurationError
from telephony.runtime.records import make_keeper, open_records, open_shelf
from telephony.settings import CassetteSettings, Settings


async def test_a_folder_that_cannot_be_made_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = tmp_path / "file" / "recordings"
    _, keeper = make_keeper(Settings(database_url=f"sqlite:///{tmp_path / 'calls.db'}", recordings=str(folder)))
    with pytest.raises(ConfigurationError, match="cannot be made"):
        await open_records(keeper, folder, KeyRing())


async def test_without_cassettes_there_is_no_folder_for_them(tmp_path: Path) -> None:
    settings = Settings(cassettes=CassetteSettings(folder=str(tmp_path / "cassettes"), call_mb=1, total_mb=2))
    await open_shelf(settings, [])
    assert not (tmp_path / "cassettes").exists()
