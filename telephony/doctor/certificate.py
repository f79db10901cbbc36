"""The certificate behind a public URL: whether whoever calls it would trust it, and for how long."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta

from telephony.doctor.finding import Finding, amber, green, red

NAME = "certificate"
PATIENCE = 8.0
"""Seconds for the connection and the TLS handshake."""
SOON = timedelta(days=14)
"""Whoever renews automatically does so earlier: with a third of the time left, 30 days of the usual 90."""
SOON_SHARE = 0.25
"""The same for certificates that are made for days."""

_FULL_CHAIN = "Let the proxy serve the whole chain (certbot: fullchain.pem and not cert.pem), from a public authority."
_CAUSES: dict[int, tuple[str, str]] = {
    9: ("it is not valid yet", "Set this machine's clock, or wait."),
    10: ("it has expired", "Renew it (certbot renew; Caddy does it by itself while port 80 or 443 is open)."),
    18: ("it is self-signed, which Twilio does not trust", "Take one from a public authority, such as Let's Encrypt."),
    19: (
        "its chain ends at an authority that nobody knows",
        "Take one from a public authority, such as Let's Encrypt.",
    ),
    20: ("who issued it is not known here: a private authority, or an intermediate that is not sent", _FULL_CHAIN),
    21: ("who issued it is not known here: a private authority, or an intermediate that is not sent", _FULL_CHAIN),
}
"""By OpenSSL's X509_V_ERR number."""
_OTHER_NAME = {62, 64}
"""The host or the address is not among its names."""


async def certificate(host: str, port: int, tls: ssl.SSLContext, *, now: datetime | None = None) -> Finding:
    """Shake hands with *host* as Twilio would, and read the certificate that it shows. A connection that cannot be made
    is not this look's affair, and raises `OSError` or `TimeoutError`."""
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return _refused(error, host)
    except ssl.SSLError as error:
        return _no_tls(error, host, port)
    except ConnectionResetError:
        return red(NAME, f"{host}:{port} breaks off the TLS handshake", _NO_CERTIFICATE)
    shown = writer.get_extra_info("peercert")
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    begin, end = (datetime.fromtimestamp(ssl.cert_time_to_seconds(shown[at]), UTC) for at in ("notBefore", "notAfter"))
    return judge(begin, end, now or datetime.now(UTC), _issuer(shown))


def judge(begin: datetime, end: datetime, now: datetime, issuer: str) -> Finding:
    """A certificate that holds, by how long it still does."""
    left = end - now
    told = f"holds until {end:%Y-%m-%d}, {_days(left)}; issued by {issuer}"
    if left < min(SOON, (end - begin) * SOON_SHARE):
        remedy = "Renew it now, and see why that did not happen by itself: calls fail on the day it ends."
        return amber(NAME, told, remedy)
    return green(NAME, told)


def _days(left: timedelta) -> str:
    hours = left.total_seconds() / 3600
    return f"{left.days} days" if hours >= 48 else f"{hours:.0f} hours"


def _issuer(shown: dict[str, object]) -> str:
    names = dict(pair for part in shown.get("issuer", ()) for pair in part)  # type: ignore[attr-defined]  # ssl's own
    return str(names.get("organizationName") or names.get("commonName") or "somebody without a name")


def _refused(error: ssl.SSLCertVerificationError, host: str) -> Finding:
    if error.verify_code in _OTHER_NAME:
        remedy = f"Get a certificate for {host}, or write into PUBLIC_URL the name that it was made for."
        return red(NAME, f"it was made for another name than {host}", remedy)
    fallback = (f"it does not hold ({error.verify_message})", _FULL_CHAIN)
    cause, remedy = _CAUSES.get(error.verify_code, fallback)
    return red(NAME, cause, remedy)


_NO_CERTIFICATE = (
    "Does the proxy have a certificate for this very name? Its log says so; with Caddy, is the name in it?"
)


def _no_tls(error: ssl.SSLError, host: str, port: int) -> Finding:
    reason = error.reason or "no reason given"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        remedy = "This program does not speak TLS itself: let a proxy or a tunnel do so, and pass requests on."
        return red(NAME, f"{host}:{port} speaks plain HTTP and no TLS", remedy)
    if "PROTOCOL" in reason:
        return red(NAME, f"{host}:{port} speaks no TLS that is safe ({reason})", "Let it speak TLS 1.2 and 1.3.")
    return red(NAME, f"{host}:{port} breaks off the TLS handshake ({reason})", _NO_CERTIFICATE)
