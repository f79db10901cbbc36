"""`telephony simulate`: the other ends of the line, without keys and without a phone."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from telephony.cli.placing import Placing, place_calls
from telephony.cli.serve import ConfigOption
from telephony.errors import TelephonyError
from telephony.runtime import logs
from telephony.runtime.checks import is_loopback
from telephony.runtime.serving import read_settings
from telephony.sim.model_script import decode_script
from telephony.simulate.model import ModelSession, RunningModel, start_model
from telephony.simulate.scenario import FRONT_DESK, load_scenario, shipped_scenarios
from telephony.simulate.voice import Voice

app = typer.Typer(help="Simulate the model or the caller, over real sockets.", no_args_is_help=True)

Script = Annotated[
    str, typer.Option("--script", "-s", help=f"YAML file, or one that comes along: {', '.join(shipped_scenarios())}.")
]
VOICE = "/twilio/voice"
DEFAULT_PORT = 8080
REST_PORT = 9200
NO_ACCOUNT = "AC" + "0" * 32
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every event.")]


@app.callback()
def group() -> None:
    """Simulate the model or the caller, over real sockets."""


@app.command()
def model(
    script: Script = FRONT_DESK,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 9100,
    api_key: Annotated[str | None, typer.Option(help="Key that clients must send; without it anyone may come.")] = None,
    verbose: Verbose = False,
) -> None:
    """Be a realtime model: xAI's or OpenAI's protocol, speaking from a script. Ends with Ctrl-C or SIGTERM.

    Point a deployment at it with `api_base: ws://127.0.0.1:9100`. What the client does wrong is printed.
    """
    logs.set_up("warning")
    asyncio.run(_model(script, host, port, api_key, verbose))


async def _model(script: str, host: str, port: int, api_key: str | None, verbose: bool) -> None:
    document, place = load_scenario(script)
    console = Console(highlight=False, soft_wrap=True)

    def on_event(session: ModelSession, direction: str, message: str | bytes) -> None:
        if verbose and "audio" not in str(message)[:80]:
            console.print(f"{session.number} {direction} {str(message)[:200]}", markup=False)

    replies, voice = decode_script(document, place), Voice("agent")
    try:
        running = await start_model(replies, voice=voice, host=host, port=port, api_key=api_key, on_event=on_event)
    except OSError as error:
        raise TelephonyError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Choose another --port."
        ) from error
    async with running:
        stop = asyncio.Event()
        _listen_for_the_end(stop)
        console.print(f"A simulated model is at {running.url} ({place}). Ctrl-C ends it.", markup=False)
        await _report(running, console, stop)


def _listen_for_the_end(stop: asyncio.Event) -> None:
    """Set *stop* on SIGTERM or Ctrl-C. Only once: a second signal does not wait for clients that take their time."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def told() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        stop.set()

    for number in numbers:
        loop.add_signal_handler(number, told)


async def _report(running: RunningModel, console: Console, stop: asyncio.Event) -> None:
    """Tell of every session once it is over. When *stop* is set, end those that are open and tell of them too."""
    told: set[int] = set()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await stop.wait()
        told = _tell(running, console, told)
    await running.close()
    _tell(running, console, told)


def _tell(running: RunningModel, console: Console, told: set[int]) -> set[int]:
    """Say of sessions that are over, except those *told*, what the client did wrong; return which are told now."""
    over = [session for session in running.sessions if session.ended.is_set()]
    for session in over:
        if session.number not in told:
            lines = [f"{fault.code}: {fault.message}" for fault in session.core.faults] + session.core.unmet
            console.print(f"session {session.number} is over: {'; '.join(lines) or 'nothing wrong'}", markup=False)
    return {session.number for session in over}


@app.command()
def caller(
    config: ConfigOption = None,
    url: Annotated[
        str | None, typer.Option(help=f"The webhook to call, http://127.0.0.1:8080{VOICE} if no port is set.")
    ] = None,
    script: Script = FRONT_DESK,
    wav: Annotated[Path | None, typer.Option(help="A WAV to play as the caller, instead of a script.")] = None,
    calls: Annotated[int, typer.Option(min=1, max=500, help="Calls to place at once.")] = 1,
    account_sid: Annotated[str | None, typer.Option(help="The account, if it is not the server's.")] = None,
    auth_token: Annotated[
        str | None, typer.Option(help="Signs every request, if it is not the server's TWILIO_AUTH_TOKEN.")
    ] = None,
    public_url: Annotated[str | None, typer.Option(help="The server's public URL, if not PUBLIC_URL or --url.")] = None,
    rest_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help=f"Port of the simulated REST API, usually {REST_PORT}.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for stereo WAVs: said and heard.")] = None,
    verbose: Verbose = False,
) -> None:
    """Be Twilio and a caller: signed webhook, signed media stream, REST API. Exit code 1 if a call went wrong.

    In the folder of an agent it reads telephony.yaml and .env, as the server does, and knows where and as whom to call.
    Point the server's `twilio.api_base` at http://127.0.0.1:9200, so that it can hang up.
    """
    logs.set_up("error")
    flags = {"twilio.account_sid": account_sid, "twilio.auth_token": auth_token, "public_url": public_url}
    settings, _ = read_settings(config, flags)
    token = settings.twilio.auth_token.get_secret_value()
    if not token:
        problem = "set TWILIO_AUTH_TOKEN to what the server has, or start in the folder with its .env."
        raise typer.BadParameter(problem, param_hint="--auth-token")
    placing = Placing(
        url=url or f"http://127.0.0.1:{settings.port or DEFAULT_PORT}{VOICE}",
        account_sid=settings.twilio.account_sid or NO_ACCOUNT,
        auth_token=token,
        public_url=settings.public_url or None,
        rest_port=_rest_port(settings.twilio.api_base) if rest_port is None else rest_port,
        out=out,
        verbose=verbose,
    )
    if not asyncio.run(place_calls(placing, script, wav, calls)):
        raise typer.Exit(1)


def _rest_port(api_base: str) -> int:
    """Where a server that was set up for practice looks for Twilio."""
    parts = urlsplit(api_base)
    return parts.port if parts.port and is_loopback(parts.hostname or "") else REST_PORT
