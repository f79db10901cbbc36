"""The keyless demo: the real server, a simulated Grok and a simulated Twilio on loopback, and one call through them.

Nothing is shortened: the webhook is signed, the media socket too, audio flows in real time, the tool is called, the
caller talks over the answer, and the agent hangs up through the (simulated) REST API. What was scripted is checked
against what was seen on every side; only if all of it agrees does the demo count as passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.commands import Note
from telephony.errors import CassetteError
from telephony.records import CallRecord
from telephony.runtime import replaying
from telephony.runtime.office import open_office
from telephony.settings import CassetteSettings, LiteLLMParams, ModelEntry, Settings, TwilioSettings
from telephony.sim.caller_script import CallerScript
from telephony.sim.model_script import decode_script
from telephony.simulate.caller import place_call
from telephony.simulate.model import RunningModel, start_model
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.rest import TwilioRest
from telephony.simulate.scenario import FRONT_DESK, load_scenario
from telephony.simulate.voice import Voice
from telephony.tools.tool import tool

LONGEST = 90.0
"""Seconds after which the demo is stuck; it takes half a minute."""
ACCOUNT = "AC" + "0" * 32
GREETING = "Thanks for calling Acme. How can I help you?"


@tool(timeout=5)
async def lookup_order(order_id: str) -> dict[str, str]:
    """Look an order up by its number.

    Args:
        order_id: The number on the receipt, such as "A-1042".
    """
    await asyncio.sleep(0.4)  # a database would take as long
    return {"order_id": order_id, "status": "shipped", "carrier": "Northwind Express", "due": "Thursday"}


class Demo(msgspec.Struct):
    """What the demo leaves behind."""

    record: CallRecord
    recording: Path
    complaints: list[str]
    """What was scripted and not seen, or seen and wrong, one sentence each."""

    @property
    def passed(self) -> bool:
        return not self.complaints


async def run_demo(folder: Path, on_note: Callable[[float, Note], None], on_stage: Callable[[str], None]) -> Demo:
    """Run it. Recording and database go to *folder*; *on_note* hears what happens in the call, as it happens, and
    *on_stage* what is started. Raises `TimeoutError` if it is stuck."""
    records: list[CallRecord] = []
    async with asyncio.timeout(LONGEST), contextlib.AsyncExitStack() as stack:
        document, place = load_scenario(FRONT_DESK)
        model = await start_model(decode_script(document, place), voice=Voice("agent"))
        stack.push_async_callback(model.close)
        on_stage(f"a simulated Grok at {model.url}")
        token = secrets.token_hex(16)
        rest = await stack.enter_async_context(TwilioRest(ACCOUNT, token))
        settings = _settings(folder, model, rest, token)
        office = await stack.enter_async_context(
            open_office(settings, {}, agents=[_agent()], watcher=lambda _, at, note: on_note(at, note))
        )
        office.calls.on_record = records.append
        on_stage(f"the server at {office.address}")
        on_stage("a simulated Twilio, which calls now")
        outcome = await place_call(
            f"{settings.public_url}/twilio/voice",
            CallerScript.parse(document["caller"], f"{place}: caller"),
            account_sid=ACCOUNT,
            auth_token=token,
            rest=rest,
            voice=Voice("caller"),
        )
        await office.calls.idle()
    record = records[0] if records else CallRecord("", "twilio", outcome.call_sid, "frontdesk")
    return Demo(record, Path(record.recording), _complaints(outcome, model, record))


def _agent() -> Agent:
    return Agent(
        "frontdesk",
        model="grok-voice",
        voice="eve",
        greeting=GREETING,
        instructions="You are the front desk of Acme. Be brief.",
        tools=[lookup_order, "builtin:hang_up"],
    )


def _settings(folder: Path, model: RunningModel, rest: TwilioRest, token: str) -> Settings:
    port = _free_port()
    params = LiteLLMParams(model="xai/grok-voice-latest", api_base=model.url)
    return Settings(
        public_url=f"http://127.0.0.1:{port}",
        host="127.0.0.1",
        port=port,
        database_url=f"sqlite:///{folder / 'telephony.db'}",
        recordings=str(folder),
        cassettes=CassetteSettings(folder=str(folder)),
        drain=5,
        twilio=TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(token), api_base=rest.base_url),
        model_list=[ModelEntry(model_name="grok-voice", litellm_params=params)],
    )


def _free_port() -> int:
    """The signature is made for a URL with the port in it, so the port must be known before the server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _complaints(outcome: CallOutcome, model: RunningModel, record: CallRecord) -> list[str]:
    """Compare what was scripted with what every side saw."""
    complaints = [f"The caller: {complaint}" for complaint in outcome.complaints]
    for session in model.sessions:
        complaints += [f"The model: {fault.code}: {fault.message}" for fault in session.core.faults]
        complaints += [f"The model: {step}" for step in session.core.unmet]
    if len(model.sessions) != 1:
        complaints.append(f"The model saw {len(model.sessions)} sessions instead of one.")
    ending = record.termination
    if ending is None or (ending.result, ending.by) != ("completed", "agent"):
        complaints.append(f"The call did not end with the agent hanging up, but so: {ending}.")
    if [(use.name, use.outcome) for use in record.tools] != [("lookup_order", "ok"), ("hang_up", "ok")]:
        complaints.append(f"Other tools ran than lookup_order and hang_up: {record.tools}.")
    cut = [turn for turn in record.turns if turn.interrupted]
    if len(cut) != 1 or not (cut[0].heard and cut[0].unheard):
        complaints.append("The long answer was not cut in two by the caller.")
    if not record.turns or record.turns[0].heard != GREETING:
        complaints.append("The greeting was not heard word for word.")
    if not record.recording or not Path(record.recording).is_file():
        complaints.append("There is no recording.")
    complaints += _replayed(record)
    complaints += [f"Noted in the record: {note}" for note in record.notes]
    return complaints


def _replayed(record: CallRecord) -> list[str]:
    """Whether the cassette of the call is one."""
    if not record.cassette or not Path(record.cassette).is_file():
        return ["There is no cassette."]
    try:
        differences = replaying.perform(Path(record.cassette)).differences
    except CassetteError as error:
        return [f"The cassette cannot be replayed: {error}"]
    return [f"The cassette does not replay the same: {difference}" for difference in differences]
