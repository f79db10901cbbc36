"""The sound of a recorded call as a file: what a reel made of the live call, to the sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsals import STEPS, rehearse
from taped import ASKED, BYE, CALL, DAY, GREETING, SHIPPED, recorded
from telephony.audio.format import MULAW_8K, PCM16_8K
from telephony.audio.wav import read
from telephony.bridge.reel import Reel
from telephony.cassette.format import Cassette
from telephony.errors import CassetteError
from telephony.runtime.soundtrack import write_soundtrack


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_it_is_what_a_reel_made_of_the_live_call_to_the_sample(tmp_path: Path, profile: str) -> None:
    lines: list[bytes] = []
    live = Reel(MULAW_8K)
    talk = [GREETING, ASKED | CALL, SHIPPED, DAY, BYE]
    rehearse(STEPS, talk, profile=profile, latency=0.02, connect=0.2, listener=live, record=lines.append)
    written = write_soundtrack(Cassette("call.jsonl", lines), tmp_path / "call.wav")
    wav = read((tmp_path / "call.wav").read_bytes())
    assert (wav.format, wav.channels) == (PCM16_8K, 2)
    assert wav.data == live.rest(written.seconds)
    assert wav.seconds == pytest.approx(written.seconds)
    assert any(wav.channel(0))
    assert any(wav.channel(1))
    assert not written.diverged


def test_nothing_is_left_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    lines: list[bytes] = []
    rehearse([*STEPS[:2], "hang_up"], [GREETING], record=lines.append)
    (tmp_path / "call.wav").write_bytes(b"before")
    torn = [*lines[:100], b"nonsense\n", *lines[100:]]
    with pytest.raises(CassetteError, match=r"call\.jsonl:101"):
        write_soundtrack(Cassette("call.jsonl", torn), tmp_path / "call.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["call.wav"]
    assert (tmp_path / "call.wav").read_bytes() == b"before"


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="cannot be written"):
        write_soundtrack(Cassette("call.jsonl", recorded()), tmp_path / "no" / "call.wav")
