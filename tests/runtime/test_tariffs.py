"""The file of prices: read whole, or told where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime.tariffs import read_tariffs, tariff_problems
from telephony.settings import Limits, Settings, Tariffs

FILE = """
currency: USD
carrier_minute: 0.01
models:
  "xai/*": {minute: 0.05, text_item: 0.001}
  openai/gpt-realtime: {million: {output_token_details.audio_tokens: 64}}
"""


def written(folder: Path, text: str) -> str:
    file = folder / "tariffs.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_file_of_prices_is_read(tmp_path: Path) -> None:
    tariffs = read_tariffs(written(tmp_path, FILE))
    assert (tariffs.currency, tariffs.carrier_minute) == ("USD", 0.01)
    assert tariffs.of("xai/grok-voice").minute == 0.05
    assert tariffs.of("openai/gpt-realtime").million == {"output_token_details.audio_tokens": 64}
    assert tariffs.of("azure/gpt") == Tariffs().of("anything")
    assert read_tariffs("") == Tariffs()


def test_the_example_can_be_read_and_says_that_it_is_one() -> None:
    example = Path(__file__).resolve().parents[2] / "fixtures" / "examples" / "tariffs.yaml"
    assert read_tariffs(str(example)).of("xai/grok-voice").minute > 0
    assert example.read_text(encoding="utf-8").startswith("# EXAMPLE.")


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("minute: 0.05", "minutes: 0.05", "tariffs.models.xai/*.minutes", "5"),
        ("minute: 0.05", "minute: -1", "tariffs.models.xai/*.minute", "5"),
        ("carrier_minute: 0.01", "carrier_minute: cheap", "tariffs.carrier_minute", "3"),
    ],
)
def test_a_wrong_price_is_told_with_its_line(tmp_path: Path, old: str, new: str, key: str, line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_tariffs(written(tmp_path, FILE.replace(old, new)))
    assert caught.value.key == key
    assert caught.value.place.rpartition(":")[2] == line


def test_prices_need_a_currency(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tariffs\.currency"):
        read_tariffs(written(tmp_path, FILE.replace("currency: USD", "")))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_tariffs(str(tmp_path / "none.yaml"))


def test_a_limit_on_a_cost_that_nobody_knows_is_a_problem(tmp_path: Path) -> None:
    limited: Any = [Agent("desk", limits=Limits(max_cost=1))]
    ((path, _, _),) = tariff_problems(Settings(), limited)
    assert path == ("agents", "desk", "limits", "max_cost")
    assert tariff_problems(Settings(tariffs=written(tmp_path, FILE)), limited) == []
    ((path, _, _),) = tariff_problems(Settings(tariffs="none.yaml"), limited)
    assert path == ("tariffs",)
