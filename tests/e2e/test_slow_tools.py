"""A slow tool and whatever happens while it runs, over real sockets: for each `on_barge_in` it takes effect once or not
at all, as declared, and the model is answered or the call is over.

Nothing is timed: a tool comes to its end when its gate is opened, by a note of the conversation or once the call
is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from offices import Outside, ShortVoice, World, opened, outside, settings_for
from telephony.agents.agent import Agent
from telephony.records import CallRecord
from telephony.settings import Limits, LiteLLMParams, ModelEntry
from telephony.tools import tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(90)]

LIMITS = Limits(connect=4, dead_air=4, goodbye=1)
WORDS = 0.6
"""Seconds that each sentence takes."""
SOON = 15.0
"""Seconds that anything may take here; nothing does."""

RESULT = "table 7"
HELLO = {"on": "greeting", "say": "Hello."}
ASKED: dict[str, Any] = {"on": "speech", "hears": "Do it.", "say": "One moment.", "call": {"name": "book"}}
TOLD: dict[str, Any] = {"on": "tool", "expect": {"book": RESULT}, "knows_once": [RESULT], "say": "It is booked."}
ANSWER: dict[str, Any] = {"on": "speech", "hears": "Wait.", "say": "Yes?"}
NEWS: dict[str, Any] = {"on": "prompt", "knows_once": [f"Its result: {RESULT}"], "say": "It is booked."}
"""What a model does when it is told that a function in the background has come to an end."""
ASKS: list[Any] = [{"wait": "agent"}, {"say": "Do it."}]
SPEAKS: list[Any] = [{"wait": "agent"}, {"say": "Wait."}, {"wait": "agent"}]

ONCE, STOPPED, NOT_AT_ALL = ["begun", "done"], ["begun", "stopped"], list[str]()


@dataclass(frozen=True)
class Case:
    """A call in which a tool is wanted, and what must have become of it."""

    policy: str
    first: list[dict[str, Any]]
    """What the model does after its greeting."""
    steps: list[Any]
    effects: list[str]
    outcomes: list[str]
    second: list[dict[str, Any]] | None = None
    """What another deployment does once the first is lost; None: there is none."""
    note: str = ""
    """The tool comes to its end when this is noted; without it, it would when the call is over."""
    times: int = 1
    """How often it must have been noted by then."""
    ending: tuple[str, str] = ("completed", "caller")
    says: str = ""
    """What the caller hears last."""
    longest: float = 60.0
    """Seconds that the call may last."""
    forgiven: str = "-"
    """What the model may complain of."""


@dataclass
class Booking:
    """The tool of one call."""

    policy: Any
    effects: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def tool(self) -> Any:
        @tool(on_barge_in=self.policy, timeout=SOON)
        async def book() -> str:
            """Book a table, slowly."""
            self.effects.append("begun")
            try:
                await self.gate.wait()
                self.effects.append("done")
            except asyncio.CancelledError:
                self.effects.append("stopped")
                raise
            finally:
                self.over.set()
            return RESULT

        return book


@contextlib.asynccontextmanager
async def office(folder: Path, case: Case, booking: Booking) -> AsyncIterator[tuple[World, list[Outside]]]:
    """The process, and the deployments that it has."""
    first = {"delta_ms": (100, 200), "replies": [HELLO, *case.first], "connections": [{}, {"refuse": 503}]}
    limits = LIMITS.model_copy(update={"max_duration": case.longest, "max_duration_warning": 0})
    agent = Agent("frontdesk", greeting="Hello.", tools=[booking.tool(), "builtin:hang_up"], limits=limits)
    async with contextlib.AsyncExitStack() as stack:
        scripts: list[Mapping[str, Any]] = [first]
        if case.second is not None:
            scripts.append({"profile": "openai", "replies": case.second})
        around = [
            await stack.enter_async_context(outside(script, voice=ShortVoice("agent", WORDS))) for script in scripts
        ]
        models = [
            entry(model, each.model.url, order)
            for order, (model, each) in enumerate(zip(("xai/grok", "openai/gpt-realtime"), around, strict=False))
        ]
        settings = settings_for(folder, rest=around[0].rest.base_url, model_list=models)
        yield await stack.enter_async_context(opened(settings, around[0], agent)), around


def entry(model: str, url: str, order: int) -> ModelEntry:
    parameters = LiteLLMParams(model=model, api_base=url, order=order, api_key="sk-test")
    return ModelEntry(model_name="sim", litellm_params=parameters)


async def open_when(booking: Booking, made: World, text: str, times: int) -> None:
    """Let the tool come to its end once there are so many notes in which *text* stands."""
    async with asyncio.timeout(SOON):
        while not booking.gate.is_set():
            await asyncio.sleep(0.01)
            if sum(text in note.event for _, _, note in made.notes) >= times:
                booking.gate.set()


async def story(folder: Path, case: Case) -> tuple[CallRecord, Booking, list[str]]:
    """The whole call, and the tool's end, whichever comes last; what somebody complained of."""
    booking = Booking(case.policy)
    async with office(folder, case, booking) as (made, around), asyncio.timeout(2 * SOON):
        async with asyncio.TaskGroup() as group:
            if case.note:
                group.create_task(open_when(booking, made, case.note, case.times), name="gate")
            outcome = await made.call(*ASKS, *case.steps)
        record = await made.record(outcome)
        booking.gate.set()
        if booking.effects:
            await booking.over.wait()
        complaints = [*outcome.complaints]
        for each in around:
            faults = [fault for fault in each.faults() if not fault.startswith(case.forgiven)]
            complaints += [*faults, *each.unmet()]
    return record, booking, complaints


