"""`bench flood` as a whole: three processes, real sockets, one call and a few strangers."""

from __future__ import annotations

import sys

import pytest

from telephony.bench.flood import Plan, measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the strangers wait with epoll")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("admitted", [False, True])
async def test_calls_go_on_in_a_flood_and_every_gap_has_its_floor(admitted: bool) -> None:
    plan = Plan(calls=2, seconds=1.0, idle=600, slow=20, per_second=200, addresses=1, admitted=admitted)
    figures, complaints = await measure(plan)
    assert complaints == []
    by_name = {figure.name: figure for figure in figures}
    for run in ("flood", "flood.beside"):
        for what in ("gap_in", "gap_out", "loop_turn", "loop_lag", "webhook_to_twiml"):
            for percent in ("p50", "p99", "max"):
                assert by_name[f"{run}.{what}.{percent}"].floor is not None
    assert by_name["flood.gap_in.p99"].target is not None
    assert by_name["flood.opened"].value > 600
    assert (by_name["flood.refused"].value > 0) is not admitted
