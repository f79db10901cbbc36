"""Sockets that we open: what is said in the handshake, and what is said when there is none."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve

from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.links.dialed import dial

pytestmark = pytest.mark.timeout(30)

KEY = "canary-key-4711"
HEADERS = {"Authorization": f"Bearer {KEY}"}


@asynccontextmanager
async def http_server(
    status: int, headers: dict[str, str] | None = None
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """The WebSocket address of a server that answers *status* to everything, and the requests it got."""
    requests: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        requests.append(request)
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/v1/realtime?model=m&key={KEY}", requests
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(answer: bytes, *, handshake: bool = False) -> AsyncIterator[int]:
    """A port that says *answer* and goes away; without one, or after a proper handshake, it keeps silent for ever."""
    over = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = answer
        if handshake:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = next(line for line in request.splitlines() if line.startswith("Sec-WebSocket-Key: ")).split()[1]
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False)
            said = (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + base64.b64encode(digest.digest()) + b"\r\n\r\n"
            )
        writer.write(said)
        if handshake or not answer:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# -- the handshake -------------------------------------------------------------------------------------------------


async def test_the_handshake_asks_for_nothing_but_what_we_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    opened: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        opened.set_result(connection)
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = await dial(f"ws://127.0.0.1:{port}/v1/realtime?model=grok", HEADERS, name="grok")
        request = (await opened).request
        assert request is not None
        assert request.path == "/v1/realtime?model=grok"
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["User-Agent"] == "telephony-bridge"
        assert "Sec-WebSocket-Extensions" not in request.headers
        assert "Origin" not in request.headers
        assert link.name == "grok"
        await link.close()


async def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, logger=logging.getLogger("peer").getChild("silent")) as server:
        logging.getLogger("peer").setLevel(logging.CRITICAL)
        link = await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/?key={KEY}", HEADERS)
        await link.close()
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "model's name"),
        (401, "API key"),
        (403, "may not use"),
        (404, "no such model"),
        (429, "quota"),
        (500, "of its own"),
        (503, "of its own"),
        (418, "HTTP 418"),
        (200, "HTTP 200"),
    ],
)
async def test_a_refusal_keeps_its_status_and_not_our_key(status: int, hint: str) -> None:
    async with http_server(status) as (url, _):
        with pytest.raises(UpstreamRefused, match=hint) as caught:
            await dial(url, HEADERS)
    assert caught.value.status == status
    assert "/v1/realtime" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry-After": "7"}, 7), ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0), ({}, 0)]
)
async def test_a_refusal_says_when_to_come_back(header: dict[str, str], seconds: float) -> None:
    async with http_server(429, header) as (url, _):
        with pytest.raises(UpstreamRefused) as caught:
            await dial(url, HEADERS)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_we_are_not_sent_elsewhere(status: int) -> None:
    async with http_server(101) as (elsewhere, requests), http_server(status, {"Location": elsewhere}) as (url, _):
        with pytest.raises(UpstreamRefused, match="redirects") as caught:
            await dial(url, HEADERS)
    assert caught.value.status == status
    assert requests == []


# -- no handshake --------------------------------------------------------------------------------------------------


async def refused(url: str, headers: dict[str, str] = HEADERS, timeout: float = 5) -> str:
    """The sentence we are told when *url* cannot be opened; no key in it."""
    with pytest.raises(UpstreamLost) as caught:
        await dial(url, headers, open_timeout=timeout)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


async def test_nothing_listens() -> None:
    assert "nothing listens there" in await refused(f"ws://127.0.0.1:{free_port()}/?key={KEY}")


async def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    assert "does not resolve" in await refused(f"ws://user:{KEY}@voice.invalid/realtime")


async def test_a_server_that_accepts_and_keeps_silent() -> None:
    async with raw_server(b"") as port:
        assert "no answer within 0.1 s" in await refused(f"ws://127.0.0.1:{port}/", timeout=0.1)


@pytest.mark.parametrize("answer", [b"220 mail.example.com ESMTP\r\n\r\n", b"HTTP/1.1 101 OK\r\n\r\n", b"\0" * 40])
async def test_a_server_that_speaks_something_else(answer: bytes) -> None:
    async with raw_server(answer) as port:
        assert "does not speak WebSocket" in await refused(f"ws://127.0.0.1:{port}/")


async def test_tls_where_there_is_none() -> None:
    async with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "TLS failed" in await refused(f"wss://127.0.0.1:{port}/")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_a_certificate_that_does_not_hold(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    ask = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout {key} -out {certificate}"
    subprocess.run(ask.split(), check=True, capture_output=True)  # noqa: S603, ASYNC221
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        assert "certificate does not hold" in await refused(f"wss://127.0.0.1:{port}/")
        trusting = ssl.create_default_context(cafile=str(certificate))
        trusting.check_hostname = False
        link = await dial(f"wss://127.0.0.1:{port}/", {}, tls=trusting)
        await link.close()


@pytest.mark.parametrize(
    "url", ["", "voice.example.com", "ftp://voice.example.com", "ws://", "ws://h:port/", "ws://[::1/"]
)
async def test_what_is_no_address(url: str) -> None:
    assert "no WebSocket address" in await refused(url)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nX-Evil: 1", f"{KEY}é", "\0"])
async def test_a_key_that_no_header_can_carry_is_named_and_not_shown(key: str) -> None:
    with pytest.raises(UpstreamRefused, match="Authorization") as caught:
        await dial(f"ws://127.0.0.1:{free_port()}/", {"Authorization": key})
    assert KEY not in str(caught.value)


# -- afterwards ----------------------------------------------------------------------------------------------------


async def test_a_black_hole_is_noticed_by_its_silence() -> None:
    async with raw_server(b"", handshake=True) as port:
        url = f"ws://127.0.0.1:{port}/"
        link = await dial(url, {}, ping_interval=0.05, ping_timeout=0.05, close_patience=0.05)
        assert [message async for message in link] == []
        assert link.closed == (None, "the connection was lost: it answers no pings")
        await link.close()


async def test_closing_into_a_black_hole_ends() -> None:
    async with raw_server(b"", handshake=True) as port:
        link = await dial(f"ws://127.0.0.1:{port}/", {}, close_patience=0.05)
        await link.close(1001, "going away")
        assert link.closed == (1001, "going away")


async def test_a_message_over_the_limit_closes_the_socket() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * 2001)
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, compression=None) as server:
        link = await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, max_size=2000)
        assert [message async for message in link] == []
        assert link.closed[0] == 1009
        await link.close()
