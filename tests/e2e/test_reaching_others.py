"""Callers who are put through and messages that are sent, over real sockets: what is allowed, what is not, and what
becomes of a caller whom nobody takes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offices import ACCOUNT, TOKEN, ShortVoice, World, opened, outside, settings_for, stored_audits, world
from targets import ADVERSARIAL
from telephony.agents.agent import Agent
from telephony.cassette.replay import replay
from telephony.records import AuditRow, CallRecord, Termination
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.settings import DiallingSettings, LiteLLMParams, ModelEntry
from telephony.sim.caller_script import CallerScript
from telephony.simulate.caller import CallOutcome, place_call
from telephony.tools import CallContext, tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(120)]

BILLING = "+14155552671"
DIALLING = DiallingSettings.model_validate({"directory": {"billing": BILLING}})


def asks(name: str, **arguments: Any) -> list[dict[str, Any]]:
    """A model that calls one function when it is spoken to, and says something to its result."""
    return [
        {"on": "speech", "hears": "Billing?", "say": "One moment.", "call": {"name": name, "arguments": arguments}},
        {"on": "tool", "say": "Sorry."},
    ]


async def called(made: World, *steps: Any, dial_status: str = "completed", caller: str = "+14155550142") -> CallOutcome:
    script = {"patience": 15, "from": caller, "steps": [{"wait": "agent"}, {"say": "Billing?"}, *steps]}
    return await place_call(
        f"{made.office.settings.public_url}/twilio/voice",
        CallerScript.parse(script),
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        status_callback=f"{made.office.settings.public_url}/twilio/status",
        rest=made.outside.rest,
        voice=made.outside.voice,
        dial_status=dial_status,
    )


def said(record: CallRecord) -> list[str]:
    return [turn.heard for turn in record.turns if turn.speaker == "agent"]


async def rows(made: World) -> list[AuditRow]:
    return await stored_audits(made.office.settings)


async def test_a_caller_is_put_through_to_a_name_of_the_directory(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello.", tools=["builtin:transfer"])
    async with world(tmp_path, {"replies": asks("transfer", target="Billing")}, agent, dialling=DIALLING) as made:
        outcome = await called(made, {"wait": "end"})
        record = await made.record(outcome)
        (row,) = await rows(made)
    assert outcome.complaints == []
    assert outcome.dialled == (BILLING,)
    assert record.termination == Termination("completed", "agent", "transferred to billing")
    assert said(record) == ["Hello.", "One moment."]
    assert (row.use, row.target, row.verdict, row.number) == ("transfer", "Billing", "allowed", BILLING)


@pytest.mark.parametrize(
    ("status", "why"),
    [("busy", "the line was busy"), ("no-answer", "nobody answered"), ("failed", "could not be made")],
)
async def test_a_caller_whom_nobody_takes_is_back_with_the_agent_who_knows(
    tmp_path: Path, status: str, why: str
) -> None:
    agent = Agent("frontdesk", greeting="Hello.", tools=["builtin:transfer"])
    replies = [*asks("transfer", target="billing"), {"on": "greeting", "say": "Nobody is there."}]
    async with world(tmp_path, {"replies": replies}, agent, dialling=DIALLING) as made:
        outcome = await called(made, {"wait": {"quiet": 3}}, "hang_up", dial_status=status)
        record = await made.record(outcome)
        assert made.records == [record], "one call, one record"
    assert outcome.complaints == []
    assert outcome.dialled == (BILLING,)
    assert len(outcome.stream_sids) == 2
    assert record.termination == Termination("completed", "caller", "caller hung up")
    assert said(record)[:2] == ["Hello.", "One moment."]
    assert len(said(record)) == 3
    starts = [turn.started_at for turn in record.turns]
    assert starts == sorted(starts)
    second = Path(record.cassette).with_name(f"{record.id}-2.jsonl")
    news = [line.message for line in open_cassette(second).lines if line.dir == "out" and why in str(line.message)]
    assert len(news) == 1
    for path in (Path(record.cassette), second):
        assert replay(open_cassette(path), new_carrier).divergence is None


async def test_a_message_goes_to_the_caller_from_the_number_that_was_called(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello.", tools=["builtin:send_sms"])
    replies = asks("send_sms", body="Your code is at the desk.")
    async with world(tmp_path, {"replies": replies}, agent, dialling=DIALLING) as made:
        outcome = await called(made, {"wait": {"quiet": 2}}, "hang_up")
        record = await made.record(outcome)
        (message,) = made.outside.rest.board.messages.values()
    assert [(use.name, use.outcome) for use in record.tools] == [("send_sms", "ok")]
    assert (message.to_number, message.body) == ("+14155550142", "Your code is at the desk.")


async def test_a_message_that_the_carrier_does_not_take_is_an_answer_to_the_model(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello.", tools=["builtin:send_sms"])
    replies = asks("send_sms", body="Your code is at the desk.")
    replies[1] = replies[1] | {"expect": {"send_sms": "did not take the message"}}
    async with world(tmp_path, {"replies": replies}, agent, dialling=DIALLING) as made:
        made.outside.rest.board.unsubscribed.add("+14155550142")
        outcome = await called(made, {"wait": {"quiet": 2}}, "hang_up")
        record = await made.record(outcome)
        assert made.outside.unmet() == []
        assert made.outside.rest.board.messages == {}
    assert [(use.name, use.outcome) for use in record.tools] == [("send_sms", "error")]


@pytest.mark.parametrize(("name", "every"), [("transfer", 2), ("send_sms", 8)])
async def test_whatever_the_model_asks_for_nothing_is_dialled_and_every_request_leaves_its_row(
    tmp_path: Path, name: str, every: int
) -> None:
    """One call each, many at a time, with the model's words as they come."""
    agent = Agent("frontdesk", greeting="Hello.", tools=[f"builtin:{name}", "builtin:hang_up"])
    wanted = [target for target, _ in ADVERSARIAL[::every]]
    assert len(wanted) * every >= 100

    async def one(folder: Path, target: str) -> None:
        arguments = {"target": target} if name == "transfer" else {"body": "Hello.", "to": target}
        asked, told = asks(name, **arguments)
        model = {"replies": [asked, told | {"call": {"name": "hang_up"}}]}
        async with world(folder, model, agent, dialling=DIALLING, voice=ShortVoice("agent", 0.1)) as made:
            outcome = await called(made, {"wait": "end"}, caller="anonymous")
            record = await made.record(outcome)
            (row,) = await rows(made)
            assert row.verdict == "refused", target
            assert row.target in (target[:200].replace("\0", "\N{REPLACEMENT CHARACTER}"), "anonymous"), target
            assert [use.outcome for use in record.tools] == ["error", "ok"], target
            assert outcome.dialled == (), target
            assert made.outside.rest.board.messages == {}, target

    for start in range(0, len(wanted), 13):
        async with asyncio.TaskGroup() as group:
            for number, target in enumerate(wanted[start : start + 13], start):
                (folder := tmp_path / str(number)).mkdir()
                group.create_task(one(folder, target), name=f"{number}")


