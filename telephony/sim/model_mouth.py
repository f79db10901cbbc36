"""How a simulated model answers: a response from `response.created` to `response.done`, faster than it can be heard.

Everything a reply will send is planned at its start, with times; interrupting it forgets the rest of the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from msgspec.structs import replace

from telephony.audio.format import MULAW_8K
from telephony.audio.transcode import Transcoder
from telephony.sim.model_script import Call, Reply
from telephony.sim.model_stage import Stage
from telephony.sim.model_trouble import Trouble
from telephony.sim.model_wire import Delta, Item, Problem, Response, Spent

Voice = Callable[[str], bytes]
"""Speech for a text: mu-law, 8 kHz."""

Ending = Literal["completed", "cancelled", "failed"]


class Mouth:
    """Speaks one response at a time."""

    def __init__(self, stage: Stage, voice: Voice) -> None:
        self._stage = stage
        self._voice = voice
        self._reply = Reply(on="prompt")
        self._spent = Spent()
        self.active: Response | None = None
        """The response being generated. Playing it takes the caller's side much longer."""
        self.last: Response | None = None
        """The newest response, open or closed."""
        self.when_done: Callable[[float], None] | None = None
        """Called when a response was closed, whatever its end."""
        self.spoke = False
        self.playing_until = 0.0
        """When the newest reply will have been heard to its end, if it is played without a gap."""

    # -- beginning and end ------------------------------------------------------------------------------------------

    def begin(self, reply: Reply, now: float, *, metadata: dict[str, str] | None = None) -> None:
        """Open a response now and plan what it says."""
        stage = self._stage
        response = Response(stage.wire.response_id(), now, items=[], metadata=metadata)
        self.active = self.last = response
        self._reply = reply
        self._spent = stage.memory.taken_up()
        stage.send(stage.wire.response_created(response, stage.session.body()))
        if reply.drop:
            self._let_go(now)
        elif reply.fail:
            self._later(response, now + stage.script.latency_ms / 1000, self._fail)
        else:
            self._plan(response, reply, now)

    def cancel(self, now: float, reason: str) -> None:
        """Stop generating and say so."""
        response = self.active
        if response is None:
            return
        stage = self._stage
        stage.agenda.drop(response.id)
        self.playing_until = now
        self._close_items(response, "incomplete")
        late = self._late_deltas(response)
        self._finish(response, now, "cancelled", reason)
        for delta in late:
            stage.send(stage.wire.audio(response, response.items[0], delta, stage.unix_ms(now)))

    def drop(self, now: float) -> None:
        """Stop generating without a word, as xAI does when the caller goes on before the turn was committed."""
        if self.active:
            self._stage.agenda.drop(self.active.id)
            self._let_go(now)

    def _let_go(self, now: float) -> None:
        if self.active:
            self.active.status = "cancelled"
            self.active.closed_at = now
            self.active = None

    def _finish(self, response: Response, now: float, status: Ending, reason: str = "") -> None:
        stage = self._stage
        response.status = status
        response.reason = reason
        response.closed_at = now
        self.active = None
        if not self._reply.omit_done:
            stage.send(*stage.wire.response_done(response, stage.session.body(), self._spent))
        if self.when_done:
            self.when_done(now)

    def _fail(self, response: Response, now: float) -> None:
        if self._stage.script.profile == "xai":
            problem = Problem("", "The model could not answer.", self._reply.fail, kind="internal_error")
            self._stage.send(self._stage.wire.error(problem, None))
        self._finish(response, now, "failed", self._reply.fail)

    # -- the plan ---------------------------------------------------------------------------------------------------

    def _later(self, response: Response, at: float, act: Callable[[Response, float], None]) -> None:
        self._stage.agenda.put(at, partial(act, response), owner=response.id)

    def _plan(self, response: Response, reply: Reply, now: float) -> None:
        at = now + self._stage.script.latency_ms / 1000
        trouble_at = reply.trouble_at or ("audio" if reply.say else "call")
        if reply.say:
            at = self._plan_speech(response, reply, at, latency_s=at - now, troubled=trouble_at == "audio")
        for index, call in enumerate(reply.tool_calls):
            at += 0.02
            self._later(response, at, partial(self._make_call, call, index))
        if trouble_at == "call":
            self._later(response, at, partial(self._suffer, reply))
        self._later(response, at + 0.01, lambda response, now: self._finish(response, now, "completed"))
        if trouble_at == "done":
            self._later(response, at + 0.01, partial(self._suffer, reply))

    def _plan_speech(self, response: Response, reply: Reply, at: float, latency_s: float, *, troubled: bool) -> float:
        """Plan the spoken item, and trouble in the middle of it if *troubled*; returns when it is generated."""
        stage = self._stage
        item = Item(stage.wire.item_id(), "message", "assistant", spoken=True)
        deltas = self._deltas(self._voice(reply.say), reply)
        durations = [delta.duration_ms for delta in deltas]
        self.playing_until = at + sum(durations) / 1000
        phrases = stage.wire.phrases(reply.say)
        rids = [stage.wire.event_id() for _ in phrases] or [""]
        begins = starts(phrases, sum(durations))
        self._later(response, at, partial(self._open_message, item))
        gap, rid = 0.0, rids[0]
        if troubled and not deltas:
            self._later(response, at, partial(self._suffer, reply))
        for kind, number in interleaved(durations, begins, words_lead=stage.wire.words_lead):
            if kind == "words":
                rid = rids[number]
                self._later(response, at, partial(self._say, item, phrases[number], begins[number], rid))
                continue
            at += gap
            if number == len(deltas) // 2:
                if troubled:
                    self._later(response, at, partial(self._suffer, reply))
                at += reply.stall_ms / 1000
            delta = replace(deltas[number], rid=rid, latency_s=None if number else latency_s)
            self._later(response, at, partial(self._sound, item, delta))
            gap = delta.duration_ms / 1000 / self._pace()
        self._later(response, at + gap, lambda response, now: self._close_items(response, "completed"))
        return at + gap

    def _pace(self) -> float:
        slowest, fastest = self._stage.script.speed
        return slowest + self._stage.chance.up_to(fastest - slowest)

    def _deltas(self, speech: bytes, reply: Reply) -> list[Delta]:
        """Speech in the session's format, cut as irregularly as the providers do."""
        target = self._stage.session.output
        transcoder = Transcoder(MULAW_8K, target)
        shortest, longest = reply.delta_ms or self._stage.script.delta_range
        deltas = []
        while speech:
            cut = MULAW_8K.bytes_in(shortest + round(self._stage.chance.up_to(longest - shortest)))
            payload, speech = transcoder.feed(speech[:cut]), speech[cut:]
            if payload:
                deltas.append(Delta(payload, target.milliseconds(payload)))
        return deltas

    # -- what the plan does -----------------------------------------------------------------------------------------

    def _open_message(self, item: Item, response: Response, now: float) -> None:
        stage = self._stage
        previous = stage.memory.last
        stage.memory.add(item)
        response.items.append(item)
        stage.send(*stage.wire.message_opened(response, item, previous))

    def _sound(self, item: Item, delta: Delta, response: Response, now: float) -> None:
        stage = self._stage
        item.audio_ms += delta.duration_ms
        self._spent.output_ms += delta.duration_ms
        self.spoke = True
        stage.send(stage.wire.audio(response, item, delta, stage.unix_ms(now)))

    def _say(self, item: Item, text: str, start_ms: float, rid: str, response: Response, now: float) -> None:
        item.text += text
        self._spent.output_words += len(text.split())
        self._stage.send(self._stage.wire.words(response, item, text, start_ms / 1000, rid))

    def _close_items(self, response: Response, status: Literal["completed", "incomplete"]) -> None:
        """Close what is being said. xAI says nothing about items that were cut off."""
        for item in response.items:
            if item.type == "message" and item.status == "in_progress":
                item.status = status
                if status == "completed" or self._stage.script.profile == "openai":
                    self._stage.send(*self._stage.wire.message_closed(response, item))

    def _make_call(self, call: Call, index: int, response: Response, now: float) -> None:
        stage, reply = self._stage, self._reply
        arguments = reply.bad_arguments
        if arguments is None:
            arguments = json.dumps(call.arguments, separators=(",", ":"))
        item = Item(
            stage.wire.item_id(),
            "function_call",
            "tool",
            call_id=stage.wire.call_id(index),
            name=call.name,
            arguments=arguments,
        )
        previous = stage.memory.last
        stage.memory.add(item)
        response.items.append(item)
        stage.send(*stage.wire.call_opened(response, item, previous))
        stage.send(*stage.wire.call_arguments(response, item))
        for _ in range(2 if reply.duplicate_call else 1):
            stage.send(stage.wire.call_arguments_done(response, item))
        item.status = "completed"
        stage.send(*stage.wire.call_closed(response, item))

    def _suffer(self, trouble: Trouble, response: Response, now: float) -> None:
        self._stage.suffer(trouble)

    def _late_deltas(self, response: Response) -> list[Delta]:
        if not response.items:
            return []
        payload = self._stage.session.output.silence(40)
        return [Delta(payload, 40.0) for _ in range(self._reply.late_deltas)]


def starts(phrases: list[str], total_ms: float) -> list[float]:
    """Where in the audio each phrase begins, if every character took the same time."""
    length = sum(map(len, phrases)) or 1
    return [total_ms * sum(map(len, phrases[:number])) / length for number in range(len(phrases))]


def interleaved(
    durations: list[float], begins: list[float], *, words_lead: bool
) -> Iterator[tuple[Literal["audio", "words"], int]]:
    """In which order audio deltas and transcript deltas are sent: words stand beside the audio in which they begin,
    before it or after it. A voice that has no sound for a text still has its words."""
    sent_ms, phrase = 0.0, 0
    for number, duration in enumerate(durations):
        sent_ms += duration
        if not words_lead:
            yield "audio", number
        while phrase < len(begins) and begins[phrase] <= sent_ms:
            yield "words", phrase
            phrase += 1
        if words_lead:
            yield "audio", number
    yield from (("words", number) for number in range(phrase, len(begins)))
