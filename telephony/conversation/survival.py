"""How a call outlives its sessions with the model: what is done when one is lost, falls silent or grows old.

Nothing of the call depends on a session but what stands in it, and that can be told to another one (`history`). So the
caller's audio is kept while nobody listens, what was wanted of the lost one is wanted of the next, functions go on
running, and the caller hears that somebody is there (the filler) if it takes long. When nothing answers any more, the
recorded apology ends the call.
"""

from __future__ import annotations

import math

from telephony.audio.format import MULAW_8K
from telephony.audio.transcode import Transcoder
from telephony.commands import AddMessage, AppendAudio, ClearPlayback, CloseSession, RequestResponse, UseSession
from telephony.conversation import hand_over, history, phrases
from telephony.conversation.limits import NUDGES
from telephony.conversation.playback import LOCAL
from telephony.conversation.sessions import Coming, Why
from telephony.conversation.state import BEFORE_LEAVING, CONNECTING, TALKING, State
from telephony.conversation.toolcalls import DROPPED
from telephony.events import ModelTranscript, SessionReady

OVERLAP = 0.5
"""Seconds of the caller's audio that a new session hears again: the one before may not have noticed yet that the caller
had begun to speak."""
AUTO_REPLY = 1.5
"""Seconds after the caller's turn in which the model may begin the answer by itself before we ask for one."""
FILL_AFTER = 1.5
"""Seconds of waiting for a model until the caller hears the filler."""
FILL_AGAIN = 6.0
"""Seconds from the beginning of one filler to that of the next."""


def settle(state: State, now: float) -> None:
    """Give up what is not to be had, let take over who may, and see that the caller hears something."""
    sessions = state.sessions
    coming = sessions.coming
    if coming is None and sessions.current is not None and not sessions.outlived(now):
        return  # all is well: nobody is to come, and nobody waits for one
    if coming and not coming.ready and now >= coming.until:
        _late(state, coming, now)
    if sessions.outlived(now) and state.phase is TALKING:
        _ask_for_next(state, "rotate", now)
    coming = sessions.coming
    if coming and coming.ready and _may_take_over(state, coming, now):
        _take_over(state, now)
    if now >= filler_at(state):
        fill(state, now)


def deadlines(state: State) -> list[float]:
    """Seconds: when `settle` has something to do though nothing happened."""
    return [state.sessions.deadline(), filler_at(state)]


# -- a session goes ------------------------------------------------------------------------------------------------


def session_lost(state: State, number: int, reason: str, now: float, *, blame: bool = False) -> None:
    """A session is of no more use: the current one, or the one that was to come. *blame*: whether others with the same
    deployment would fare no better; so they would where it ends within a minute, whatever it says of itself."""
    sessions = state.sessions
    if sessions.gone:
        return
    if sessions.is_coming(number):
        _not_to_be_had(state, reason, now, blame=blame)
    elif number == sessions.current:
        state.remember(f"The model was lost: {reason}")
        if state.phase is TALKING:
            _seek_another(state, reason, now, blame=blame)
        else:  # a goodbye needs no other one: the recorded one is at hand
            give_up(state, reason, now)


def _seek_another(state: State, reason: str, now: float, *, blame: bool) -> None:
    """The current session is lost in mid-call."""
    state.chronicle.add("lost", now, reason)
    let_go(state, now, reason if blame or state.sessions.is_young(now) else "")
    coming = state.sessions.coming
    if coming:  # one that was to take over anyway
        coming.why, coming.until = "lost", max(coming.until, now)
    else:
        _ask_for_next(state, "lost", now, reason)


def _not_to_be_had(state: State, reason: str, now: float, *, blame: bool = False) -> None:
    """The session that was to come does not."""
    sessions, coming = state.sessions, state.sessions.coming
    if coming is None:
        return
    there = coming.connected_at is not None
    state.out.append(CloseSession(sessions.withdraw(now), reason if blame else ""))
    if sessions.current is None and coming.why == "first":  # what it asked for before it was ready went with it
        _forget_requests(state, now)
    hand_over.failed(state, reason)
    if coming.why in ("first", "lost"):
        state.chronicle.add("lost", now, reason)
        state.remember(f"The model was lost: {reason}" if there else f"No model could be reached: {reason}")
        if there:
            _ask_for_next(state, coming.why, now, reason)
        else:  # whoever looks for one has asked everybody
            give_up(state, coming.failed or reason, now)
        return
    if coming.why == "handover":
        return
    state.remember(f"No other session could be opened: {reason}")
    if coming.why == "suspect":
        sessions.alone = True
        if state.watchdogs.nudges > NUDGES:  # it may be the silent one itself that holds the only place there is
            _seek_another(state, coming.failed, now, blame=True)


def _forget_requests(state: State, now: float) -> None:
    """Nobody is there any more who could be told that these functions were not run."""
    state.responses.hand_over()
    for call in [call for call in state.tools.open if call.state == "requested"]:
        state.tools.answer(call.use.call_id, DROPPED, "cancelled", now)
    state.tools.taken_up()


