"""What follows from the state of things: looked at after every event and at every deadline, always in the same order.

First what has gone stale is given up, then the watchdogs bark, then what is wanted is wished for, then the model is
asked, then the carrier is kept supplied, and at last it is seen whether the call can end. `deadline` is its twin: the
next moment at which any of this could come out differently though nothing happened.
"""

from __future__ import annotations

import math

from telephony.commands import AddMessage, AppendAudio, CancelTool, HangUp, RequestResponse, SpeakVerbatim
from telephony.conversation import background, moving, phrases, running_errands, survival
from telephony.conversation.farewell import CONFIRMATION, Farewell
from telephony.conversation.limits import NUDGES
from telephony.conversation.state import BEFORE_LEAVING, ENDED, HANGING_UP, HUSH, LEAVING, LIVE, TALKING, State
from telephony.conversation.toolcalls import GIVEN_UP
from telephony.records import Stretch


def settle(state: State, now: float) -> None:
    """Draw the conclusions of *now*; the commands are in `state.out`."""
    state.settled_at = now
    state.due_at = None
    _carrier_alive(state, now)
    if state.phase in BEFORE_LEAVING:
        survival.settle(state, now)
    if state.phase in LIVE:
        _give_up_stale(state, now)
        _guard(state, now)
        if state.errands.any:
            running_errands.settle(state, now)
        _keep_listening(state, now)
        _wish(state, now)
    if state.phase is TALKING:
        _stopped_unnoticed(state, now)
        _watch(state, now)
    if state.phase in LIVE:
        _ask(state, now)
        moving.settle(state, now)
    if state.phase is not ENDED:
        state.out += state.playback.release(now)
    if state.phase in (LEAVING, HANGING_UP) and state.farewell:
        _say_goodbye(state, state.farewell, now)


def deadline(state: State) -> float | None:
    """Seconds: when `settle` must be called if nothing happens before; None once the call is over.

    It is asked for after every frame of the caller's, and of all that is looked at a frame changes but the intake; so
    the rest is worked out once for each look.
    """
    if state.phase is ENDED:
        return None
    if state.due_at is None:
        state.due_at = _due_at(state)
    at = min(state.due_at, state.intake.seen_at + state.settings.limits.stream_silence)
    return min(at, state.intake.deadline()) if state.heard else at


def _due_at(state: State) -> float:
    """`deadline` without the intake's part."""
    due, settled_at = math.inf, state.settled_at
    times = [state.playback.deadline()]
    if state.phase in BEFORE_LEAVING:
        times += [state.watchdogs.deadline(), state.playback.ends_at, *survival.deadlines(state)]
        times += [state.meter.deadline(), moving.deadline(state)]
        if state.errands.any:
            times.append(running_errands.deadline(state))
    elif state.farewell:
        times.append(_farewell_deadline(state, state.farewell))
    if state.listening:
        if state.keypad.digits:
            times.append(state.keypad.deadline(speaking=state.floor.taken(settled_at)))
        times += [state.tools.deadline(), state.responses.expires(), state.floor.deadline(), _asks_at(state)]
    for at in times:
        # What was due at the last look has been looked at; nothing may keep the timer spinning.
        if at is not None and settled_at < at < due:
            due = at
    return due


# -- the two ends --------------------------------------------------------------------------------------------------


def _carrier_alive(state: State, now: float) -> None:
    if now >= state.intake.seen_at + state.settings.limits.stream_silence:
        state.intake.stalls.append(Stretch(state.intake.seen_at, now))
        state.end("failed", "carrier", "the carrier sent nothing any more", now)


def _keep_listening(state: State, now: float) -> None:
    """Between two sessions, too: whoever comes hears some seconds of the caller again, and these must be the last."""
    silence = state.intake.stalled(now) if state.heard else b""
    if silence:
        state.recent.keep(silence)
    if silence and state.listening:
        state.out.append(AppendAudio(silence))


# -- what is given up ----------------------------------------------------------------------------------------------


def _give_up_stale(state: State, now: float) -> None:
    for response_id, why in state.responses.expire(now):
        state.remember(why)
        if response_id:  # if it is still active there, whatever is asked for next would be refused
            state.playback.complete_response(response_id)
            state.cancel_response(response_id, now)
    for call in (state.tools.open or state.tools.detached) and state.tools.overdue(now):
        state.remember(f"The function {call.use.name} never came to an end; the model was told so.")
        state.out.append(CancelTool(call.use.call_id))
        if not background.ended(state, call.use.call_id, GIVEN_UP, "timeout", now):
            state.answer_tool(call.use.call_id, GIVEN_UP, "timeout", now)


