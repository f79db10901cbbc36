"""What happens to a call before an agent answers it: opening hours, and where callers go whom no agent can take."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from telephony.settings.base import Group


def _named(key: str) -> BeforeValidator:
    """Text alone stands for the mapping with that *key*."""

    def whole(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else value

    return BeforeValidator(whole)


def _day(value: object) -> object:
    """YAML makes a date of `2026-12-25` by itself."""
    return value.isoformat() if isinstance(value, date) else value


class OpeningHours(Group):
    """When somebody is there."""

    timezone: str
    """Whose clock it is, by its IANA name: `America/New_York`. Summer time follows from it."""
    open: dict[str, str] = {}
    """Days to times: `{mon-fri: "9:00-17:30", sat: "10:00-12:00, 13:00-16:00"}`; `daily` is every day, and
    `22:00-02:00` goes on into the next one."""
    holidays: list[Annotated[str, BeforeValidator(_day)]] = []
    """Days on which nobody is there: `2026-12-25`, or `12-25` for every year."""


class Route(Group):
    """Where a caller goes whom no agent can take. Text alone is what is said before the call ends."""

    say: str = ""
    """Said first, by the carrier's own voice."""
    forward: str = ""
    """Number (E.164) the caller is sent on to. Let people answer it, or another system than this one."""
    caller_id: str = ""
    """Number shown there, one of the account's or verified there; unset shows the caller's own."""
    timeout: Annotated[int, Field(ge=5, le=600)] = 20
    """Seconds it may ring there."""
    unanswered: str = "We are sorry, nobody can take your call right now."
    """Said when nobody takes the call there, before `voicemail` or the end."""
    voicemail: bool = False
    """Whether the caller may leave a message, after `forward` if nobody takes the call there."""
    voicemail_seconds: Annotated[int, Field(ge=5, le=600)] = 120
    """Seconds a message may last. Five seconds of silence, or `#`, end it."""
    busy: bool = False
    """Whether the caller hears that the line is busy: the call is not answered, nothing can be said, nothing is
    charged."""
    agent: str = ""
    """Another agent, who takes the call instead."""


class Consent(Group):
    """What is said before a call is recorded. Text alone is `say`."""

    say: str
    """Such as `This call is recorded.`, said before the agent answers."""
    key: Literal["", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = ""
    """The key by which the caller agrees, within five seconds; a call without it goes on, with neither recording nor
    cassette. Unset records whoever stays."""


AnyRoute = Annotated[Route, _named("say")]


class NumberSettings(Group):
    """What happens to the calls of one number. Text alone is the agent's name."""

    agent: str
    """Who answers."""
    hours: str = ""
    """The name of opening hours under `hours`; unset is always open."""
    closed: AnyRoute = Route(say="We are sorry, we are closed. Please call again during our opening hours. Goodbye.")
    """Outside of them."""
    max_calls: Annotated[int | None, Field(ge=1)] = None
    """Calls that agents may carry for this number at once; whoever calls beyond it gets `overflow`."""
    overflow: AnyRoute = Route(say="We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye.")
    """Beyond `max_calls`, of the number, the agent or all of them, beyond the sessions of the agent's model, and while
    the machine has no time left for another call (`shed_lag_ms`)."""
    outage: Annotated[Route | None, _named("say")] = None
    """While every deployment of the agent's model is failing, or the process is stopping. Unset lets the agent's
    `fallback` take the call."""
    block: list[str] = []
    """Callers who are turned away: numbers, beginnings such as `+1900*`, and `anonymous` for whoever withholds one."""
    consent: Annotated[Consent | None, _named("say")] = None
    """Said or asked before the agent answers and anything is recorded."""
    language: str = ""
    """What the carrier's voice speaks here, such as `de-DE`; unset is the carrier's own default, American English."""


AnyNumber = Annotated[NumberSettings, _named("agent")]
