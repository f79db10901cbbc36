"""Only public addresses are reached, however they are spelt and whoever leads there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from remote_services import http_service
from telephony.links.guarded import REDIRECTS, GuardedClient, GuardedRequest, Unreachable, why_not_public


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    made = GuardedClient()
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("0.0.0.0", "unspecified"),  # noqa: S104  an address that must be refused
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "not public"),
        ("100.100.100.200", "not public"),
        ("169.254.169.254", "link-local"),
        ("168.63.129.16", "metadata"),
        ("192.0.0.192", "metadata"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "private"),
        ("240.0.0.1", "private"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::127.0.0.1", ""),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::", ""),
        ("2001:0:1:2:3:4:5:6", ""),
        ("fd00:ec2::254", "private"),
        ("fe80::1%eth0", "link-local"),
        ("ff02::1", "multicast"),
        ("fec0::1", ""),
        ("localhost", "no IP address"),
    ],
)
def test_an_address_that_is_not_public_is_refused_with_its_kind(address: str, reason: str) -> None:
    said = why_not_public(address)
    assert said
    assert reason in said


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert why_not_public(address) == ""


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_inside_ipv6(address: object) -> None:
    assert why_not_public(f"::ffff:{address}") == why_not_public(str(address))


def _spelt(port: int) -> dict[str, str]:
    return {
        "dotted": f"http://127.0.0.1:{port}/",
        "decimal": f"http://2130706433:{port}/",
        "octal": f"http://0177.0.0.1:{port}/",
        "hexadecimal": f"http://0x7f000001:{port}/",
        "short": f"http://127.1:{port}/",
        "zero": f"http://0:{port}/",
        "a name": f"http://localhost:{port}/",
        "mapped": f"http://[::ffff:127.0.0.1]:{port}/",
        "ipv6": f"http://[::1]:{port}/",
    }


@pytest.mark.parametrize("spelling", _spelt(0))
async def test_this_machine_is_not_reached_by_any_spelling(client: GuardedClient, spelling: str) -> None:
    reached: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response(text="inside")

    async with http_service(handler) as address:
        url = _spelt(int(address.rpartition(":")[2]))[spelling]
        with pytest.raises(Unreachable) as refused:
            await client.fetch(GuardedRequest("GET", url))
    assert reached == []
    assert refused.value.untouched


async def test_a_name_that_leads_to_this_machine_is_not_reached(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As DNS of a stranger's may answer, also the second time only."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answers(host: str, *more: object, **options: object) -> object:
        asked.append(host)
        return real("127.0.0.1" if host == "shop.example.com" else host, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answers)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="inside")

    async with http_service(handler) as address:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 is loopback"):
            await client.fetch(GuardedRequest("GET", f"http://shop.example.com:{address.rpartition(':')[2]}/"))
    assert "shop.example.com" in asked


async def test_a_redirect_to_a_private_address_is_judged_as_the_first_was(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first address stands for a public one: the judgement lets it pass, and nothing else of this machine."""
    monkeypatch.setattr(
        "telephony.links.guarded.why_not_public", lambda text: "" if text == "127.0.0.1" else why_not_public(text)
    )
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        port = request.url.port
        return web.Response(status=302, headers={"Location": f"http://127.0.0.2:{port}/inside"})

    async with http_service(handler) as address:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.2 is loopback"):
            await client.fetch(GuardedRequest("GET", f"{address}/first"))
    assert paths == ["/first"]


async def test_a_connection_that_was_allowed_for_one_is_not_lent_to_another(client: GuardedClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="inside")

    async with http_service(handler) as address:
        assert (await client.fetch(GuardedRequest("GET", address, allow_private=True))).text == "inside"
        with pytest.raises(Unreachable):
            await client.fetch(GuardedRequest("GET", address))


async def test_redirects_end(client: GuardedClient) -> None:
    count = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.Response(status=302, headers={"Location": f"/{count}"})

    async with http_service(handler) as address:
        with pytest.raises(Unreachable, match="redirects more than"):
            await client.fetch(GuardedRequest("GET", address, allow_private=True))
    assert count == REDIRECTS + 1


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/", "http://["]
)
async def test_a_redirect_leads_to_http_and_nothing_else(client: GuardedClient, location: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with http_service(handler) as address:
        with pytest.raises(Unreachable, match="redirects to"):
            await client.fetch(GuardedRequest("GET", address, allow_private=True))


async def test_a_redirect_to_another_host_does_not_get_the_headers(client: GuardedClient) -> None:
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers.get("X-Key"))
        if request.path == "/1":
            return web.Response(status=307, headers={"Location": "/2"})
        if request.path == "/2":
            return web.Response(status=307, headers={"Location": f"http://localhost:{request.url.port}/3"})
        return web.Response(text="there")

    async with http_service(handler) as address:
        asked = GuardedRequest("GET", f"{address}/1", {"X-Key": "secret"}, allow_private=True)
        assert (await client.fetch(asked)).text == "there"
    assert seen == ["secret", "secret", None]


async def test_what_changes_something_is_not_redirected(client: GuardedClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with http_service(handler) as address:
        answer = await client.fetch(GuardedRequest("POST", address, body=b"{}", allow_private=True))
    assert answer.status == 307


async def test_no_more_is_read_than_the_limit(client: GuardedClient) -> None:
    """The body never ends; only a reader that stops gets an answer."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)

    async with http_service(handler) as address, asyncio.timeout(10):
        answer = await client.fetch(GuardedRequest("GET", address, limit=1500, allow_private=True))
    assert (answer.text, answer.cut) == ("x" * 1500, True)


async def test_what_is_no_text_is_not_read(client: GuardedClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG", content_type="image/png")

    async with http_service(handler) as address:
        answer = await client.fetch(GuardedRequest("GET", address, allow_private=True))
    assert (answer.content_type, answer.text) == ("image/png", "")


@pytest.mark.parametrize("charset", ["iso-8859-1", "no-such-charset"])
async def test_text_is_read_as_it_says(client: GuardedClient, charset: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body="é".encode("latin-1"), headers={"Content-Type": f"text/plain; charset={charset}"})

    async with http_service(handler) as address:
        answer = await client.fetch(GuardedRequest("GET", address, allow_private=True))
    assert answer.text == ("é" if charset == "iso-8859-1" else "\N{REPLACEMENT CHARACTER}")
