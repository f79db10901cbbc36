"""A slow function, and what may happen to a call while it runs: at every tenth of a second, for every policy.

The function takes effect at its end, or not at all if it was stopped before.
"""

from __future__ import annotations

from typing import Any

import pytest

from playbook import Playbook
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.settings import SessionConfig, ToolSpec

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
LONG = 2.0
"""Seconds the function takes."""
MOMENTS = range(31)
"""Tenths of a second from when the model asks for it: while its response is open, while it runs, and after."""
ASKED, ANSWERED = 3, 26
"""From the first on the function runs; from the last on the model has its answer, and speaks."""
POLICIES = ("keep", "cancel", "detach")


class Slow(Playbook):
    """A call in which the function is called, runs, and is answered."""

    def __init__(self, policy: Any) -> None:
        self.effects = 0
        self.current = 0
        self.told: dict[int, list[str]] = {}
        """By session: the outputs it was given for the call."""
        self._ends_at: float | None = None
        slow = ToolSpec("slow", "Takes long.", SCHEMA, on_barge_in=policy)
        super().__init__(session=SessionConfig(audio=PCM16_24K, tools=(slow,)), others="there")
        self.greet()

    def _keep(self, commands: list[cmd.Command]) -> list[cmd.Command]:
        for command in commands:
            match command:
                case cmd.RunTool():
                    assert self._ends_at is None, "it runs once"
                    self._ends_at = self.now + LONG
                case cmd.CancelTool():
                    self._ends_at = None
                case cmd.UseSession(session):
                    self.current = session
                case cmd.SendToolOutput(_, output):
                    self.told.setdefault(self.current, []).append(output)
        return super()._keep(commands)

    def live(self, tenths: int) -> None:
        """Time passes, also for the function when the call is over."""
        for _ in range(tenths):
            if self.ending:
                self.now += 0.1
            else:
                self.hear(0.1)
            if self._ends_at is not None and self.now >= self._ends_at:
                self._ends_at = None
                self.effects += 1
                self.feed(ev.ToolFinished("c1", "42"))

    def until(self, moment: int) -> None:
        """The story up to *moment*."""
        self.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "slow", "{}"))
        self.live(min(moment, ASKED))
        if moment >= ASKED:
            self.feed(ev.ResponseDone("r1"))
        self.live(min(moment, ANSWERED) - ASKED)
        if moment >= ANSWERED:
            self.say("r2", "i2", 2000, "Here.")
        self.live(moment - ANSWERED)

    @property
    def answered(self) -> bool:
        """Whether the session that is spoken to now knows how the call ended, or never heard of it."""
        knows = any(isinstance(c, cmd.AddToolCall) for c in self.sent(cmd.AddToolCall)) or self.current == 0
        return bool(self.ending) or not knows or len(self.told.get(self.current, [])) == 1


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_caller_who_speaks(policy: str, moment: int) -> None:
    book = Slow(policy)
    book.until(moment)
    book.feed(ev.SpeechStarted("u1"))
    book.live(5)
    book.feed(ev.SpeechStopped("u1"))
    book.say("r9", "i9", 300, "Yes?")
    book.live(40)
    never_began = moment < ASKED
    stopped = policy == "cancel" and not never_began and moment < ASKED + LONG * 10
    assert book.effects == (0 if never_began or stopped else 1)
    assert book.answered
    assert len(book.told[0]) == 1
    assert all(use.outcome != "running" for use in book.call.tool_uses)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("spoke", [False, True])
def test_a_caller_who_hangs_up(policy: str, moment: int, spoke: bool) -> None:
    book = Slow(policy)
    book.until(moment)
    if spoke:
        book.feed(ev.SpeechStarted("u1"))
        book.live(1)
    book.feed(ev.CarrierStopped())
    book.live(40)
    never_began = moment < ASKED
    over = moment + spoke >= ASKED + LONG * 10 and not (policy == "cancel" and spoke and moment < ASKED + LONG * 10)
    assert book.effects == (0 if never_began else 1 if policy == "detach" or over else 0)
    assert book.answered
    assert all(use.outcome != "running" for use in book.call.tool_uses)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("spoke", [False, True])
def test_a_model_that_is_lost(policy: str, moment: int, spoke: bool) -> None:
    book = Slow(policy)
    book.until(moment)
    if spoke:
        book.feed(ev.SpeechStarted("u1"))
        book.live(1)
    book.feed(ev.ModelLost("gone"))
    assert book.current == 1
    book.live(30)
    never_began = moment < ASKED
    stopped = policy == "cancel" and spoke and moment < ASKED + LONG * 10
    assert book.effects == (0 if never_began or stopped else 1)
    assert book.answered
    assert all(use.outcome != "running" for use in book.call.tool_uses)
    if policy == "detach" and spoke and ASKED <= moment < ASKED + LONG * 10:
        assert any("Its result: 42" in c.text for c in book.sent(cmd.AddMessage))  # type: ignore[attr-defined]