def _stopped_unnoticed(state: State, now: float) -> None:
    """The model heard the caller begin and never said that they have stopped. On a silent line they have, and an answer
    is owed; on a loud one nobody knows."""
    floor = state.floor
    if floor.speaking_since is not None and not floor.taken(now):
        state.transcript.caller_stops(floor.item_id, min(now, floor.sound_at))
        state.chronicle.add("stopped", now, "unnoticed", max(0.0, now - floor.sound_at))
        floor.speaking_since, floor.item_id = None, ""
        floor.expecting = now >= floor.sound_at + HUSH


def _guard(state: State, now: float) -> None:
    """An uninterruptible greeting is protected until it was heard, and not while it is only hoped for."""
    if state.guarding and not state.floor.expecting:
        state.guarding = state.playback.audible(now) or state.responses.breaks_off


def _watch(state: State, now: float) -> None:
    """Dead air, silence and duration."""
    dogs, playback, floor = state.watchdogs, state.playback, state.floor
    if now >= dogs.ends_at:
        state.remember(f"The call reached its limit of {dogs.longest:g} s.")
        state.leave("completed", "limit", "maximum duration", now, words=phrases.TIME_IS_UP)
        return
    if state.meter.reached(now):
        state.remember(f"The call reached its limit of {state.meter.most:g} {state.meter.currency}.")
        state.leave("completed", "limit", "maximum cost", now, words=phrases.TIME_IS_UP)
        return
    if dogs.warns_at is not None and now >= dogs.warns_at:
        dogs.warns_at = None
        state.chronicle.add("warned", now)
        state.responses.wish("warning", RequestResponse(phrases.ending_soon(dogs.ends_at - now)))
    lost, taken = state.model_lost, floor.taken(now)
    if playback.answering(now):
        dogs.answered()
    elif lost:
        dogs.paused(now)  # `survival` has bounds of its own
    elif taken or state.tools.running:
        dogs.paused(now)
    elif floor.expecting or state.responses.waiting or state.responses.breaks_off or state.tools.open:
        dogs.owe(now)
    if lost or taken or floor.expecting or state.tools.alive or state.tools.open or state.responses.pending:
        dogs.not_quiet()
    else:
        dogs.quiet_from(max(playback.ends_at, floor.last_heard))
    if dogs.dead_air(now):
        _dead_air(state, now)
    elif dogs.silence(now):
        _silence(state, now)


def _dead_air(state: State, now: float) -> None:
    """Ask again. A session that was asked before, or that has shown no life at all, may be dead: then another one is
    looked for beside it, and who speaks first goes on."""
    dogs, sessions = state.watchdogs, state.sessions
    asked = dogs.nudges >= NUDGES
    lifeless = dogs.owed_since is not None and sessions.seen_at <= dogs.owed_since
    if asked and not sessions.suspected and not survival.suspect(state, "it owed an answer and gave none", now):
        state.remember("The model owed an answer and did not give it.")
        survival.give_up(state, "dead air", now)
        return
    survival.fill(state, now)
    if asked:
        dogs.nudged(now)
        return
    state.remember("The model was silent when an answer was due; it was asked again.")
    state.responses.give_up_asked()
    sessions.broke_off = sessions.broke_off or state.responses.breaks_off
    for response_id in state.responses.cancel_open():
        state.playback.complete_response(response_id)
        state.cancel_response(response_id, now)
    nudge(state, now)
    if lifeless:
        survival.suspect(state, "it showed no sign of life when an answer was due", now)


def nudge(state: State, now: float) -> None:
    """Ask again for an answer that is owed, as often as is sensible; the dead-air watchdog does the rest."""
    state.chronicle.add("nudged", now)
    state.guarding = False  # the greeting that was to be protected did not come
    state.floor.expecting = True
    if state.watchdogs.nudges < NUDGES and state.phase is TALKING:
        state.watchdogs.nudged(now)
        state.responses.wish("nudge", RequestResponse())


