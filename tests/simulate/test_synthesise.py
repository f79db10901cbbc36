"""The script that makes the recorded sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from telephony.simulate import espeak, synthesise
from telephony.simulate.synthesise import add, main, make_all


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(synthesise, "speak", lambda text, speaker: f"{speaker.name}: {text}".encode())
    (tmp_path / "index.json").write_text('{"clips": []}', encoding="utf-8")
    return tmp_path


def test_sentences_are_added_to_the_index_once_under_names_of_their_own(folder: Path) -> None:
    add(folder, [("caller", "One two three four five six seven."), ("caller", "One two three four five six eight!")])
    add(folder, [("caller", "one two three four five six seven"), ("agent", "Yes")])
    clips = json.loads((folder / "index.json").read_text(encoding="utf-8"))["clips"]
    assert [clip["file"] for clip in clips] == [
        "caller-one-two-three-four-five-six.ulaw",
        "caller-one-two-three-four-five-six-2.ulaw",
        "agent-yes.ulaw",
    ]
    assert (folder / "agent-yes.ulaw").read_bytes() == b"agent: Yes"


def test_everything_in_the_index_and_the_emergency_sentences_are_made_anew(folder: Path, tmp_path: Path) -> None:
    add(folder, [("agent", "Yes")])
    (folder / "agent-yes.ulaw").unlink()
    make_all(folder, tmp_path / "emergency")
    assert (folder / "agent-yes.ulaw").read_bytes() == b"agent: Yes"
    assert {path.name for path in (tmp_path / "emergency").iterdir()} == set(synthesise.EMERGENCY)


def test_without_espeak_it_fails_and_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(synthesise, "speak", espeak.speak)
    monkeypatch.setattr(espeak, "installed", lambda: None)
    monkeypatch.setattr(synthesise, "FOLDER", folder)
    assert main(["--caller", "Hello there"]) == 1
    assert "apt install espeak-ng" in capsys.readouterr().err


def test_the_emergency_sentences_are_there_at_the_level_of_speech() -> None:
    for name in synthesise.EMERGENCY:
        assert 8000 < (synthesise.EMERGENCY_FOLDER / name).stat().st_size < 60_000
