"""What matters of a call, then and now: which tools were called with what, whose words were heard, how long the caller
waited and how it ended. How messages are worded, and in how many pieces audio goes out, does not matter here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, TypeVar

from telephony.cassette.replay import Replayed
from telephony.records import CallRecord, Termination, ToolUse, Turn

TOLERANCE = 0.3
"""Seconds by which an answer may come later than it did."""
LONGEST = 80
"""Characters of what was said that a sentence quotes."""

T = TypeVar("T", ToolUse, Turn)


def semantic_differences(replayed: Replayed, tolerance: float = TOLERANCE) -> list[str]:
    """What differs, one sentence each; nothing if the call is the same as far as people care.

    Of a recording that breaks off nothing is known but its messages: if they go out as they did, it is the same call.
    """
    told = []
    if replayed.failure:
        told.append(f"the replay failed: {replayed.failure.what} ({replayed.failure.where})")
    if replayed.recorded:
        then, now = replayed.recorded, replayed.record
        pairs = list(_paired(then.turns, now.turns, _said))
        told += [sentence for pair in _paired(then.tools, now.tools, _called) for sentence in _tool(*pair)]
        told += [sentence for pair in pairs for sentence in _turn(*pair)]
        told += [sentence for pair in pairs for sentence in _wait(*pair, tolerance)]
        told += _end(then, now)
    elif replayed.divergence and not told:
        told.append("the recording breaks off before the call ends, and up to there its messages differ")
    return told


def _paired(then: Sequence[T], now: Sequence[T], key: Callable[[T], object]) -> Iterator[tuple[T | None, T | None]]:
    """Both sides next to each other; None where the other side has something more."""
    matcher = SequenceMatcher(None, [key(each) for each in then], [key(each) for each in now], autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        yield from zip_longest(then[a:b], now[c:d])


def _tool(then: ToolUse | None, now: ToolUse | None) -> Iterator[str]:
    if then is None or now is None:
        if use := then or now:
            yield f"{_call(use)} {'was called then, and is not now' if then else 'is called, and was not then'}"
    elif (then.name, _parsed(then.arguments)) != (now.name, _parsed(now.arguments)):
        yield f"{_call(now)} is called, and then it was {_call(then)}"
    elif then.outcome != now.outcome:
        yield f"{_call(now)} comes to {now.outcome}, and then it was {then.outcome}"


def _turn(then: Turn | None, now: Turn | None) -> Iterator[str]:
    if then is None or now is None:
        if turn := then or now:
            how = "said then, and not now" if then else "says now, and did not then"
            yield f"at {turn.started_at:.1f} s: the {turn.speaker} {how}: {_quoted(turn)}"
        return
    at = f"at {now.started_at:.1f} s"
    if (then.speaker, _words(then)) != (now.speaker, _words(now)):
        yield f"{at}: the {now.speaker} says {_quoted(now)}, and then the {then.speaker} said {_quoted(then)}"
    elif then.interrupted != now.interrupted:
        yield f"{at}: the {now.speaker} is {'' if now.interrupted else 'not '}interrupted, unlike then: {_quoted(now)}"


def _wait(then: Turn | None, now: Turn | None, tolerance: float) -> Iterator[str]:
    before = then.latency if then else None
    latency = now.latency if now else None
    if now and before is not None and latency is not None and latency > before + tolerance:
        at = f"at {now.started_at:.1f} s"
        yield f"{at}: the caller waits {latency:.2f} s for the answer, and then it was {before:.2f} s"


def _end(then: CallRecord, now: CallRecord) -> Iterator[str]:
    if then.termination != now.termination:
        yield f"the call ends as {_ending(now.termination)}, and then it was {_ending(then.termination)}"


# -- words -----------------------------------------------------------------------------------------------------------


def _said(turn: Turn) -> tuple[str, str, bool]:
    return turn.speaker, _words(turn), turn.interrupted


def _called(use: ToolUse) -> tuple[str, str, str]:
    return use.name, json.dumps(_parsed(use.arguments), sort_keys=True), use.outcome


def _words(turn: Turn) -> str:
    return " ".join(turn.heard.split())


def _quoted(turn: Turn) -> str:
    words = _words(turn)
    return f"“{words if len(words) <= LONGEST else words[: LONGEST - 1] + '…'}”" if words else "nothing that was heard"


def _parsed(arguments: str) -> Any:
    """What stands in JSON, however it is spelled; text that is none as it is."""
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _call(use: ToolUse) -> str:
    text = " ".join(use.arguments.split())
    return f"{use.name}({text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'})"


def _ending(termination: Termination | None) -> str:
    return f"“{termination.result}: {termination.reason}” by the {termination.by}" if termination else "not at all"
