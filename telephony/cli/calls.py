"""`telephony calls`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from telephony import show as shown
from telephony import show_audit
from telephony.agents.numbers import HOW_TO_WRITE, is_e164, normal
from telephony.bridge.encrypted import SUFFIX, is_encrypted, open_encrypted
from telephony.cli.serve import ConfigOption
from telephony.errors import ConfigurationError, EncryptionError, TelephonyError
from telephony.records import AuditRow, CallRecord
from telephony.runtime.cassettes import in_place_of
from telephony.runtime.encryption import key_ring
from telephony.runtime.retention import Erased, Retention
from telephony.runtime.serving import read_settings
from telephony.server.api.orders import Order
from telephony.settings import Settings
from telephony.store.base import CallFilter, CallSummary
from telephony.store.intents import Intent

app = typer.Typer(help="Look at the calls that were taken.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON for machines.")]


@app.callback()
def group() -> None:
    """Look at the calls that were taken."""


@app.command("list")
def list_calls(
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")] = 20,
    agent: Annotated[str | None, typer.Option(help="Only this agent's.")] = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only those that broke, or in which something was found.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List calls, newest first. Under `!` stands how often a caller had to wait, was talked over or the like."""
    settings, _ = read_settings(config)
    missing = _missing(settings)
    calls = [] if missing else asyncio.run(_list(settings, limit, agent, problems))
    if as_json:
        typer.echo(json.dumps([shown.as_json(call) for call in calls], indent=2, ensure_ascii=False))
        return
    console = Console()
    if not calls:
        console.print(
            missing or ("No such calls." if problems else "No calls yet."),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    console.print(shown.calls_table(calls))


@app.command("show")
def show_call(
    call: Annotated[
        str, typer.Argument(help="The call's id, its beginning or its end (as `list` shows it), or Twilio's CallSid.")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one call: what was said and heard, how long everybody waited and why, how it ended."""
    settings, _ = read_settings(config)
    if missing := _missing(settings):
        raise TelephonyError(missing)
    record = asyncio.run(_get(settings, call))
    if record is None:
        raise TelephonyError(f"There is no call {call!r}. `telephony calls list` shows which there are.")
    if as_json:
        typer.echo(json.dumps(shown.as_json(record), indent=2, ensure_ascii=False))
    else:
        Console().print(shown.call_page(record))


@app.command("audit")
def audit_calls(
    call: Annotated[str | None, typer.Argument(help="Only this call's, found as by `show`.")] = None,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List whom agents asked to call or text, newest first, and whether they were let."""
    settings, _ = read_settings(config)
    missing = _missing(settings)
    rows = [] if missing else asyncio.run(_audits(settings, limit, call))
    if as_json:
        typer.echo(json.dumps([msgspec.to_builtins(row) for row in rows], indent=2, ensure_ascii=False))
    elif rows:
        Console().print(show_audit.audits_table(rows))
    else:
        Console().print(missing or "Nobody was asked for.", markup=False, highlight=False, soft_wrap=True)


@app.command("decrypt")
def decrypt(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A recording, message or cassette, `*.enc`, as `show` names it."),
    ],
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="Where to write it; beside the file if left out.")
    ] = None,
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write what is in an encrypted file, with `encryption.key` or one of the old keys: a recording can then be played,
    and a cassette replayed. Beside the file it is deleted when its call is.

    Exit code 1 if the end of the file is missing; what is before it is written.
    """
    settings, _ = read_settings(config)
    if not is_encrypted(file):
        raise TelephonyError(f"{file}: its name does not end with {SUFFIX}, so it is not encrypted.")
    target = out or file.with_name(file.name.removesuffix(SUFFIX))
    if target.exists() and file.exists() and target.samefile(file):
        raise TelephonyError(f"{target}: that is the encrypted file itself. Name another one.")
    if target.exists() and not force:
        raise TelephonyError(f"{target}: there is such a file. Name another one, or add --force.")
    try:
        with open_encrypted(file, key_ring(settings)) as source, in_place_of(target) as plain:
            plain.writelines(source.pieces())
            size, ending = source.size, source.ending
    except OSError as error:
        raise TelephonyError(f"{file}: it cannot be read ({error.strerror})") from None
    except EncryptionError as error:
        raise error if str(file) in str(error) else EncryptionError(f"{file}: {error}") from None
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{target}: {size} bytes", markup=False)
    if ending == "recovered":
        console.print("It ends where its process died.", style="yellow")
    elif ending == "cut":
        raise TelephonyError("Its end is missing: its process was killed, or somebody has cut or changed it.")


@app.command("erase")
def erase_calls(
    number: Annotated[str, typer.Argument(help="Whose calls: a plus, the country code and the number.")],
    config: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything that is kept of a phone number: records with what was said, recordings, messages, cassettes,
    and requests to reach it. Calls that go on stay; run it again when they are over.

    Exit code 1 if a file could not be deleted.
    """
    settings, _ = read_settings(config)
    plain = normal(number)
    if not is_e164(plain):
        raise ConfigurationError("number", f"{number[:40]!r} is no phone number", HOW_TO_WRITE)
    if missing := _missing(settings):
        raise TelephonyError(missing)
    if not yes:
        typer.confirm(f"Delete everything that is kept of {plain}?", abort=True)
    done = asyncio.run(_erase(settings, plain))
    told = f"{done.calls} calls, {done.files} files and {done.requests} requests deleted."
    Console(soft_wrap=True, highlight=False).print(told, markup=False)
    if done.kept:
        problem = f"files of {done.kept} calls could not be deleted, so their records are still there"
        raise TelephonyError(f"{problem}. See above for which, and run it again.")


@app.command("orders")
def list_orders(
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the calls that were asked for (`telephony call`, POST /api/v1/calls), newest first, and how they went."""
    settings, _ = read_settings(config)
    missing = _missing(settings)
    intents = [] if missing else asyncio.run(_intents(settings, limit))
    if as_json:
        typer.echo(
            json.dumps([msgspec.to_builtins(Order.of(intent)) for intent in intents], indent=2, ensure_ascii=False)
        )
    elif intents:
        Console().print(show_audit.intents_table(intents))
    else:
        Console().print(missing or "No call was asked for.", markup=False, highlight=False, soft_wrap=True)


def _missing(settings: Settings) -> str:
    """That there is no database, if so. Opening one would make it, in whatever folder this happens to be."""
    from telephony.store.database import address, missing_file

    file = missing_file(address(settings.database_url))
    return f"No calls yet: there is no database at {file}." if file else ""


async def _list(settings: Settings, limit: int, agent: str | None, problems: bool) -> list[CallSummary]:
    from telephony.store.sql import SqlStore

    store = SqlStore(settings.database_url)
    try:
        await store.open()
        return await store.list(limit, where=CallFilter(agent=agent, problems=problems))
    finally:
        await store.close()


async def _get(settings: Settings, wanted: str) -> CallRecord | None:
    from telephony.store.sql import SqlStore

    store = SqlStore(settings.database_url)
    try:
        await store.open()
        return await store.get(wanted)
    finally:
        await store.close()


async def _audits(settings: Settings, limit: int, wanted: str | None) -> list[AuditRow]:
    from telephony.store.sql import SqlStore

    store = SqlStore(settings.database_url)
    try:
        await store.open()
        if wanted is None:
            return await store.audits(limit)
        record = await store.get(wanted)
        # Of a call that was never answered, and of one that was refused to begin with, there is no record.
        ids = [record.id, record.carrier_call_id] if record else [wanted]
        return await store.audits(limit, calls=ids)
    finally:
        await store.close()


async def _erase(settings: Settings, number: str) -> Erased:
    from telephony.store.keeper import RecordKeeper
    from telephony.store.sql import SqlStore

    store = SqlStore(settings.database_url)
    keeper = RecordKeeper(store, Path(settings.recordings) / "unsaved")
    try:
        await store.open()
        await keeper.round()  # what the database did not take in its time would come back afterwards
        return await Retention(store, settings).erase(number)
    finally:
        await store.close()


async def _intents(settings: Settings, limit: int) -> list[Intent]:
    from telephony.store.sql import SqlStore
    from telephony.store.sql_intents import SqlIntents

    store = SqlStore(settings.database_url)
    try:
        await store.open()
        return await SqlIntents(store).list(limit)
    finally:
        await store.close()
