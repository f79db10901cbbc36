"""A report for people: one row a figure, and what it may be compared with."""

from __future__ import annotations

import math

from rich.console import Console, ConsoleRenderable, Group
from rich.table import Table
from rich.text import Text

from telephony.bench.figures import Figure, Machine, Report, Target

FOOTNOTE = (
    "Ratios are what compares: each floor was measured in this run, on this machine. Everything in microseconds, "
    "milliseconds or CPU seconds holds for this machine in this minute. Targets are for a machine with nothing else "
    "to do."
)


def show(report: Report, console: Console) -> None:
    """Print *report*."""
    console.print(_page(report))


def _page(report: Report) -> ConsoleRenderable:
    parts: list[ConsoleRenderable] = [Text(_machine(report.machine), style="dim"), _table(report.figures)]
    parts += [Text(complaint, style="red") for complaint in report.complaints]
    return Group(*parts, Text(FOOTNOTE, style="dim"))


def _machine(machine: Machine) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in machine.libraries.items())
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    return f"{machine.python} on {machine.system}, {machine.processor}, {cores}, load {machine.load:g}; {libraries}"


def _table(figures: list[Figure]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure", no_wrap=True)
    for heading in ("here", "floor", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("target", no_wrap=True)
    part = ""
    for figure in figures:
        if part and not figure.name.startswith(part):
            table.add_section()
            table.add_row()
        part = figure.name.partition(".")[0]
        table.add_row(*_row(figure))
    return table


def _row(figure: Figure) -> list[Text]:
    ratio = "" if figure.ratio is None else "-" if math.isnan(figure.ratio) else f"{figure.ratio:.2f}"
    floor = "" if figure.floor is None else _number(figure.floor)
    cells = [Text(cell) for cell in (figure.name, _number(figure.value), floor, ratio, figure.unit)]
    return [*cells, Text(_target(figure.target), style="yellow" if figure.missed else "green")]


def _target(target: Target | None) -> str:
    if target is None:
        return ""
    return f"{'ratio ' if target.of == 'ratio' else ''}≤ {target.at_most:g}"


def _number(value: float) -> str:
    """Three digits that count."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
