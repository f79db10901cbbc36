"""Text messages in the simulated REST API. They are kept and delivered to nobody."""

from __future__ import annotations

from typing import Any

from telephony.simulate import resources
from telephony.simulate.board import MOST_CALLS, Message, Switchboard
from telephony.simulate.parameters import Form
from telephony.simulate.refusals import (
    BAD_TO,
    BODY_TOO_LONG,
    NO_BODY,
    NO_RECIPIENT,
    NO_SENDER,
    SENDER_NOT_OURS,
    UNSUBSCRIBED,
    RefusedError,
)
from telephony.simulate.telling import Callbacks
from telephony.simulate.twiml import PHONE

LONGEST_BODY = 1600


def create(board: Switchboard, form: Form) -> dict[str, Any]:
    """Send a message."""
    to, sender, service, body = (form.text(name) for name in ("To", "From", "MessagingServiceSid", "Body"))
    if not to:
        raise RefusedError(400, NO_RECIPIENT, "A 'To' phone number is required.")
    if not (sender or service):
        raise RefusedError(400, NO_SENDER, "A 'From' phone number is required.")
    if not (body or "MediaUrl" in form or "ContentSid" in form):
        raise RefusedError(400, NO_BODY, "Message body is required.")
    if len(body) > LONGEST_BODY:
        message = f"The concatenated message body exceeds the {LONGEST_BODY} character limit"
        raise RefusedError(400, BODY_TOO_LONG, message)
    if not PHONE.fullmatch(to):
        raise RefusedError(400, BAD_TO, f"The 'To' number {to[:60]} is not a valid phone number.")
    if sender and board.numbers is not None and sender not in board.numbers:
        message = f"The 'From' phone number {sender[:60]} is not a valid message-capable Twilio phone number."
        raise RefusedError(400, SENDER_NOT_OURS, message)
    if to in board.unsubscribed:
        raise RefusedError(400, UNSUBSCRIBED, "Attempt to send to unsubscribed recipient")
    sent = Message(to, sender, body, service)
    while len(board.messages) >= MOST_CALLS:
        del board.messages[next(iter(board.messages))]
    board.messages[sent.sid] = sent
    callbacks = Callbacks(form.text("StatusCallback"))
    if callbacks.url:
        board.start(_tell(board, sent, callbacks), f"{sent.sid} callbacks")
    return resources.message(sent, board.account_sid)


async def _tell(board: Switchboard, sent: Message, callbacks: Callbacks) -> None:
    courier = board.messenger(callbacks.url)
    for status in ("sent", "delivered"):
        fields = [
            ("AccountSid", board.account_sid),
            ("ApiVersion", resources.VERSION),
            ("From", sent.from_number),
            ("To", sent.to_number),
            ("MessageSid", sent.sid),
            ("MessageStatus", status),
            ("SmsSid", sent.sid),
            ("SmsStatus", status),
        ]
        await courier.tell(status, callbacks.url, callbacks.method, fields)