async def test_a_caller_comes_back_to_the_agent_who_sent_them_and_to_what_its_tools_kept(tmp_path: Path) -> None:
    seen: list[tuple[str, Any]] = []

    @tool
    async def send(call: CallContext) -> str:
        """Put the caller through."""
        seen.append((call.agent, call.state.setdefault("tries", 0)))
        call.state["tries"] += 1
        await call.transfer("billing")
        return "On your way."

    agent = Agent("frontdesk", greeting="Hello.", tools=[send])
    replies = [
        {"on": "speech", "hears": "Billing?", "say": "One moment.", "call": {"name": "send"}},
        {"on": "tool", "say": "Sorry."},
    ]
    steps = [{"wait": {"quiet": 2.5}}, {"say": "Billing?"}, {"wait": {"quiet": 2.5}}, "hang_up"]
    async with world(tmp_path, {"replies": replies}, agent, dialling=DIALLING) as made:
        outcome = await called(made, *steps, dial_status="busy")
        record = await made.record(outcome)
    assert outcome.dialled == (BILLING, BILLING)
    assert seen == [("frontdesk", 0), ("frontdesk", 1)]
    assert len(outcome.stream_sids) == 3
    assert [use.name for use in record.tools] == ["send", "send"]


async def test_what_was_done_before_the_caller_was_sent_on_is_not_done_again_and_stays_hidden(tmp_path: Path) -> None:
    charged: list[str] = []

    @tool(once=True, sensitive=("card",))
    async def charge(card: str) -> str:
        """Charge a card."""
        charged.append(card)
        return "Charged."

    @tool
    async def send(call: CallContext) -> str:
        """Put the caller through."""
        await call.transfer("billing")
        return "On your way."

    card = "4242 4242 4242 4242"
    agent = Agent("frontdesk", greeting="Hello.", tools=[charge, send], cassette="always")
    pay = {"name": "charge", "arguments": {"card": card}}
    replies = [
        {"on": "speech", "hears": "Pay.", "call": pay},
        {"on": "tool", "say": "Paid."},
        {"on": "speech", "hears": "Billing?", "say": "One moment.", "call": {"name": "send"}},
        {"on": "greeting", "expect": {}, "say": "Nobody is there."},
        {"on": "speech", "hears": "Pay again.", "call": pay},
        {"on": "tool", "expect": {"charge": "Charged."}, "say": "That is done."},
    ]
    script = {"patience": 15, "from": "+14155550142"}
    steps = [{"wait": "agent"}, {"say": "Pay."}, {"wait": {"quiet": 2}}, {"say": "Billing?"}, {"wait": {"quiet": 2.5}}]
    steps += [{"say": "Pay again."}, {"wait": {"quiet": 2}}, "hang_up"]
    async with world(tmp_path, {"replies": replies}, agent, dialling=DIALLING) as made:
        outcome = await made.call(*steps, **script, dial_status="busy")
        record = await made.record(outcome)
    assert charged == [card]
    assert [(use.name, use.outcome) for use in record.tools] == [
        ("charge", "ok"),
        ("send", "ok"),
        ("charge", "ok"),
    ]
    second = Path(record.cassette).with_name(f"{record.id}-2.jsonl")
    assert card not in second.read_text()
    assert replay(open_cassette(second), new_carrier).divergence is None