async def hold(folder: Path, cases: Mapping[str, Case]) -> None:
    """All of them at once, and each as it must be."""
    async with asyncio.TaskGroup() as group:
        tasks = {}
        for number, (name, case) in enumerate(cases.items()):
            (own := folder / str(number)).mkdir()
            tasks[name] = group.create_task(story(own, case), name=name)
    for name, task in tasks.items():
        (record, booking, complaints), case = task.result(), cases[name]
        assert complaints == [], name
        assert booking.effects == case.effects, name
        assert [use.outcome for use in record.tools] == case.outcomes, name
        assert record.termination is not None
        assert (record.termination.result, record.termination.by) == case.ending, f"{name}: {record}"
        if case.says:
            assert record.turns[-1].heard == case.says, f"{name}: {record.turns}"


SPEAKS_UP = "agent speaks"
"""Noted with each thing that a model says, "Hello." being the first."""
POLICIES = ("keep", "cancel", "detach")
HEARS: list[Any] = [{"wait": "agent"}]
QUIET: list[Any] = [{"wait": {"quiet": 3.0}}, "hang_up"]
BOOKED = "It is booked."
UNFINISHED = ASKED | {"omit_done": True}
CROSSED = {"forgiven": "cancel_not_active"}
"""To the model a response is over that it never said was."""
STAYED = ANSWER | {"knows_once": ["may have taken effect"]}
UNDONE = ANSWER | {"knows_once": ["nothing was done"]}


async def test_a_caller_who_speaks_keeps_cancels_or_detaches_a_tool_that_runs_and_no_other(tmp_path: Path) -> None:
    over = [{"wait": {"agent_ms": 800}}, *SPEAKS[1:], "hang_up"]  # the result is told right behind the first words
    before = {
        f"before it, {policy}": Case(
            policy, [UNFINISHED, UNDONE], [*SPEAKS, "hang_up"], NOT_AT_ALL, ["cancelled"], says="Yes?", **CROSSED
        )
        for policy in POLICIES
    }
    after = {
        f"over its result, {policy}": Case(
            policy, [ASKED, TOLD, ANSWER], over, ONCE, ["ok"], note=SPEAKS_UP, times=2, says="Yes?"
        )
        for policy in POLICIES
    }
    meanwhile = {
        "keep": Case(
            "keep", [ASKED, ANSWER, TOLD], [*SPEAKS, *QUIET], ONCE, ["ok"], note=SPEAKS_UP, times=3, says=BOOKED
        ),
        "cancel": Case("cancel", [ASKED, STAYED], [*SPEAKS, "hang_up"], STOPPED, ["cancelled"], says="Yes?"),
        "detach": Case(
            "detach", [ASKED, ANSWER, NEWS], [*SPEAKS, *QUIET], ONCE, ["ok"], note=SPEAKS_UP, times=3, says=BOOKED
        ),
    }
    await hold(tmp_path, before | meanwhile | after)


async def test_a_caller_who_hangs_up_stops_a_tool_unless_it_is_to_go_on_without_them(tmp_path: Path) -> None:
    at_once, later = [*HEARS, "hang_up"], [*SPEAKS, "hang_up"]
    before = {
        f"before it, {policy}": Case(policy, [UNFINISHED], at_once, NOT_AT_ALL, ["cancelled"]) for policy in POLICIES
    }
    meanwhile = {
        "keep": Case("keep", [ASKED], at_once, STOPPED, ["cancelled"]),
        "cancel": Case("cancel", [ASKED], at_once, STOPPED, ["cancelled"]),
        "detach": Case("detach", [ASKED], at_once, ONCE, ["detached"]),
        "keep, having spoken": Case("keep", [ASKED, ANSWER], later, STOPPED, ["cancelled"]),
        "cancel, having spoken": Case("cancel", [ASKED, STAYED], later, STOPPED, ["cancelled"]),
        "detach, having spoken": Case("detach", [ASKED, ANSWER], later, ONCE, ["detached"]),
    }
    await hold(tmp_path, before | meanwhile)


