"""`telephony cassette`: recorded calls looked at, listened to, compared, cut and scrubbed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from telephony import show_cassette as pages
from telephony.cassette.brief import without_audio
from telephony.cassette.cutting.cut import cut as cut_out
from telephony.cassette.cutting.cut import length_of
from telephony.cassette.diff import compare
from telephony.cassette.format import Cassette
from telephony.cassette.scrubbing.lint import suspicions
from telephony.cassette.scrubbing.scrub import scrub as scrub_all
from telephony.errors import CassetteError
from telephony.runtime.cassettes import cassettes_in, new_carrier, open_cassette, write_cassette
from telephony.runtime.soundtrack import write_soundtrack
from telephony.show import clean
from telephony.show_replay import trouble_line
from telephony.simulate.voice import Voice

app = typer.Typer(help="Look at recorded calls, listen to them, compare, cut and scrub them.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file of a recorded call.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
BlessOption = Annotated[
    bool, typer.Option("--bless", help="Take a call that is another one than was recorded as it is now.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


@app.callback()
def group() -> None:
    """Look at recorded calls, listen to them, compare, cut and scrub them."""


# -- show ------------------------------------------------------------------------------------------------------------


@app.command("show")
def show(
    file: FileArgument,
    everything: Annotated[bool, typer.Option("--all", help="Every message, each on a line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as JSON, with audio by its length.")] = False,
) -> None:
    """Show a recorded call as a timeline: who spoke to whom, when, and what about."""
    cassette = open_cassette(file)
    if as_json:
        for line in _as_json(cassette):
            typer.echo(json.dumps(line, ensure_ascii=False))
        return
    console = Console(highlight=False)
    console.print(pages.header(cassette, length_of(cassette), file.stat().st_size))
    console.print()
    rows = pages.every_line(cassette) if everything else pages.told(cassette, new_carrier)
    for row in rows:
        console.print(row)


def _as_json(cassette: Cassette) -> Iterator[dict[str, Any]]:
    """The header and each line, every piece of audio by the number of its bytes."""
    header = msgspec.to_builtins(cassette.header)
    clips = header["settings"].get("clips")
    if isinstance(clips, dict):
        header["settings"]["clips"] = {name: {"bytes": len(str(clip)) * 3 // 4} for name, clip in clips.items()}
    yield header
    for line in cassette.lines:
        session = {"session": line.session} if line.session else {}
        yield {"t": line.t, "ch": line.ch, **session, "dir": line.dir, "msg": without_audio(line)}


# -- to-wav ----------------------------------------------------------------------------------------------------------


@app.command("to-wav")
def to_wav(
    file: FileArgument,
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT.wav", help="Where to write it; beside the file if left out.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Write what a recorded call sounded like: stereo WAV, caller left, agent right as the caller heard it."""
    cassette = open_cassette(file)
    target = out or file.with_suffix(".wav")
    if target.exists() and target.samefile(file):
        raise CassetteError(f"{target}: that is the recorded call itself. Name another file for the sound.")
    _refuse_to_overwrite(target, force=force)
    sound = write_soundtrack(cassette, target)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{target}: {sound.seconds:.2f} s, caller left, agent right", markup=False)
    if sound.diverged:
        told = f"The call went another way than when it was recorded; `telephony replay {file}` shows where."
        console.print(told, style="yellow", markup=False)


# -- diff ------------------------------------------------------------------------------------------------------------


@app.command("diff")
def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="The first recorded call.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The second one.")],
    as_json: JsonOption = False,
) -> None:
    """Compare two recorded calls: the agent, what was said and done, what went out. Exit code 1 if they differ."""
    comparison = compare(open_cassette(first), open_cassette(second), new_carrier)
    if as_json:
        found = msgspec.to_builtins(comparison) | {"same": comparison.is_same}
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        Console(highlight=False).print(pages.comparison(comparison))
    if not comparison.is_same:
        raise typer.Exit(1)


# -- cut -------------------------------------------------------------------------------------------------------------


