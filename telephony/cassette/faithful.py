"""Recordings of which something is to be kept: they have to replay the same, or what is new in them be accepted."""

from __future__ import annotations

from telephony.cassette.format import Cassette, header_line
from telephony.cassette.player import NewCarrier
from telephony.cassette.replay import replay
from telephony.cassette.telling import sentence
from telephony.errors import CassetteError

REMEDY = (
    "Take the version of telephony that recorded it, or accept what goes out now: "
    "`telephony replay --bless`, or --bless here"
)


def faithful(cassette: Cassette, new_carrier: NewCarrier, *, bless: bool = False) -> tuple[Cassette, str]:
    """The cassette, or with *bless* the call as it is now where it is another one, and the first thing that differs
    then, in a sentence.

    What is made of a recording is performed anew, so that what had changed in it would be accepted unseen. Raises
    `CassetteError` if it does not replay the same and may not be blessed, or cannot be.
    """
    now = [header_line(cassette.header)]
    replayed = replay(cassette, new_carrier, keep=now.append if bless else None)
    if replayed.divergence is None:
        return cassette, ""
    differs = sentence(replayed.divergence)
    if replayed.failure:
        raise CassetteError(f"{cassette.name}: {differs}. Take the version of telephony that recorded it")
    if not bless:
        raise CassetteError(f"{cassette.name}: it does not replay as it was recorded: {differs}. {REMEDY}")
    return Cassette(cassette.name, now), differs


def verified(name: str, lines: list[bytes], new_carrier: NewCarrier) -> list[bytes]:
    """*lines*, which replay the same. Raises `CassetteError` if they do not."""
    if divergence := replay(Cassette(name, lines), new_carrier).divergence:
        raise CassetteError(
            f"{name}: what would be written does not replay the same: {sentence(divergence)}. "
            "That is a mistake of ours; please report it"
        )
    return lines
