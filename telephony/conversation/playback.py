"""The heard ledger: what became of every sample the model spoke.

    queued ──► sent ──► heard          by a mark, or by the clock where marks are late or lost
       └────────┴─────► cleared        by a barge-in; never heard

The carrier plays what it is sent in order and in real time, so the moment at which each stretch begins to be heard is
known when it is sent: now, or when everything before it has been played. That prediction is the estimate of what the
caller heard, bounded from below by the marks that came back and from above by what was sent. It alone feeds
truncation, transcript, recording, hang-up and latency.

Marks (Twilio's rules, which others share): a mark returns once everything queued before it was played, at once if
nothing is, and `clear` returns *every* outstanding mark. So a mark outstanding at a clear says nothing when it returns,
names never repeat within a call, and a mark that never returns must not hold up anything.

One thing the clock cannot know is a carrier that begins to play late, from a jitter buffer of its own. Marks that are
merely on their way back say nothing of that; but where a whole row of them came later than any round trip explains,
the rest is taken off the estimate (`_lag`).
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

from telephony.audio.backlog import Backlog
from telephony.audio.format import AudioFormat
from telephony.commands import Play, SendMark
from telephony.records import Stretch

LOCAL = "local:"
"""Prefix of items that we play ourselves; the model knows nothing of them."""
LEAD = 0.4
"""Seconds of audio kept ahead of the caller's ear: enough for a stalled loop, little enough to make a clear cheap."""
CHUNK = 0.1
"""Seconds of audio in one message and between two marks."""
FRAME = 0.02
"""Seconds: the carrier's own grain. Only the end of an item is sent in smaller pieces."""
MAX_QUEUED = 300.0
"""Seconds of unsent speech kept. A model that runs further ahead than this is broken (fault: a burst of minutes)."""
LAG_MARKS = 10
"""Marks that must agree before a lag is believed; fewer could all have been held up by chance."""
ROUND_TRIP = 0.6
"""Seconds a mark may be late without the playout being late: the way there and back, to the far side of the world."""
ITEM_MARKS = 3
"""Marks of one item that must agree before it is said of the item, in hindsight, that it was played late."""
GIVE_UP_MARK = 10.0
"""Seconds after which a mark that has not returned is forgotten."""


class Item(msgspec.Struct):
    """One spoken item of the model's: a ledger line. Counts are samples at the model's rate."""

    item_id: str
    response_id: str
    content_index: int
    received: int = 0
    sent: int = 0
    heard: int = 0
    """Settled: acknowledged, or certain by the clock, or fixed by a clear."""
    cleared: bool = False
    complete: bool = False
    """Whether the model has sent all of it."""
    received_at: float = 0.0
    """Seconds: its first audio reached us."""
    sent_at: float | None = None
    heard_at: float | None = None
    """Seconds: the caller began to hear it."""
    ended_at: float | None = None
    """Seconds: the caller heard the last of it, as far as it was sent."""
    confirmed_at: float | None = None
    """Seconds: the first mark behind it came back."""
    marks: int = 0
    """How many of its marks came back."""
    late: float = math.inf
    """Seconds by which the least late of these was late."""


class Span(msgspec.Struct):
    """A stretch sent to the carrier in one message and not yet settled."""

    item: Item
    start: int
    """Samples into the item."""
    length: int
    at: float
    """Seconds: predicted beginning at the caller's ear, without lag."""
    mark: str = ""
    """The mark sent behind it, if one was."""


class Heard(msgspec.Struct):
    """A stretch of one item that the caller heard without a gap, in seconds by the clock, without lag."""

    item: Item
    since: float
    until: float


class Cut(msgspec.Struct, frozen=True):
    """What a clear left of one item."""

    item_id: str
    response_id: str
    content_index: int
    heard_ms: int


