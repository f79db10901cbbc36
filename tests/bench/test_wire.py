"""`bench wire` runs and names its figures as ever."""

from __future__ import annotations

from telephony.bench import wire


def test_every_message_has_a_median_and_a_90th_percentile_beside_its_floor() -> None:
    figures = wire.measure(blocks=2, block=0)
    kinds = ["carrier_decode", "carrier_encode", "model_decode", "model_encode"]
    assert [figure.name for figure in figures] == [f"wire.{kind}.{p}" for kind in kinds for p in ("p50", "p90")]
    assert all(figure.floor is not None for figure in figures)
