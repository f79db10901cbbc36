"""An authority that nobody else knows, and certificates of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest
import trustme


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Of whoever trusts it."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def serving(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    """Of a server with a certificate for *name* that holds as *times* say."""

    def make(name: str = "localhost", by: trustme.CA = authority, **times: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert(name, **times).configure_cert(context)  # type: ignore[arg-type]  # dates
        return context

    return make