async def test_a_call_that_the_agent_or_a_limit_ends_stops_a_tool_unless_it_is_to_go_on(tmp_path: Path) -> None:
    end: list[Any] = [{"wait": "end"}]
    both = [{"name": "book"}, {"name": "hang_up"}]
    goodbye = {key: value for key, value in ASKED.items() if key != "call"} | {"say": "Goodbye.", "calls": both}
    time_is_up = {"on": "prompt", "say": "Time is up."}
    ends: dict[str, tuple[list[str], list[str]]] = {
        "keep": (STOPPED, ["cancelled"]),
        "cancel": (STOPPED, ["cancelled"]),
        "detach": (ONCE, ["detached"]),
    }
    by_agent = {
        f"the agent, {policy}": Case(policy, [goodbye], end, effects, [*how, "ok"], ending=("completed", "agent"))
        for policy, (effects, how) in ends.items()
    }
    by_limit = {
        f"a limit, {policy}": Case(
            policy, [ASKED, time_is_up], end, effects, how, ending=("completed", "limit"), longest=6.0
        )
        for policy, (effects, how) in ends.items()
    }
    await hold(tmp_path, by_agent | by_limit)


# -- the model is lost ---------------------------------------------------------------------------------------------

LOST = ASKED | {"close": 1011, "trouble_at": "done"}
LOST_BEFORE = ASKED | {"close": 1011, "trouble_at": "call"}
WENT_ON = "The call went on with"
WAITS: list[Any] = [*HEARS, {"wait": {"quiet": 4.0}}, "hang_up"]


async def test_a_tool_runs_once_though_its_model_is_lost_and_another_one_goes_on(tmp_path: Path) -> None:
    anew = {"on": "resume", "knows_once": ["Do it."], "knows_not": ["book"], "say": "Still here."}
    again = [anew | {"call": {"name": "book"}}, TOLD]
    before = {
        f"before it, {policy}": Case(
            policy, [LOST_BEFORE], WAITS, ONCE, ["cancelled", "ok"], again, note="tool runs", says=BOOKED
        )
        for policy in POLICIES
    }
    meanwhile = {
        policy: Case(policy, [LOST], WAITS, ONCE, ["ok"], [TOLD], note=WENT_ON, says=BOOKED) for policy in POLICIES
    }
    told = {"on": "resume", "knows_once": [RESULT], "say": "As I said."}
    after = {
        f"over its result, {policy}": Case(
            policy,
            [ASKED, TOLD | {"close": 1011}],
            WAITS,
            ONCE,
            ["ok"],
            [told],
            note=SPEAKS_UP,
            times=2,
            says="As I said.",
        )
        for policy in POLICIES
    }
    await hold(tmp_path, before | meanwhile | after)


async def test_a_tool_is_kept_cancelled_or_detached_by_a_caller_whose_model_is_lost(tmp_path: Path) -> None:
    """Before they speak, and in the middle of the answer to it."""
    speaks, steps = [*SPEAKS, *QUIET], [*SPEAKS, {"wait": {"quiet": 4.0}}, "hang_up"]
    lost = ANSWER | {"close": 1011}
    goes_on = {"on": "resume", "knows_once": ["Wait."], "say": "Go on."}
    before = {
        "keep": Case("keep", [LOST], speaks, ONCE, ["ok"], [ANSWER, TOLD], note=SPEAKS_UP, times=3, says=BOOKED),
        "cancel": Case("cancel", [LOST], [*SPEAKS, "hang_up"], STOPPED, ["cancelled"], [STAYED], says="Yes?"),
        "detach": Case("detach", [LOST], speaks, ONCE, ["ok"], [ANSWER, NEWS], note=SPEAKS_UP, times=3, says=BOOKED),
    }
    meanwhile = {
        "keep, in the answer": Case("keep", [ASKED, lost], steps, ONCE, ["ok"], [TOLD], note=WENT_ON, says=BOOKED),
        "cancel, in the answer": Case("cancel", [ASKED, lost], steps, STOPPED, ["cancelled"], [goes_on], says="Go on."),
        "detach, in the answer": Case(
            "detach", [ASKED, lost], steps, ONCE, ["ok"], [goes_on, NEWS], note=SPEAKS_UP, times=4, says=BOOKED
        ),
    }
    await hold(tmp_path, before | meanwhile)


async def test_a_call_that_no_model_goes_on_with_is_over_and_a_tool_stopped_unless_detached(tmp_path: Path) -> None:
    end: list[Any] = [{"wait": "end"}]
    spoken = [{"wait": "agent"}, {"say": "Wait."}, *end]
    lost = ANSWER | {"close": 1011}
    gone: dict[str, Any] = {"ending": ("failed", "model"), "says": "[recorded apology]"}
    before = {
        f"before it, {policy}": Case(policy, [LOST_BEFORE], end, NOT_AT_ALL, ["cancelled"], **gone)
        for policy in POLICIES
    }
    meanwhile = {
        "keep": Case("keep", [LOST], end, STOPPED, ["cancelled"], **gone),
        "cancel": Case("cancel", [LOST], end, STOPPED, ["cancelled"], **gone),
        "detach": Case("detach", [LOST], end, ONCE, ["detached"], **gone),
        "detach, having spoken": Case("detach", [ASKED, lost], spoken, ONCE, ["detached"], **gone),
    }
    await hold(tmp_path, before | meanwhile)
