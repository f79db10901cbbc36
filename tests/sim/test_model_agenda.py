"""Actions happen in the order of their times, and not at all once their owner is dropped."""

from __future__ import annotations

from telephony.sim.model_agenda import Agenda


def test_actions_run_by_time_and_then_by_registration() -> None:
    agenda, done = Agenda(), list[str]()
    for at, name in ((2.0, "late"), (1.0, "a"), (1.0, "b")):
        agenda.put(at, lambda _, name=name: done.append(name))  # type: ignore[misc]
    assert agenda.deadline == 1.0
    agenda.run(1.0)
    assert done == ["a", "b"]
    agenda.run(5.0)
    assert done == ["a", "b", "late"]
    assert agenda.deadline is None


def test_what_an_action_puts_within_the_moment_runs_in_it() -> None:
    agenda, done = Agenda(), list[float]()
    agenda.put(1.0, lambda now: agenda.put(now, done.append))
    agenda.run(1.0)
    assert done == [1.0]


def test_dropping_an_owner_leaves_the_others() -> None:
    agenda, done = Agenda(), list[str]()
    agenda.put(1.0, lambda _: done.append("mine"), owner="me")
    agenda.put(1.0, lambda _: done.append("yours"), owner="you")
    agenda.drop("me")
    agenda.run(1.0)
    assert done == ["yours"]
    agenda.put(2.0, lambda _: done.append("never"))
    agenda.clear()
    assert agenda.deadline is None
