"""What each event changes, one function per kind. None of them draws conclusions: `conclusions.settle` does, after."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from telephony import events as ev
from telephony.commands import (
    AppendAudio,
    CancelResponse,
    ClearPlayback,
    Command,
    ConfigureSession,
    ForgetItem,
    RunTool,
    Truncate,
)
from telephony.conversation import phrases
from telephony.conversation.conclusions import LOCAL, begin_nudge
from telephony.conversation.state import Phase, State
from telephony.conversation.toolcalls import DROPPED, REFUSED, Call

READY_TIME = 4.0
"""Seconds a connected model has for `session.updated`; then the call goes on without it."""
AUTO_REPLY = 1.5
"""Seconds after the caller's turn in which the model may begin the answer by itself before we ask for one."""

# -- the caller ----------------------------------------------------------------------------------------------------


def caller_audio(state: State, event: ev.CallerAudio, now: float) -> list[Command]:
    """The one event of which nothing follows but that the model hears it: fifty a second take this short way."""
    payload = state.intake.frame(event.payload, event.at_ms, now)
    if not payload or state.model_lost:
        return []
    if state.phase is Phase.CONNECTING:
        state.early.keep(payload)
        return []
    if state.deaf(now):
        payload = state.intake.audio.silence(state.intake.audio.milliseconds(payload))
    return [AppendAudio(payload)]


def key_pressed(state: State, event: ev.KeyPressed, now: float) -> None:
    state.keypad.press(event.digit, now)
    state.floor.last_heard = now
    state.watchdogs.caller_spoke()


def speech_started(state: State, event: ev.SpeechStarted, now: float) -> None:
    at = state.intake.time_of(event.at_ms, now)
    state.transcript.caller_speaks(event.item_id, at)
    state.floor.speaking_since = state.floor.last_heard = now
    state.floor.expecting = False
    state.watchdogs.caller_spoke()
    state.note("info", "caller speaks", at=at)
    barge_in(state, now)
    if state.phase is Phase.LEAVING and state.farewell and state.farewell.cancellable:
        state.phase, state.farewell = Phase.TALKING, None
        state.note("info", "the caller speaks on: not hanging up")


def barge_in(state: State, now: float) -> None:
    """Stop what the caller talks over, at what was heard of it."""
    if state.playback.outstanding:
        state.out.append(ClearPlayback())
    open_responses = state.responses.cancel_open()
    cuts = state.playback.clear(now)
    for cut in cuts:
        state.responses.fence(cut.response_id)
        if cut.item_id.startswith(LOCAL):
            continue
        heard = Truncate(cut.item_id, cut.heard_ms, cut.content_index) if cut.heard_ms else ForgetItem(cut.item_id)
        state.out.append(heard)
    for response_id in open_responses:
        state.out.append(CancelResponse(response_id))
        state.drop_tools(response_id, DROPPED, now)
    if cuts:
        state.note("info", "barge-in", heard_ms=cuts[0].heard_ms, item=cuts[0].item_id)


def speech_stopped(state: State, event: ev.SpeechStopped, now: float) -> None:
    at = state.intake.time_of(event.at_ms, now)
    state.transcript.caller_stops(event.item_id, at)
    floor = state.floor
    floor.speaking_since = None
    floor.stopped_at = at
    floor.last_heard = now
    floor.reply_by = now + AUTO_REPLY
    floor.expecting = True


def caller_transcript(state: State, event: ev.CallerTranscript, now: float) -> None:
    turn = state.transcript.caller_said(event.item_id, event.text, now, final=event.final)
    if event.final and turn.heard:
        state.note("info", "caller said", text=turn.heard, at=turn.started_at)


def caller_transcript_delta(state: State, event: ev.CallerTranscriptDelta, now: float) -> None:
    state.transcript.caller_said(event.item_id, event.text, now, final=False, append=True)


# -- the carrier ---------------------------------------------------------------------------------------------------


def mark_reached(state: State, event: ev.MarkReached, now: float) -> None:
    state.intake.seen_at = now
    state.playback.reached(event.name, now)


def carrier_fault(state: State, event: ev.CarrierFault, now: float) -> None:
    state.remember(f"The carrier sent something unusable: {event.reason}")
    if event.fatal:
        state.end("failed", "carrier", event.reason, now)


def call_started(state: State, event: ev.CallStarted, now: float) -> None:
    """The call this conversation was made for; its codec refuses a second one."""


# -- the model's session -------------------------------------------------------------------------------------------


def model_connected(state: State, event: ev.ModelConnected, now: float) -> None:
    state.tally.model = event.model or state.tally.model
    if state.phase is not Phase.CONNECTING:
        return
    state.connected = True
    state.watchdogs.ready_by = now + READY_TIME
    state.out.append(ConfigureSession())


def session_created(state: State, event: ev.SessionCreated, now: float) -> None:
    state.note("debug", "session created", session=event.session_id, model=event.model)


def session_ready(state: State, event: ev.SessionReady, now: float) -> None:
    if state.phase is not Phase.CONNECTING:
        return
    wanted = state.settings.session.audio
    if event.output_audio is not None:
        state.playback.audio = event.output_audio
    for leg, echoed in (("hears", event.input_audio), ("speaks", event.output_audio)):
        if echoed not in (None, wanted):
            state.remember(f"The model {leg} {echoed} though {wanted} was asked for.")
    if event.turn_detection is False:
        state.remember("The model did not switch its turn detection on, so it will not answer by itself.")
    state.begin(now)


