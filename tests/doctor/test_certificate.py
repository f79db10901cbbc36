"""Certificates that hold, and every way in which they do not, shown by a real server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from offices import free_port
from proxied import proxied
from telephony.doctor.certificate import certificate, judge

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

Serving = Callable[..., ssl.SSLContext]


async def shown(tls: ssl.SSLContext | None, trusting: ssl.SSLContext) -> Any:
    port = free_port()
    async with proxied(port, free_port(), tls):
        return await certificate("localhost", port, trusting)


@pytest.mark.usefixtures("nothing_left_behind")
async def test_one_that_holds_is_green_and_says_how_long(serving: Serving, trusting: ssl.SSLContext) -> None:
    found = await shown(serving(not_before=NOW - DAY, not_after=NOW + 89 * DAY + DAY / 2), trusting)
    assert found.state == "green"
    assert f"until {NOW + 89 * DAY + DAY / 2:%Y-%m-%d}, 89 days; issued by trustme" in found.what


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize(
    ("options", "cause", "remedy"),
    [
        ({"not_before": NOW - 90 * DAY, "not_after": NOW - DAY}, "it has expired", "Renew"),
        ({"not_before": NOW + DAY, "not_after": NOW + 90 * DAY}, "not valid yet", "clock"),
        ({"name": "other.example.com"}, "made for another name than localhost", "PUBLIC_URL"),
        ({"by": trustme.CA()}, "who issued it is not known here", "fullchain.pem"),
    ],
    ids=["expired", "not yet", "another name", "untrusted"],
)
async def test_one_that_does_not_hold_is_red_by_its_cause(
    serving: Serving, trusting: ssl.SSLContext, options: dict[str, Any], cause: str, remedy: str
) -> None:
    found = await shown(serving(**options), trusting)
    assert found.state == "red"
    assert cause in found.what
    assert remedy in found.remedy


@pytest.mark.usefixtures("nothing_left_behind")
async def test_one_that_vouches_for_itself_is_told_as_such(
    authority: trustme.CA, trusting: ssl.SSLContext, tmp_path: Any
) -> None:
    own = trustme.CA()  # an authority's own certificate is signed by itself
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = tmp_path / "own.pem"
    file.write_bytes(own.private_key_pem.bytes() + own.cert_pem.bytes())
    server.load_cert_chain(file)
    found = await shown(server, trusting)
    assert (found.state, found.what) == ("red", "it is self-signed, which Twilio does not trust")


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_server_without_a_certificate_is_told_as_such(trusting: ssl.SSLContext) -> None:
    found = await shown(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), trusting)
    assert found.state == "red"
    assert "breaks off the TLS handshake" in found.what
    assert "for this very name" in found.remedy


@pytest.mark.parametrize(
    ("age", "left", "state"),
    [(60, 30, "green"), (75, 15, "green"), (77, 13, "amber"), (90, 0.1, "amber"), (3, 3, "green"), (5, 1, "amber")],
)
def test_one_that_ends_soon_is_amber_measured_by_how_long_it_is_made_for(age: float, left: float, state: str) -> None:
    found = judge(NOW - age * DAY, NOW + left * DAY, NOW, "somebody")
    assert found.state == state
    assert ("Renew it now" in found.remedy) is (state == "amber")
