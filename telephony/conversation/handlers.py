"""What each event changes, one function per kind; those of the model's responses are in `replies`. None of them draws
conclusions: `conclusions.settle` does, after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telephony import events as ev
from telephony.audio.level import FAINT, is_loud
from telephony.commands import (
    AddMessage,
    AppendAudio,
    CheckSession,
    ClearPlayback,
    CloseSession,
    Command,
    ConfigureSession,
    ForgetItem,
    RequestResponse,
    Truncate,
)
from telephony.conversation import background, hand_over, moving, phrases, replies, running_errands, survival
from telephony.conversation.playback import LOCAL
from telephony.conversation.state import CONNECTING, HANGING_UP, LEAVING, TALKING, State
from telephony.conversation.survival import AUTO_REPLY

# -- the caller ----------------------------------------------------------------------------------------------------


def caller_audio(state: State, event: ev.CallerAudio, now: float) -> list[Command]:
    """The one event of which nothing follows but that the model hears it: fifty a second take this short way."""
    payload = state.intake.frame(event.payload, event.at_ms, now)
    if not payload:
        return []
    payload = running_errands.hear(state, payload, now)
    state.recent.keep(payload)
    if state.floor.speaking_since is not None and is_loud(payload, state.intake.audio, FAINT):
        state.floor.sound_at = now
    sessions = state.sessions
    current = sessions.current
    if state.phase is CONNECTING or current is None or sessions.gone:
        return []
    if state.guarding:
        if is_loud(payload, state.intake.audio):
            state.chronicle.unheard(now - state.intake.audio.seconds(payload), now)
        payload = state.intake.audio.silence(state.intake.audio.milliseconds(payload))
    if state.unnoticed.frame(payload, sessions.seen_at, now):
        return [AppendAudio(payload), CheckSession(current)]
    return [AppendAudio(payload)]


def key_pressed(state: State, event: ev.KeyPressed, now: float) -> None:
    state.intake.seen_at = now
    if not running_errands.press(state, event.digit, now):
        state.keypad.press(event.digit, now)
    elif state.interruptible:
        barge_in(state, now)
    state.floor.last_heard = now
    state.watchdogs.caller_spoke()
    keep_line(state, now)


def speech_started(state: State, event: ev.SpeechStarted, now: float) -> None:
    at = state.intake.time_of(event.at_ms, now)
    state.floor.began_at = state.transcript.caller_speaks(event.item_id, at).started_at
    state.floor.speaking_since = state.floor.last_heard = now
    state.floor.item_id = event.item_id
    state.floor.expecting = False
    state.watchdogs.caller_spoke()
    state.responses.drop_wishes("prompt", "nudge")
    state.note("info", "caller speaks", at=round(at, 2))
    keep_line(state, now)
    if state.interruptible:
        barge_in(state, now)
        background.caller_spoke(state, now)


def keep_line(state: State, now: float) -> None:
    """The caller speaks up, or presses a key, during a goodbye that the agent chose to say: the call goes on."""
    if state.sessions.gone:
        return  # there is nobody to go on with
    if state.phase is LEAVING and state.farewell and state.farewell.cancellable:
        if state.farewell.transfer_to:
            state.out.append(AddMessage(phrases.NOT_TRANSFERRED, "system"))
        state.phase, state.farewell = TALKING, None
        state.responses.drop_wishes("goodbye")
        state.chronicle.add("stayed", now)
        state.note("info", "the caller speaks on: not hanging up")


def barge_in(state: State, now: float) -> None:
    """Stop what the caller talks over, at what was heard of it."""
    if state.playback.outstanding:
        state.out.append(ClearPlayback())
    open_responses = state.responses.cancel_open()
    cuts = state.playback.clear(now)
    for cut in cuts:
        if cut.item_id.startswith(LOCAL):
            continue
        heard = Truncate(cut.item_id, cut.heard_ms, cut.content_index) if cut.heard_ms else ForgetItem(cut.item_id)
        state.out.append(heard)
    for response_id in open_responses:
        state.cancel_response(response_id, now)
    if cuts:
        state.chronicle.add("cut", now)
        state.note("info", "barge-in", heard_ms=cuts[0].heard_ms, item=cuts[0].item_id)


def speech_stopped(state: State, event: ev.SpeechStopped, now: float) -> None:
    floor = state.floor
    # What a model names is the end of the silence by which it knew; our own ears know better where that began.
    at = floor.last_sound(state.intake.time_of(event.at_ms, now))
    state.transcript.caller_stops(event.item_id, at)
    floor.speaking_since = None
    floor.item_id = ""
    floor.stopped_at, floor.told_at = at, now
    state.chronicle.add("stopped", now, seconds=now - at)
    floor.last_heard = now
    floor.reply_by = now + AUTO_REPLY
    floor.expecting = True
    running_errands.spoke(state, now)


def caller_transcript(state: State, event: ev.CallerTranscript, now: float) -> None:
    state.floor.speaks_on(now)
    if event.final and event.item_id and event.item_id == state.floor.item_id:
        # The turn is over, though nobody said that the speech is: `speech_stopped` was lost.
        speech_stopped(state, ev.SpeechStopped(event.item_id), now)
    turn = state.transcript.caller_said(event.item_id, event.text, now, final=event.final)
    if event.final and turn.heard:
        state.note("info", "caller said", text=turn.heard, at=round(turn.started_at, 2))


def caller_transcript_delta(state: State, event: ev.CallerTranscriptDelta, now: float) -> None:
    state.floor.speaks_on(now)
    state.transcript.caller_said(event.item_id, event.text, now, final=False, append=True)


# -- the carrier ---------------------------------------------------------------------------------------------------


def mark_reached(state: State, event: ev.MarkReached, now: float) -> None:
    state.intake.seen_at = now
    state.playback.reached(event.name, now)


def carrier_fault(state: State, event: ev.CarrierFault, now: float) -> None:
    state.intake.seen_at = now
    state.remember(f"The carrier sent something unusable: {event.reason}")
    if event.fatal:
        state.end("failed", "carrier", event.reason, now)


def call_started(state: State, event: ev.CallStarted, now: float) -> None:
    """The call this conversation was made for; its codec refuses a second one."""


# -- the model's session -------------------------------------------------------------------------------------------


def model_connected(state: State, event: ev.ModelConnected, now: float) -> None:
    if not state.sessions.is_coming(event.session):
        state.out.append(CloseSession(event.session))
        return
    if not state.tally.model:
        state.tally.model = event.model
        state.meter.speaks(event.model, now)
    state.sessions.connected(event.model, now)
    state.chronicle.add("connected", now, event.model)
    state.out.append(ConfigureSession(event.session))


def session_created(state: State, event: ev.SessionCreated, now: float) -> None:
    state.note("debug", "session created", session=event.session_id, model=event.model)


def conversation_opened(state: State, event: ev.ConversationOpened, now: float) -> None:
    if (coming := state.sessions.coming) and coming.number == event.session:
        coming.conversation_id = event.conversation_id


def history_replayed(state: State, event: ev.HistoryReplayed, now: float) -> None:
    if (coming := state.sessions.coming) and coming.number == event.session:
        coming.resumed = True


def session_ready(state: State, event: ev.SessionReady, now: float) -> None:
    """Acknowledged in time, or by a session that the call had gone on with already."""
    sessions = state.sessions
    if sessions.acknowledged(event, now):
        state.chronicle.add("ready", now)
        return
    if event.session != sessions.current:
        return
    if not survival.speaks_as_before(state, event):
        # What it said so far was noise, and nobody can tell it from what comes.
        survival.session_lost(state, event.session, "it told too late in which format it speaks", now, blame=True)
    else:
        survival.use_formats(state, event, now)


def model_error(state: State, event: ev.ModelError, now: float) -> None:
    text = f"{event.code}: {event.message}" if event.code else event.message
    match event.kind:
        case "active_response":
            if not state.responses.refused(now):
                state.remember(f"A response was given up because others stayed active ({text}).")
        case "recoverable":
            state.remember(f"The model reported an error: {text}")
        case "session_over" | "fatal":
            survival.session_lost(state, event.session, text, now, blame=event.kind == "fatal")
        case _:
            state.note("debug", "benign error", text=text)


def model_fault(state: State, event: ev.ModelFault, now: float) -> None:
    state.note("warning", "unusable message from the model", reason=event.reason)
    if state.tally.fault(now):
        coming = state.sessions.coming
        number = coming.number if coming and state.sessions.current is None else state.sessions.current
        reason = "it sends nothing but unusable messages"
        survival.session_lost(state, -1 if number is None else number, reason, now, blame=True)


def model_lost(state: State, event: ev.ModelLost, now: float) -> None:
    survival.session_lost(state, event.session, event.reason, now)


# -- the end -------------------------------------------------------------------------------------------------------


def carrier_stopped(state: State, event: ev.CarrierStopped, now: float) -> None:
    state.end("completed", "caller", "caller hung up", now)


def carrier_lost(state: State, event: ev.CarrierLost, now: float) -> None:
    state.end("failed", "carrier", f"media stream lost: {event.reason}", now)


def call_ended(state: State, event: ev.CallEnded, now: float) -> None:
    state.end("completed", event.by, event.reason, now)


def hang_up_answered(state: State, event: ev.HangUpAnswered, now: float) -> None:
    """A refusal to hang up changes nothing: the stream is closed a few seconds later, and the carrier's next
    instructions end the call. A caller who was not sent on is still with the agent, who is told so."""
    if not event.error:
        return
    farewell = state.farewell
    if farewell is None or not farewell.sending or state.phase is not HANGING_UP or state.model_lost:
        state.tally.remember(f"The carrier did not end the call when asked to: {event.error}")
        return
    state.remember(f"The caller could not be sent on: {event.error}")
    state.phase, state.farewell = TALKING, None
    state.chronicle.add("stayed", now)
    state.out.append(AddMessage(phrases.TRANSFER_REFUSED, "system"))
    state.responses.wish("resume", RequestResponse())
    state.floor.expecting = True


def server_stopping(state: State, event: ev.ServerStopping, now: float) -> None:
    state.leave("completed", "server", event.reason, now, words=phrases.CLOSING_DOWN)


# -- nothing to do -------------------------------------------------------------------------------------------------


def silence_reported(state: State, event: ev.SilenceReported, now: float) -> None:
    state.note("debug", "the model's own silence timer fired")


def item_truncated(state: State, event: ev.ItemTruncated, now: float) -> None:
    state.note("debug", "truncated", item=event.item_id, audio_end_ms=event.audio_end_ms)


def model_noise(state: State, event: ev.ModelNoise, now: float) -> None:
    if not event.known:
        state.note("debug", "unknown event from the model", type=event.type)


HANDLERS: dict[type[ev.Event], Callable[[State, Any, float], None]] = {
    ev.CallStarted: call_started,
    ev.KeyPressed: key_pressed,
    ev.MarkReached: mark_reached,
    ev.CarrierStopped: carrier_stopped,
    ev.CarrierLost: carrier_lost,
    ev.CarrierFault: carrier_fault,
    ev.ModelConnected: model_connected,
    ev.SessionCreated: session_created,
    ev.ConversationOpened: conversation_opened,
    ev.HistoryReplayed: history_replayed,
    ev.SessionReady: session_ready,
    ev.SpeechStarted: speech_started,
    ev.SpeechStopped: speech_stopped,
    ev.SilenceReported: silence_reported,
    ev.CallerTranscript: caller_transcript,
    ev.CallerTranscriptDelta: caller_transcript_delta,
    ev.ResponseStarted: replies.response_started,
    ev.ModelAudio: replies.model_audio,
    ev.ModelAudioDone: replies.model_audio_done,
    ev.ModelTranscript: replies.model_transcript,
    ev.ToolRequested: replies.tool_requested,
    ev.ResponseDone: replies.response_done,
    ev.ItemTruncated: item_truncated,
    ev.ModelError: model_error,
    ev.ModelFault: model_fault,
    ev.ModelNoise: model_noise,
    ev.ModelLost: model_lost,
    ev.ToolFinished: replies.tool_finished,
    ev.ToolSays: background.tool_says,
    ev.ToolProgress: background.tool_progress,
    ev.SpeechWanted: running_errands.speech_wanted,
    ev.HangUpWanted: running_errands.hang_up_wanted,
    ev.TransferWanted: running_errands.transfer_wanted,
    ev.HandOverWanted: hand_over.wanted,
    ev.TonesWanted: running_errands.tones_wanted,
    ev.KeysWanted: running_errands.keys_wanted,
    ev.MessageWanted: running_errands.message_wanted,
    ev.ErrandDropped: running_errands.errand_dropped,
    ev.CallEnded: call_ended,
    ev.HangUpAnswered: hang_up_answered,
    ev.ServerMoving: moving.wanted,
    ev.Moved: moving.moved,
    ev.ServerStopping: server_stopping,
}
"""Every event but `CallerAudio`; a test holds this against `events`."""
