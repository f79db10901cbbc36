"""Calls that are placed: the real office between a simulated model and a simulated Twilio that calls people."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from offices import World, stored_audits, stored_records, world
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.settings import DiallingSettings, OutboundPolicy, OutboundSettings
from telephony.sim.caller_script import HangUp, Pause, Say, WaitForAgent, WaitForQuiet
from telephony.simulate.callee import Callee, beep
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.telling import CallbackFaults
from telephony.tools import CallContext, tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

KEY = "an-api-key-of-ours"
US, THEM = "+15550100", "+15550177"
OURS = "+442079460958"
"""A number that there is."""
MODEL = {
    "replies": [
        {"on": "greeting", "say": "Good day, this is Acme."},
        {"on": "speech", "say": "I see."},
    ]
}


def agent(**policy: Any) -> Agent:
    return Agent(
        "frontdesk",
        greeting="Good day, this is Acme.",
        tools=["builtin:hang_up"],
        outbound=OutboundPolicy(**policy),
    )


@contextlib.asynccontextmanager
async def dialling(
    folder: Path,
    who: Agent | None = None,
    *,
    model: dict[str, Any] = MODEL,
    unwanted: Sequence[str] = (),
    allow: Mapping[str, Any] | None = None,
    most: int | None = None,
    **outbound: Any,
) -> AsyncIterator[World]:
    """An office that may place calls, and people to call; *unwanted* want no calls."""
    own = {"api_key": SecretStr(KEY), "from_number": US, "hours": "00:00-24:00", "calls_per_second": 50, **outbound}
    settings = OutboundSettings(**own)
    numbers = {"*": "frontdesk"}
    listed = {"clerk": THEM, "other": "+15550178", "london": "+442079460123"}
    dialling = DiallingSettings.model_validate(
        {"directory": listed, "do_not_call": list(unwanted), "allow": allow or {}}
    )
    values: dict[str, Any] = {"outbound": settings, "numbers": numbers, "dialling": dialling, "max_calls": most}
    async with world(folder, model, who or agent(), **values) as made:
        rest = made.outside.rest
        rest.board.ring = 0.05
        rest.board.voice = made.outside.voice
        yield made


async def order(
    made: World, key: str = "order-1", *, login: str = KEY, body: Any = None, method: str = "POST", **fields: Any
) -> tuple[int, dict[str, Any]]:
    """Ask for a call; status and body of the answer."""
    headers = {"Idempotency-Key": key, "Authorization": f"Bearer {login}"}
    wanted = {"to": THEM, "agent": "frontdesk", **fields} if body is None else body
    path = f"orders/{key}" if method == "GET" else "calls"
    url = f"{made.office.settings.public_url}/api/v1/{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, json=wanted, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def called(made: World, **fields: Any) -> CallOutcome:
    """What became of a call that was asked for."""
    status, body = await order(made, **fields)
    assert status == 201, body
    return await made.outside.rest.board.over(body["call_id"])


def is_over(body: dict[str, Any]) -> bool:
    return body["state"] in ("completed", "busy", "no-answer", "canceled", "failed")


async def state(made: World, until: Callable[[dict[str, Any]], bool] = is_over) -> dict[str, Any]:
    """What the office knows of a call, once that is something."""
    async with asyncio.timeout(10):
        while True:
            _, body = await order(made, method="GET")
            if until(body):
                return body
            await asyncio.sleep(0.02)


async def test_an_agent_calls_somebody_and_speaks_with_them(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        steps = (WaitForAgent(), Say("Who is this?"), WaitForAgent(), HangUp())
        made.outside.rest.callees[THEM] = Callee(steps=steps, patience=10)
        outcome = await called(made)
        assert outcome.complaints == []
        record = await made.record(outcome)
        assert (record.direction, record.from_number, record.to_number) == ("outbound", US, THEM)
        assert record.termination == Termination("completed", "caller", "caller hung up")
        assert [turn.heard for turn in record.turns if turn.speaker == "agent"] == ["Good day, this is Acme.", "I see."]
        assert (await state(made))["state"] == "completed"
        ((*_, form),) = [request for request in made.outside.rest.requests if "Calls.json" in request[1]]
        assert (form["TimeLimit"], form["Timeout"]) == ("1860", "30")
        assert "MachineDetection" not in form


async def test_what_was_said_with_the_order_reaches_the_tools_also_of_a_caller_who_comes_back(tmp_path: Path) -> None:
    seen: list[str] = []

    @tool
    async def send(call: CallContext) -> str:
        """Put the caller through."""
        seen.append(call.metadata["order"])
        await call.transfer("other")
        return "On your way."

    who = Agent("frontdesk", greeting="Good day, this is Acme.", tools=[send])
    model = {
        "replies": [
            {"on": "speech", "hears": "Who is this?", "say": "One moment.", "call": {"name": "send"}},
            {"on": "tool", "say": "Sorry."},
        ]
    }
    quiet = WaitForQuiet(2.5)
    async with dialling(tmp_path, who, model=model) as made:
        steps = (WaitForAgent(), Say("Who is this?"), quiet, Say("Who is this?"), quiet, HangUp())
        made.outside.rest.callees[THEM] = Callee(steps=steps, patience=20)
        made.outside.rest.callees["+15550178"] = Callee(does="busy")
        outcome = await called(made, metadata={"order": "A-1042"})
        await made.record(outcome)
        assert (await order(made, method="GET"))[1]["metadata"] == {"order": "A-1042"}
    assert seen == ["A-1042", "A-1042"]


@pytest.mark.parametrize("does", ["busy", "rejects", "unreachable", "no answer"])
async def test_of_whoever_does_not_answer_it_is_known_why(tmp_path: Path, does: Any) -> None:
    async with dialling(tmp_path, agent(ring=5)) as made:
        made.outside.rest.board.ring = 2.0
        made.outside.rest.callees[THEM] = Callee(does=does, rings=0 if does in ("busy", "rejects") else 3)
        outcome = await called(made)
        wanted = {"busy": "busy", "rejects": "busy", "unreachable": "failed", "no answer": "no-answer"}[does]
        assert outcome.status == (await state(made))["state"] == wanted
        assert await stored_records(made.office.settings) == []


async def test_statuses_that_come_twice_and_backwards_change_nothing(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        made.outside.rest.board.callback_faults = CallbackFaults(twice=True, backwards=True)
        made.outside.rest.callees[THEM] = Callee(steps=(Pause(0.3), HangUp()))
        outcome = await called(made)
        assert outcome.status == "completed"
        assert (await state(made))["state"] == "completed"
        assert made.office.calls.live == {}
        await made.record(outcome)


# -- asking twice --------------------------------------------------------------------------------------------------


async def test_asking_again_with_the_same_key_asks_for_no_other_call(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        made.outside.rest.callees[THEM] = Callee(does="busy")
        answers = await asyncio.gather(*(order(made) for _ in range(5)))
        assert {status for status, _ in answers} <= {201, 202}
        await made.outside.rest.board.over((await state(made))["call_id"])
        assert (await order(made))[1]["call_id"] == (await state(made))["call_id"]
        assert len(made.outside.rest.board.calls) == 1
        assert (await order(made, to="+15550178"))[0] == 409
        assert (await order(made, "order-2"))[0] == 201
        assert len(made.outside.rest.board.calls) == 2


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unclear is looked into at once."""
    monkeypatch.setattr("telephony.bridge.dialler.SETTLED", 0.1)
    monkeypatch.setattr("telephony.bridge.dialler.LOOK", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_a_call_whose_request_got_no_answer_is_found_and_not_repeated(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        rest = made.outside.rest
        rest.callees[THEM] = Callee(does="no answer")
        rest.board.ring = 60.0
        broken: list[str] = []

        async def break_off(method: str, path: str) -> None:
            if path.endswith("/Calls.json") and method == "POST" and not broken:
                broken.append(path)
                raise ConnectionResetError

        rest.before_answer = break_off
        rest.board.callback_faults = CallbackFaults(backwards=True)  # no status comes to the rescue
        status, body = await order(made)
        assert (status, body["state"], body["call_id"]) == (202, "placing", None)
        await rest.board.until(lambda: bool(broken))
        found = await state(made, until=lambda body: bool(body["call_id"]))
        assert [found["call_id"]] == list(rest.board.calls)


@pytest.mark.usefixtures("impatient")
async def test_a_call_that_never_reached_the_carrier_is_asked_for_again(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        rest = made.outside.rest
        rest.callees[THEM] = Callee(does="busy")
        broken: list[str] = []

        async def break_off(method: str, path: str) -> None:
            if path.endswith("/Calls.json") and method == "POST" and not broken:
                broken.append(path)
                raise ConnectionResetError

        rest.before_doing = break_off
        assert (await order(made))[0] == 202
        assert (await state(made))["state"] == "busy"
        assert len(rest.board.calls) == 1


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"login": "another"}, 401, "Bearer"),
        ({"key": ""}, 400, "Idempotency-Key"),
        ({"key": "a b"}, 400, "Idempotency-Key"),
        ({"body": [1]}, 400, "no such request"),
        ({"body": {"to": THEM}}, 400, "agent"),
        ({"typo": 1}, 400, "typo"),
        ({"to": "911"}, 422, "no number"),
        ({"from": "Acme"}, 422, "no number"),
        ({"agent": "nobody"}, 422, "there is no 'nobody'"),
    ],
)
async def test_what_cannot_be_placed_is_refused_with_a_reason(
    tmp_path: Path, change: dict[str, Any], status: int, says: str
) -> None:
    async with dialling(tmp_path) as made:
        answered, body = await order(made, **change)
        assert (answered, body["status"]) == (status, status)
        assert says in body["detail"]
        assert made.outside.rest.requests == []


