"""Calls in the simulated REST API: place, look up, find, hang up, redirect, and Twilio's own recording of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telephony.simulate import resources
from telephony.simulate.board import CallRecording, Switchboard
from telephony.simulate.live import LiveCall, Source
from telephony.simulate.outbound import Order, Outbound
from telephony.simulate.parameters import Form
from telephony.simulate.refusals import (
    BAD_FROM,
    BAD_TO,
    BAD_URL,
    FROM_UNVERIFIED,
    NO_FROM,
    NO_PERMISSION,
    NO_TO,
    NOT_FOUND,
    NOT_IN_PROGRESS,
    PARAMETER,
    RefusedError,
    bad,
)
from telephony.simulate.telling import Callbacks
from telephony.simulate.twiml import PHONE, SIP

CURRENT = "Twilio.CURRENT"
ANY_TIME_LIMIT = 14_400
"""Seconds: Twilio's default of four hours."""


def create(board: Switchboard, form: Form) -> dict[str, Any]:
    """Place a call."""
    to, from_number = endpoints(board, form)
    if ("Url" in form) == ("Twiml" in form):
        raise RefusedError(400, BAD_URL, "Url parameter is required, or Twiml instead of it, and one of them only.")
    asynchronous = form.flag("AsyncAmd")
    found = Callbacks(form.text("AsyncAmdStatusCallback"), form.text("AsyncAmdStatusCallbackMethod", "POST"))
    order = Order(
        to=to,
        from_number=form.text("CallerId") or from_number,
        time_limit=form.number("TimeLimit", ANY_TIME_LIMIT),
        ring=form.number("Timeout", 60),
        source=Source(form.text("Url"), form.text("Method", "POST"), form.text("Twiml")),
        callbacks=progress_callbacks(form),
        send_digits=form.text("SendDigits"),
        detection=form.text("MachineDetection"),
        detection_timeout=form.number("MachineDetectionTimeout", 30),
        detection_callbacks=found if asynchronous else None,
    )
    placed = Outbound(board, order)
    if form.flag("Record"):
        record(board, placed.live, form)
    board.start(placed.run(), f"{placed.live.sid} outbound")
    return resources.call(placed.live, placed.queue_time)


def endpoints(board: Switchboard, form: Form) -> tuple[str, str]:
    """Who is called, and by whom. Raises `RefusedError` as Twilio does."""
    to, from_number = form.text("To"), form.text("From")
    if not to:
        raise RefusedError(400, NO_TO, "A 'To' phone number is required.")
    if not from_number:
        raise RefusedError(400, NO_FROM, "A 'From' phone number is required.")
    if not (PHONE.fullmatch(to) or SIP.fullmatch(to) or to.startswith("client:")):
        raise RefusedError(400, BAD_TO, f"The phone number you are attempting to call, {to[:60]}, is not valid.")
    if PHONE.fullmatch(to) and not PHONE.fullmatch(from_number):
        raise RefusedError(400, BAD_FROM, f"The source phone number provided, {from_number[:60]}, is not valid.")
    if board.numbers is not None and PHONE.fullmatch(from_number) and from_number not in board.numbers:
        message = f"The source phone number provided, {from_number}, is not yet verified for your account."
        raise RefusedError(400, FROM_UNVERIFIED, message)
    if any(to.startswith(prefix) for prefix in board.barred):
        message = f"Account not authorized to call {to}. Perhaps you need to enable some international permissions."
        raise RefusedError(400, NO_PERMISSION, message)
    return to, from_number


def progress_callbacks(form: Form) -> Callbacks:
    """Who is told of the progress of a call."""
    events = tuple(form.texts("StatusCallbackEvent")) or ("completed",)
    return Callbacks(form.text("StatusCallback"), form.text("StatusCallbackMethod", "POST"), events)


def find(board: Switchboard, form: Form, path: str) -> dict[str, Any]:
    """List calls, the newest first. Twilio compares days and not times."""
    found = [live for live in reversed(board.calls.values()) if _is_wanted(live, form)]
    size, page = form.number("PageSize", 50), form.number("Page", 0)
    return resources.listed("calls", [resources.call(live) for live in found], path, size, page)


def _is_wanted(live: LiveCall, form: Form) -> bool:
    same = {"To": live.to_number, "From": live.from_number, "Status": live.status, "ParentCallSid": live.parent_sid}
    if any(form.text(name) != value for name, value in same.items() if name in form):
        return False
    day = live.began.date()
    bounds = (("StartTime", day.__eq__), ("StartTime>", day.__ge__), ("StartTime<", day.__le__))
    return all(holds(_day(form.text(name))) for name, holds in bounds if name in form)


def _day(text: str) -> Any:
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).date()
    except ValueError:
        raise bad("StartTime", text, "a date") from None


def update(live: LiveCall, form: Form) -> dict[str, Any]:
    """Hang a call up, cancel it, or give it other instructions."""
    if sum(name in form for name in ("Status", "Url", "Twiml")) > 1:
        raise RefusedError(400, PARAMETER, "Status, Url and Twiml exclude one another")
    if "Status" in form:
        # Twilio no longer finds a call that is over; clients take that for success.
        if live.over:
            raise RefusedError(404, NOT_FOUND, f"The requested resource {live.sid} was not found")
        if form.text("Status") == "canceled" and live.status not in ("queued", "ringing"):
            raise RefusedError(400, NOT_IN_PROGRESS, "Call is not queued or ringing. Cannot cancel.")
        live.tell("hang up")
    elif "Twiml" in form or "Url" in form:
        if live.over or live.status != "in-progress":
            raise RefusedError(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot redirect.")
        live.tell(Source(form.text("Url"), form.text("Method", "POST"), form.text("Twiml")))
    if "TimeLimit" in form:
        live.time_limit = float(form.text("TimeLimit"))
        live.attention.set()
    return resources.call(live)


# -- recordings ----------------------------------------------------------------------------------------------------


def record(board: Switchboard, live: LiveCall, form: Form) -> dict[str, Any]:
    """Begin to record a call."""
    if live.over:
        raise RefusedError(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot record.")
    made = CallRecording(live.sid, 2 if form.text("RecordingChannels") == "dual" else 1)
    board.recordings[made.sid] = made
    return resources.recording(made, board.account_sid)


def recording_of(board: Switchboard, live: LiveCall, sid: str) -> CallRecording | None:
    """A recording of this call by its id, or the one that goes on."""
    own = [one for one in board.recordings.values() if one.call_sid == live.sid]
    if sid == CURRENT:
        return next((one for one in reversed(own) if one.status in ("in-progress", "paused")), None)
    return next((one for one in own if one.sid == sid), None)


def update_recording(board: Switchboard, live: LiveCall, recording: CallRecording, form: Form) -> dict[str, Any]:
    """Pause a recording, go on with it, or end it."""
    if "Status" not in form:
        raise RefusedError(400, PARAMETER, "Missing required parameter Status in the post body")
    if live.over or recording.status == "stopped":
        raise RefusedError(400, NOT_IN_PROGRESS, "Recording is not in-progress. Cannot update.")
    recording.status = form.text("Status")
    how = f" ({form.text('PauseBehavior', 'silence')})" if recording.status == "paused" else ""
    recording.history.append(recording.status + how)
    return resources.recording(recording, board.account_sid)
