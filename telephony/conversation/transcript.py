"""Who said what, and how much of it was heard.

Turns stand in the order in which they were spoken, not in which their text arrived: a caller's turn takes its place
when the model hears speech begin, an agent's when its first audio arrives, and texts find their turn by item id
however late they are. The agent's words are divided into heard and unheard by the playback ledger: at a cut, the words
whose audio had been played count as heard. Where the provider says when a piece of text begins in the audio (xAI), that
is used; in between, and for other providers, speech is taken to run evenly over the item's audio.
"""

from __future__ import annotations

import itertools
import re

import msgspec

from telephony.conversation.playback import LOCAL, Item
from telephony.events import ModelTranscript
from telephony.records import Turn

UNDERSTOOD = 5.0
"""Seconds after the caller's turn in which its final words may come."""
FASTEST = 20.0
"""Characters that are spoken in a second, at most: some 200 words a minute."""


class Speech(msgspec.Struct):
    """The agent's text of one item, with what is known of its place in the audio."""

    turn: Turn
    text: str = ""
    anchors: list[tuple[int, int]] = []
    """(characters before, milliseconds into the item's audio), ascending in both."""
    final: bool = False
    """Whether all of it is there."""


class Transcript:
    """The turns of one call. Times are seconds on the call's clock."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []
        self._callers: dict[str, Turn] = {}
        self._speeches: dict[str, Speech] = {}

    # -- the caller ------------------------------------------------------------------------------------------------

    def caller_speaks(self, item_id: str, at: float) -> Turn:
        """Speech began. The same item again is the same turn, resumed."""
        turn = self._callers.get(item_id) if item_id else None
        if turn is None:
            turn = Turn("caller", started_at=at, item_id=item_id, final=False)
            self._turns.append(turn)
            self._callers[item_id] = turn
        turn.ended_at = None
        return turn

    def caller_stops(self, item_id: str, at: float) -> None:
        turn = self._callers.get(item_id) if item_id else self._last("caller")
        if turn is not None:
            turn.ended_at = max(at, turn.started_at)

    def caller_said(self, item_id: str, text: str, now: float, *, final: bool, append: bool = False) -> Turn:
        """The model understood something. An item nobody announced gets a turn now."""
        turn = self._callers.get(item_id)
        if turn is None:
            turn = self.caller_speaks(item_id, now)
            turn.ended_at = now
        turn.heard = turn.heard + text if append else text.strip()
        turn.final = final
        return turn

    def keys(self, digits: str, started_at: float, ended_at: float) -> None:
        self._turns.append(Turn("keypad", heard=digits, started_at=started_at, ended_at=ended_at))

    @property
    def count(self) -> int:
        """How many turns there are."""
        return len(self._turns)

    def answers_since(self, since: float) -> list[str]:
        """What the caller said or typed in turns that began at *since* or later, each turn's words. One that was
        understood to the end and held no words is none; one of which no words are known yet is."""
        return [
            turn.heard
            for turn in self._turns
            if turn.speaker != "agent" and turn.started_at >= since and (turn.heard or not turn.final)
        ]

    # -- the agent -------------------------------------------------------------------------------------------------

    def agent_speaks(self, item_id: str, now: float) -> Turn:
        """The model's first audio or text of an item arrived."""
        speech = self._speeches.get(item_id)
        if speech is None:
            speech = self._speeches[item_id] = Speech(Turn("agent", started_at=now, item_id=item_id))
            self._turns.append(speech.turn)
        return speech.turn

    def agent_said(self, event: ModelTranscript, now: float) -> None:
        """A piece of the agent's text, or all of it."""
        self.agent_speaks(event.item_id, now)
        speech = self._speeches[event.item_id]
        if event.final:
            speech.text = event.text or speech.text
            speech.final = True
            return
        if event.start_ms is not None and (not speech.anchors or event.start_ms > speech.anchors[-1][1]):
            speech.anchors = [*speech.anchors, (len(speech.text), event.start_ms)]
        speech.text += event.text

    # -- for another session ----------------------------------------------------------------------------------------

    def settled(self, now: float) -> bool:
        """Whether every word of the caller's is understood, or will not be any more."""
        waiting = (turn for turn in self._turns if turn.speaker == "caller" and not turn.final)
        return all(turn.ended_at is not None and now >= turn.ended_at + UNDERSTOOD for turn in waiting)

    def retract(self, since: float) -> list[Turn]:
        """Take back what the caller said last, where it began after *since* and was neither understood to the end nor
        answered: it will be heard again by somebody else. Returns these turns."""
        retracted = []
        for turn in reversed(self._turns):
            if turn.speaker == "agent" and turn.item_id.startswith(LOCAL):
                continue
            if turn.speaker != "caller" or turn.final or turn.started_at < since:
                break
            retracted.append(turn)
        self._turns = [turn for turn in self._turns if not any(turn is gone for gone in retracted)]
        self._callers = {
            key: turn for key, turn in self._callers.items() if not any(turn is gone for gone in retracted)
        }
        return retracted

    def told(self, items: dict[str, Item], rate: int) -> list[Turn]:
        """The turns as somebody is to know them who was not there: of the agent's words those that were heard or, where
        nothing has cut them, will be. *rate* as in `turns`."""
        turns = [turn for turn in self._turns if turn.speaker != "agent"]
        latest = 0.0
        for item_id, speech in self._speeches.items():
            item = items.get(item_id)
            if item is None:
                continue
            heard = item.heard if item.cleared else item.received
            words, _ = divide(speech, item, rate, heard)
            # What is queued yet will be heard after what is being said, however early it came.
            at = max(speech.turn.started_at, latest) if item.heard_at is None else item.heard_at
            latest = max(latest, at)
            turns.append(msgspec.structs.replace(speech.turn, heard=words, started_at=at))
        return sorted(turns, key=lambda turn: turn.started_at)

    # -- the whole -------------------------------------------------------------------------------------------------

    def turns(self, items: dict[str, Item], rate: int, now: float) -> list[Turn]:
        """All turns with words, heard and unheard apart. *rate* is that of the items' samples, per second."""
        for item_id, speech in self._speeches.items():
            item = items.get(item_id)
            speech.turn.heard, speech.turn.unheard = divide(speech, item, rate)
            if item is not None:
                speech.turn.interrupted = item.cleared
                speech.turn.started_at = item.heard_at if item.heard_at is not None else speech.turn.started_at
                speech.turn.ended_at = item.ended_at if item.ended_at is not None else now
                speech.turn.first_audio_at = item.received_at
                speech.turn.sent_at = item.sent_at
                speech.turn.confirmed_at = item.confirmed_at
        spoken = [turn for turn in self._turns if turn.heard or turn.unheard or turn.speaker == "caller"]
        return sorted(spoken, key=lambda turn: turn.started_at)

    def _last(self, speaker: str) -> Turn | None:
        return next((turn for turn in reversed(self._turns) if turn.speaker == speaker), None)


