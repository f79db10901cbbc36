"""While no model can be reached: where a number sends its callers, from the first one on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offices import NOWHERE, World, opened, outside, settings_for
from telephony.agents.agent import Agent
from telephony.records import CallRecord
from telephony.server.reception import BROKEN_OFF
from telephony.settings import Fallback, Limits, LiteLLMParams, ModelEntry, Settings
from telephony.simulate.callee import Callee
from telephony.simulate.caller import CallOutcome

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

GREETS = {"replies": [{"on": "greeting", "say": "Hello."}]}
PERSON = "+15550177"


async def alone(made: World, outcome: CallOutcome) -> CallRecord:
    """The record of a call in which nobody complained."""
    assert outcome.complaints == []
    return await made.record(outcome)


def said(outcome: CallOutcome) -> list[str]:
    """What Twilio's own voice said."""
    return [seen.text for seen in outcome.observations if seen.kind == "carrier says" and seen.text]


def ending(record: CallRecord) -> tuple[str, str, str]:
    assert record.termination is not None
    return record.termination.result, record.termination.by, record.termination.reason


async def test_while_no_model_can_be_reached_callers_are_not_connected(tmp_path: Path) -> None:
    agent = Agent("frontdesk", limits=Limits(connect=1, dead_air=2), fallback=Fallback())
    values = Settings.model_validate({"numbers": {"*": {"agent": "frontdesk", "outage": {"forward": PERSON}}}})
    async with outside({"replies": []}) as around:
        around.rest.callees[PERSON] = Callee(stays=0.1)
        settings = settings_for(tmp_path, NOWHERE, around.rest.base_url, numbers=values.numbers)
        async with opened(settings, around, agent) as made:
            for streams in (1, 0):  # the first one is answered before that is known
                outcome = await made.call({"wait": "end"})
                record = await alone(made, outcome)
                assert (outcome.dialled, len(outcome.stream_sids)) == ((PERSON,), streams)
                why = f"outage: no model can be reached for frontdesk, forwarded to {PERSON}"
                assert (ending(record), record.agent) == (("failed", "server", why), "frontdesk")


@pytest.mark.parametrize(
    ("outage", "streams", "heard"),
    [
        ({"say": "We are not there."}, 1, ["We are not there."]),
        ({"agent": "backup", "say": "One moment."}, 2, ["One moment."]),
        ({"busy": True}, 1, []),
        (None, 1, []),
    ],
    ids=["sentence", "agent", "busy", "fallback"],
)
async def test_the_first_caller_of_an_outage_goes_the_same_way_as_the_next_ones(
    tmp_path: Path, outage: dict[str, Any] | None, streams: int, heard: list[str]
) -> None:
    limits = Limits(connect=1, dead_air=2)
    agents = [Agent("frontdesk", model="gone", limits=limits), Agent("backup", model="there", greeting="Hello.")]
    entry = {"agent": "frontdesk", **({"outage": outage} if outage else {})}
    values = Settings.model_validate({"numbers": {"*": entry}})
    async with outside(GREETS) as around:
        models = [
            ModelEntry(model_name=name, litellm_params=LiteLLMParams(model="xai/grok", api_base=url))
            for name, url in (("gone", NOWHERE), ("there", around.model.url))
        ]
        settings = settings_for(tmp_path, rest=around.rest.base_url, numbers=values.numbers, model_list=models)
        async with opened(settings, around, *agents) as made:
            steps = [{"wait": "agent"}, "hang_up"] if streams == 2 else [{"wait": "end"}]
            outcome = await made.call(*steps)
            record = await alone(made, outcome)
    assert (len(outcome.stream_sids), said(outcome)) == (streams, heard)
    if outage is None or "busy" in outage:
        assert ending(record)[:2] == ("failed", "model"), "the agent's own fallback"
    else:
        assert (record.agent, ending(record)[:2]) == (
            ("backup", ("completed", "caller")) if streams == 2 else ("frontdesk", ("failed", "server"))
        )


async def test_a_first_caller_who_cannot_be_sent_elsewhere_is_told_that_something_is_wrong(tmp_path: Path) -> None:
    async def deaf(method: str, path: str) -> None:
        raise ConnectionResetError

    agent = Agent("frontdesk", limits=Limits(connect=1, dead_air=2))
    values = Settings.model_validate({"numbers": {"*": {"agent": "frontdesk", "outage": {"forward": PERSON}}}})
    async with outside({"replies": []}) as around:
        around.rest.before_doing = deaf
        settings = settings_for(tmp_path, NOWHERE, around.rest.base_url, numbers=values.numbers)
        async with opened(settings, around, agent) as made:
            outcome = await made.call({"wait": "end"})
            record = await made.record(outcome)
    assert (outcome.dialled, said(outcome)) == ((), [BROKEN_OFF])
    assert ending(record)[0] == "failed"
