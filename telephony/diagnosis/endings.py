"""Whether the last words were heard to their end."""

from __future__ import annotations

from collections.abc import Iterator

from telephony.records import Cause, Evidence, Finding, Moment

LAST_WORD = 0.3
"""Seconds of a goodbye that may be missing at its end without a word being lost."""


def cut_off_goodbyes(evidence: Evidence) -> Iterator[Finding]:
    """A goodbye of which the caller did not hear the end, though they neither spoke nor hung up."""
    leaving: Moment | None = None
    for moment in evidence.moments:
        if moment.what in ("leaving", "stayed"):
            leaving = moment if moment.what == "leaving" else None
        elif leaving and moment.what == "released":
            if moment.seconds > LAST_WORD:
                why = "it took longer than any goodbye may, and the line was released"
                yield _finding(moment, "goodbye_too_long", why)
            leaving = None  # what ends the call now is the hang-up
        elif leaving and moment.what == "gone" and _was_speaking(evidence, leaving, moment):
            yield _finding(moment, "model_lost", f"the model was lost ({moment.detail})")
        elif leaving and moment.what == "ended" and moment.detail != "caller" and moment.seconds > LAST_WORD:
            if moment.detail == "carrier":
                yield _finding(moment, "line_lost", "the carrier's stream ended")
            else:
                yield _finding(moment, "ended_from_outside", "the call was ended from outside")


def _was_speaking(evidence: Evidence, leaving: Moment, gone: Moment) -> bool:
    """Whether the model was in the middle of its goodbye, and no recorded one took its place."""
    begun = any(m.what == "spoke" and leaving.at <= m.at <= gone.at for m in evidence.moments)
    owing = any(s.since < gone.at <= s.until for s in evidence.owed)
    replaced = any(t.item_id in evidence.recorded and t.started_at >= gone.at for t in evidence.turns)
    return begun and owing and not replaced


def _finding(moment: Moment, cause: Cause, why: str) -> Finding:
    missing = f"the last {moment.seconds:.1f} s of the goodbye were" if moment.seconds else "the end of the goodbye was"
    return Finding(
        round(moment.at, 3), round(moment.seconds, 3), "cut-off goodbye", cause, f"{missing} not heard: {why}"
    )
