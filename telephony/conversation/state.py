"""What a conversation knows: its owners, its phase, who has the floor, and the commands of the current step.

`handlers` change it, one function for each kind of event; `conclusions` draws what follows. What both need is here.
"""

from __future__ import annotations

import enum
import math
from typing import Any

from telephony import events as ev
from telephony.commands import (
    AddMessage,
    AddToolCall,
    AppendAudio,
    CancelResponse,
    CancelTool,
    CloseSession,
    Command,
    EndCall,
    Note,
    RequestResponse,
    SendToolOutput,
    SpeakVerbatim,
)
from telephony.conversation import phrases
from telephony.conversation.chronicle import Chronicle
from telephony.conversation.errands import Errands
from telephony.conversation.farewell import Clip, Farewell
from telephony.conversation.intake import Intake, RecentAudio
from telephony.conversation.keypad import Keypad
from telephony.conversation.limits import Watchdogs
from telephony.conversation.meter import Meter
from telephony.conversation.playback import Playback
from telephony.conversation.responses import NAMELESS, Responses
from telephony.conversation.sessions import Sessions
from telephony.conversation.tally import Tally
from telephony.conversation.toolcalls import DROPPED, ToolCalls
from telephony.conversation.transcript import Transcript
from telephony.conversation.unnoticed import Unnoticed
from telephony.records import EndedBy, Result
from telephony.settings import CallSettings, Prologue

LONGEST_SPEECH = 30.0
"""Seconds without a further word of the caller after which a `speech_stopped` that never came keeps us from speaking no
longer, however loud the line is."""
HUSH = 3.0
"""The same where there is not even a sound on the line. A model may wait for half of it, to see whether more comes."""


NOTHING = Prologue("", "")
"""What comes before most calls."""


class Phase(enum.Enum):
    """See the theory of operation in `machine`."""

    CONNECTING = "connecting"
    TALKING = "talking"
    LEAVING = "leaving"
    HANGING_UP = "hanging up"
    ENDED = "ended"


CONNECTING, TALKING, LEAVING, HANGING_UP, ENDED = Phase
"""By name, since looking a member up costs a tenth of a microsecond, and a step asks for dozens."""
BEFORE_LEAVING = (CONNECTING, TALKING)
LIVE = (TALKING, LEAVING)
"""Phases in which both sides may speak."""


class Floor:
    """What the caller is doing, as far as the model told us. Times are seconds on the call's clock."""

    def __init__(self, now: float) -> None:
        self.speaking_since: float | None = None
        self.began_at = 0.0
        """The caller's first sound, as the model told."""
        self.item_id = ""
        """What the caller is saying, while it is being said."""
        self.stopped_at: float | None = None
        """The caller's last sound, until an answer to it was heard of."""
        self.told_at: float | None = None
        """When we were told of it."""
        self.reply_by = 0.0
        """Until when the model's own turn detection may begin the answer."""
        self.last_heard = now
        """The caller's latest speech or key."""
        self.sound_at = now
        """The latest sound on the line while the caller was taken to be speaking, be it a voice or not."""
        self.expecting = False
        """Whether the caller waits for the agent to say something."""

    def taken(self, now: float) -> bool:
        """Whether the caller is speaking."""
        if self.speaking_since is None:
            return False
        until = self.deadline()
        return until is not None and now < until

    def last_sound(self, told: float) -> float:
        """When the caller stopped speaking: at the time *told*, or where the line had fallen silent before it."""
        return self.sound_at if self.began_at < self.sound_at < told else told

    def speaks_on(self, now: float) -> None:
        """Words of the caller arrived: whoever is speaking still is."""
        if self.speaking_since is not None:
            self.last_heard = now

    def deadline(self) -> float | None:
        """Seconds: from when on the caller is no longer taken to be speaking."""
        if self.speaking_since is None:
            return None
        return min(self.last_heard + LONGEST_SPEECH, max(self.last_heard, self.sound_at) + HUSH)


