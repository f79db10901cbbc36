"""What a failure of the model's side means for the deployment it happened at: one table, by all three signs there are.

A provider says no in the handshake (an HTTP status), in an `error` event, or by closing the socket; and the same no
comes in all three shapes, because OpenAI accepts a socket before it looks at the key, and LiteLLM closes with 1008
where its provider answered 401. Whoever opens sessions asks here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from telephony.errors import UpstreamError, UpstreamRefused
from telephony.realtime.complaints import understand

Kind = Literal["fatal", "elsewhere", "later", "benign"]
"""`fatal`: it will say the same until somebody changes a key, a name or an account; a long cool-down, another one now.
`elsewhere`: it failed; another one now, and this one again when there is no other.
`later`: it is full and says so; another one now, this one not before its cool-down is over.
`benign`: nothing is wrong with it; a session that ended so may be opened again at once, here too."""


class Failure(msgspec.Struct, frozen=True):
    """What went wrong, judged."""

    kind: Kind
    why: str
    """For a person; without secrets."""
    retry_after: float = 0.0
    """Seconds the server asked to be left alone; 0 if it did not say."""


class Row(msgspec.Struct, frozen=True):
    """The signs of one kind."""

    kind: Kind
    statuses: frozenset[int]
    closes: frozenset[int | None]
    codes: frozenset[str]


TABLE: tuple[Row, ...] = (
    Row(
        "fatal",
        # A key, a model or a path that is wrong stays wrong. Redirects are not followed with a key in hand.
        frozenset({300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 410, 426}),
        # 1008: LiteLLM after a 401 or 403 of its provider. 4000: OpenAI to clients that send `OpenAI-Beta`.
        frozenset({1008, 4000}),
        # OpenAI's error codes for realtime sessions; livekit and pydantic-ai stop at the same ones.
        frozenset(
            {
                "account_deactivated",
                "beta_api_shape_disabled",
                "billing_hard_limit_reached",
                "insufficient_quota",
                "invalid_api_key",
                "invalid_model",
                "model_not_found",
            }
        ),
    ),
    Row(
        "later",
        # RFC 6585 4 and RFC 9110 15.6.4; 529 is "overloaded" at several providers. xAI allows few sessions per team.
        frozenset({425, 429, 503, 529}),
        # 1013 "try again later" (IANA): LiteLLM after a 429 of its provider.
        frozenset({1013}),
        frozenset(
            {
                "inference_rate_limit_exceeded",
                "rate_limit_error",
                "rate_limit_exceeded",
                "session_limit_reached",  # servers with a fixed number of places
            }
        ),
    ),
    Row(
        "elsewhere",
        frozenset({408, 500, 502, 504, 520, 521, 522, 523, 524}),  # 52x: what Cloudflare, before both, adds
        # None: no close frame, the peer vanished. 1011: the server's own failure; LiteLLM for all it has no code for.
        frozenset({None, 1006, 1011, 1012, 1014, 1015}),
        frozenset({"internal_error", "internal_server_error", "server_error"}),
    ),
    Row(
        "benign",
        frozenset(),
        # 1000, 1001: over, or expired after 60 minutes (OpenAI). The rest say that we broke the protocol (RFC 6455
        # 7.4.1): a bug of ours in this session, of which the deployment is innocent.
        frozenset({1000, 1001, 1002, 1003, 1005, 1007, 1009, 1010}),
        # The session's time is over, by its length or by silence (xAI: `max_duration`, `timeout`).
        frozenset({"max_duration", "session_expired", "timeout"}),
    ),
)
"""Every sign that is known. A status that is not here is judged by its hundred, a code by its error's words."""

_HANDED_ON = re.compile(r"handshake rejected with HTTP (\d{3})", re.IGNORECASE)
"""LiteLLM's words for what its provider answered; the error has no code of its own."""


def of_refusal(error: UpstreamError) -> Failure:
    """A handshake that came to nothing."""
    if not isinstance(error, UpstreamRefused):
        return Failure("elsewhere", str(error))  # no name, no route, no TLS, no answer
    found = next((row.kind for row in TABLE if error.status in row.statuses), None)
    return Failure(found or ("elsewhere" if error.status >= 500 else "fatal"), str(error), error.retry_after)


def of_close(code: int | None, reason: str, *, established: bool) -> Failure:
    """A socket that the other side closed. *established*: whether it had been a session by then, in which case key and
    model are right and a close can only speak of this session; before, even a friendly close is a refusal."""
    found: Kind = next((row.kind for row in TABLE if code in row.closes), "elsewhere")
    if established and found == "fatal":
        found = "elsewhere"
    if not established and found == "benign":
        found = "elsewhere"
    how = "it vanished" if code is None else f"it closed with {code}"
    return Failure(found, f"{how}: {reason}" if reason else how)


def of_error(event: dict[str, Any], *, established: bool) -> Failure:
    """An `error` event. Before the session is *established* any error is a refusal of it; afterwards most are not."""
    complaint = understand(event)
    why = ": ".join(filter(None, [complaint.code, complaint.message])) or "an error without a word"
    if handed_on := _HANDED_ON.search(complaint.message):
        return of_refusal(UpstreamRefused(why, int(handed_on[1])))
    found = next((row.kind for row in TABLE if complaint.code in row.codes), None)
    if found is None or (found == "benign" and not established):
        found = "benign" if established else "elsewhere"
    return Failure(found, why)
