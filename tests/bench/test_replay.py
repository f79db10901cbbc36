"""`bench replay` replays a real recording, and says so if it went another way."""

from __future__ import annotations

from telephony.bench import replay
from telephony.cassette.format import Cassette


def test_figures_are_those_of_an_hour() -> None:
    figures = replay.measure(blocks=1, seconds=4)
    assert [figure.name for figure in figures] == ["replay.call_hour", "replay.size"]
    assert all(figure.value > 0 for figure in figures)


def test_the_call_that_is_replayed_is_a_whole_one() -> None:
    lines = list(Cassette("bench", replay.cassette(8)).lines)
    sent = [line for line in lines if line.ch == "model" and line.dir == "out"]
    assert sum(line.message["type"] == "input_audio_buffer.append" for line in sent) == 400
    assert sum(line.message["type"] == "conversation.item.truncate" for line in sent) == 2
    assert lines[-2].ch == "record"
