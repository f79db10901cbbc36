"""`bench relay` as a whole: two processes, real sockets, one call."""

from __future__ import annotations

import pytest

from telephony.bench.fleet import BenchError
from telephony.bench.relay import Plan, measure, serve
from telephony.bench.served import Setup


@pytest.mark.timeout(90)
async def test_calls_work_and_every_figure_has_its_floor() -> None:
    figures, complaints = await measure(Plan(calls=2, seconds=0.5, webhooks=3, settle=0.1))
    assert complaints == []
    assert [figure.name for figure in figures] == [
        "relay.cpu",
        *(
            f"relay.{what}.{percent}"
            for what in ("latency_in", "latency_out", "barge_in_to_clear", "webhook_to_twiml", "loop_lag")
            for percent in ("p50", "p99")
        ),
        "relay.rss",
    ]
    assert all(figure.floor is not None for figure in figures)


async def test_process_that_cannot_serve_shows_what_it_logged(tmp_path: pytest.TempPathFactory) -> None:
    setup = Setup("program", "no address", "pcm16", record=False, folder=str(tmp_path), auth_token="")
    with pytest.raises(BenchError, match="has ended") as raised:
        async with serve(setup):
            pass
    assert "Error" in str(raised.value)
