"""Which call of the carrier's is whose, of several that were asked for with one number and whose answers were lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from telephony.carriers.base import PlacedCall
from telephony.store.intents import Intent

EARLIER = timedelta(seconds=2)
"""How far the carrier's clock may be behind ours; it counts in whole seconds."""


def matched(calls: Iterable[PlacedCall], intents: Iterable[Intent]) -> dict[str, str]:
    """The calls of *intents*, by the intent's id; those that have none are left out. *calls* are to the number of all
    of them, and known to be nobody else's.

    A call is younger than the request for it, and a request reaches the carrier at once or never. So each call, the
    newest first, is that of the youngest request before it.
    """
    waiting = sorted(intents, key=asked_at)
    found: dict[str, str] = {}
    for call in sorted(calls, key=lambda call: call.created_at or datetime.max.replace(tzinfo=UTC), reverse=True):
        before = [intent for intent in waiting if may_be(call, intent)]
        surely = [intent for intent in before if may_be(call, intent, timedelta())]
        if before:
            intent = (surely or before)[-1]
            waiting.remove(intent)
            found[intent.id] = call.call_id
    return found


def may_be(call: PlacedCall, intent: Intent, earlier: timedelta = EARLIER) -> bool:
    """Whether a call of the carrier's can be the one that was asked for; *earlier*: how far its clock may be behind."""
    since = asked_at(intent).replace(microsecond=0) - earlier
    return call.from_number == intent.from_number and (call.created_at is None or call.created_at >= since)


def asked_at(intent: Intent) -> datetime:
    return intent.created_at or datetime.min.replace(tzinfo=UTC)