class State:
    """Everything about one call. *out* collects the commands of the step in progress."""

    def __init__(self, settings: CallSettings, started: ev.CallStarted, now: float) -> None:
        self.settings = settings
        before = settings.prologue or NOTHING
        self.successor: CallSettings | None = None
        """The agent who is about to take over."""
        self.call_id = started.call_id
        self.phase = CONNECTING
        self.out: list[Command] = []
        self.settled_at = now
        """When conclusions were last drawn."""
        self.due_at: float | None = None
        """When they are to be drawn again, as far as that has been worked out since."""
        self.model_hears = settings.session.audio
        self.playback = Playback(settings.session.audio)
        self.responses = Responses()
        self.tools = ToolCalls(settings.session.tools, settings.limits.tool_calls, before.functions)
        self.asked: dict[str, float] = {}
        """When the model was told to ask the caller before it makes a function call, by the call."""
        self.unclear: set[str] = set()
        """Those of them that the caller answered with neither yes nor no."""
        self.transcript = Transcript()
        self.intake = Intake(started.audio, now)
        self.recent = RecentAudio(started.audio, settings.limits.early_audio)
        self.sessions = Sessions(settings.limits, now)
        self.unnoticed = Unnoticed(started.audio)
        self.keypad = Keypad()
        self.errands = Errands()
        self.tally = Tally()
        self.meter = Meter(settings.tariffs, settings.limits.max_cost, now, before.cost)
        self.chronicle = Chronicle()
        self.chronicle.add("asked for session", now, "first")
        self.floor = Floor(now)
        self.watchdogs = Watchdogs(settings.limits, now, before.seconds)
        self.farewell: Farewell | None = None
        self.recorded = 0
        """How many recorded sentences were played."""
        self.filled_at = -math.inf
        """Seconds: when the latest filler began."""
        self.moving_since: float | None = None
        """Seconds: when it was told to go on in another process, between two turns."""
        self.moves: tuple[int, int] | None = None
        """How many turns and functions there were when it was asked to; None if it was not."""
        self.guarding = False
        """Whether an uninterruptible greeting is due or heard: the model gets silence, so that nothing can stop it."""

    # -- questions ---------------------------------------------------------------------------------------------------

    @property
    def model_lost(self) -> bool:
        """Whether nothing is asked of a model or taken from it, for the moment or for good."""
        sessions = self.sessions
        return sessions.gone or (sessions.current is None and self.phase is not CONNECTING)

    @property
    def listening(self) -> bool:
        """Whether the model is there to listen, and to be asked to speak."""
        sessions = self.sessions
        return self.phase in LIVE and sessions.current is not None and not sessions.gone

    @property
    def heard(self) -> bool:
        """Whether a model hears the caller, or one that is still to come will."""
        return self.phase in LIVE and not self.sessions.gone

    @property
    def interruptible(self) -> bool:
        """Whether a caller who speaks up stops what the agent says: not an uninterruptible greeting, nor the last words
        of a call that ends whatever the caller says."""
        return self.phase is TALKING and not self.guarding and not self.errands.tones

    @property
    def owing(self) -> bool:
        """Whether the caller has to wait for the agent to say something."""
        if self.phase is CONNECTING:
            return self.settings.speaks_first
        if self.phase not in LIVE or self.errands.awaits_caller:
            return False
        if self.floor.expecting:
            return True
        responses, tools = self.responses, self.tools
        return responses.waiting or responses.unspoken or responses.breaks_off or bool(tools.open) or tools.reply_due

    def may_speak_at(self, now: float) -> float:
        """Seconds: from when on the model may be asked to speak, as far as the caller is concerned."""
        spoken = self.floor.deadline()
        return spoken if spoken is not None and self.floor.taken(now) else self.floor.reply_by

    # -- the log -----------------------------------------------------------------------------------------------------

    def note(self, level: Any, event: str, **fields: Any) -> None:
        """Something worth a log line."""
        self.out.append(Note(level, event, fields))

    def remember(self, sentence: str) -> None:
        """Something went wrong and was survived: it goes into the log and into the record."""
        self.tally.remember(sentence)
        self.note("warning", sentence)

    # -- the model ---------------------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """The model listens: give it what the caller said meanwhile, and greet."""
        settings = self.settings
        self.phase = TALKING
        self.floor.last_heard = now
        self.floor.expecting = settings.speaks_first
        self.guarding = settings.speaks_first and not settings.greeting_interruptible
        early = b"" if self.guarding else self.recent.last(self.recent.seconds)
        self.intake.restart(early)
        if early:
            self.out.append(AppendAudio(early))
        self.note("info", "ready")
        if before := settings.prologue:
            self.out.append(AddMessage(phrases.earlier(before.said), "system"))
            for ran in before.functions:
                self.out += [AddToolCall(ran.call_id, ran.name, ran.arguments), SendToolOutput(ran.call_id, ran.output)]
            self.out.append(AddMessage(before.news, "system"))
            self.floor.expecting = before.speaks
            if before.speaks:
                self.responses.wish("resume", RequestResponse())
        elif settings.speaks_first:
            greeting = settings.greeting
            verbatim = SpeakVerbatim(greeting, settings.greeting_interruptible) if greeting else None
            self.responses.wish("greeting", verbatim or RequestResponse())

    def cancel_response(self, response_id: str, now: float) -> None:
        """Tell the model to stop a response that was fenced, and answer what it had called."""
        self.out.append(CancelResponse("" if response_id.startswith(NAMELESS) else response_id))
        self.drop_tools(response_id, DROPPED, now)

    def lose_model(self) -> None:
        """Nothing more is asked of any model or taken from it; what it has said is still heard."""
        sessions = self.sessions
        if not sessions.gone:
            numbers = [sessions.current, sessions.coming.number if sessions.coming else None]
            self.out += [CloseSession(number) for number in numbers if number is not None]
        sessions.gone, sessions.coming = True, None
        self.responses.abandon()
        self.playback.complete_all()

    # -- tools -------------------------------------------------------------------------------------------------------

    def answer_tool(self, call_id: str, output: str, outcome: Any, now: float) -> None:
        """Tell the model how a function call ended, once."""
        call = self.tools.answer(call_id, output, outcome, now)
        if call is None:
            return
        self.floor.expecting = True
        self.responses.drop_wishes("say")
        self.note("info", "tool answered", name=call.use.name, outcome=outcome, seconds=now - call.use.started_at)
        if not self.model_lost:
            self.out.append(SendToolOutput(call_id, output))

    def drop_tools(self, response_id: str, output: str, now: float) -> None:
        """Answer the calls of a response that did not complete; they have not run and will not."""
        for call in self.tools.waiting_for(response_id):
            self.answer_tool(call.use.call_id, output, "cancelled", now)

    # -- the end -----------------------------------------------------------------------------------------------------

    def leave(
        self,
        result: Result,
        by: EndedBy,
        reason: str,
        now: float,
        *,
        words: str | None = None,
        cancellable: bool = False,
        clip: Clip = "goodbye",
    ) -> None:
        """Begin to end the call. *words* are what the model is told to say; the clip stands in if it does not."""
        if self.phase not in BEFORE_LEAVING:
            return
        if self.phase is CONNECTING:
            self.lose_model()  # it is not ready to hear or to say anything, and will not be waited for
        elif words and not self.model_lost:
            self.responses.drop_wishes()
            self.responses.wish("goodbye", RequestResponse(words))
        self.phase = LEAVING
        self.farewell = Farewell(result, by, reason, now, cancellable, clip)
        self.floor.expecting = False
        self.chronicle.add("leaving", now, by)
        self.note("info", "leaving", reason=reason)

    def end(self, result: Result, by: EndedBy, reason: str, now: float) -> None:
        """The call is over. Whoever had begun to end it is who ended it."""
        leaving, told_by = self.farewell, by
        if leaving and (self.phase is HANGING_UP or leaving.result == "failed"):
            result, by, reason = leaving.result, leaving.by, leaving.reason
        for call in self.tools.alive:
            if call.spec.on_barge_in == "detach":  # it is to take effect whatever the caller does
                self.tools.leave_behind(call, now)
            else:
                self.out.append(CancelTool(call.use.call_id))
        for call in self.tools.open:
            self.tools.answer(call.use.call_id, "", "cancelled", now)
        if digits := self.keypad.take(now):
            self.transcript.keys(digits, self.keypad.started_at, self.keypad.pressed_at)
        self.out += self.errands.close(self.transcript, now)
        self.chronicle.add("ended", now, told_by, max(0.0, self.playback.ends_at - now))
        self.chronicle.owes(False, now)
        self.playback.clear(now)
        if self.playback.dropped:
            self.remember(f"{self.playback.dropped:.0f} s of speech were dropped: the model was too far ahead.")
        self.phase = ENDED
        self.out.append(EndCall(result, by, reason))