async def test_a_number_is_read_in_one_way_or_not_at_all_and_every_refusal_leaves_its_row(tmp_path: Path) -> None:
    freely = ["911", "15550177", "sip:+15550177@x", "tel:+15550177;ext=9", "whatsapp:+15550177", f"{THEM}\n", "clerk"]
    async with dialling(tmp_path, from_number=OURS, allow={"countries": ["GB"]}) as made:
        for turn, target in enumerate(freely):
            assert (await order(made, f"order-{turn}", to=target))[0] == 422
        status, body = await order(made, "ourselves", to=OURS)
        assert (status, "leads back" in body["detail"]) == (403, True), body
        assert made.outside.rest.requests == []
        rows = await stored_audits(made.office.settings)
    assert sorted((row.target, row.verdict) for row in rows) == sorted((each, "refused") for each in [*freely, OURS])


async def test_nobody_is_called_at_night(tmp_path: Path) -> None:
    async with dialling(tmp_path, hours="00:00-00:01") as made:
        status, body = await order(made, to="+442079460123")
        assert (status, body["title"]) == (403, "Forbidden")
        assert "people may be called from 00:00 to 00:01" in body["detail"]
        assert (await order(made, method="GET"))[0] == 404


async def test_nobody_is_called_who_is_neither_listed_nor_allowed(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        for number in ("+15550199", "+88213000000", "+19005550123"):
            status, body = await order(made, to=number)
            assert (status, body["title"]) == (403, "Forbidden")
        assert made.outside.rest.requests == []


async def test_nobody_is_called_who_wants_no_calls(tmp_path: Path) -> None:
    async with dialling(tmp_path, unwanted=["+1555*"]) as made:
        status, body = await order(made)
        assert (status, body["title"]) == (403, "Forbidden")
        assert "must not be contacted" in body["detail"]
        assert made.outside.rest.requests == []


async def test_a_number_of_a_country_that_is_allowed_is_called_and_none_of_another(tmp_path: Path) -> None:
    async with dialling(tmp_path, allow={"countries": ["GB"]}) as made:
        made.outside.rest.callees["+442079460958"] = Callee(does="busy")
        assert (await called(made, to="+442079460958")).status == "busy"
        status, _ = await order(made, "order-2", to="+33142685300")
        assert status == 403
        assert len(made.outside.rest.board.calls) == 1


async def test_what_the_carrier_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    async with dialling(tmp_path) as made:
        made.outside.rest.board.barred = {"+1"}
        for _ in range(2):
            status, body = await order(made)
            assert status == 502
            assert "error 21215" in body["detail"]
        assert len(made.outside.rest.requests) == 1
        assert (await state(made))["state"] == "failed"


async def test_more_calls_than_can_leave_are_told_to_come_back(tmp_path: Path) -> None:
    async with dialling(tmp_path, calls_per_second=0.08) as made:
        made.outside.rest.callees[THEM] = Callee(does="busy")
        assert (await order(made))[0] == 201
        status, body = await order(made, "order-2")
        assert (status, body["title"]) == (429, "Too Many Requests")
        assert (await order(made, "order-2", method="GET"))[0] == 404


async def test_while_agents_have_no_room_nobody_is_called_and_the_order_is_to_come_back(tmp_path: Path) -> None:
    async with dialling(tmp_path, most=1) as made, asyncio.TaskGroup() as group:
        answered = asyncio.Event()
        caller = made.call({"wait": "agent"}, {"pause": 1}, "hang_up", observe=lambda seen: answered.set())
        calling = group.create_task(caller, name="caller")
        await answered.wait()
        status, body = await order(made)
        assert (status, body["detail"]) == (503, "1 calls are going on. Ask again with the same key.")
        assert made.outside.rest.requests == []
        await made.record(await calling)
        assert (await order(made))[0] == 201


# -- machines ------------------------------------------------------------------------------------------------------


async def test_a_machine_is_hung_up_on(tmp_path: Path) -> None:
    async with dialling(tmp_path, agent(machine="hang_up")) as made:
        made.outside.rest.callees[THEM] = Callee(does="machine")
        outcome = await called(made)
        assert (outcome.status, outcome.ended_by) == ("completed", "agent")
        assert (await state(made))["answered_by"] == "machine"
        assert (await made.record(outcome)).termination == Termination("completed", "agent", "a machine answered")


async def test_a_person_is_talked_to_whatever_is_done_with_machines(tmp_path: Path) -> None:
    async with dialling(tmp_path, agent(machine="hang_up")) as made:
        made.outside.rest.callees[THEM] = Callee(steps=(Pause(1.5), HangUp()))
        outcome = await called(made)
        assert outcome.ended_by == "caller"
        assert (await state(made))["answered_by"] == "human"


async def test_a_machine_is_left_a_message_after_its_tone(tmp_path: Path) -> None:
    async with dialling(tmp_path, agent(machine="message", message="Please call Acme back.")) as made:
        made.outside.rest.callees[THEM] = Callee(does="machine", greeting="Not at home.")
        outcome = await called(made)
        record = await made.record(outcome)
        assert outcome.ended_by == "agent"
        assert "Please call Acme back." in [turn.heard for turn in record.turns if turn.speaker == "agent"]
        assert record.termination == Termination("completed", "agent", "a machine answered")
        assert (await state(made))["answered_by"] == "after the tone"
        tone = outcome.said.index(beep()[-800:]) + 800
        assert sum(byte not in b"\xff\x7f" for byte in outcome.heard[tone:]) > 2000


async def test_a_machine_is_talked_to_like_anybody(tmp_path: Path) -> None:
    async with dialling(tmp_path, agent(machine="talk")) as made:
        steps = (Say("Not at home."), WaitForAgent(), HangUp())
        made.outside.rest.callees[THEM] = Callee(steps=steps, patience=10)
        outcome = await called(made)
        assert outcome.ended_by == "caller"
        assert outcome.heard.strip(b"\xff\x7f")


async def test_talking_to_a_machine_costs_nothing_to_find_out(tmp_path: Path) -> None:
    async with dialling(tmp_path, agent(machine="talk")) as made:
        made.outside.rest.callees[THEM] = Callee(steps=(Pause(0.2), HangUp()))
        await called(made)
        assert [form for _, path, form in made.outside.rest.requests if "MachineDetection" in form] == []
