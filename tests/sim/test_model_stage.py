"""What the parts of a simulated model share."""

from __future__ import annotations

import json

from telephony.sim.model_script import ModelScript
from telephony.sim.model_stage import Stage
from telephony.sim.model_wire import Problem


def stage(profile: str = "openai") -> Stage:
    return Stage(ModelScript(profile="xai" if profile == "xai" else "openai"), 0, "model", 1000.0)


def test_messages_get_an_event_id_and_bytes_become_base64() -> None:
    shared = stage()
    shared.send({"type": "x", "delta": b"\x00\xff"})
    (message,) = map(json.loads, shared.take())
    assert message["delta"] == "AP8="
    assert message["event_id"].startswith("event_")
    assert shared.take() == []


def test_nothing_is_sent_or_done_after_a_close() -> None:
    shared = stage()
    shared.agenda.put(1.0, lambda _: None)
    shared.send({"type": "last"})
    shared.close(1011, "first")
    shared.close(1000, "second")
    shared.send({"type": "too late"})
    assert [json.loads(message)["type"] for message in shared.take()] == ["last"]
    assert shared.close_request == (1011, "first")
    assert shared.agenda.deadline is None


def test_faults_that_repeat_fifty_times_a_second_are_noted_once() -> None:
    shared = stage()
    for _ in range(3):
        shared.blame("a", "again and again", 1.0, once=True)
        shared.blame("b", "each time", 1.0)
    assert [fault.code for fault in shared.faults] == ["a", "b", "b", "b"]


def test_silent_problems_are_noted_and_forgiven_ones_are_answered() -> None:
    shared = stage()
    shared.object_to(Problem("silent", "x", silent=True), 0.0, None)
    assert shared.take() == []
    shared.object_to(Problem("forgiven", "x"), 0.0, "mine", forgiven=True)
    assert json.loads(shared.take()[0])["error"]["event_id"] == "mine"
    assert [fault.code for fault in shared.faults] == ["silent"]


def test_messages_cross_within_the_grace_only() -> None:
    shared = stage()
    assert shared.crossed(1.0, 1.2)
    assert not shared.crossed(1.0, 1.3)
    assert not shared.crossed(None, 1.0)


def test_wall_clock_follows_the_epoch() -> None:
    assert stage().unix_ms(1.5) == 1_001_500
