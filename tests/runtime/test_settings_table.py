"""The table of settings, as README shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.errors import ConfigurationError
from telephony.runtime.settings_table import BEGIN, END, describe_settings, main, markdown, renewed


def test_rows_say_key_variable_default_and_meaning() -> None:
    rows = {row.key: row for row in describe_settings()}
    assert (rows["port"].variable, rows["port"].default) == ("PORT", "8080")
    assert rows["port"].meaning == "The port to listen on; 0 picks a free one."
    assert rows["drain"].variable == "TELEPHONY_DRAIN"
    assert rows["agents.*.limits.dead_air"].variable == ""
    assert rows["agents.*.record"].default == "true"
    assert rows["model_list.*.model_name"].default == "required"
    assert "`debug`, `info`" in rows["log_level"].meaning


def test_a_file_is_renewed_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert main([str(readme)]) == 0
    text = readme.read_text(encoding="utf-8")
    assert text == f"before\n{markdown(describe_settings())}\nafter\n"
    assert renewed(text) == text


def test_a_file_without_markers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="markers"):
        renewed("no table here")


def test_without_a_file_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "| `public_url` | `PUBLIC_URL` |" in capsys.readouterr().out
