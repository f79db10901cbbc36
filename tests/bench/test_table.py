"""The report for people."""

from __future__ import annotations

import io
import math

from rich.console import Console

from telephony.bench.figures import Figure, Report, Target, this_machine
from telephony.bench.table import show


def test_table_shows_figures_floors_ratios_targets_and_complaints() -> None:
    figures = [
        Figure("audio.x.p50", "µs", 123.4, 100.0),
        Figure("relay.cpu", "CPU-s/call-min", 0.4, 0.2, Target("ratio", 1.6)),
        Figure("relay.latency.p99", "ms", math.nan, 1.5, Target("value", 5.0)),
    ]
    text = io.StringIO()
    console = Console(file=text, width=120, highlight=False)
    show(Report(this_machine(), figures, ["One call was lost."]), console)
    lines = [" ".join(line.split()) for line in text.getvalue().splitlines()]
    assert "audio.x.p50 123 100 1.23 µs" in lines
    assert "relay.cpu 0.400 0.200 2.00 CPU-s/call-min ratio ≤ 1.6" in lines
    assert "relay.latency.p99 - 1.50 - ms ≤ 5" in lines
    assert "One call was lost." in lines
    assert "Ratios are what compares" in text.getvalue()
