"""Keeps a part of a recorded call, so that it is a whole recording again.

The end is easy: a recording may break off anywhere. At the beginning a call has to be brought to where the recorded one
was (`opening`), and from there on gets what came in then, at its new time. What went out then is not copied. The real
exchange is asked again, and wakes by its own deadlines; so what is written is a call that took place, and replays.

What is left out: whatever was over before the cut, and what still came of it; a function or an answer of a session that
was lost before; recorded sentences that were being played. A session that is changed for another after the cut without
having been lost is lost here at that moment: nothing else makes a younger call ask for another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from telephony.cassette.brief import kind_of
from telephony.cassette.cutting.opening import Going, Opening, changed, milliseconds, renamed_call
from telephony.cassette.cutting.returns import mark_of
from telephony.cassette.cutting.scene import Scene, scene_at
from telephony.cassette.faithful import faithful, verified
from telephony.cassette.format import Cassette, Header, Line, decode_line, header_line, line
from telephony.cassette.player import NewCarrier, Player
from telephony.cassette.resolved import call_settings
from telephony.conversation.intake import plausible
from telephony.errors import CassetteError
from telephony.version import __version__

NEXT_FRAME = 0.2
"""Seconds within which a frame of the caller's follows, if one does."""
REPLACED = "another session took its place"


def cut(
    cassette: Cassette, new_carrier: NewCarrier, begin: float | None, end: float | None, *, bless: bool = False
) -> list[bytes]:
    """The lines of a cassette that holds what lies between *begin* and *end* (seconds; None: its own). *bless*: a call
    that is another one now is kept as it is now.

    Raises `CassetteError` if nothing lies there, or what is there does not replay the same.
    """
    name, length = cassette.name, length_of(cassette)
    if begin is not None and end is not None and begin >= end:
        raise CassetteError(f"{name}: nothing lies between {begin:g} s and {end:g} s. Name a later end.")
    if max(begin or 0.0, 0.0) >= length or (end is not None and end <= 0):
        beyond = f"nothing lies {'before' if end is not None and end <= 0 else 'after'} the seconds named"
        raise CassetteError(f"{name}: it lasts {length:.1f} s, and {beyond}. Name some of these.")
    until = math.inf if end is None else end
    kept = [header_line(cassette.header), *_first(cassette, until)]
    cassette, _ = faithful(Cassette(name, kept), new_carrier, bless=bless)
    if begin is None or begin <= 0:
        kept = [header_line(_header(cassette.header, 0.0, min(until, length)))]
        kept += _first(cassette, until)
    else:
        aligned = _aligned(cassette, round(begin, 3))
        begin = aligned if aligned < min(until, length) else begin
        scene = scene_at(cassette, new_carrier, begin)
        kept = _Cutting(cassette, new_carrier, scene, begin, min(until, length)).lines()
    return verified(name, kept, new_carrier)


def length_of(cassette: Cassette) -> float:
    """Seconds that a recording lasts."""
    last = 0.0
    for _, text, entry in cassette.numbered():
        if entry is not None or b'"ch":"record"' in text:
            last = max(last, entry.t if entry else decode_line(text).t)
    return last


def _aligned(cassette: Cassette, begin: float) -> float:
    """The place of the first frame of the caller's that begins there: half a frame would be of no use."""
    for entry in cassette.lines:
        if entry.t > begin + 2 * NEXT_FRAME:
            break
        heard = entry.t >= begin and entry.ch == "carrier" and entry.dir == "in"
        at = _place(entry) if heard else None
        if at is not None and begin <= at / 1000 <= begin + NEXT_FRAME:
            return at / 1000
    return begin


def _first(cassette: Cassette, end: float) -> Iterator[bytes]:
    """The lines up to *end*, as they are."""
    for _, text, entry in cassette.numbered():
        if (entry or decode_line(text)).t > end:
            return
        yield text if text.endswith(b"\n") else text + b"\n"


def _header(header: Header, begin: float, end: float, **changes: Any) -> Header:
    about = f"Seconds {begin:g} to {round(end, 3):g} of a longer call."
    return msgspec.structs.replace(header, about=f"{header.about} {about}".strip(), **changes)


