"""The conversation: events of one phone call in, commands out.

Theory of operation
===================

The conversation is one object without a clock. Whatever happens is given to `handle(event, now)`; when the moment that
`deadline()` names has come, `tick(now)` is called. Both return commands, to be performed in order before anything else
is given in. `now` is in seconds since the call began and never goes back.

It goes through these phases, and only forwards, but for two steps back:

    CONNECTING ──► TALKING ──► LEAVING ──► HANGING_UP ──► ENDED
                      ▲___________│              │  the caller speaks during a goodbye of the agent's own choice
                      ▲__________________________│  the carrier does not put the caller through

* CONNECTING: the carrier streams, the model has not accepted the session. Caller audio is kept, bounded.
* TALKING: audio flows both ways; the watchdogs of `limits` run. Between a session that was lost and the one that takes
  its place (`survival`) the call is in this phase, too.
* LEAVING: a goodbye is being said (`farewell`). It ends when it was heard, or when its bounds are reached.
* HANGING_UP: the carrier was asked to end the call, and has a few seconds to do so.
* ENDED: `EndCall` was returned, once. Every later event is ignored.

Each fact has one owner, and the rest only lets them act on each other:

    playback     what was queued, sent, heard, cleared            responses    which response is open, what we want next
    toolcalls    which function runs, what was answered           transcript   who said what
    intake       the caller's unbroken audio                      limits       what is due when nothing happens
    sessions     which of the model's sessions the call lives in, and which one follows it
    chronicle    what may explain a wait later; the others write into it, none of them reads it

A step has two halves. `handlers` and `replies` note what happened, one function for each kind of event. `conclusions`
then looks at all owners, always in the same order, and decides what follows; so no handler asks for a response or hangs
up by itself, and two reasons to speak cannot race. Only a caller's audio frame, of which nothing follows, skips the
second half.

A barge-in is one step: `SpeechStarted` clears the playback, truncates what was not heard and fences every open response
by id, so that late deltas of these, and of no others, are dropped. And nothing is ever waited for that may not come,
neither `response.done` nor a mark nor `session.updated`: each wait has a bound, and the bound a consequence.
"""

from __future__ import annotations

import msgspec

from telephony import events as ev
from telephony.audio.format import AudioFormat
from telephony.commands import AddMessage, Command
from telephony.conversation import conclusions, moving
from telephony.conversation.handlers import HANDLERS, caller_audio
from telephony.conversation.state import ENDED, TALKING, State
from telephony.records import Evidence, ToolUse, Turn
from telephony.settings import CallSettings

SIGNS_OF_LIFE = frozenset(
    {
        ev.SpeechStarted,
        ev.SpeechStopped,
        ev.SilenceReported,
        ev.CallerTranscript,
        ev.CallerTranscriptDelta,
        ev.ResponseStarted,
        ev.ModelAudio,
        ev.ModelAudioDone,
        ev.ModelTranscript,
        ev.ToolRequested,
        ev.ResponseDone,
        ev.ItemTruncated,
        ev.ModelError,
        ev.ModelFault,
        ev.ModelNoise,
    }
)
"""Events by which the current session shows that it is there, whatever they mean."""


class Conversation:
    """One phone call between a caller and a model."""

    def __init__(self, settings: CallSettings, started: ev.CallStarted, now: float) -> None:
        self.state = State(settings, started, now)
        self.state.chronicle.owes(self.state.owing, now)

    def __repr__(self) -> str:
        return f"<Conversation {self.state.call_id} {self.state.phase.value}>"

    def handle(self, event: ev.Event, now: float) -> list[Command]:
        """What follows from *event* at *now* (seconds since the call began)."""
        if self.state.phase is ENDED:
            return []
        if type(event) is ev.CallerAudio:
            return caller_audio(self.state, event, now)
        if type(event) in SIGNS_OF_LIFE:
            self.state.sessions.seen_at = now
        HANDLERS[type(event)](self.state, event, now)
        return self._settle(now)

    def admits(self, event: ev.CallerAudio, now: float) -> bool:
        """Whether a frame of the caller's is to be heard and recorded. Its carrier may send them no faster than they
        can be spoken; asked once for each frame, before `handle`."""
        state = self.state
        pace = state.intake.pace
        if pace.admits(state.intake.audio.seconds(event.payload), now):
            return True
        if pace.refused == 1:
            state.remember("The carrier sent audio faster than anybody speaks; what was too much was dropped.")
        return False

    def tick(self, now: float) -> list[Command]:
        """What follows from nothing having happened until *now*."""
        return self._settle(now)

    def deadline(self) -> float | None:
        """Seconds: when `tick` must be called if nothing happens before; None once the call is over."""
        return conclusions.deadline(self.state)

    @property
    def settings_to_come(self) -> CallSettings:
        """Those of the agent whose session is opened next."""
        return self.state.successor or self.state.settings

    def hides(self, now: float) -> bool:
        """Whether what comes from the caller at *now* must not be kept: a secret is being typed in."""
        return self.state.errands.hides(now)

    @property
    def model_hears(self) -> AudioFormat:
        """What the model takes our audio for."""
        return self.state.model_hears

    @property
    def model_speaks(self) -> AudioFormat:
        """What the model's audio is."""
        return self.state.playback.audio

    @property
    def ended(self) -> bool:
        return self.state.phase is ENDED

    @property
    def owes(self) -> bool:
        """Whether the caller will hear something without doing anything: an answer, the rest of one, last words, or for
        the first time anything at all."""
        state = self.state
        answering = state.floor.expecting or state.floor.speaking_since is not None or bool(state.keypad.digits)
        busy = state.responses.pending or bool(state.tools.open) or state.tools.reply_due
        return state.phase is not TALKING or answering or busy

    def is_still(self, now: float) -> bool:
        """Whether nothing has happened since the call was asked to go on in another process."""
        return moving.is_still(self.state, now)

    def turns(self, now: float) -> list[Turn]:
        """The transcript as it stands, heard and unheard words apart."""
        playback = self.state.playback
        return self.state.transcript.turns(playback.items, playback.audio.rate, now)

    @property
    def tool_uses(self) -> list[ToolUse]:
        return self.state.tools.uses

    def evidence(self, now: float) -> Evidence:
        """What is known of the call by *now* (seconds), for whoever wants to know why it was silent."""
        state = self.state
        found = state.chronicle.evidence(
            state.playback, self.turns(now), self.tool_uses, now, stalled=state.intake.stalls
        )
        calls = state.tools
        return msgspec.structs.replace(found, with_say=calls.with_say, detached=calls.went_into_background)

    def _settle(self, now: float) -> list[Command]:
        state = self.state
        if state.phase is not ENDED:
            state.chronicle.woke(state.due_at, now)
            conclusions.settle(state, now)
            state.chronicle.owes(state.owing, now)
        commands, self.state.out = self.state.out, []
        if written := sum(type(command) is AddMessage for command in commands):
            state.meter.wrote(written)
        return commands
