"""Placing simulated calls from the command line: several at once, a line for each."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from rich.console import Console

from telephony.errors import ScriptError, TelephonyError
from telephony.sim.caller import Observation
from telephony.sim.caller_script import CallerScript
from telephony.simulate.caller import place_call
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.recordings import load_sounds
from telephony.simulate.rest import TwilioRest
from telephony.simulate.scenario import load_scenario
from telephony.simulate.voice import Voice


class Placing(msgspec.Struct, frozen=True):
    """Where to call and as whom."""

    url: str
    account_sid: str
    auth_token: str
    public_url: str | None
    rest_port: int
    out: Path | None
    verbose: bool


async def place_calls(placing: Placing, source: str, wav: Path | None, calls: int) -> bool:
    """Place *calls* calls at once and tell how each went. Whether all of them went well."""
    script, folder = _script(source, wav)
    sounds = load_sounds(script, folder)
    voice = Voice("caller")
    console = Console(highlight=False, soft_wrap=True)
    rest = TwilioRest(placing.account_sid, placing.auth_token, port=placing.rest_port)
    try:
        await rest.start()
    except OSError as error:
        problem = f"127.0.0.1:{placing.rest_port} cannot be listened on ({error.strerror})"
        raise TelephonyError(f"{problem}. Choose another --rest-port and set twilio.api_base to it.") from error

    async def one(number: int) -> CallOutcome:
        def observe(observation: Observation) -> None:
            if placing.verbose and observation.kind != "mark":
                line = f"call {number}  {observation.at:7.2f} s  {observation.kind} {observation.text}"
                console.print(line.rstrip(), markup=False)

        outcome = await place_call(
            placing.url,
            script,
            account_sid=placing.account_sid,
            auth_token=placing.auth_token,
            public_url=placing.public_url,
            rest=rest,
            voice=voice,
            sounds=sounds,
            observe=observe,
        )
        _tell(console, number, outcome)
        if placing.out:
            await asyncio.to_thread(_keep, placing.out, outcome)
        return outcome

    try:
        outcomes = await asyncio.gather(*(one(number) for number in range(1, calls + 1)))
    finally:
        await rest.close()
    if hint := next(filter(None, (_hint(placing.url, outcome) for outcome in outcomes)), ""):
        console.print(hint, markup=False)
    return all(outcome.ok for outcome in outcomes)


def _script(source: str, wav: Path | None) -> tuple[CallerScript, Path]:
    """The caller's script, and the folder its recordings are relative to."""
    if wav is not None:
        return CallerScript.parse({"steps": [{"play": str(wav)}, "hang_up"]}, str(wav)), Path()
    document, place = load_scenario(source)
    if "caller" not in document:
        raise ScriptError(f"{place}: there is no part called caller:.")
    return CallerScript.parse(document["caller"], f"{place}: caller"), Path(source).parent


def _tell(console: Console, number: int, outcome: CallOutcome) -> None:
    verdict = "ok" if outcome.ok else "; ".join(outcome.complaints)
    line = f"call {number}: {outcome.call_sid}, {outcome.duration:.1f} s, ended by the {outcome.ended_by}: {verdict}"
    console.print(line, markup=False, style="" if outcome.ok else "red")


def _hint(url: str, outcome: CallOutcome) -> str:
    """What to look at first if the call was not even answered; empty if it was."""
    first = next((exchange for exchange in outcome.exchanges if exchange.purpose == "voice"), None)
    if first and first.refused:
        parts = urlsplit(url)
        return f"nothing listens at {parts.scheme}://{parts.netloc}; is `telephony serve` running?"
    if first and first.status == HTTPStatus.FORBIDDEN:
        return "does --auth-token match the server's TWILIO_AUTH_TOKEN, and --public-url its PUBLIC_URL?"
    return ""


def _keep(folder: Path, outcome: CallOutcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{outcome.call_sid}.wav").write_bytes(outcome.stereo_wav())