def model_error(state: State, event: ev.ModelError, now: float) -> None:
    text = f"{event.code}: {event.message}" if event.code else event.message
    match event.kind:
        case "active_response":
            if not state.responses.refused(now):
                state.remember(f"A response was given up because others stayed active ({text}).")
        case "recoverable":
            state.remember(f"The model reported an error: {text}")
        case "session_over" | "fatal":
            model_lost(state, ev.ModelLost(text), now)
        case _:
            state.note("debug", "benign error", text=text)


def model_fault(state: State, event: ev.ModelFault, now: float) -> None:
    state.note("warning", "unusable message from the model", reason=event.reason)
    if state.tally.fault(now):
        model_lost(state, ev.ModelLost("it sends nothing but unusable messages"), now)


def model_lost(state: State, event: ev.ModelLost, now: float) -> None:
    if state.model_lost:
        return
    state.remember(f"The model was lost: {event.reason}")
    state.lose_model()
    state.leave("failed", "model", event.reason, now, clip="apology")


# -- the model's speech --------------------------------------------------------------------------------------------


def response_started(state: State, event: ev.ResponseStarted, now: float) -> None:
    if state.responses.alive(event.response_id, now):
        state.tools.taken_up()


def model_audio(state: State, event: ev.ModelAudio, now: float) -> None:
    response = state.responses.alive(event.response_id, now)
    if response is None:
        return
    if event.item_id not in state.playback.items:
        turn = state.transcript.agent_speaks(event.item_id, now)
        turn.response_at = response.started_at
        turn.speech_stopped_at, state.floor.stopped_at = state.floor.stopped_at, None
        state.note("info", "agent speaks", item=event.item_id)
    response.spoke = True
    state.floor.expecting = False
    state.playback.enqueue(event.response_id, event.item_id, event.content_index, event.payload, now)


def model_audio_done(state: State, event: ev.ModelAudioDone, now: float) -> None:
    state.playback.complete(event.item_id)


def model_transcript(state: State, event: ev.ModelTranscript, now: float) -> None:
    state.responses.alive(event.response_id, now)
    state.transcript.agent_said(event, now)
    if event.final and event.text:
        state.note("info", "agent said", text=event.text, item=event.item_id)


def response_done(state: State, event: ev.ResponseDone, now: float) -> None:
    state.tally.add(event.usage)
    state.playback.complete_response(event.response_id)
    if state.responses.fenced(event.response_id):
        return
    response = state.responses.done(event.response_id, now)
    if event.status == "completed":
        for call in state.tools.due(now, event.response_id):
            run_tool(state, call, now, spoke=bool(response and response.spoke))
        return
    state.drop_tools(event.response_id, DROPPED, now)
    if event.status == "failed":
        state.remember(f"A response failed: {event.reason or 'no reason given'}")
        begin_nudge(state, now)


# -- tools ---------------------------------------------------------------------------------------------------------


def tool_requested(state: State, event: ev.ToolRequested, now: float) -> None:
    call = state.tools.request(event, now)
    if call is None:
        return
    if state.tools.exhausted:
        state.answer_tool(event.call_id, REFUSED, "error", now)
    elif state.responses.alive(event.response_id, now) is None:
        state.answer_tool(event.call_id, DROPPED, "cancelled", now)
    else:
        for due in state.tools.due(now):
            run_tool(state, due, now, spoke=False)


def run_tool(state: State, call: Call, now: float, *, spoke: bool) -> None:
    use = call.use
    if use.name != state.settings.hang_up_tool:
        state.note("info", "tool runs", name=use.name, arguments=use.arguments)
        state.out.append(RunTool(use.call_id, use.name, use.arguments))
        return
    answer = {"status": "ok", "note": "The call ends as soon as the caller has heard your goodbye."}
    state.answer_tool(use.call_id, json.dumps(answer), "ok", now)
    if spoke:
        state.tools.taken_up()
    state.leave("completed", "agent", "agent hung up", now, cancellable=True, clip="none")


def tool_finished(state: State, event: ev.ToolFinished, now: float) -> None:
    state.answer_tool(event.call_id, event.output, event.outcome, now)


# -- the end -------------------------------------------------------------------------------------------------------


def carrier_stopped(state: State, event: ev.CarrierStopped, now: float) -> None:
    state.end("completed", "caller", "caller hung up", now)


def carrier_lost(state: State, event: ev.CarrierLost, now: float) -> None:
    state.end("failed", "carrier", f"media stream lost: {event.reason}", now)


def call_ended(state: State, event: ev.CallEnded, now: float) -> None:
    state.end("completed", event.by, event.reason, now)


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
    ev.SessionReady: session_ready,
    ev.SpeechStarted: speech_started,
    ev.SpeechStopped: speech_stopped,
    ev.SilenceReported: silence_reported,
    ev.CallerTranscript: caller_transcript,
    ev.CallerTranscriptDelta: caller_transcript_delta,
    ev.ResponseStarted: response_started,
    ev.ModelAudio: model_audio,
    ev.ModelAudioDone: model_audio_done,
    ev.ModelTranscript: model_transcript,
    ev.ToolRequested: tool_requested,
    ev.ResponseDone: response_done,
    ev.ItemTruncated: item_truncated,
    ev.ModelError: model_error,
    ev.ModelFault: model_fault,
    ev.ModelNoise: model_noise,
    ev.ModelLost: model_lost,
    ev.ToolFinished: tool_finished,
    ev.CallEnded: call_ended,
    ev.ServerStopping: server_stopping,
}
"""Every event but `CallerAudio`; a test holds this against `events`."""
