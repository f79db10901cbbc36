"""`bench audio` runs and names its figures as ever."""

from __future__ import annotations

from telephony.bench import audio


def test_every_path_has_a_median_and_a_90th_percentile_beside_its_floor() -> None:
    figures = audio.measure(blocks=2, block=0)
    paths = ["mulaw_to_pcm24k", "pcm24k_to_mulaw", "pcmu"]
    assert [figure.name for figure in figures] == [f"audio.{path}.{p}" for path in paths for p in ("p50", "p90")]
    assert all(figure.floor is not None for figure in figures)
