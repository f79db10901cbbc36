"""Reports for machines: what is in them whatever is in a call."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import tapes
from telephony.cli.reports import Entry, JUnit, as_object, entry_json
from telephony.runtime.replaying import perform
from telephony.show_replay import Tally


def test_what_xml_cannot_hold_is_left_out(tmp_path: Path) -> None:
    suite = JUnit("strict")
    suite.add(Entry(Path("a\x00b\ufffe.jsonl"), 0.5, problem="not\x1b[2J <this>"))
    (case,) = ET.fromstring(suite.text(Tally(unreadable=1, took=0.5)))[0]  # noqa: S314  our own
    assert case.get("name") == "ab.jsonl"
    assert case[0].get("message") == "not[2J <this>"


def test_a_blessed_call_is_no_failure_and_one_that_could_not_be_is_an_error(tmp_path: Path) -> None:
    outcome = perform(tapes.put(tmp_path / "call.jsonl", tapes.truncated_later()))
    suite = JUnit("strict")
    suite.add(Entry(outcome.path, 0.1, outcome, blessed=True))
    suite.add(Entry(outcome.path, 0.1, outcome, "it cannot be accepted"))
    suite.add(Entry(outcome.path, 0.1, outcome))
    blessed, refused, plain = ET.fromstring(suite.text(Tally()))[0]  # noqa: S314  our own
    assert [[child.tag for child in case] for case in (blessed, refused, plain)] == [[], ["error"], ["failure"]]


def test_json_has_the_same_keys_for_every_call(tmp_path: Path) -> None:
    entries = []
    for name, lines in (("same", tapes.call()), ("differs", tapes.without(b'"RunTool"')), ("half", tapes.call()[:900])):
        outcome = perform(tapes.put(tmp_path / f"{name}.jsonl", lines))
        entries.append(entry_json(Entry(outcome.path, 0.1, outcome)))
    assert entries[0].keys() == entries[1].keys() == entries[2].keys()
    assert entries[1]["divergence"]["expected"] is None
    assert entries[1]["divergence"]["got"]["msg"]["name"] == "lookup_order"
    assert entries[2]["recorded"] is None
    assert json.loads(json.dumps(as_object(entries, "strict", Tally(same=2, different=1))))["summary"]["calls"] == 3
