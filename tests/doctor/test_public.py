"""The way from Twilio to us over real sockets: a proxy that ends TLS, behind it a stand-in or a running office, and the
mistakes that newcomers make on the way."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from pydantic import SecretStr

from offices import ACCOUNT, free_port, settings_for
from proxied import instead, proxied, without
from telephony.agents.agent import Agent
from telephony.doctor.finding import Finding
from telephony.doctor.public import Way, judge_address
from telephony.doctor.standin import at_the_port
from telephony.runtime.office import open_office
from telephony.settings import Settings, TwilioSettings

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left_behind")]

Serving = Callable[..., ssl.SSLContext]
DESK = Agent("desk", instructions="Be brief.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a process behind a proxy of its own."""
    return settings_for(tmp_path, public_url=f"https://localhost:{free_port()}", numbers={"*": "desk"})


def proxy_of(settings: Settings) -> int:
    return urlsplit(settings.public_url).port or 443


async def walked(settings: Settings, tls: ssl.SSLContext) -> dict[str, Finding]:
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session, at_the_port(settings, session) as here:
        found = await Way(settings, here, session, tls).look()
    assert [finding.name for finding in found] == ["public url", "certificate", "signature", "websocket"]
    return {finding.name: finding for finding in found}


def states(found: dict[str, Finding]) -> list[str]:
    return [finding.state for finding in found.values()]


# -- the port is free, and we listen there ourselves -----------------------------------------------------------------


async def test_the_whole_way_is_walked_before_the_server_is_first_started(
    settings: Settings, serving: Serving, trusting: ssl.SSLContext
) -> None:
    async with proxied(proxy_of(settings), settings.port, serving()):
        found = await walked(settings, trusting)
    assert states(found) == ["amber", "green", "green", "green"]
    assert "this machine's own" in found["public url"].what


@pytest.mark.parametrize(
    ("mistake", "name", "cause", "remedy"),
    [
        (
            {"rewrite": instead("/twilio/", "/app/twilio/")},
            "signature",
            "the proxy changes the path: /twilio/status arrives as /app/twilio/status",
            "proxy_pass without a path",
        ),
        (
            {"rewrite": without("X-Twilio-Signature")},
            "signature",
            "the proxy drops the header X-Twilio-Signature",
            "every header",
        ),
        (
            {"rewrite": instead("x-www-form-urlencoded", "octet-stream")},
            "signature",
            "the request was changed on its way",
            "body",
        ),
        ({"rewrite": instead("POST", "PUT")}, "signature", "the proxy makes PUT of POST", "method"),
        (
            {"rewrite": without("Upgrade")},
            "websocket",
            "the proxy drops the header Upgrade",
            "proxy_set_header Upgrade",
        ),
        (
            {"rewrite": instead("/twilio/media", "/media")},
            "websocket",
            "the proxy changes the path: /twilio/media arrives as /media",
            "handle_path",
        ),
        (
            {"answer": b"HTTP/1.1 308 Moved\r\nLocation: https://www.example.com/\r\nContent-Length: 0\r\n\r\n"},
            "signature",
            "redirects to https://www.example.com/",
            "PUBLIC_URL",
        ),
        (
            {"answer": b"HTTP/1.1 404 Not Found\r\nServer: other/1.0\r\nContent-Length: 0\r\n\r\n"},
            "signature",
            "PUBLIC_URL leads elsewhere",
            "as it is now",
        ),
        (
            {"answer": b"HTTP/1.1 204 No Content\r\n\r\n"},
            "signature",
            "an unsigned webhook was answered 204",
            "Only this program",
        ),
    ],
    ids=["path", "signature", "body", "method", "upgrade", "media path", "redirect", "elsewhere", "anybody"],
)
async def test_a_mistake_on_the_way_is_told_by_its_cause(
    settings: Settings,
    serving: Serving,
    trusting: ssl.SSLContext,
    mistake: dict[str, Any],
    name: str,
    cause: str,
    remedy: str,
) -> None:
    async with proxied(proxy_of(settings), settings.port, serving(), **mistake):
        found = await walked(settings, trusting)
    assert found[name].state == "red"
    assert cause in found[name].what
    assert remedy in found[name].remedy
    assert states(found).count("red") == 1, "one cause, one red line"


async def test_a_proxy_that_does_not_find_us_is_told_where_we_are(
    settings: Settings, serving: Serving, trusting: ssl.SSLContext
) -> None:
    async with proxied(proxy_of(settings), free_port(), serving()):
        found = await walked(settings, trusting)
    assert states(found) == ["amber", "green", "red", "skipped"]
    assert "answers 502 (proxy): it does not get through to this program" in found["signature"].what
    assert f"http://127.0.0.1:{settings.port}" in found["signature"].remedy


