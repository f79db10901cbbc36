"""Figures: one number each under a name that stays, beside the floor it is to be compared with."""

from __future__ import annotations

import math
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec

LIBRARIES = ("aiohttp", "msgspec", "numpy", "websockets")


class Target(msgspec.Struct, frozen=True):
    """What a figure is held to on a machine that has nothing else to do."""

    of: Literal["ratio", "value"]
    at_most: float


class Figure(msgspec.Struct, frozen=True):
    """One number."""

    name: str
    """Such as `audio.mulaw_to_pcm24k.p50`; it does not change between versions."""
    unit: str
    value: float
    floor: float | None = None
    """The same of the floor, measured in the same run."""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the floor; None where there is none."""
        return self.value / self.floor if self.floor else None

    @property
    def missed(self) -> bool:
        """Whether there is a target and it was not reached."""
        if self.target is None:
            return False
        measured = self.value if self.target.of == "value" else self.ratio
        return measured is not None and measured > self.target.at_most


class Machine(msgspec.Struct, frozen=True):
    """What a figure in microseconds means nothing without."""

    python: str
    system: str
    processor: str
    cores: int
    """That this process may use."""
    load: float
    """Processes that wanted to run during the last minute, ours or not, when the run began; above 0 it was shared."""
    libraries: dict[str, str]


class Report(msgspec.Struct, frozen=True):
    """One run."""

    machine: Machine
    figures: list[Figure]
    complaints: list[str]
    """What did not work or makes figures doubtful, one sentence each."""

    def as_json(self) -> dict[str, Any]:
        """For machines: figures by name; `ratio` stands only where there is a floor."""
        return {
            "bench": 1,
            "machine": msgspec.to_builtins(self.machine),
            "figures": {figure.name: _plain(figure) for figure in self.figures},
            "complaints": self.complaints,
        }


def _plain(figure: Figure) -> dict[str, Any]:
    plain: dict[str, Any] = {"unit": figure.unit, "value": _known(figure.value)}
    if figure.floor is not None:
        plain |= {"floor": _known(figure.floor), "ratio": _known(figure.ratio)}
    if figure.target is not None:
        plain["target"] = msgspec.to_builtins(figure.target)
    return plain


def _known(value: float | None) -> float | None:
    """JSON has no NaN, which stands for "nothing was seen"."""
    return None if value is None or math.isnan(value) else value


def this_machine() -> Machine:
    """Where we are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=cores,
        load=round(os.getloadavg()[0], 2),
        libraries={name: version(name) for name in LIBRARIES},
    )


def _processor() -> str:
    """Its name as Linux tells it, else whatever Python knows."""
    known = Path("/proc/cpuinfo")
    if sys.platform == "linux" and known.exists():
        for line in known.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
