"""How tests speak with the simulated REST API by hand."""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import ClientSession

from telephony.simulate.rest import TwilioRest

ACCOUNT, TOKEN = "AC" + "7" * 32, "12345"
US, THEM = "+15550100", "+15550177"
PUBLIC = "https://voice.example.com"


async def ask(
    rest: TwilioRest, method: str, path: str, form: dict[str, str] | list[tuple[str, str]] | None = None
) -> tuple[int, Any]:
    """Status and body of a request for *path* below the account."""
    login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    url = f"{rest.base_url}/2010-04-01/Accounts/{ACCOUNT}/{path}"
    headers = {"Authorization": f"Basic {login}"}
    async with ClientSession() as session, session.request(method, url, data=form, headers=headers) as response:
        return response.status, await response.json() if response.status != 204 else None