class Playback:
    """The ledger. All times are seconds on the call's clock."""

    def __init__(self, audio: AudioFormat) -> None:
        self.use(audio)
        self.items: dict[str, Item] = {}
        self.dropped = 0.0
        """Seconds of speech thrown away because too much was queued."""
        self._latest = ""
        self._queue: deque[tuple[Item, Backlog]] = deque()
        self._spans: deque[Span] = deque()
        self._heard: list[Heard] = []
        self._tail = 0.0
        self._marks = 0
        self._unmarked = 0.0
        self._lags: deque[float] = deque(maxlen=LAG_MARKS)
        self._lag = 0.0
        """Seconds by which the carrier plays later than the clock says."""

    def use(self, audio: AudioFormat) -> None:
        """The model speaks *audio* from here on."""
        self.audio = audio
        self._sample = audio.bytes_per_sample
        self._frame = audio.bytes_in(FRAME * 1000)
        self._byte_rate = audio.rate * self._sample

    # -- queued ----------------------------------------------------------------------------------------------------

    def complete_all(self) -> None:
        """No more audio comes for anything that was begun."""
        for item in self.items.values():
            item.complete = True
        self._drop_torn_samples()

    def enqueue(self, response_id: str, item_id: str, content_index: int, payload: bytes, now: float) -> None:
        """Take audio of an item. Deltas may end within a sample; the rest of it comes with the next."""
        item = self.items.get(item_id)
        if item is None:
            item = self.items[item_id] = Item(item_id, response_id, content_index, received_at=now)
        item.received += self.audio.samples(payload)
        self._latest = item_id
        if self.queued + len(payload) / self._byte_rate > MAX_QUEUED:
            self.dropped += len(payload) / self._byte_rate
            return
        if self._queue and self._queue[-1][0] is item:
            self._queue[-1][1].add(payload)
        else:
            self._queue.append((item, Backlog(payload)))

    def complete(self, item_id: str) -> None:
        """The model has sent all of an item: what is left of it may go out in a short message."""
        if item := self.items.get(item_id):
            item.complete = True
            self._drop_torn_samples()

    def complete_response(self, response_id: str) -> None:
        for item in self.items.values():
            if item.response_id == response_id:
                item.complete = True
        self._drop_torn_samples()

    def _drop_torn_samples(self) -> None:
        self._queue = deque((item, audio) for item, audio in self._queue if not (item.complete and self._torn(audio)))

    def _torn(self, audio: Backlog) -> bool:
        return audio.size < self._sample

    @property
    def queued(self) -> float:
        """Seconds of speech not yet sent."""
        size = 0
        for _, audio in self._queue:
            size += audio.size
        return size / self._byte_rate

    # -- sent ------------------------------------------------------------------------------------------------------

    def release(self, now: float) -> list[Play | SendMark]:
        """Send what is due so that the carrier stays `LEAD` ahead; mark every `CHUNK` and the end of what there is."""
        self._forget(now)
        commands: list[Play | SendMark] = []
        while self._queue and self._tail - now < LEAD - FRAME / 2:
            item, audio = self._queue[0]
            if self._torn(audio) and len(self._queue) > 1:
                self._queue.popleft()
                continue
            size = self._sendable(item, audio, now)
            if size == 0:
                break
            payload = audio.take(size)
            if not audio.size or (item.complete and self._torn(audio)):
                self._queue.popleft()
            commands.append(self._send(item, payload, now))
            if self._unmarked >= CHUNK - FRAME / 2:
                commands.append(self._mark())
        if self._spans and self._unmarked and self._mark_due(now):
            commands.append(self._mark())
        return commands

    def _sendable(self, item: Item, audio: Backlog, now: float) -> int:
        """Bytes of *audio* to send now: whole frames, or its end if no more of it comes or the caller would wait."""
        frame = self._frame
        frames = max(1, round(min(LEAD - (self._tail - now), CHUNK) / FRAME))
        ends = item.complete or len(self._queue) > 1
        if audio.size > frames * frame or (audio.size >= frame and not ends):
            return min(frames, audio.size // frame) * frame
        if ends or self._tail - now < 2 * FRAME:
            return audio.size - audio.size % self._sample
        return 0

    def _send(self, item: Item, payload: bytes, now: float) -> Play:
        at = max(now, self._tail)
        length = len(payload) // self._sample
        self._spans.append(Span(item, item.sent, length, at))
        item.sent += length
        if item.sent_at is None:
            item.sent_at = now
            item.heard_at = at + self._lag
        self._tail = at + length / self.audio.rate
        if self._heard and self._heard[-1].item is item and at <= self._heard[-1].until + FRAME:
            self._heard[-1].until = self._tail
        else:
            self._heard.append(Heard(item, at, self._tail))
        item.ended_at = self._tail + self._lag
        self._unmarked += length / self.audio.rate
        return Play(payload, at)

    def _mark(self) -> SendMark:
        self._marks += 1
        self._spans[-1].mark = name = f"m{self._marks}"
        self._unmarked = 0.0
        return SendMark(name)

    def _mark_due(self, now: float) -> bool:
        return not self._waiting and (self._spans[-1].item.complete or self._tail - now < CHUNK)

    # -- heard -----------------------------------------------------------------------------------------------------

    def reached(self, name: str, now: float) -> bool:
        """A mark came back. False if it was cleared, repeated, given up or never sent: then it says nothing."""
        if name not in [span.mark for span in self._spans]:
            return False
        while True:
            span = self._spans.popleft()
            span.item.heard = max(span.item.heard, span.start + span.length)
            if span.mark == name:
                break
        late = max(0.0, now - self._end(span))
        self._lags.append(late)
        self._lag = max(0.0, min(self._lags) - ROUND_TRIP) if len(self._lags) == LAG_MARKS else 0.0
        item = span.item
        item.marks += 1
        item.late = min(item.late, late)
        item.confirmed_at = now if item.confirmed_at is None else item.confirmed_at
        return True

    def heard_ms(self, item: Item, now: float) -> int:
        """Milliseconds of *item* the caller has heard by *now*."""
        return self.heard_samples(item, now) * 1000 // self.audio.rate

    def heard_samples(self, item: Item, now: float) -> int:
        """Samples of *item* the caller has heard by *now*."""
        heard = item.heard
        for span in self._spans:
            if span.item is item:
                elapsed = round((now - self._lag - span.at) * self.audio.rate)
                if elapsed > 0:
                    heard = max(heard, span.start + min(elapsed, span.length))
        return heard

    def audible(self, now: float) -> bool:
        """Whether the caller hears the agent now, or is about to."""
        return self._waiting or now < self._tail + self._lag - 1e-6

    def answering(self, now: float) -> bool:
        """Whether it is the model whom the caller hears, and no recorded sentence."""
        return not self._latest.startswith(LOCAL) and self.audible(now)

    def audible_stretches(self, now: float) -> list[Stretch]:
        """When the caller heard the agent until *now*. Where the marks of an item have shown since that it was played
        later than was thought, that is taken into account."""
        stretches = []
        for heard in self._heard:
            late = max(0.0, heard.item.late - ROUND_TRIP) if heard.item.marks >= ITEM_MARKS else 0.0
            until = min(heard.until + (0.0 if heard.item.cleared else late), now)
            if heard.since + late < until:
                stretches.append(Stretch(heard.since + late, until, late))
        return stretches

    def settled(self, now: float) -> bool:
        """Whether everything was heard for certain: nothing queued and every mark returned."""
        self._forget(now)
        return not self._waiting and not self._spans

    @property
    def ends_at(self) -> float:
        """Seconds: when the caller will have heard everything that was sent and what is queued behind it."""
        ends_at = self._tail + self._lag
        return ends_at + self.queued if self._queue else ends_at

    def _forget(self, now: float) -> None:
        """Settle by the clock what no mark has settled for a long time."""
        while self._spans and now - self._end(self._spans[0]) > GIVE_UP_MARK:
            span = self._spans.popleft()
            span.item.heard = max(span.item.heard, span.start + span.length)

    # -- cleared ---------------------------------------------------------------------------------------------------

    @property
    def outstanding(self) -> bool:
        """Whether the carrier may still have something to play."""
        return bool(self._queue or self._spans)

    def clear(self, now: float) -> list[Cut]:
        """Throw away whatever was not heard by *now*. Returns one cut for each item that lost something."""
        touched: dict[str, Item] = {}
        for span in self._spans:
            touched[span.item.item_id] = span.item
        for item, _ in self._queue:
            touched[item.item_id] = item
        heard = {key: self.heard_ms(item, now) for key, item in touched.items()}
        cuts = []
        for key, item in touched.items():
            item.heard = min(heard[key] * self.audio.rate // 1000, item.sent)
            if item.heard < item.received:
                item.cleared = True
                item.ended_at = now
                item.heard_at = item.heard_at if item.heard else None
                cuts.append(Cut(key, item.response_id, item.content_index, heard[key]))
        self._queue.clear()
        self._spans.clear()
        while self._heard and self._heard[-1].since >= now:
            self._heard.pop()
        if self._heard:
            self._heard[-1].until = min(self._heard[-1].until, now)
        self._tail = now - self._lag
        self._unmarked = 0.0
        return cuts

    # -- time ------------------------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """Seconds: when `release` has something to do next."""
        if self._waiting:
            whole_frame = len(self._queue) > 1 or self._queue[0][1].size >= self._frame
            # A chunk below the lead is plenty for one turn of the loop; a piece of a frame waits for its rest first.
            return self._tail - (LEAD - CHUNK if whole_frame else 1.5 * FRAME)
        if self._spans and self._unmarked:
            return self._tail - CHUNK + FRAME
        return None

    @property
    def _waiting(self) -> bool:
        """Whether there is speech that was not sent."""
        for _, audio in self._queue:  # noqa: SIM110  several times a step: no generator
            if audio.size >= self._sample:
                return True
        return False

    def _end(self, span: Span) -> float:
        return span.at + span.length / self.audio.rate
