"""What the model's responses change: what is said, what is called, and which response may be heard at all.

A response is known by its id, and everything that arrives is judged by it: deltas of one that was cancelled, was closed
or is over because a newer one has begun are dropped, and of no other.
"""

from __future__ import annotations

import json

import msgspec

from telephony import events as ev
from telephony.commands import RunTool
from telephony.conversation import background, gates, survival
from telephony.conversation.conclusions import nudge
from telephony.conversation.farewell import Clip
from telephony.conversation.playback import LOCAL
from telephony.conversation.responses import ANSWERS, Response
from telephony.conversation.state import LEAVING, State
from telephony.conversation.toolcalls import DROPPED, REFUSED, Call, shown

# -- responses --------------------------------------------------------------------------------------------


def response_started(state: State, event: ev.ResponseStarted, now: float) -> None:
    if not state.model_lost:
        _look_at(state, state.responses.begin(event.response_id, now), now)


def alive(state: State, response_id: str, now: float, *, sign: bool = True) -> Response | None:
    """The open response that a delta belongs to; None if nothing of it is wanted."""
    response = None if state.model_lost else state.responses.alive(response_id, now, sign=sign)
    return response and _look_at(state, response, now)


def _look_at(state: State, response: Response, now: float) -> Response | None:
    """What a response means that has just begun. None if it must not be heard."""
    if not response.new:
        return response
    response.new = False
    state.chronicle.add("opened", now)
    if response.wish and state.floor.taken(now) and state.interruptible:
        # Our request and the caller's first word crossed on the wire. No `speech_started` follows that would stop it.
        state.responses.fence(response.response_id)
        state.cancel_response(response.response_id, now)
        return None
    if response.answers:
        state.tools.taken_up()
        state.responses.drop_wishes(*ANSWERS)
    if response.wish is None and state.floor.taken(now):  # it heard the caller stop, whether or not we were told
        state.floor.speaking_since = None
        state.floor.expecting = True
    return response


def model_audio(state: State, event: ev.ModelAudio, now: float) -> None:
    item_id = event.item_id
    if not event.response_id and (item := state.playback.items.get(item_id)) and item.cleared:
        return  # a late delta of a server that names no responses
    response = alive(state, event.response_id, now, sign=bool(event.payload))
    if response is None or not event.payload or not state.responses.newest(response):
        return  # of two that overlap the first is over: they must not be mixed
    item_id = item_id or f"{LOCAL}{response.response_id}"
    if item_id not in state.playback.items:
        turn = state.transcript.agent_speaks(item_id, now)
        turn.response_at = response.started_at
        turn.speech_stopped_at, state.floor.stopped_at = state.floor.stopped_at, None
        turn.vad_at, state.floor.told_at = state.floor.told_at, None
        state.chronicle.add("spoke", now)
        state.note("info", "agent speaks", item=item_id)
    survival.forgive(state, now)
    response.spoke = response.breaks_off = True
    state.floor.expecting = False
    state.playback.enqueue(response.response_id, item_id, event.content_index, event.payload, now)


def model_audio_done(state: State, event: ev.ModelAudioDone, now: float) -> None:
    if response := alive(state, event.response_id, now):
        response.breaks_off = False
    state.playback.complete(event.item_id or f"{LOCAL}{state.responses.named(event.response_id)}")


def model_transcript(state: State, event: ev.ModelTranscript, now: float) -> None:
    response = alive(state, event.response_id, now, sign=False)
    if not event.item_id:
        if response is None:
            return
        event = msgspec.structs.replace(event, item_id=f"{LOCAL}{response.response_id}")
    state.transcript.agent_said(event, now)
    if event.final and event.text:
        state.note("info", "agent said", text=event.text, item=event.item_id)


def response_done(state: State, event: ev.ResponseDone, now: float) -> None:
    response_id = state.responses.named(event.response_id)
    if state.responses.closed(response_id):
        return
    state.tally.add(event.usage)
    state.meter.used(event.usage)
    state.playback.complete_response(response_id)
    if state.responses.fenced(response_id):
        return
    response = state.responses.done(response_id, now)
    if event.status == "completed":
        if response and response.wish is None:
            state.floor.reply_by = now  # it was the answer that was given time to begin; what follows need not wait
        for call in state.tools.due(now, response_id):
            run_tool(state, call, now, spoke=bool(response and response.spoke))
        return
    state.drop_tools(response_id, DROPPED, now)
    if event.status == "failed":
        state.remember(f"A response failed: {event.reason or 'no reason given'}")
        state.chronicle.add("failed", now, event.reason)
        if not state.responses.waiting and not state.tools.running:
            nudge(state, now)


# -- tools ---------------------------------------------------------------------------------------------------------


def tool_requested(state: State, event: ev.ToolRequested, now: float) -> None:
    response_id = state.responses.named(event.response_id)
    call = state.tools.request(msgspec.structs.replace(event, response_id=response_id), now)
    if call is None:
        return
    if state.tools.exhausted:
        state.answer_tool(event.call_id, REFUSED, "error", now)
        return
    response = alive(state, response_id, now)
    if response is None:
        state.answer_tool(event.call_id, DROPPED, "cancelled", now)
        return
    call.response_id = response.response_id
    for due in state.tools.due(now):
        run_tool(state, due, now, spoke=response.spoke)


def run_tool(state: State, call: Call, now: float, *, spoke: bool) -> None:
    use, call.spoke = call.use, spoke
    if refused := gates.refusal(state, call, now):
        call.running_since = None
        state.note("info", "tool not run", name=use.name)
        state.answer_tool(use.call_id, refused.output, refused.outcome, now)
        return
    if use.name != state.settings.hang_up_tool:
        state.note("info", "tool runs", name=use.name, arguments=shown(call).arguments)
        state.out.append(RunTool(use.call_id, use.name, use.arguments))
        return
    answer = {"status": "ok", "note": "The call ends as soon as the caller has heard your goodbye."}
    state.answer_tool(use.call_id, json.dumps(answer), "ok", now)
    if spoke or state.phase is LEAVING:
        state.tools.taken_up()  # its goodbye is said, or was asked for: one is enough
    clip: Clip = "none" if spoke else "goodbye"
    state.leave("completed", "agent", "agent hung up", now, cancellable=True, clip=clip)


def tool_finished(state: State, event: ev.ToolFinished, now: float) -> None:
    if background.ended(state, event.call_id, event.output, event.outcome, now):
        return
    state.answer_tool(event.call_id, event.output, event.outcome, now)
    announces = state.farewell is not None and state.farewell.announces
    if state.phase is LEAVING and state.tools.spoke(event.call_id) and not announces:
        state.tools.taken_up()  # its goodbye is said already