def _silence(state: State, now: float) -> None:
    dogs = state.watchdogs
    if dogs.prompts >= state.settings.limits.caller_silence_prompts:
        reason = "the caller was silent"
        state.chronicle.add("prompted", now)
        state.leave("completed", "limit", reason, now, words=phrases.NO_ANSWER, cancellable=True)
        return
    state.chronicle.add("prompted", now)
    dogs.prompts += 1
    dogs.not_quiet()
    dogs.owe(now)
    state.responses.wish("prompt", RequestResponse(phrases.STILL_THERE))
    state.floor.expecting = True


# -- what is wanted ------------------------------------------------------------------------------------------------


def _wish(state: State, now: float) -> None:
    if not state.listening:
        return
    if state.keypad.digits and state.keypad.due(now, speaking=state.floor.taken(now)):
        digits = state.keypad.take(now)
        state.transcript.keys(digits, state.keypad.started_at, state.keypad.pressed_at)
        state.chronicle.add("took keys", now)
        state.out.append(AddMessage(phrases.keys_pressed(digits)))
        if state.phase is TALKING:
            state.responses.wish("keys", RequestResponse())
            state.floor.expecting = not state.floor.taken(now)
    if state.tools.open and (say := state.tools.to_say(now)):
        state.chronicle.add("said", now)
        state.responses.wish("say", SpeakVerbatim(say))
    if state.tools.open or state.tools.detached:
        background.tell_news(state, now)
    if state.tools.reply_due:
        state.responses.wish("tools", RequestResponse())
    else:
        state.responses.drop_wishes("tools")


def _ask(state: State, now: float) -> None:
    if not state.listening or not state.responses.waiting or now < state.may_speak_at(now):
        return
    if state.successor and state.phase is TALKING:
        return  # whoever takes over says what is to be said
    if command := state.responses.next(now):
        state.out.append(command)


def _asks_at(state: State) -> float | None:
    at = state.responses.asks_at()
    return None if at is None else max(at, state.may_speak_at(at))


# -- the end -------------------------------------------------------------------------------------------------------


def _say_goodbye(state: State, farewell: Farewell, now: float) -> None:
    limits, playback = state.settings.limits, state.playback
    if farewell.hung_up_at is not None:
        if now >= farewell.hung_up_at + CONFIRMATION:
            state.end(farewell.result, farewell.by, farewell.reason, now)
        return
    if _to_be_said(state) and now < farewell.patience(playback.ends_at, limits.dead_air):
        return
    if farewell.clip != "none" and not _said_since(state, farewell) and _play_clip(state, farewell, now):
        return
    if playback.settled(now) or now >= farewell.released(playback.ends_at, limits.goodbye):
        state.phase = HANGING_UP
        farewell.hung_up_at = now
        transfer_to = farewell.transfer_to
        if farewell.by == "model" and (transfer_to := state.settings.transfer_to):
            state.remember(f"No model answered, so the caller was sent on to {transfer_to}.")
        state.chronicle.add("released", now, seconds=max(0.0, playback.ends_at - now))
        state.note("info", "hanging up", reason=farewell.reason)
        state.out.append(HangUp(state.call_id, farewell.reason, transfer_to, farewell.sending))


def _to_be_said(state: State) -> bool:
    """Whether the model has something to say yet."""
    return not state.model_lost and (state.responses.pending or bool(state.tools.open) or state.tools.reply_due)


def _said_since(state: State, farewell: Farewell) -> bool:
    """Whether the model said anything of its own after the farewell began, so that no clip need stand in for it."""
    if farewell.result == "failed":
        return False
    return any(item.received_at >= farewell.since for item in state.playback.items.values())


def _play_clip(state: State, farewell: Farewell, now: float) -> bool:
    """Say the recorded sentence instead of the model. False if there is none."""
    name, farewell.clip = farewell.clip, "none"
    state.responses.abandon()
    clip = state.settings.clips.apology if name == "apology" else state.settings.clips.goodbye
    if not clip:
        return False
    state.playback.complete_all()
    survival.play(state, name, clip, now)
    state.out += state.playback.release(now)
    return True


def _farewell_deadline(state: State, farewell: Farewell) -> float:
    limits, ends_at = state.settings.limits, state.playback.ends_at
    if farewell.hung_up_at is not None:
        return farewell.hung_up_at + CONFIRMATION
    patience = farewell.patience(ends_at, limits.dead_air)
    if _to_be_said(state) and patience > state.settled_at:
        return patience
    return farewell.released(ends_at, limits.goodbye)
