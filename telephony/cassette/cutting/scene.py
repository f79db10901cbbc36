"""What is under way at one moment of a recorded call, so that a call can begin there.

It is asked of the exchange itself, which is given everything up to that moment. Under way is what is not over: the
session that is spoken to; the responses that are open, or of which the caller has yet to hear something; functions
that were not answered; what the caller is saying, or waits to be answered; keys that were pressed and not passed on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from telephony.cassette.cutting.returns import Returns
from telephony.cassette.format import Cassette
from telephony.cassette.player import NewCarrier, Player
from telephony.conversation.playback import LOCAL
from telephony.conversation.state import Phase, State
from telephony.realtime.reading import child, text


class Scene(msgspec.Struct):
    """Ids are those of the wire."""

    session: int
    """The session that is spoken to, or looked for."""
    returns: Returns
    responses: set[str] = set()
    """Responses that are under way."""
    heard: dict[str, int] = {}
    """Bytes that were heard of each of their items."""
    whole: set[str] = set()
    """Items of theirs of which everything was heard."""
    calls: set[str] = set()
    """Function calls without an answer."""
    caller: str | None = None
    """The item of what the caller is saying, or has said and waits to be answered; None if there is none."""
    keys: int = 0
    """Keys that were pressed last and not passed on."""
    over: set[str] = set()
    """Responses, items and calls that were heard of and are not under way."""
    greets: bool = True
    """Whether the greeting is still to come or under way."""
    passed_ms: float = 0.0
    """Milliseconds of audio that the session has heard."""


def scene_at(cassette: Cassette, new_carrier: NewCarrier, at: float) -> Scene:
    """The scene at *at* seconds. Raises `CassetteError` for a file that cannot be read."""
    player = Player(cassette, new_carrier, None, None)
    returns = Returns()
    spoken: dict[int, list[Any]] = {}
    for number, line in enumerate(cassette.lines, 2):
        if line.t >= at:
            break
        if line.dir == "in":
            player.feed(line, number)
            if line.ch == "model" and b'audio.delta"' not in bytes(line.msg):
                spoken.setdefault(line.session, []).append(_ids(line.message))
        elif line.ch == "carrier":
            returns.then.see(line)
    if player.exchange is None:
        return Scene(0, returns)
    state = player.exchange.conversation.state
    sessions = state.sessions
    waiting = sessions.coming.number if sessions.coming else player.exchange.session
    spoken_to = waiting if sessions.current is None else sessions.current
    playback = state.playback
    unheard = max(0.0, playback.ends_at - playback.queued - at)
    returns.begin(player.exchange.line.bytes_in(round(unheard * 1000, 3)))
    scene = Scene(spoken_to, returns, passed_ms=state.intake.passed_ms)
    _look(scene, state, f"s{spoken_to}-" if spoken_to else "", at)
    _tell_over(scene, spoken.get(spoken_to, []))
    said = any(responses for heard in spoken.values() for responses, _, _ in heard)
    first = next((name for names, _, _ in spoken.get(spoken_to, []) for name in names), "")
    scene.greets = state.phase is Phase.CONNECTING or not said or (spoken_to == 0 and first in scene.responses)
    return scene


def _look(scene: Scene, state: State, prefix: str, now: float) -> None:
    """What is under way of the session whose ids carry *prefix* among us."""

    def own(name: str) -> str | None:
        return name.removeprefix(prefix) if name.startswith(prefix) and not name.startswith(LOCAL) else None

    def owns(names: Iterator[str]) -> Iterator[str]:
        return (name for name in map(own, names) if name)

    playback = state.playback
    open_calls = [call for call in state.tools.open if own(call.use.call_id)]
    scene.calls = {name for call in open_calls if (name := own(call.use.call_id))}
    scene.responses = set(owns(iter(state.responses.open)))
    scene.responses.update(owns(call.response_id for call in open_calls))
    for item in playback.items.values():
        response = own(item.response_id)
        if response and not item.cleared and playback.heard_samples(item, now) < item.received:
            scene.responses.add(response)
    for item in playback.items.values():
        name = own(item.item_id)
        if name and own(item.response_id) in scene.responses:
            heard = playback.heard_samples(item, now)
            scene.heard[name] = heard * playback.audio.bytes_per_sample
            if item.complete and heard >= item.received:
                scene.whole.add(name)
    leaving = state.farewell
    if state.phase is Phase.LEAVING and leaving and leaving.by == "agent":
        uses = [use for use in state.tools.uses if use.name == state.settings.hang_up_tool]
        scene.calls.update(owns(use.call_id for use in uses[-1:]))
    floor = state.floor
    turns = state.transcript.turns(playback.items, playback.audio.rate, now)
    if floor.speaking_since is not None:
        scene.caller = own(floor.item_id)
    elif floor.expecting and turns and turns[-1].speaker == "caller":
        scene.caller = own(turns[-1].item_id)
    scene.keys = len(state.keypad.digits)


def _ids(message: Any) -> tuple[list[str], list[str], list[str]]:
    return response_ids(message), item_ids(message), call_ids(message)


def _tell_over(scene: Scene, spoken: list[tuple[list[str], list[str], list[str]]]) -> None:
    """Note what is over. An item that belongs to a response is over with it."""
    going = scene.responses | scene.calls | {scene.caller or ""}
    for responses, items, calls in spoken:
        scene.over.update(name for name in (*responses, *calls) if name not in going)
        if not any(name in scene.responses for name in responses):
            scene.over.update(name for name in items if name not in going)


def response_ids(message: Any) -> list[str]:
    """The response that a message of the model's is about."""
    return _named(message, ("response_id",), "response") if isinstance(message, dict) else []


def item_ids(message: Any) -> list[str]:
    """The item that a message of the model's is about."""
    return _named(message, ("item_id",), "item") if isinstance(message, dict) else []


def call_ids(message: Any) -> list[str]:
    """The function call that a message of the model's is about."""
    if not isinstance(message, dict):
        return []
    return [name for name in (text(message, "call_id"), text(child(message, "item"), "call_id")) if name]


def _named(message: Any, fields: tuple[str, ...], part: str) -> list[str]:
    names = [text(message, field) for field in fields] + [text(child(message, part), "id")]
    return [name for name in names if name]