class _Cutting:
    """One cut that has a beginning of its own."""

    def __init__(self, cassette: Cassette, new_carrier: NewCarrier, scene: Scene, begin: float, end: float) -> None:
        header = cassette.header
        agent = header.agent if scene.greets else header.agent | {"speaks_first": False}
        self._header = _header(header, begin, end, agent=agent, software=f"telephony {__version__}")
        self._player = Player(
            cassette, new_carrier, call_settings(agent, header.settings, cassette.name), None
        )  # its header is the old one, whose carrier is the same
        self._cassette = cassette
        self._scene = scene
        self._begin = begin
        self._end = end
        self._opening = Opening(scene, _pressed(cassette, begin))
        self._going = Going(scene, begin)
        self._sessions = _Sessions(scene.session)
        self._kept: list[bytes] = []

    def lines(self) -> list[bytes]:
        self._kept = [header_line(self._header)]
        for number, entry in enumerate(self._cassette.lines, 2):
            if entry.t > self._end or self._player.end:
                break
            if entry.dir == "out":
                if entry.t >= self._begin:
                    self._went_then(entry, number)
            elif entry.ch != "timer":
                self._came(entry, number)
        if not self._player.end:
            self._wake(self._end - self._begin)
        return self._kept

    # -- what came in ------------------------------------------------------------------------------------------------

    def _came(self, entry: Line, number: int) -> None:
        before = entry.t < self._begin
        session = _session_of(entry)
        if session is not None and session > self._scene.session:
            for known in self._sessions.line(session, entry):
                self._perform(known, number)
            return
        if session is not None and session < self._scene.session:
            return
        chosen = self._opening.chosen(entry) if before else self._chosen(entry)
        if chosen is None:
            return
        if before and kind_of(chosen.message).startswith("input_audio_buffer.speech"):
            chosen = changed(chosen, self._going.heard(chosen.message))
        self._perform(chosen if session is None else _renumbered(chosen, 0), number)

    def _chosen(self, entry: Line) -> Line | None:
        if entry.ch == "carrier" and (at := _place(entry)) is not None and at < self._begin * 1000:
            return None  # a stretch that began before
        if entry.ch == "tool":
            called = renamed_call(str(entry.message.get("call_id", "")), self._sessions.names)
            if called is None:
                return None
            entry = changed(entry, entry.message | {"call_id": called})
        return self._going.told(entry)

    def _perform(self, entry: Line, number: int) -> None:
        now = max(0.0, round(entry.t - self._begin, 6))
        if entry.ch == "carrier" and kind_of(entry.message) == "mark":
            message = entry.message
            for name in self._scene.returns.came_back(mark_of(message)) if entry.t >= self._begin else ():
                self._give(changed(entry, message | {"mark": message["mark"] | {"name": name}}), now, number)
            return
        self._give(entry, now, number)

    def _give(self, entry: Line, now: float, number: int) -> None:
        if self._player.exchange is not None:
            self._wake(now)
        if self._player.end:
            return
        moved = msgspec.structs.replace(entry, t=now)
        outs = self._player.feed(moved, number)
        self._kept.append(line(now, entry.ch, "in", str(entry.msg, "utf-8"), moved.session))
        self._went(outs, now, number)

    def _wake(self, until: float) -> None:
        for texts in self._player.wake(until, 0.0):
            self._kept.append(line(self._player.now, "timer", "in", "null"))
            self._went(texts, self._player.now, 0)

    # -- what goes out -----------------------------------------------------------------------------------------------

    def _went(self, texts: list[bytes], now: float, number: int) -> None:
        self._kept += texts
        for text in texts:
            if b'"ch":"carrier"' in text:
                self._scene.returns.now.see(decode_line(text))
            elif b'"ch":"session"' in text:
                message = decode_line(text).message
                for waiting in self._sessions.asked(message):
                    self._give(msgspec.structs.replace(waiting, t=now), now, number)

    def _went_then(self, entry: Line, number: int) -> None:
        if entry.ch == "carrier":
            self._scene.returns.then.see(entry)
        elif entry.ch == "session" and entry.message.get("type") == "CloseSession":
            lost = self._sessions.closed(entry.message["session"])
            exchange = self._player.exchange
            if lost is not None and exchange and exchange.conversation.state.sessions.current == lost:
                gone = {"type": "ModelLost", "reason": REPLACED, "code": None, "session": lost}
                self._give(changed(entry, gone), max(0.0, round(entry.t - self._begin, 6)), number)


class _Sessions:
    """Which sessions of the recorded call are which of the new one: they follow each other in the same order."""

    def __init__(self, first: int) -> None:
        self.names = {first: 0}
        """New numbers by old ones."""
        self._held: dict[int, list[Line]] = {}
        """What sessions said that the new call has not asked for yet, if it ever does."""
        self._wanted: list[int] = []
        """Sessions that the new call has asked for and the recorded one has not shown yet."""
        self._refused: set[int] = set()

    def line(self, session: int, entry: Line) -> list[Line]:
        """What to give of a session that came after the first."""
        if session in self._refused:
            return []
        if session not in self.names and self._wanted:
            self.names[session] = self._wanted.pop(0)
        if session in self.names:
            return [_renumbered(entry, self.names[session])]
        self._held.setdefault(session, []).append(entry)
        return []

    def asked(self, message: Any) -> list[Line]:
        """The new call opens or closes a session; returns what that one has said by now."""
        number = message["session"]
        if message["type"] == "CloseSession" and number in self._wanted:
            self._wanted.remove(number)
        if message["type"] != "OpenSession":
            return []
        if not self._held:
            self._wanted.append(number)
            return []
        session = min(self._held)
        self.names[session] = number
        return [_renumbered(entry, number) for entry in self._held.pop(session)]

    def closed(self, session: int) -> int | None:
        """The recorded call is done with a session; returns its new number."""
        if self._held.pop(session, None) is not None:
            self._refused.add(session)
        return self.names.get(session)


def _session_of(entry: Line) -> int | None:
    """The session that a line is about; None if it is about none."""
    if entry.ch == "model":
        return entry.session
    return int(entry.message.get("session", 0)) if entry.ch == "session" else None


def _renumbered(entry: Line, session: int) -> Line:
    if entry.ch == "session":
        return changed(entry, entry.message | {"session": session})
    return msgspec.structs.replace(entry, session=session)


def _place(entry: Line) -> int | None:
    """Milliseconds: where in the call a stretch of the caller's audio begins; None for anything else."""
    message = entry.message
    if kind_of(message) != "media" or not isinstance(message.get("media"), dict):
        return None
    at = plausible(milliseconds(message["media"].get("timestamp")), entry.t)
    return round(entry.t * 1000) if at is None else at


def _pressed(cassette: Cassette, until: float) -> int:
    """Keys that came before *until*."""
    lines = (entry for entry in cassette.lines if entry.t < until and entry.ch == "carrier" and entry.dir == "in")
    return sum(1 for entry in lines if b'"dtmf"' in bytes(entry.msg) and kind_of(entry.message) == "dtmf")