def divide(speech: Speech, item: Item | None, rate: int, heard: int | None = None) -> tuple[str, str]:
    """The words of *speech* that were heard, and the rest. Without audio nothing was heard. *heard*: samples that count
    as heard, if not those of *item* itself."""
    text = speech.text.strip()
    if item is None or not item.received:
        return "", text
    heard = item.heard if heard is None else heard
    if not speech.final:
        words = sounded(speech, heard * 1000 / rate)
        return words, text[len(words) :].strip()
    if not item.cleared and heard >= item.received:
        return text, ""
    heard_ms = heard * 1000 / rate
    total_ms = item.received * 1000 / rate
    points = [(0, 0), *[a for a in speech.anchors if 0 < a[1] < total_ms], (len(speech.text), total_ms)]
    characters = 0.0
    for (chars, ms), (next_chars, next_ms) in itertools.pairwise(points):
        if heard_ms >= next_ms:
            characters = next_chars
        elif heard_ms > ms:
            characters = chars + (next_chars - chars) * (heard_ms - ms) / (next_ms - ms)
    # A word counts as heard when most of it was: the cut falls between words, never within one.
    cut = 0
    for word in re.finditer(r"\S+\s*", speech.text):
        if (word.start() + word.end()) / 2 > characters:
            break
        cut = word.end()
    return speech.text[:cut].strip(), speech.text[cut:].strip()


def sounded(speech: Speech, heard_ms: float) -> str:
    """The words that can have been heard in so many milliseconds of a speech that broke off: its text had run ahead of
    its sound, nobody knows how far."""
    known = [(0, 0), *(anchor for anchor in speech.anchors if anchor[1] <= heard_ms)]
    ahead = [chars for chars, ms in speech.anchors if ms > heard_ms]
    chars, ms = known[-1]
    end = min([len(speech.text), *ahead, chars + int((heard_ms - ms) * FASTEST / 1000)])
    if end < len(speech.text):
        end = speech.text.rfind(" ", 0, end + 1)
    return speech.text[: max(0, end)].strip()
