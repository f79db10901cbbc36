"""All looks together, in the order in which they are told: first what the others stand on."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial

import aiohttp

from telephony.doctor import configuration, machine, models
from telephony.doctor.finding import Check, Finding, Tell, take
from telephony.doctor.numbers import Numbers
from telephony.doctor.public import Way
from telephony.doctor.standin import Here, at_the_port
from telephony.settings import Settings

AGENT = "telephony-doctor"
"""What its requests call themselves."""


async def examine(
    settings: Settings,
    environ: Mapping[str, str],
    tell: Tell,
    *,
    offline: bool = False,
    fix: bool = False,
) -> list[Finding]:
    """Look at everything, and tell each finding as soon as its turn has come; all of them are returned.

    *offline* asks nobody elsewhere. *fix* points numbers here that lead elsewhere.
    """
    staff, found = configuration.examined(settings, environ)
    for finding in found:
        tell(finding)
    # A connection for each request: one that was kept would not show what a new one meets.
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector, headers={"User-Agent": AGENT}) as session,
        at_the_port(settings, session) as here,
    ):
        return found + await take(_checks(settings, staff, here, session, fix), tell, offline=offline)


def _checks(
    settings: Settings, staff: configuration.Staff, here: Here, session: aiohttp.ClientSession, fix: bool
) -> list[Check]:
    async def port() -> list[Finding]:
        return [here.finding]

    way = Way(settings, here, session, ssl.create_default_context())
    return [
        Check("file descriptors", partial(machine.descriptors, settings)),
        Check("folders", partial(machine.folders, settings)),
        Check("database", partial(machine.database, settings), 20.0, network=not machine.is_file(settings)),
        Check("port", port),
        Check("clock", partial(machine.clock, settings, session), network=True),
        Check("public url", way.look, 90.0, network=True),
        Check("twilio account", Numbers(settings, session, fix=fix).look, 60.0, network=True),
        *models.checks(settings, staff),
    ]
