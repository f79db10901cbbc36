"""How a call that begins in the middle of a recorded one is brought to where that one was.

Of what came before the cut stays: the carrier's opening; the session's connection and its acknowledgements; and of what
is under way (`scene`) every message from its beginning on. Its audio stays from the cut on, so that the caller hears at
each moment what they heard then. All of it happens at second 0.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import msgspec

from telephony.cassette.brief import kind_of
from telephony.cassette.cutting.scene import Scene, call_ids, item_ids, response_ids
from telephony.cassette.format import Line
from telephony.realtime.reading import child, children, text

SET_UP = ("session.created", "session.updated", "conversation.created")
"""What a session says of itself."""
OPENING = ("connected", "start")
_OF_SESSION = re.compile(r"s(\d+)-(.*)", re.DOTALL)


class Opening:
    """Chooses among the lines before the cut; *pressed*: how many keys there are among them."""

    def __init__(self, scene: Scene, pressed: int) -> None:
        self._scene = scene
        self._skip = dict(scene.heard)
        self._keys_to_pass = pressed - scene.keys

    def chosen(self, line: Line) -> Line | None:
        """What stays of a line of the session, or of no session, from before the cut; None if nothing does."""
        if line.ch == "carrier":
            return line if self._carrier(line.message) else None
        if line.ch == "session":
            return line if line.message.get("type") == "ModelConnected" else None
        return self._model(line) if line.ch == "model" else None

    def _carrier(self, message: Any) -> bool:
        kind = kind_of(message)
        if kind == "dtmf":
            self._keys_to_pass -= 1
            return self._keys_to_pass < 0
        return kind in OPENING

    def _model(self, line: Line) -> Line | None:
        scene, message = self._scene, line.message
        kind = kind_of(message)
        if kind in SET_UP:
            return line
        items = item_ids(message)
        if any(name in scene.responses for name in response_ids(message)):
            if any(name in scene.whole for name in items):
                return None
            return self._of_response(line, message, kind)
        spoken = scene.caller is not None and scene.caller in items
        return line if spoken and (kind.startswith("input_audio_buffer.speech") or "transcription" in kind) else None

    def _of_response(self, line: Line, message: Any, kind: str) -> Line | None:
        scene = self._scene
        if kind.endswith("audio.delta"):
            return self._unheard(line, message)
        calls = call_ids(message)
        if calls and not any(name in scene.calls for name in calls):
            return None
        if kind == "response.done":
            response = child(message, "response")
            kept = [item for item in children(response, "output") if self._is_open(item)]
            return changed(line, message | {"response": response | {"output": kept}})
        return line

    def _is_open(self, item: Any) -> bool:
        called = text(item, "call_id")
        return not called or called in self._scene.calls

    def _unheard(self, line: Line, message: Any) -> Line | None:
        """The rest of a piece of audio that the caller had heard a part of."""
        name = text(message, "item_id")
        skip = self._skip.get(name, 0)
        try:
            payload = base64.b64decode(text(message, "delta"), validate=True)
        except (binascii.Error, ValueError):
            return line
        self._skip[name] = max(0, skip - len(payload))
        rest = payload[skip:]
        return changed(line, message | {"delta": base64.b64encode(rest).decode()}) if rest else None


class Going:
    """Makes of each line after the cut what it is in a call that begins there, *begin* seconds later."""

    def __init__(self, scene: Scene, begin: float) -> None:
        self._scene = scene
        self._begin_ms = round(begin * 1000)

    def told(self, line: Line) -> Line | None:
        """None for what belongs to something that is left out."""
        if line.ch == "carrier":
            return self._carrier(line)
        if line.ch == "tool":
            over = line.message.get("call_id") in self._scene.over
            return None if over else line
        if line.ch == "model" and line.session == self._scene.session:
            return self._model(line)
        return line

    def _carrier(self, line: Line) -> Line:
        message = line.message
        media = child(message, "media") if isinstance(message, dict) else {}
        stamp = media.get("timestamp")
        at = milliseconds(stamp)
        if at is None:
            return line
        moved: Any = max(0, at - self._begin_ms)
        if isinstance(stamp, str):
            moved = str(moved)
        return changed(line, message | {"media": media | {"timestamp": moved}})

    def _model(self, line: Line) -> Line | None:
        message, over = line.message, self._scene.over
        if any(name in over for name in (*(response_ids(message) or item_ids(message)), *call_ids(message))):
            return None
        if kind_of(message).startswith("input_audio_buffer.speech"):
            return changed(line, self.heard(message))
        return line

    def heard(self, message: Any) -> Any:
        """Places in the audio that the session has heard are counted from the cut."""
        places = [name for name in ("audio_start_ms", "audio_end_ms") if isinstance(message.get(name), int)]
        return message | {name: max(0, message[name] - round(self._scene.passed_ms)) for name in places}


def changed(line: Line, message: Any) -> Line:
    """*line* with another message."""
    return msgspec.structs.replace(line, msg=msgspec.Raw(msgspec.json.encode(message)))


def milliseconds(stamp: Any) -> int | None:
    """A carrier's timestamp as it may be written."""
    if isinstance(stamp, str) and stamp.isdecimal() and len(stamp) <= 12:
        return int(stamp)
    return int(stamp) if isinstance(stamp, int | float) and 0 <= stamp < 1e12 else None


def renamed_call(call_id: str, names: dict[int, int]) -> str | None:
    """A function's id among us, with the new number of its session; None if that session is left out."""
    match = _OF_SESSION.fullmatch(call_id)
    number, own = (int(match[1]), match[2]) if match else (0, call_id)
    if number not in names:
        return None
    return f"s{names[number]}-{own}" if names[number] else own
