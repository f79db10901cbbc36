"""What came of replays for machines: JSON, and JUnit's XML as continuous integration reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from telephony.cassette.format import Line
from telephony.cassette.replay import Divergence
from telephony.cassette.telling import sentence
from telephony.runtime.replaying import Outcome
from telephony.show import as_json
from telephony.show_replay import Tally, whole


class Entry(msgspec.Struct):
    """One file: what came of it, or why it could not be replayed."""

    path: Path
    seconds: float
    """How long it took."""
    outcome: Outcome | None = None
    problem: str = ""
    blessed: bool = False
    """The file was written anew."""


# -- JSON ------------------------------------------------------------------------------------------------------------


def as_object(entries: list[dict[str, Any]], policy: str, tally: Tally) -> dict[str, Any]:
    """The one object that `--json` prints; *entries* are those of `entry_json`."""
    numbers: dict[str, Any] = msgspec.to_builtins(tally)
    return {"calls": entries, "summary": {**numbers, "policy": policy, "calls": tally.calls}}


def entry_json(entry: Entry) -> dict[str, Any]:
    """Plain values with stable keys."""
    values: dict[str, Any] = {"file": str(entry.path), "seconds": entry.seconds}
    if entry.outcome is None:
        return values | {"error": entry.problem}
    replayed, header = entry.outcome.replayed, entry.outcome.header
    return values | {
        "call_id": header.call_id,
        "about": header.about,
        "agent": header.agent.get("name", ""),
        "policy": entry.outcome.policy,
        "same": entry.outcome.same,
        "blessed": entry.blessed,
        "differences": entry.outcome.differences,
        "broken_off": replayed.broken_off,
        "duration": replayed.duration,
        "steps": replayed.steps,
        "diverged": replayed.diverged,
        "divergence": _divergence(replayed.divergence),
        "failure": msgspec.to_builtins(replayed.failure),
        "digest": replayed.digest,
        "record": as_json(replayed.record),
        "recorded": as_json(replayed.recorded) if replayed.recorded else None,
        **({"error": entry.problem} if entry.problem else {}),
    }


def _divergence(divergence: Divergence | None) -> dict[str, Any] | None:
    if divergence is None:
        return None
    return {
        "t": divergence.t,
        "line": divergence.number,
        "sentence": sentence(divergence),
        "cause": _line(divergence.cause),
        "expected": _line(divergence.expected),
        "got": _line(divergence.got),
        "differences": msgspec.to_builtins(divergence.differences),
        "audio": msgspec.to_builtins(divergence.audio),
        "failure": msgspec.to_builtins(divergence.failure),
    }


def _line(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"t": line.t, "ch": line.ch, "dir": line.dir, "session": line.session, "msg": line.message}


# -- JUnit -----------------------------------------------------------------------------------------------------------


class JUnit:
    """One test case a call."""

    def __init__(self, policy: str) -> None:
        self._suite = ET.Element("testsuite", name=f"telephony replay, {policy}")
        self._policy = policy

    def add(self, entry: Entry) -> None:
        outcome = entry.outcome
        case = ET.SubElement(
            self._suite,
            "testcase",
            classname=f"telephony.replay.{self._policy}",
            name=_legal(str(entry.path)),
            time=f"{entry.seconds:.3f}",
        )
        if outcome is None or entry.problem:
            ET.SubElement(case, "error", message=_legal(entry.problem))
        elif not outcome.same and not entry.blessed:
            failure = ET.SubElement(case, "failure", message=_legal(outcome.differences[0]))
            failure.text = _legal(whole(outcome))

    def text(self, tally: Tally) -> bytes:
        """The document. Raises nothing: whatever XML cannot hold was left out."""
        counts = {name: str(len(self._suite.findall(f"testcase/{name}"))) for name in ("failure", "error")}
        suite = self._suite
        suite.attrib |= {"tests": str(len(suite)), "failures": counts["failure"], "errors": counts["error"]}
        suite.set("time", f"{tally.took:.3f}")
        root = ET.Element("testsuites")
        root.append(suite)
        ET.indent(root)
        return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _legal(text: str) -> str:
    """Without the characters that are in no XML document, <https://www.w3.org/TR/xml/#charsets>."""
    return "".join(c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff")
