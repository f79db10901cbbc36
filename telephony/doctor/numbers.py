"""The account and its numbers at Twilio: whether it may carry calls, whether they are its, and
whether their calls come here; and, if asked to, making them come."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp

from telephony.agents.numbers import is_e164, normal
from telephony.carriers.twilio_numbers import (
    AccountResource,
    NumberResource,
    fetch_account,
    find_numbers,
    point_number,
    read_account,
    read_numbers,
)
from telephony.carriers.twilio_rest import RestApi
from telephony.commands import HttpRequest
from telephony.doctor.finding import Finding, amber, green, red, skipped
from telephony.errors import AccountRefused, CarrierError
from telephony.links.http import HttpAnswer, perform
from telephony.server.webhooks import STATUS, VOICE
from telephony.settings import Settings

NAME = "numbers"
ACCOUNT = "twilio account"
DEMO = "demo.twilio.com"
FIX = "Run `telephony doctor --fix`, or set it in Twilio's console."


class Numbers:
    """The numbers of the configuration, as Twilio has them. *fix* points those here that lead elsewhere."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, *, fix: bool = False) -> None:
        self._settings = settings
        self._session = session
        self._fix = fix
        self._api = RestApi(settings.twilio)
        self._voice, self._status = settings.public_url + VOICE, settings.public_url + STATUS

    async def look(self) -> Sequence[Finding]:
        """A line for each number, or one that says why nothing can be said."""
        twilio = self._settings.twilio
        if not (twilio.account_sid and twilio.auth_token.get_secret_value() and self._settings.public_url):
            return [skipped(ACCOUNT, "account, auth token and PUBLIC_URL are needed for it")]
        try:
            account = judge_account(read_account((await self._ask(fetch_account(self._api))).body))
            return [account, *await self._numbers()] if account.state != "red" else [account]
        except AccountRefused as error:
            remedy = "Copy account SID and auth token from the start page of Twilio's console, both of one account."
            told = f"Twilio does not accept TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN ({error.status})"
            return [red(ACCOUNT, told, remedy)]
        except CarrierError as error:
            return [red(ACCOUNT, str(error), "Let this machine reach api.twilio.com; calls are hung up through it.")]

    async def _numbers(self) -> Sequence[Finding]:
        named = [number for number in dict.fromkeys(map(normal, self._settings.numbers)) if is_e164(number)]
        if not named:
            return await self._any()
        return [await self._one(number) for number in named]

    async def _one(self, number: str) -> Finding:
        """A number that the configuration names."""
        name = f"number {number}"
        answer = await self._ask(find_numbers(self._api, number))
        found = next((one for one in read_numbers(answer.body) if one.phone_number == number), None)
        if found is None:
            remedy = (
                "Buy it, or take account SID and auth token from the account that has it (subaccounts have their own)."
            )
            return red(name, f"it does not belong to the account {_short(self._api.account_sid)}", remedy)
        return await self._judged(name, found, may_fix=True)

    async def _any(self) -> Sequence[Finding]:
        """Where `*` answers whatever number there is: one of them should lead here."""
        answer = await self._ask(find_numbers(self._api))
        there = read_numbers(answer.body)
        here = [one for one in there if self._leads_here(one)]
        if here:
            return [await self._judged(f"number {one.phone_number}", one, may_fix=True) for one in here]
        if len(there) == 1:  # it cannot be another one, and nobody's calls are taken away while it leads to the demo
            (only,) = there
            return [await self._judged(f"number {only.phone_number}", only, may_fix=_is_unused(only))]
        if not there:
            return [red(NAME, f"the account {_short(self._api.account_sid)} has none", "Buy one that can do voice.")]
        remedy = (
            f"Name the number under `numbers`, then run `telephony doctor --fix`; or set its webhook to {self._voice}."
        )
        return [red(NAME, f"none of the account's {len(there)} leads to {self._voice}", remedy)]

    def _leads_here(self, one: NumberResource) -> bool:
        return one.voice_url.rstrip("/") == self._voice and not (one.trunk_sid or one.voice_application_sid)

    async def _judged(self, name: str, one: NumberResource, *, may_fix: bool) -> Finding:
        if one.voiceless:
            return red(name, "it cannot do voice", "Take one that can.")
        for sid, what in ((one.trunk_sid, "SIP trunk"), (one.voice_application_sid, "TwiML application")):
            if sid:
                remedy = f"In Twilio's console, take it from the {what}; until then its webhook is ignored."
                return red(name, f"its calls go to the {what} {_short(sid)}", remedy)
        finding = self._webhook(name, one)
        if finding.state == "green" or not self._fix:
            return finding
        if not may_fix:
            remedy = "Name it under `numbers` if its calls are to come here, and run it again."
            return red(name, f"{finding.what}; left alone, for somebody may be called there", remedy)
        if urlsplit(self._voice).scheme != "https":
            return red(
                name, f"{finding.what}; left so, for Twilio cannot call {self._settings.public_url}", finding.remedy
            )
        await self._ask(point_number(self._api, one.sid, voice_url=self._voice, status_callback=self._status))
        return green(name, f"leads to {self._voice} now; before: {finding.what}")

    def _webhook(self, name: str, one: NumberResource) -> Finding:
        """What the number's own settings say."""
        host, ours = urlsplit(one.voice_url).netloc, urlsplit(self._voice).netloc
        if not one.voice_url:
            return red(name, "it has no webhook, so its calls go nowhere", FIX)
        if host == DEMO:
            return red(name, "it still leads to Twilio's demo", FIX)
        if one.voice_url.rstrip("/") != self._voice:
            cause = "another address" if host != ours else "another path"
            if one.voice_url.removeprefix("http:") == self._voice.removeprefix("https:"):
                cause = "http and not https"
            return red(name, f"it leads to {cause}: {one.voice_url[:120]}", FIX)
        if one.voice_method != "POST":
            return red(name, f"its webhook is asked by {one.voice_method} and not POST", FIX)
        if one.status_callback.rstrip("/") != self._status or one.status_callback_method != "POST":
            told = f"its status callback is {one.status_callback[:120] or 'not set'}"
            return amber(name, f"{told}: callers who hang up early are noticed late", FIX)
        return green(name, f"leads to {self._voice}")

    async def _ask(self, request: HttpRequest) -> HttpAnswer:
        return await perform(self._session, request)


def judge_account(account: AccountResource) -> Finding:
    """Whether it may carry calls at all."""
    told = f"{_short(account.sid)} is {account.status}"
    if account.status != "active":
        return red(ACCOUNT, told, "See Twilio's console for why, and for what is owed.")
    if account.type == "Trial":
        remedy = "Upgrade it: callers of a trial account hear a message of Twilio's, and media streams are not for it."
        return red(ACCOUNT, f"{told}, and a trial account", remedy)
    return green(ACCOUNT, told)


def _is_unused(one: NumberResource) -> bool:
    return not one.voice_url or urlsplit(one.voice_url).netloc == DEMO


def _short(sid: str) -> str:
    """Enough of an id to tell it from others."""
    return f"{sid[:6]}…{sid[-4:]}"
