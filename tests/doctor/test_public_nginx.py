"""The way through a real nginx, as people set it up: its defaults do not let a WebSocket through."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import trustme

from offices import free_port, settings_for
from telephony.agents.agent import Agent
from telephony.doctor.finding import Finding
from telephony.doctor.public import Way
from telephony.doctor.standin import at_the_port
from telephony.runtime.office import open_office
from telephony.settings import Settings

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.skipif(not NGINX, reason="nginx is not installed"),
]

UPGRADE = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
TEMPORARY = "".join(f"{kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


@contextlib.asynccontextmanager
async def nginx(folder: Path, authority: trustme.CA, port: int, location: str) -> AsyncIterator[None]:
    """An nginx at *port* with a certificate for `localhost`, and one *location*."""
    chain = folder / "chain.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(chain))
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; master_process off; pid nginx.pid; error_log stderr; events {{}} "
        f"http {{ access_log off; {TEMPORARY} server {{ listen 127.0.0.1:{port} ssl; "
        f"ssl_certificate {chain}; ssl_certificate_key {chain}; {location} }} }}"
    )
    process = await asyncio.create_subprocess_exec(
        str(NGINX), "-p", str(folder), "-c", str(configuration), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _listening(port, process)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return await writer.wait_closed()
            await asyncio.sleep(0.02)
    raise AssertionError(f"nginx ended with {process.returncode}")


async def walked(settings: Settings, authority: trustme.CA, folder: Path, location: str) -> dict[str, Finding]:
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    port = int(settings.public_url.rpartition(":")[2])
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        nginx(folder, authority, port, location),
        aiohttp.ClientSession(connector=connector) as session,
        at_the_port(settings, session) as here,
    ):
        return {finding.name: finding for finding in await Way(settings, here, session, tls).look()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, public_url=f"https://localhost:{free_port()}", numbers={"*": {"agent": "desk"}})


@pytest.mark.parametrize("running", [False, True], ids=["stand-in", "running server"])
async def test_as_it_should_be_everything_is_green(
    settings: Settings, authority: trustme.CA, tmp_path: Path, running: bool
) -> None:
    location = f"location / {{ proxy_pass http://127.0.0.1:{settings.port}; {UPGRADE} }}"
    async with contextlib.AsyncExitStack() as stack:
        if running:
            await stack.enter_async_context(open_office(settings, {}, agents=[Agent("desk")]))
        found = await walked(settings, authority, tmp_path, location)
    assert [finding.state for finding in found.values()] == ["amber", "green", "green", "green"]


@pytest.mark.parametrize("running", [False, True], ids=["stand-in", "running server"])
async def test_its_defaults_swallow_the_upgrade(
    settings: Settings, authority: trustme.CA, tmp_path: Path, running: bool
) -> None:
    location = f"location / {{ proxy_pass http://127.0.0.1:{settings.port}; proxy_http_version 1.0; }}"
    async with contextlib.AsyncExitStack() as stack:
        if running:
            await stack.enter_async_context(open_office(settings, {}, agents=[Agent("desk")]))
        found = await walked(settings, authority, tmp_path, location)
    assert found["signature"].state == "green"
    assert found["websocket"].state == "red"
    assert ("swallows the upgrade" if running else "drops the header Upgrade") in found["websocket"].what


async def test_a_path_behind_proxy_pass_is_told_as_such(
    settings: Settings, authority: trustme.CA, tmp_path: Path
) -> None:
    location = f"location /twilio/ {{ proxy_pass http://127.0.0.1:{settings.port}/; {UPGRADE} }}"
    found = await walked(settings, authority, tmp_path, location)
    assert found["signature"].what == "the proxy changes the path: /twilio/status arrives as /status"


async def test_a_location_that_is_not_ours_leads_elsewhere(
    settings: Settings, authority: trustme.CA, tmp_path: Path
) -> None:
    location = f"location /voice/ {{ proxy_pass http://127.0.0.1:{settings.port}; {UPGRADE} }}"
    found = await walked(settings, authority, tmp_path, location)
    assert found["signature"].state == "red"
    assert "PUBLIC_URL leads elsewhere" in found["signature"].what
    assert "(nginx" in found["signature"].what
