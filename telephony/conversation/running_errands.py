"""Errands enacted: what begins one, what the caller does meanwhile, and what ends it.

The agent asks, the caller types: so nobody owes anybody an answer meanwhile, and the bounds are those of the errand. A
caller who speaks instead of typing has answered, too, and the model takes it from there. What is secret is kept from
the model by silence, and by the same from recording and cassette (`Errands.hides`).
"""

from __future__ import annotations

import math

from telephony import events as ev
from telephony.audio.dtmf import beep, sequence
from telephony.audio.format import AudioFormat
from telephony.audio.level import is_loud
from telephony.audio.transcode import Transcoder
from telephony.commands import ErrandDone, RequestResponse, SpeakVerbatim
from telephony.conversation import phrases
from telephony.conversation.errands import PIECE, Collecting, Outcome, Taking
from telephony.conversation.farewell import Clip
from telephony.conversation.playback import LOCAL
from telephony.conversation.state import LEAVING, TALKING, State
from telephony.events import ModelTranscript
from telephony.records import EndedBy

# -- what is wanted ------------------------------------------------------------------------------------------------


def speech_wanted(state: State, event: ev.SpeechWanted, now: float) -> None:
    if state.phase is TALKING and event.text:
        speak = SpeakVerbatim(event.text, event.interruptible) if event.verbatim else RequestResponse(event.text)
        state.responses.wish("ask", speak)


def hang_up_wanted(state: State, event: ev.HangUpWanted, now: float) -> None:
    overrule(state, event)
    clip: Clip = "none" if state.tools.spoke(event.function) else "goodbye"
    cancellable = not (event.operator or event.final)
    state.leave("completed", by(event), event.reason, now, cancellable=cancellable, clip=clip)


def transfer_wanted(state: State, event: ev.TransferWanted, now: float) -> None:
    overrule(state, event)
    if state.phase is not TALKING:
        return  # the call ends already, in its own way
    name = event.sending.name or event.to
    waited_for = bool(event.sending.room)  # whoever waits there is not left alone for another word of the caller's
    cancellable = not waited_for and not event.operator
    state.leave("completed", by(event), f"transferred to {name}", now, cancellable=cancellable, clip="none")
    if farewell := state.farewell:
        farewell.announces = waited_for
        farewell.transfer_to, farewell.sending = event.to, event.sending


def by(event: ev.HangUpWanted | ev.TransferWanted) -> EndedBy:
    """Whose wish it is."""
    return "operator" if event.operator else "agent"


def overrule(state: State, event: ev.HangUpWanted | ev.TransferWanted) -> None:
    """What an operator wants takes the place of a goodbye of the agent's that the caller might still call off."""
    if event.operator and state.phase is LEAVING and state.farewell and state.farewell.cancellable:
        state.phase, state.farewell = TALKING, None


def tones_wanted(state: State, event: ev.TonesWanted, now: float) -> None:
    if state.phase is not TALKING:
        state.out.append(ErrandDone(event.errand, "over"))
        return
    item_id = f"{LOCAL}keys-{event.errand}"
    _sound(state, item_id, sequence(event.keys, state.playback.audio.rate), f"[keys {event.keys}]", now)
    state.errands.tones[event.errand] = item_id
    state.note("info", "keys sounded", count=len(event.keys))


def keys_wanted(state: State, event: ev.KeysWanted, now: float) -> None:
    if state.phase is not TALKING or state.errands.awaits_caller:
        state.out.append(ErrandDone(event.errand, "busy" if state.phase is TALKING else "over"))
        return
    state.errands.collecting = Collecting(event, now, event.tries - 1)
    for key in state.keypad.take(now):  # whoever knows the menu begins to type before the end of the question
        press(state, key, now)
    if event.prompt and not state.errands.collecting.keys:
        state.responses.wish("ask", SpeakVerbatim(event.prompt))


def message_wanted(state: State, event: ev.MessageWanted, now: float) -> None:
    if state.phase is not TALKING or state.errands.awaits_caller:
        state.out.append(ErrandDone(event.errand, "busy" if state.phase is TALKING else "over"))
        return
    _sound(state, f"{LOCAL}tone-{event.errand}", beep(state.playback.audio.rate), "[tone]", now)
    state.errands.taking = Taking(event)


