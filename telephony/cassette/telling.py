"""What differs between two calls, in a few words of plain text."""

from __future__ import annotations

import json
from typing import Any

from telephony.cassette.brief import brief
from telephony.cassette.compare import ABSENT, AudioDifference, where
from telephony.cassette.replay import Divergence

LONGEST = 44
"""Characters of a value."""


def value(something: Any, longest: int = LONGEST) -> str:
    """As JSON, cut to *longest* characters; what is absent stays as it is."""
    text = something if something == ABSENT else json.dumps(something, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def sentence(divergence: Divergence) -> str:
    """The first thing that differs, in one sentence."""
    expected, got = divergence.expected, divergence.got
    if divergence.failure:
        what = f"the replay failed here: {divergence.failure.what} ({divergence.failure.where})"
    elif expected is None or got is None:
        line = expected or got
        named = f"{where(line)}: {brief(line).what}" if line else "nothing"
        what = f"{named} {'no longer goes out' if expected else 'goes out, and did not then'}"
    elif divergence.audio:
        what = f"the audio to the {expected.ch} differs: {audio(divergence.audio)}"
    else:
        changes = [f"{each.path} {value(each.expected)} → {value(each.got)}" for each in divergence.differences[:3]]
        more = f" and {len(divergence.differences) - 3} more" if len(divergence.differences) > 3 else ""
        what = f"{where(expected)}: {brief(expected).what} differs: {', '.join(changes).strip()}{more}"
    return f"at {divergence.t:.1f} s (line {divergence.number}) {what}"


def audio(difference: AudioDifference) -> str:
    """`20 of 160 samples differ, the first is 3, by 12 of 32768 at most, 71 dB below the audio`."""
    if difference.shift:
        later = "later" if difference.shift > 0 else "earlier"
        milliseconds = abs(difference.shift) * 1000 / difference.rate
        return f"the same audio, {abs(difference.shift)} samples ({milliseconds:g} ms) {later}"
    common = min(difference.expected_samples, difference.got_samples)
    told = [f"{difference.differing} of {common} samples differ, the first is {difference.first}"]
    told.append(f"by {difference.loudest} of 32768 at most")
    if difference.level_db is not None:
        side = "below" if difference.level_db <= 0 else "above"
        told.append(f"{abs(difference.level_db):g} dB {side} the audio")
    if difference.expected_samples != difference.got_samples:
        told.append(f"{difference.expected_samples} samples then and {difference.got_samples} now")
    return ", ".join(told)