async def test_a_socket_through_which_nothing_comes_is_told_as_such(
    settings: Settings, serving: Serving, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.doctor.public.PATIENCE", 1.0)
    async with proxied(proxy_of(settings), settings.port, serving(), deaf=True):
        found = await walked(settings, trusting)
    assert found["websocket"].state == "red"
    assert found["websocket"].what == "the socket opens and no message comes through it (no answer in time)"


async def test_without_tls_in_between_there_is_one_red_line(settings: Settings, trusting: ssl.SSLContext) -> None:
    plain = settings.model_copy(update={"public_url": f"https://localhost:{settings.port}"})
    found = await walked(plain, trusting)
    assert states(found) == ["amber", "red", "skipped", "skipped"]
    assert "speaks plain HTTP and no TLS" in found["certificate"].what


@pytest.mark.parametrize(
    ("host", "cause"),
    [("nowhere.invalid", "the name nowhere.invalid does not resolve"), ("localhost", "nobody listens at localhost")],
)
async def test_an_address_that_leads_nowhere_is_told_by_its_cause(
    settings: Settings, trusting: ssl.SSLContext, host: str, cause: str
) -> None:
    lost = settings.model_copy(update={"public_url": f"https://{host}:{free_port()}"})
    found = await walked(lost, trusting)
    assert states(found) == ["red", "skipped", "skipped", "skipped"]
    assert cause in found["public url"].what


async def test_without_an_address_or_a_token_nothing_is_asked(settings: Settings, trusting: ssl.SSLContext) -> None:
    found = await walked(settings.model_copy(update={"public_url": ""}), trusting)
    assert states(found) == ["skipped"] * 4
    bare = settings.model_copy(
        update={"public_url": f"http://127.0.0.1:{settings.port}", "twilio": TwilioSettings(account_sid=ACCOUNT)}
    )
    found = await walked(bare, trusting)
    assert found["signature"] == Finding("signature", "skipped", "see TWILIO_AUTH_TOKEN")


# -- a server runs there ---------------------------------------------------------------------------------------------


async def test_a_running_server_is_asked_itself(settings: Settings, serving: Serving, trusting: ssl.SSLContext) -> None:
    async with (
        open_office(settings, {}, agents=[DESK]) as office,
        proxied(proxy_of(settings), settings.port, serving()),
    ):
        found = await walked(settings, trusting)
        assert not office.calls.live
    assert states(found) == ["amber", "green", "green", "green"]


async def test_a_running_server_with_another_token_is_told_apart_from_a_wrong_way(
    settings: Settings, serving: Serving, trusting: ssl.SSLContext
) -> None:
    other = settings.model_copy(update={"twilio": TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr("another"))})
    async with (
        open_office(other, {}, agents=[DESK]),
        proxied(proxy_of(settings), settings.port, serving()),
    ):
        found = await walked(settings, trusting)
    assert found["signature"].state == "red"
    assert "its PUBLIC_URL or TWILIO_AUTH_TOKEN differs" in found["signature"].what


@pytest.mark.parametrize(
    ("rewrite", "name", "cause"),
    [
        (without("X-Twilio-Signature"), "signature", "takes it directly and refuses it by PUBLIC_URL"),
        (without("Upgrade"), "websocket", "swallows the upgrade"),
        (instead("/twilio/", "/app/"), "signature", "PUBLIC_URL leads elsewhere"),
    ],
    ids=["signature", "upgrade", "path"],
)
async def test_what_is_wrong_on_the_way_to_a_running_server_is_told_by_its_cause(
    settings: Settings, serving: Serving, trusting: ssl.SSLContext, rewrite: Any, name: str, cause: str
) -> None:
    async with (
        open_office(settings, {}, agents=[DESK]),
        proxied(proxy_of(settings), settings.port, serving(), rewrite=rewrite),
    ):
        found = await walked(settings, trusting)
    assert found[name].state == "red"
    assert cause in found[name].what


async def test_another_telephony_at_the_public_url_is_amber(
    settings: Settings, serving: Serving, trusting: ssl.SSLContext
) -> None:
    elsewhere = settings.model_copy(update={"port": free_port()})
    async with (
        open_office(elsewhere, {}, agents=[DESK]),
        proxied(proxy_of(settings), elsewhere.port, serving()),
    ):
        found = await walked(settings, trusting)
    assert found["signature"].state == "amber"
    assert "not the one at this port" in found["signature"].what


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "addresses", "state", "told"),
    [
        ("https://voice.example.com", ["8.8.8.8"], "green", "8.8.8.8"),
        ("https://voice.example.com", ["2001:4860:4860::8888", "8.8.8.8"], "green", ""),
        ("https://voice.example.com", ["10.0.0.7"], "amber", "only this network"),
        ("https://voice.example.com", ["fe80::1%eth0"], "amber", "only this network"),
        ("http://127.0.0.1:8080", ["127.0.0.1"], "amber", "this machine's own"),
        ("https://voice.example.com:8443", ["8.8.8.8"], "amber", ":8443"),
    ],
)
async def test_an_address_is_judged_as_twilio_would_find_it(
    url: str, addresses: list[str], state: str, told: str
) -> None:
    found = judge_address(urlsplit(url), addresses)
    assert found.state == state
    assert told in found.what