def errand_dropped(state: State, event: ev.ErrandDropped, now: float) -> None:
    errands = state.errands
    errands.tones.pop(event.errand, None)
    if errands.collecting and errands.collecting.wanted.errand == event.errand:
        end_collecting(state, "over", now)
    if errands.taking and errands.taking.wanted.errand == event.errand:
        state.out += errands.end_taking("over", now)


def _sound(state: State, item_id: str, pcm: bytes, words: str, now: float) -> None:
    """Let the caller hear what is ours, behind what is being said."""
    audio = state.playback.audio
    payload = Transcoder(AudioFormat("pcm16", audio.rate), audio).feed(pcm)
    state.playback.enqueue(LOCAL, item_id, 0, payload, now)
    state.playback.complete(item_id)
    state.transcript.agent_said(ModelTranscript(LOCAL, item_id, words, final=True), now)


# -- what the caller does meanwhile --------------------------------------------------------------------------------


def press(state: State, key: str, now: float) -> bool:
    """Whether a key of the caller's was for an errand."""
    errands = state.errands
    if errands.taking:
        errands.taking.ended = errands.taking.began_at is not None
        return True
    if errands.collecting is None:
        return errands.straggles(now)
    errands.collecting.press(key, now)
    state.responses.drop_wishes("ask")
    return True


def hear(state: State, payload: bytes, now: float) -> bytes:
    """What everybody else may hear of the caller's frame *payload*."""
    taking = state.errands.taking
    if taking is None and not state.errands.hides(now):
        return payload
    audio = state.intake.audio
    if taking and taking.began_at is not None:
        taking.pieces.append(payload)
        taking.seconds += audio.seconds(payload)
        if is_loud(payload, audio):
            taking.sound_at = now
    return audio.silence(audio.milliseconds(payload))


def spoke(state: State, now: float) -> None:
    """The caller said something."""
    collecting = state.errands.collecting
    if collecting and not collecting.wanted.secret and not collecting.keys:
        end_collecting(state, "spoke", now)


# -- what follows --------------------------------------------------------------------------------------------------


def settle(state: State, now: float) -> None:
    """End what is complete, what took too long, and what the end of the call cuts short."""
    errands = state.errands
    if state.phase is not TALKING:
        state.out += errands.close(state.transcript, now)
        return
    for errand, item_id in list(errands.tones.items()):
        item = state.playback.items[item_id]
        if item.cleared or state.playback.heard_samples(item, now) >= item.received:
            del errands.tones[errand]
            state.out.append(ErrandDone(errand, "cut" if item.cleared else "ok"))
    if errands.collecting:
        _collect(state, errands.collecting, now)
    if errands.taking:
        _take(state, errands.taking, now)


def deadline(state: State) -> float:
    """Seconds: when `settle` has something to do; infinity if not. What is being played has a time of its own."""
    at = math.inf
    errands = state.errands
    if errands.collecting and not _speaking(state):
        at = errands.collecting.due_at(state.playback.ends_at)
    if (taking := errands.taking) and taking.began_at is not None:
        at = min(at, taking.due_at(), taking.passed_at + PIECE)
    return at


def _speaking(state: State) -> bool:
    """Whether the agent is about to say something, so that the caller need not begin."""
    return state.responses.pending


def end_collecting(state: State, outcome: Outcome, now: float) -> None:
    state.out += state.errands.end_collecting(outcome, state.transcript, now)
    state.responses.drop_wishes("ask")


def _collect(state: State, collecting: Collecting, now: float) -> None:
    due = collecting.ended or (not _speaking(state) and now >= collecting.due_at(state.playback.ends_at))
    if not due:
        return
    if collecting.enough:
        end_collecting(state, "ok", now)
    elif collecting.tries <= 0:
        end_collecting(state, "timeout", now)
    else:
        collecting.tries -= 1
        collecting.keys, collecting.ended, collecting.since = "", False, now
        prompt = collecting.wanted.prompt
        state.responses.wish("ask", SpeakVerbatim(prompt) if prompt else RequestResponse(phrases.PRESS_KEYS))


def _take(state: State, taking: Taking, now: float) -> None:
    if taking.began_at is None:
        if not _speaking(state) and not state.playback.audible(now):
            taking.began_at = taking.passed_at = now
        return
    if taking.ended or now >= taking.due_at():
        state.out += state.errands.end_taking("timeout" if taking.sound_at is None else "ok", now)
    elif now >= taking.passed_at + PIECE:
        state.out += taking.pass_on(now)