async def test_a_caller_who_was_handed_over_comes_back_to_the_agent_who_put_them_through(tmp_path: Path) -> None:
    desk = Agent("frontdesk", model="one", greeting="Hello.", tools=["builtin:hand_over"], hand_over=["orders"])
    orders = Agent("orders", model="two", instructions="Do the orders.", tools=["builtin:transfer"], voice="ara")
    over = {"name": "hand_over", "arguments": {"agent": "orders"}}
    through = {"name": "transfer", "arguments": {"target": "billing"}}
    first = [{"on": "speech", "hears": "Billing?", "say": "One moment.", "call": over}]
    second = [
        {"on": "resume", "say": "Orders here.", "knows": ["Billing?"]},
        {"on": "speech", "hears": "Billing, please.", "say": "I put you through.", "call": through},
    ]
    quiet = {"wait": {"quiet": 2.5}}
    steps = [quiet, {"say": "Billing, please."}, quiet, "hang_up"]
    voice = ShortVoice("agent")
    async with outside({"replies": first}, voice=voice) as one, outside({"replies": second}, voice=voice) as two:
        models = [
            ModelEntry(model_name=name, litellm_params=LiteLLMParams(model="xai/grok", api_base=around.model.url))
            for name, around in (("one", one), ("two", two))
        ]
        numbers = {"*": "frontdesk"}
        settings = settings_for(tmp_path, rest=one.rest.base_url, model_list=models, numbers=numbers, dialling=DIALLING)
        async with opened(settings, one, desk, orders) as made:
            outcome = await called(made, *steps, dial_status="busy")
            record = await made.record(outcome)
        assert [*one.faults(), *two.faults(), *outcome.complaints] == []
        assert (len(one.model.sessions), len(two.model.sessions)) == (1, 2)
    assert outcome.dialled == (BILLING,)
    assert said(record)[:4] == ["Hello.", "One moment.", "Orders here.", "I put you through."]
    assert len(said(record)) == 5, "whoever is there again has said something"
    assert record.agent == "frontdesk", "the record is that of whoever took the call"
    second_stream = open_cassette(Path(record.cassette).with_name(f"{record.id}-2.jsonl"))
    sent = [line.message for line in second_stream.lines if (line.ch, line.dir) == ("model", "out")]
    session = next(message["session"] for message in sent if message["type"] == "session.update")
    assert (session["instructions"], session["voice"]) == ("Do the orders.", "ara")
    assert replay(second_stream, new_carrier).divergence is None