@app.command("cut")
def cut(
    file: FileArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write what is kept.")],
    begin: Annotated[float | None, typer.Option("--from", help="Seconds: where it begins.", min=0)] = None,
    end: Annotated[float | None, typer.Option("--to", help="Seconds: where it ends.", min=0)] = None,
    bless: BlessOption = False,
    force: ForceOption = False,
) -> None:
    """Keep a part of a recorded call, as a recording that replays.

    What is under way at the beginning is kept from its own beginning on, with its audio from there on; what was over is
    left out.
    """
    if begin is None and end is None:
        raise typer.BadParameter("Say what to keep.", param_hint="--from or --to")
    cassette = open_cassette(file)
    _refuse_to_overwrite(out, force=force)
    kept = cut_out(cassette, new_carrier, begin, end, bless=bless)
    write_cassette(out, kept)
    length = length_of(Cassette(str(out), kept))
    told = f"{out}: {length:.2f} s, {len(kept) - 1} lines; it replays the same"
    Console(highlight=False, soft_wrap=True).print(told, markup=False)


def _refuse_to_overwrite(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise CassetteError(f"{path}: it is there already. Name another file, or add --force to write over it.")


# -- scrub, lint -----------------------------------------------------------------------------------------------------


@app.command("scrub")
def scrub(
    file: FileArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write the scrubbed one.")],
    about: Annotated[str, typer.Option("--about", help="What the call shows, one sentence; kept with it.")] = "",
    also: Annotated[
        list[str] | None, typer.Option("--also", metavar="TEXT", help="Personal, too, wherever it stands; repeatable.")
    ] = None,
    voice: Annotated[
        bool, typer.Option("--voice", help="Let the caller speak other sentences instead of being noise.")
    ] = False,
    bless: BlessOption = False,
    force: ForceOption = False,
) -> None:
    """Take out of a recorded call what is personal: names, numbers, addresses and both voices.

    The same name becomes the same stand-in everywhere, the voices become noise that is as loud, and the call still
    replays the same. Read what is left all the same before you give it away: `telephony cassette show OUT --all`.
    """
    cassette = open_cassette(file)
    _refuse_to_overwrite(out, force=force)
    speech = _speech() if voice else b""
    scrubbed = scrub_all(cassette, new_carrier, also=also or (), about=about, speech=speech, bless=bless)
    write_cassette(out, scrubbed.lines)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{out}: scrubbed, {len(scrubbed.lines) - 1} lines; it replays the same", markup=False)
    if scrubbed.blessed:
        console.print(f"Accepted, the first of what differs: {clean(scrubbed.blessed)}", style="yellow", markup=False)
    if scrubbed.changed:
        console.print(
            f"But it is not quite the same call any more: {clean(scrubbed.changed)}", style="yellow", markup=False
        )
    _tell_suspicions(console, Cassette(str(out), scrubbed.lines))


def _speech() -> bytes:
    """Sentences that come with the program, so that the result is the same on every machine."""
    voice = Voice("caller", synthesis=False)
    return b"".join(voice(text) for text in ("What are your opening hours?", "Yes, please.", "No, thank you."))


@app.command("lint")
def lint(
    places: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files and folders, by their places or by patterns in quotes.")
    ],
) -> None:
    """Look for what seems to be somebody's real number or address in recorded calls.

    Exit code 1 if there is any, 2 if a file is no recorded call.
    """
    console = Console(highlight=False, soft_wrap=True)
    found = unreadable = False
    for path in cassettes_in(places):
        try:
            found = _tell_suspicions(console, open_cassette(path)) or found
        except CassetteError as error:
            unreadable = True
            console.print(trouble_line(str(error)))
    if unreadable:
        raise typer.Exit(2)
    if found:
        raise typer.Exit(1)
    console.print("Nothing looks real.")


def _tell_suspicions(console: Console, cassette: Cassette) -> bool:
    """Print what looks real; whether there was any."""
    found = suspicions(cassette)
    for suspicion in found:
        console.print(clean(suspicion), markup=False)
    return bool(found)
