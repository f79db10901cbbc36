"""One process put together: what it finds wrong before it listens, and how it closes."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from offices import ACCOUNT, TOKEN, settings_for
from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Termination
from telephony.runtime.configuration import problems_of
from telephony.runtime.office import Office, answer_calls, open_office
from telephony.settings import AgentSettings, LiteLLMParams, ModelEntry, Settings, TurnDetection, TwilioSettings
from telephony.simulate.signature import HEADER, sign_webhook
from telephony.tools import tool

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@tool
async def lookup_order(order_id: str) -> str:
    """Look an order up."""
    return order_id


@tool
async def count(connection: sqlite3.Connection) -> int:
    """Count orders."""
    return 0


def frontdesk(**values: Any) -> Agent:
    return Agent("frontdesk", **values)


async def opened(settings: Settings, *agents: Agent, environ: dict[str, str] | None = None) -> None:
    async with open_office(settings, environ or {}, agents=agents or (frontdesk(),)):
        pass


# -- opening -------------------------------------------------------------------------------------------------------


async def test_it_listens_and_takes_calls_for_its_agents(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    form = [("CallSid", "CA" + "1" * 32), ("From", "+15550142"), ("To", "+15550100"), ("AccountSid", ACCOUNT)]
    url = f"{settings.public_url}/twilio/voice"
    headers = {HEADER: sign_webhook(TOKEN, url, form)}
    async with (
        open_office(settings, {}, agents=[frontdesk(tools=[lookup_order])]),
        aiohttp.ClientSession() as session,
        session.post(url, data=dict(form), headers=headers) as response,
    ):
        assert response.status == 200
        assert "<Connect" in await response.text()


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])  # noqa: S104
async def test_it_says_where_a_person_on_this_machine_finds_it(tmp_path: Path, host: str, shown: str) -> None:
    async with open_office(settings_for(tmp_path, host=host, port=0), {}, agents=[frontdesk()]) as office:
        assert office.address == f"http://{shown}:{office.server.port}"
        assert office.server.port != 0


async def test_agents_of_the_configuration_and_of_python_stand_side_by_side(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path, agents={"night": AgentSettings()}, numbers={"+15550100": "frontdesk", "*": "night"}
    )
    await opened(settings)


async def test_what_a_dead_process_left_behind_is_put_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    part = folder / "20260101-000000-abcdef.wav.part"
    part.write_bytes(wav.header(PCM16_8K, 2, 0) + b"\0" * 32_000)
    await opened(settings_for(tmp_path))
    assert not part.exists()
    recording = wav.read((folder / "20260101-000000-abcdef.wav").read_bytes())
    assert len(wav.split(recording)[0]) == 16_000


# -- what is wrong with a configuration ----------------------------------------------------------------------------


def model(name: str = "sim", provider: str = "xai/grok", **params: Any) -> ModelEntry:
    params = {"api_base": "ws://127.0.0.1:9", **params}
    return ModelEntry(model_name=name, litellm_params=LiteLLMParams(model=provider, **params))


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no public URL": ({"public_url": ""}, {}, "public_url"),
    "no token": ({"twilio": TwilioSettings(account_sid=ACCOUNT)}, {}, "twilio.auth_token"),
    "no account": ({"twilio": TwilioSettings(auth_token=SecretStr("a"))}, {}, "twilio.account_sid"),
    "no model": ({"model_list": []}, {}, "model_list"),
    "another model": ({}, {"model": "grok-voice"}, "agents.frontdesk.model"),
    "no key": ({"model_list": [model(api_base="wss://api.x.ai")]}, {}, "XAI_API_KEY"),
    "nobody's model": ({"model_list": [model(provider="nova-sonic", api_base=None)]}, {}, "litellm_params.model"),
    "a tool that is not there": ({}, {"tools": ["telephony:no_such_tool"]}, "telephony:no_such_tool"),
    "a module that is not there": ({}, {"tools": ["no_such_module:tool"]}, "no_such_module:tool"),
    "a builtin that is not there": ({}, {"tools": ["builtin:hangup"]}, "builtin:hangup"),
    "a tool that nobody provides for": ({}, {"tools": [count]}, "tool count"),
    "what cannot be opened": ({"provide": ["no_such_module:open_it"]}, {}, "no_such_module:open_it"),
    "what xAI cannot do": ({}, {"turn_detection": TurnDetection(type="semantic_vad")}, "agents.*.turn_detection.type"),
    "a number that leads nowhere": ({"numbers": {"*": "nightdesk"}}, {}, "numbers.*"),
    "a database of another kind": ({"database_url": "mysql://host/name"}, {}, "database_url"),
    "a database in no folder": ({"database_url": "sqlite:////no/such/folder/x.db"}, {}, "database_url"),
    "an address of somebody else": ({"host": "192.0.2.1"}, {}, "port"),
}


@pytest.mark.parametrize(("settings", "agent", "key"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_found_before_anything_listens(
    tmp_path: Path, settings: dict[str, Any], agent: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await opened(settings_for(tmp_path, **settings), frontdesk(**agent))
    (problem,) = problems_of(caught.value)
    assert problem.key == key
    assert problem.remedy


async def test_several_things_that_are_missing_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await opened(settings_for(tmp_path, public_url="", twilio=TwilioSettings()))
    assert [p.key for p in problems_of(caught.value)] == ["public_url", "twilio.auth_token", "twilio.account_sid"]


async def test_a_folder_for_recordings_that_cannot_be_made_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigurationError, match="recordings"):
        await opened(settings_for(tmp_path, recordings=str(tmp_path / "taken" / "recordings")))


async def test_a_port_that_is_taken_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="cannot be listened on"):
            await opened(settings_for(tmp_path, port=other.getsockname()[1]))


# -- watching ------------------------------------------------------------------------------------------------------


async def test_metrics_are_served_on_a_port_of_their_own_and_not_on_the_public_one(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, internal_port=0)
    async with (
        open_office(settings, {}, agents=[frontdesk(tools=[lookup_order])]) as office,
        aiohttp.ClientSession() as session,
    ):
        assert office.internal is not None
        assert office.internal.host == "127.0.0.1"
        async with session.get(f"http://127.0.0.1:{office.internal.port}/metrics") as response:
            assert response.status == 200
            assert "# TYPE telephony_calls_total counter" in await response.text()
        async with session.get(f"{office.address}/metrics") as response:
            assert response.status == 404


async def test_there_are_no_metrics_unless_somebody_wants_them(tmp_path: Path) -> None:
    async with open_office(settings_for(tmp_path), {}, agents=[frontdesk()]) as office:
        assert office.internal is None


async def test_a_second_process_on_the_same_internal_port_is_told_what_to_do(tmp_path: Path) -> None:
    async with open_office(settings_for(tmp_path, internal_port=0), {}, agents=[frontdesk()]) as office:
        assert office.internal is not None
        with pytest.raises(ConfigurationError, match=r"internal_port.*every process on a machine needs its own"):
            await opened(settings_for(tmp_path / "other", internal_port=office.internal.port))


# -- closing -------------------------------------------------------------------------------------------------------


async def test_what_goes_wrong_inside_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_office(settings_for(tmp_path), {}, agents=[frontdesk()]):
            raise ZeroDivisionError


async def test_it_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group, aiohttp.ClientSession() as session:
        task = group.create_task(answer_calls(settings, {}, stop, [frontdesk()]), name="serve")
        while True:
            try:
                async with session.get(f"{settings.public_url}/healthz") as response:
                    assert response.status == 200
                break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)
        assert not task.done()
        stop.set()


async def test_a_record_keeper_that_fails_is_reported_and_calls_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("telephony.store.keeper.RecordKeeper.run", broken)
    with capture_logs() as logs:
        async with open_office(settings_for(tmp_path), {}, agents=[frontdesk()]) as office:
            await asyncio.sleep(0)
            assert isinstance(office, Office)
            await office.keeper.finish(_ended())
    assert [line["task"] for line in logs if line["event"] == "a task of the process failed"] == ["record keeper"]


def _ended() -> CallRecord:

    return CallRecord("c1", "twilio", "CA1", "a", termination=Termination("completed", "caller", "caller hung up"))