def _ask_for_next(state: State, why: Why, now: float, failed: str = "") -> None:
    """Ask for another session; without one there is nobody to go on with."""
    command = state.sessions.open(why, now, failed)
    if command:
        state.out.append(command)
        state.chronicle.add("asked for session", now, why)
        state.note("info", "looking for another session", why=why, session=command.session)
    elif state.sessions.current is None:
        state.remember("Too many sessions were lost one after the other.")
        give_up(state, failed, now)


def _late(state: State, coming: Coming, now: float) -> None:
    """The session that was to come took too long. One that is there and only did not acknowledge our configuration may
    still do, as some servers never acknowledge anything: it is tried while another is looked for."""
    if coming.connected_at is None:
        _not_to_be_had(state, "the model could not be reached in time", now)
    elif coming.why in ("suspect", "rotate", "handover"):
        _not_to_be_had(state, "it did not acknowledge the session in time", now, blame=True)
    else:
        state.remember("The model did not acknowledge the session in time; the call went on without it.")
        state.chronicle.add("unacknowledged", now)
        state.watchdogs.nudges = NUDGES  # the caller has waited long enough already: the next silence is the last
        _take_over(state, now)
        suspect(state, "it never acknowledged the session", now)


def suspect(state: State, why: str, now: float) -> bool:
    """The current session may be dead though its socket is open: look for another, which takes over unless this one
    speaks first. False if none is to be had."""
    sessions, coming = state.sessions, state.sessions.coming
    if coming and coming.why == "rotate":  # it was to come in any case, and need not wait for its turn any more
        coming.why, coming.failed = "suspect", why
        if coming.ready:
            _take_over(state, now)
            return True
    elif coming is None and sessions.current is not None and not sessions.alone:
        _ask_for_next(state, "suspect", now, why)
    return sessions.suspected


def forgive(state: State, now: float) -> None:
    """The current session speaks: it is well, and no other one is wanted for its silence."""
    state.sessions.alone = state.sessions.broke_off = False
    if state.sessions.suspected:
        state.out.append(CloseSession(state.sessions.forgive()))
        state.note("info", "the model speaks after all")


def let_go(state: State, now: float, failed: str = "") -> None:
    """Stop speaking with the current session. What was wanted of it is kept, and what it said is heard to the end.
    *failed*: what is to be said against it where sessions are chosen."""
    sessions = state.sessions
    number = sessions.lose(now)
    if number is None:
        return
    state.out.append(CloseSession(number, failed))
    broke_off, due = state.responses.hand_over()
    sessions.broke_off = sessions.broke_off or broke_off
    for call in [call for call in state.tools.open if call.state == "requested"]:
        state.answer_tool(call.use.call_id, DROPPED, "cancelled", now)
    floor = state.floor
    if floor.speaking_since is not None:  # whoever comes will hear it again, and tell when it is over
        floor.speaking_since, floor.item_id = None, ""
        due = True
    floor.expecting = floor.expecting or due or broke_off
    state.playback.complete_all()


def give_up(state: State, reason: str, now: float) -> None:
    """Nobody answers: the caller is told so by a recorded sentence and the call ends."""
    state.chronicle.add("gone", now, reason)
    state.lose_model()
    state.leave("failed", "model", reason, now, clip="apology")


# -- a session comes -----------------------------------------------------------------------------------------------


def between_turns(state: State, now: float, *, silent: bool = True) -> bool:
    """Whether nobody says anything, is about to, or waits for it: then nothing is lost by speaking with another. If it
    need not be *silent*, what the model has said may still be heard."""
    busy = state.floor.taken(now) or state.floor.expecting or state.guarding or state.keypad.digits
    working = state.responses.pending or state.tools.open or state.tools.reply_due
    heard = state.transcript.settled(now) and not (silent and state.playback.audible(now))
    return state.phase is TALKING and heard and not busy and not working


def _may_take_over(state: State, coming: Coming, now: float) -> bool:
    if coming.why == "rotate":
        return between_turns(state, now, silent=now < coming.until)
    if coming.why == "handover":
        return now >= coming.until or not (state.playback.audible(now) or state.floor.taken(now) or state.tools.open)
    return True


def _take_over(state: State, now: float) -> None:
    """The session that was to come is the one the call lives in from here on."""
    sessions, coming = state.sessions, state.sessions.coming
    if coming is None:
        return
    if coming.ready and not speaks_as_before(state, coming.ready):
        _not_to_be_had(state, "it speaks another format than the one before", now, blame=True)
        return
    unheard_since = sessions.seen_at
    waited = now - (unheard_since if sessions.current is not None else sessions.away_since)
    let_go(state, now)
    sessions.take_over(now)
    state.chronicle.add("took over", now, coming.why)
    state.tally.model = coming.model or state.tally.model
    state.meter.speaks(state.tally.model, now)
    if coming.number:
        state.out.append(UseSession(coming.number))
    before = hand_over.done(state, now)
    if coming.ready:
        use_formats(state, coming.ready, now)
    if state.phase is CONNECTING:
        if coming.number:  # the one before may have spoken though it was never ready
            state.out += history.seeds(state, resumed=False)
        state.begin(now)
        return
    if coming.why == "rotate":
        state.note("info", "another session took over", session=coming.number, model=coming.model)
    elif coming.why != "handover":
        state.remember(f"The call went on with {coming.model or 'another session'} after {waited:.1f} s.")
    _catch_up(state, coming, unheard_since, now, before)


