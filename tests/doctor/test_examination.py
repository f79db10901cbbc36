"""All looks together, between a simulated model and a simulated Twilio."""

from __future__ import annotations

from pathlib import Path

import pytest

from offices import outside, settings_for
from telephony.agents.agent import Agent
from telephony.doctor.examination import examine
from telephony.doctor.finding import Finding
from telephony.simulate.board import PhoneNumber

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left_behind")]

ORDER = [
    "configuration",
    "key xai/grok",
    "file descriptors",
    "folder recordings",
    "folder cassettes",
    "database",
    "port",
    "clock",
    "public url",
    "certificate",
    "signature",
    "websocket",
    "twilio account",
    "number +15550100",
    "model xai/grok",
]


async def test_everything_is_looked_at_and_told_in_its_order(tmp_path: Path) -> None:
    async with outside({}) as around:
        number = PhoneNumber("+15550100")
        around.rest.board.phone_numbers[number.sid] = number
        desk = Agent("desk", instructions="Be brief.", tools=["builtin:hang_up"]).settings
        numbers = {number.phone_number: {"agent": "desk"}}
        settings = settings_for(
            tmp_path, around.model.url, around.rest.base_url, agents={"desk": desk}, numbers=numbers
        )
        told: list[Finding] = []
        assert await examine(settings, {}, told.append) == told
    assert [finding.name for finding in told] == ORDER
    states = {finding.name: finding.state for finding in told}
    assert states.pop("number +15550100") == "red"  # it leads to the demo
    assert states.pop("public url") == "amber"  # only this machine reaches it
    assert states.pop("certificate") == "skipped"
    assert set(states.values()) == {"green"}
    assert all(finding.remedy for finding in told if finding.state in ("red", "amber"))


async def test_offline_nobody_elsewhere_is_asked(tmp_path: Path) -> None:
    async with outside({}) as around:
        desk = Agent("desk", instructions="Be brief.", tools=["builtin:hang_up"]).settings
        settings = settings_for(
            tmp_path,
            around.model.url,
            around.rest.base_url,
            agents={"desk": desk},
            numbers={"*": {"agent": "desk"}},
        )
        found = await examine(settings, {}, lambda finding: None, offline=True)
        assert around.rest.received == []
        assert not around.model.sessions
        far = settings.model_copy(update={"database_url": "postgresql://db.example.com/calls"})
        elsewhere = await examine(far, {}, lambda finding: None, offline=True)
    assert skipped(found) == ["clock", "public url", "twilio account", "model xai/grok"]
    assert skipped(elsewhere) == ["database", *skipped(found)]
    assert {finding.state for finding in found} == {"green", "skipped"}


def skipped(found: list[Finding]) -> list[str]:
    return [finding.name for finding in found if finding.state == "skipped"]
