"""`telephony bench` as somebody types it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from telephony.bench import audio
from telephony.bench.figures import Figure
from telephony.cli import app


def test_json_is_one_object_with_figures_by_name() -> None:
    done = CliRunner().invoke(app, ["bench", "audio", "--json"])
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert set(report) == {"bench", "machine", "figures", "complaints"}
    assert set(report["figures"]["audio.pcmu.p50"]) == {"unit", "value", "floor", "ratio"}


def test_table_is_shown_without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "measure", lambda: [Figure("audio.x.p50", "µs/20 ms", 3.0, 2.0)])
    done = CliRunner().invoke(app, ["bench", "audio"])
    assert done.exit_code == 0
    assert "audio.x.p50" in done.stdout
    assert "1.50" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--calls", "0"], ["--calls", "100000"], ["--seconds", "3600"], ["--audio", "mp3"]]
)
def test_load_is_bounded(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["bench", "relay", *arguments]).exit_code == 2
