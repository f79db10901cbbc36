"""Who answers at the port: us, a running server, or somebody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from offices import TOKEN, free_port, settings_for
from telephony.agents.agent import Agent
from telephony.doctor.standin import NONCE, Here, at_the_port
from telephony.runtime.office import open_office
from telephony.server.webhooks import STATUS
from telephony.settings import Settings
from telephony.simulate.signature import HEADER, sign_webhook

pytestmark = [pytest.mark.timeout(30), pytest.mark.usefixtures("nothing_left_behind")]


async def found_at(settings: Settings) -> Here:
    async with aiohttp.ClientSession() as session, at_the_port(settings, session) as here:
        return here


async def test_a_free_port_is_listened_at_and_let_go(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    for _ in range(2):
        here = await found_at(settings)
        assert (here.who, here.finding.state) == ("stand-in", "green")
        assert here.address == f"http://127.0.0.1:{settings.port}"


async def test_a_port_that_changes_at_each_start_is_amber(tmp_path: Path) -> None:
    here = await found_at(settings_for(tmp_path, port=0))
    assert (here.who, here.finding.state) == ("stand-in", "amber")
    assert "no proxy can know" in here.finding.what


async def test_a_running_server_is_known_by_its_health(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, numbers={"*": "desk"})
    async with open_office(settings, {}, agents=[Agent("desk")]):
        here = await found_at(settings)
    assert (here.who, here.finding.state) == ("telephony", "green")
    assert "a telephony runs at" in here.finding.what


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"])
async def test_another_program_at_the_port_is_red(tmp_path: Path, answer: bytes) -> None:
    settings = settings_for(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", settings.port)
    try:
        here = await found_at(settings)
    finally:
        server.close()
        await server.wait_closed()
    assert (here.who, here.finding.state) == ("nobody", "red")
    assert f"sport = :{settings.port}" in here.finding.remedy


async def test_an_address_that_is_not_this_machine_s_is_red(tmp_path: Path) -> None:
    here = await found_at(settings_for(tmp_path, host="192.0.2.1"))
    assert (here.who, here.finding.state) == ("nobody", "red")
    assert "HOST=127.0.0.1" in here.finding.remedy


async def test_only_requests_that_are_waited_for_are_written_down(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, port=(port := free_port()), public_url=f"http://127.0.0.1:{port}")
    form = [("CallSid", "CA1"), ("From", "")]
    signature = sign_webhook(TOKEN, settings.public_url + STATUS, form)
    async with aiohttp.ClientSession() as session, at_the_port(settings, session) as here:
        here.arrivals["known"] = None
        for nonce in ("known", "unknown"):
            headers = {HEADER: signature, NONCE: nonce}
            async with session.post(settings.public_url + STATUS, data=form, headers=headers) as response:
                assert response.status == 204
        async with session.get(settings.public_url + "/elsewhere") as response:
            assert response.status == 404
        arrival = here.arrivals["known"]
    assert list(here.arrivals) == ["known"]
    assert arrival is not None
    assert (arrival.method, arrival.path, arrival.genuine, list(arrival.form)) == ("POST", STATUS, True, form)
