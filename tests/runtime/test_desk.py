"""Whom the calls of a process reach: what the rules allow becomes a way to call, and the model knows the names."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import aiohttp
import pytest

from offices import settings_for
from telephony.agents.agent import Agent
from telephony.bridge.consultations import Consultations
from telephony.carriers.twilio_account import TwilioAccount
from telephony.commands import Sending
from telephony.dialling import DialPolicy
from telephony.links.http import perform
from telephony.runtime.desk import CallDesk, knowing
from telephony.runtime.dialling import make_permits
from telephony.settings import DiallingSettings
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore
from telephony.tools.builtin import BUILTINS
from telephony.tools.permits import Denied, Ends, Granted

ENDS = Ends("CA1", "frontdesk", "+14155550142", "+14155550100")
DIALLING = DiallingSettings.model_validate(
    {
        "directory": {
            "billing": {"number": "+14155552671", "title": "invoices", "timeout": 15, "caller_id": "+14155550100"},
            "night desk": "+14155550199",
            "desk": {"sip": "sip:desk@pbx.example.com", "mode": "refer"},
            "mary": {"number": "+14155552672", "mode": "warm", "language": "en-GB"},
        }
    }
)


async def test_a_name_of_the_directory_becomes_a_number_and_how_to_call_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, dialling=DIALLING)
    keeper = RecordKeeper(MemoryStore(), tmp_path)
    permits = make_permits(settings, [Agent("frontdesk")], keeper.audits)
    async with aiohttp.ClientSession() as session:
        account = TwilioAccount(settings.public_url, settings.twilio)
        consultations = Consultations(partial(perform, session), account, settings.public_url)
        desk = CallDesk(permits, account, session, consultations)
        granted = await desk.permit("transfer", "Billing", ENDS)
        by_telephone = await desk.permit("transfer", "desk", ENDS)
        by_sip = await desk.permit("transfer", "desk", Ends("CA1", "frontdesk", "sip:ann@example.com", ENDS.called))
        asked = await desk.permit("transfer", "mary", ENDS)
        denied = await desk.permit("transfer", "+19005551234", ENDS)
    assert granted == Granted("+14155552671", Sending("billing", "+14155550100", 15, 14_400))
    assert by_telephone == Granted("sip:desk@pbx.example.com", Sending("desk"))
    assert by_sip == Granted("sip:desk@pbx.example.com", Sending("desk", refer=True)), "a telephone cannot be referred"
    assert asked == Granted("+14155552672", Sending("mary"), asked_first=True, language="en-GB")
    assert isinstance(denied, Denied)
    assert "billing" in denied.sentence
    await keeper.close()


@pytest.mark.parametrize(("tools", "told"), [(["builtin:transfer"], True), (["my_shop:transfer"], False)])
def test_the_model_knows_whom_it_may_name(tools: list[str], told: bool) -> None:
    spec = BUILTINS["builtin:transfer"].spec
    (known,) = knowing([spec], Agent("frontdesk", tools=tools), DialPolicy(DIALLING))
    assert ("The directory: billing (invoices), night desk, desk, mary." in known.description) == told
