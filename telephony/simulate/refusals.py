"""Twilio's REST errors, as it words them: `{"code": 21201, "message": …, "more_info": …, "status": 400}`."""

from __future__ import annotations

import logging

from aiohttp import web

log = logging.getLogger(__name__)

PARAMETER = 20001
UNAUTHORISED = 20003
NOT_ALLOWED = 20004
NOT_FOUND = 20404
UNSUPPORTED = 20415
TOO_MANY = 20429
NO_TO, NO_FROM = 21201, 21213
BAD_URL = 21205
FROM_UNVERIFIED = 21210
BAD_TO, BAD_FROM = 21211, 21212
NO_PERMISSION = 21215
NOT_IN_PROGRESS = 21220
NO_BODY, NO_SENDER, NO_RECIPIENT = 21602, 21603, 21604
SENDER_NOT_OURS = 21606
BAD_CALLBACK = 21609
UNSUBSCRIBED = 21610
BODY_TOO_LONG = 21617
"""(Twilio docs, "Error and warning dictionary".)"""


class RefusedError(Exception):
    """An answer with Twilio's error body."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> web.Response:
        log.debug("REST request refused: %s", self)
        body = {
            "code": self.code,
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        return web.json_response(body, status=self.status)


def bad(name: str, value: str, wanted: str, code: int = PARAMETER) -> RefusedError:
    """The value of a parameter will not do."""
    return RefusedError(400, code, f"Invalid parameter {name}: '{value[:80]}' is not {wanted}")


def not_found(path: str) -> RefusedError:
    return RefusedError(404, NOT_FOUND, f"The requested resource {path} was not found")
