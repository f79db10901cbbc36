"""Twilio's REST API for a simulation: calls, conferences and their participants, messages, recordings, phone numbers.

It is as strict as the real one and answers as the real one does, so that a mistake in a request shows here first:
`{"code": 20404, "message": …, "more_info": …, "status": 404}`.

    async with TwilioRest(account_sid, auth_token) as rest:
        rest.callees["+15550177"] = Callee(rings=2)
        …                                                # POST /Calls.json, by whatever is tested
        outcome = await rest.board.over(call_sid)
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

from telephony.simulate import parameters, resources, rest_calls, rest_conferences, rest_messages, rest_numbers
from telephony.simulate.board import Switchboard
from telephony.simulate.callee import Callee
from telephony.simulate.live import LiveCall
from telephony.simulate.parameters import Form, Known
from telephony.simulate.refusals import (
    NOT_ALLOWED,
    UNAUTHORISED,
    UNSUPPORTED,
    RefusedError,
    not_found,
)
from telephony.simulate.route import Route

FORM = "application/x-www-form-urlencoded"

Answer = dict[str, Any]
Action = Callable[[Form], Answer | Awaitable[Answer] | None]
Hook = Callable[[str, str], Awaitable[None]]
Actions = dict[str, tuple[Known, Action]]
"""What can be done with a resource, by method. What answers None has nothing to say (204)."""


class TwilioRest:
    """A REST server on loopback for one account. Use it as `async with TwilioRest(…) as rest`, or `start` and `close`
    it; *base_url* then goes where `https://api.twilio.com` would."""

    def __init__(self, account_sid: str, auth_token: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.account_sid = account_sid
        self.base_url = ""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and form of every request that was taken, for tests to look at."""
        self.received: list[tuple[str, str, bytes]] = []
        """Method, path with query and body of every request, as it came."""
        self.board = Switchboard(account_sid, auth_token)
        self.before_doing: Hook | None = None
        """Told method and path of a request that is good, before anything is done. What it raises is the answer."""
        self.before_answer: Hook | None = None
        """The same when everything was done and nobody knows yet."""
        self._auth_token = auth_token
        self._address = (host, port)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        app = web.Application(middlewares=[self._errors], client_max_size=64 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, keepalive_timeout=15)
        await self._runner.setup()
        host, port = self._address
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}"
        self.board.open()

    async def close(self) -> None:
        await self.board.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def callees(self) -> dict[str, Callee]:
        """Whom the account can reach, by number or SIP address."""
        return self.board.callees

    def reach(self, webhook_url: str, public_url: str | None = None, connect_to: str | None = None) -> None:
        """Say where the program's addresses really are; see `Route`."""
        self.board.route = Route(webhook_url, public_url, connect_to)

    def add(self, live: LiveCall) -> None:
        """Make a call known that somebody else carries out."""
        self.board.add(live)

    # -- answering -------------------------------------------------------------------------------------------------

    @web.middleware
    async def _errors(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except RefusedError as refused:
            return refused.response()
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        self._authorise(request)
        if request.path.endswith(".wav"):
            return self._audio(request)
        match request.path.strip("/").split("/"):
            case ["2010-04-01", "Accounts", account, *rest] if account == self.account_sid and rest:
                actions = self._actions(rest, request.path) if request.path.endswith(".json") else None
            case ["2010-04-01", "Accounts", account] if account == f"{self.account_sid}.json":
                actions = {"GET": ({}, lambda form: resources.account(self.board))}
            case _:
                actions = None
        if actions is None:
            raise not_found(request.path)
        if request.method not in actions:
            raise RefusedError(405, NOT_ALLOWED, f"{request.method} is not allowed on this resource")
        known, action = actions[request.method]
        form = await self._form(request, known)
        self.received.append((request.method, request.raw_path, await request.read()))
        if request.method != "GET":
            self.requests.append((request.method, request.path, form.plain()))
        if self.before_doing is not None:
            await self.before_doing(request.method, request.path)
        done = action(form)
        answer = await done if isinstance(done, Awaitable) else done
        if self.before_answer is not None:
            await self.before_answer(request.method, request.path)
        if answer is None:
            return web.Response(status=204)
        created = request.method == "POST" and known in _CREATED
        return web.json_response(answer, status=201 if created else 200)

    def _audio(self, request: web.Request) -> web.Response:
        """The sound of a recording, once it is processed."""
        *above, file = request.path.strip("/").split("/")
        recording = self.board.recordings.get(file.removesuffix(".wav"))
        if above != ["2010-04-01", "Accounts", self.account_sid, "Recordings"] or not recording or not recording.audio:
            raise not_found(request.path)
        return web.Response(body=recording.audio, content_type="audio/x-wav")

    def _actions(self, parts: list[str], path: str) -> Actions | None:
        """What can be done with the resource at *path*, whose *parts* follow the account; None if there is none."""
        *above, last = parts
        last = last.removesuffix(".json")
        match [*above, last]:
            case ["Calls", *inner]:
                return self._calls(inner, path)
            case ["Conferences", *inner]:
                return self._conferences(inner, path)
            case ["Messages"]:
                return {"POST": (parameters.CREATE_MESSAGE, lambda form: rest_messages.create(self.board, form))}
            case ["Messages", sid] if sid in self.board.messages:
                sent = self.board.messages[sid]
                return {"GET": ({}, lambda form: resources.message(sent, self.account_sid))}
            case ["IncomingPhoneNumbers"]:
                return {"GET": (parameters.LIST_NUMBERS, lambda form: rest_numbers.find(self.board, form, path))}
            case ["IncomingPhoneNumbers", sid] if sid in self.board.phone_numbers:
                number = self.board.phone_numbers[sid]
                return {
                    "GET": ({}, lambda form: resources.phone_number(number, self.account_sid)),
                    "POST": (parameters.UPDATE_NUMBER, lambda form: rest_numbers.update(self.board, number, form)),
                }
        return None

    def _calls(self, inner: list[str], path: str) -> Actions | None:
        board = self.board
        if not inner:
            return {
                "POST": (parameters.CREATE_CALL, lambda form: rest_calls.create(board, form)),
                "GET": (parameters.LIST_CALLS, lambda form: rest_calls.find(board, form, path)),
            }
        if (live := board.calls.get(inner[0])) is None:
            return None
        match inner[1:]:
            case []:
                return {
                    "GET": ({}, lambda form: resources.call(live)),
                    "POST": (parameters.UPDATE_CALL, lambda form: rest_calls.update(live, form)),
                }
            case ["Recordings"]:
                return {"POST": (parameters.CREATE_RECORDING, lambda form: rest_calls.record(board, live, form))}
            case ["Recordings", sid] if recording := rest_calls.recording_of(board, live, sid):
                return {
                    "GET": ({}, lambda form: resources.recording(recording, self.account_sid)),
                    "POST": (
                        parameters.UPDATE_RECORDING,
                        lambda form: rest_calls.update_recording(board, live, recording, form),
                    ),
                }
        return None

    def _conferences(self, inner: list[str], path: str) -> Actions | None:
        board = self.board
        if not inner:
            find = rest_conferences.find_conferences
            return {"GET": (parameters.LIST_CONFERENCES, lambda form: find(board, form, path))}
        name, *below = inner
        conference = board.conferences.find(name)
        if below == ["Participants"]:
            return {
                "POST": (
                    parameters.CREATE_PARTICIPANT,
                    lambda form: rest_conferences.create_participant(board, name, form),
                ),
                "GET": (parameters.LIST, lambda form: rest_conferences.participants(conference, form, path)),
            }
        if conference is None:
            return None
        if not below:
            return {
                "GET": ({}, lambda form: resources.conference(conference)),
                "POST": (
                    parameters.UPDATE_CONFERENCE,
                    lambda form: rest_conferences.update_conference(conference, form),
                ),
            }
        participant = rest_conferences.participant_of(conference, below[-1])
        if below[0] != "Participants" or len(below) > 2 or participant is None:
            return None
        return {
            "GET": ({}, lambda form: resources.participant(participant, conference)),
            "POST": (
                parameters.UPDATE_PARTICIPANT,
                lambda form: rest_conferences.update_participant(board, conference, participant, form),
            ),
            "DELETE": ({}, lambda form: conference.leave(participant, kicked=True)),
        }

    def _authorise(self, request: web.Request) -> None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except binascii.Error:
            given = b""
        if not hmac.compare_digest(given, f"{self.account_sid}:{self._auth_token}".encode()):
            raise RefusedError(401, UNAUTHORISED, "Authenticate")

    async def _form(self, request: web.Request, known: Known) -> Form:
        if request.method == "GET":
            return parameters.read(parse_qsl(request.query_string, keep_blank_values=True), known)
        if request.method == "POST" and request.content_type != FORM:
            raise RefusedError(415, UNSUPPORTED, f"Content type {request.content_type} is not supported; send {FORM}")
        return parameters.read((await request.post()).items(), known)


_CREATED = (
    parameters.CREATE_CALL,
    parameters.CREATE_PARTICIPANT,
    parameters.CREATE_MESSAGE,
    parameters.CREATE_RECORDING,
)