def speaks_as_before(state: State, ready: SessionReady) -> bool:
    """Whether what it says can stand beside what other sessions said before."""
    said = any(not item_id.startswith(LOCAL) for item_id in state.playback.items)
    return not said or ready.output_audio in (None, state.playback.audio)


def use_formats(state: State, ready: SessionReady, now: float) -> None:
    """Note in which formats the current session hears and speaks, and what of our wishes it did not grant."""
    wanted = state.settings.session.audio
    for leg, echoed in (("hears", ready.input_audio), ("speaks", ready.output_audio)):
        if echoed not in (None, wanted):
            state.remember(f"The model {leg} {echoed} though {wanted} was asked for.")
    if ready.turn_detection is False:
        state.remember("The model did not switch its turn detection on, so it will not answer by itself.")
    state.model_hears = ready.input_audio or state.settings.session.audio
    speaks = ready.output_audio or state.playback.audio
    if speaks != state.playback.audio and state.playback.outstanding:  # a filler, whose rest would be noise
        state.out.append(ClearPlayback())
        state.playback.clear(now)
    state.playback.use(speaks)


def _catch_up(state: State, coming: Coming, unheard_since: float, now: float, before: str) -> None:
    """Tell the new session what it missed, let it hear what nobody has listened to, and ask for what is owed. *before*:
    the agent who has handed over, if one has."""
    sessions, floor = state.sessions, state.floor
    state.watchdogs.answered()
    state.responses.drop_wishes("nudge", "tools")  # what was begun of an answer counts for nothing here
    planned = coming.why in ("rotate", "handover")
    since = (now if planned else unheard_since) - OVERLAP
    cut_short = state.transcript.retract(now - state.recent.seconds + OVERLAP)
    since = min([since, *(turn.started_at - OVERLAP for turn in cut_short)])
    state.out += history.seeds(state, resumed=coming.resumed)
    if sessions.broke_off:
        heard = history.last_words(state) if coming.resumed else ""
        state.out.append(AddMessage(phrases.cut_off(heard), "system"))
    if before:
        hand_over.introduce(state, before)
    payload = b"" if state.guarding else state.recent.last(now - since)
    state.intake.restart(payload)
    if payload:
        state.out.append(AppendAudio(payload))
    if cut_short:  # it hears the caller's words now, and will mostly answer them by itself
        floor.reply_by = now + AUTO_REPLY
    if floor.expecting and not (state.tools.open or state.tools.reply_due or state.responses.waiting):
        state.responses.wish("resume", RequestResponse())
    if floor.expecting and not planned:  # the caller has waited long enough already: the next silence is the last
        state.watchdogs.nudges = NUDGES


# -- meanwhile -----------------------------------------------------------------------------------------------------


def filler_at(state: State) -> float:
    """Seconds: when the caller is to hear the filler; infinity if nobody is waiting for a model."""
    sessions = state.sessions
    if sessions.coming is None and sessions.current is not None:
        return math.inf
    waiting = sessions.suspected or (sessions.current is None and not sessions.gone)
    owed = state.settings.speaks_first if state.phase is CONNECTING else state.floor.expecting
    if not (waiting and owed) or state.phase not in BEFORE_LEAVING:
        return math.inf
    since = sessions.away_since if sessions.current is None else sessions.seen_at
    return max(since + FILL_AFTER, state.playback.ends_at + FILL_AFTER, state.filled_at + FILL_AGAIN)


def fill(state: State, now: float) -> None:
    """Let the caller hear that somebody is there, unless something is to be heard anyway."""
    clip = state.settings.clips.filler
    if not clip or state.playback.audible(now) or state.floor.taken(now):
        return
    state.note("info", "filler")
    play(state, "filler", clip, now)
    state.filled_at = now


def play(state: State, name: str, clip: bytes, now: float) -> None:
    """Say a recorded sentence, *clip* as `Clips` have it, instead of the model."""
    state.recorded += 1
    item_id = f"{LOCAL}{name}-{state.recorded}"
    clip = Transcoder(MULAW_8K, state.playback.audio).feed(clip)
    state.playback.enqueue(LOCAL, item_id, 0, clip, now)
    state.playback.complete(item_id)
    state.transcript.agent_said(ModelTranscript(LOCAL, item_id, f"[recorded {name}]", final=True), now)
