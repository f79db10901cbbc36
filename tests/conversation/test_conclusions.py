"""Nobody is left in silence: every wait has a bound, and every bound its consequence, on time."""

from __future__ import annotations

import pytest

from playbook import MOMENTS, SILENCE, VOICE, Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K
from telephony.conversation import phrases
from telephony.conversation.state import HUSH
from telephony.settings import Clips, Limits

ASKS = (cmd.RequestResponse, cmd.SpeakVerbatim)


def when(book: Playbook, kind: type[cmd.Command], after: float = 0.0) -> float | None:
    """Seconds from *after* to the first command of that kind."""
    return next((round(at - after, 2) for at, c in book.log if isinstance(c, kind) and at > after), None)


# -- dead air ------------------------------------------------------------------------------------------------------


def test_after_the_callers_turn_a_silent_model_is_asked_at_five_seconds_and_replaced_at_ten() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    turn = book.now
    book.frames(11)
    assert when(book, cmd.RequestResponse, turn) == 5.0
    assert when(book, cmd.Play, turn) == 10.0


def test_dead_air_is_measured_anew_after_a_tool_and_with_the_same_bounds() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.feed(ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1"))
    book.frames(3)
    book.feed(ev.ToolFinished("c1", "42"))
    answered = book.now
    book.frames(12)
    asked = [round(at - answered, 2) for at, c in book.log if isinstance(c, cmd.RequestResponse)]
    assert asked == [0.0, 5.0]
    assert when(book, cmd.Play, answered) == 10.0


def test_a_reply_that_breaks_off_in_the_middle_is_dead_air_from_its_last_sound_on() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.feed(ev.ModelAudio("r1", "i1", speech(1000)))
    last_sound = book.now + 1.0
    book.hear(7)
    assert book.sent(cmd.CancelResponse) == [cmd.CancelResponse("r1")]
    assert when(book, cmd.RequestResponse, last_sound) == 5.0


def test_a_reply_that_breaks_off_is_dead_air_though_no_mark_ever_told_where_its_sound_ended() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(1000)))
    last_sound = book.now + 1.0
    book.frames(6.1)
    assert when(book, cmd.RequestResponse, last_sound) == 5.0


def test_a_reply_that_was_said_but_never_closed_is_not_asked_for_again() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.feed(ev.ModelAudio("r1", "i1", speech(1000)), ev.ModelAudioDone("r1", "i1"))
    book.hear(9)
    assert not book.sent(cmd.RequestResponse)


def test_a_response_asked_for_and_never_begun_is_dead_air_even_after_the_caller_heard_a_filler() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "slow", "{}"), ev.ResponseDone("r1"))
    book.frames(1.1)
    assert book.sent(cmd.SpeakVerbatim)[-1] == cmd.SpeakVerbatim("One moment.")
    book.say("r2", "i2", 500, "One moment.")
    book.feed(ev.ToolFinished("c1", "42"))
    asked = book.now
    book.hear(6)
    assert [round(at - asked, 1) for at, c in book.log if isinstance(c, cmd.RequestResponse)] == [0.0, 5.5]


def test_a_delta_without_a_sound_does_not_count_as_an_answer() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    turn = book.now
    book.feed(ev.ModelAudio("r1", "i1", b""))
    book.frames(5.1)
    assert when(book, cmd.RequestResponse, turn) == 5.0


def test_a_tool_that_never_ends_is_given_up_and_answered() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1"))
    book.frames(12.1)
    assert [c.call_id for c in book.sent(cmd.SendToolOutput)] == ["c1"]
    assert book.sent(cmd.CancelTool) == [cmd.CancelTool("c1")]
    assert book.sent(cmd.RequestResponse)
    assert book.feed(ev.ToolFinished("c1", "too late")) == []
    assert book.call.tool_uses[0].outcome == "timeout"


def test_a_caller_whose_speech_is_never_reported_to_end_is_asked_after_half_a_minute() -> None:
    book = Playbook()
    book.greet()
    book.line = VOICE
    book.feed(ev.SpeechStarted("u1"))
    started = book.now
    book.frames(31)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse(phrases.STILL_THERE)]
    assert when(book, cmd.RequestResponse, started) == 30.0


def test_a_caller_on_a_silent_line_has_stopped_though_the_model_never_says_so() -> None:
    """It may have died in the middle of the turn."""
    book = Playbook()
    book.greet()
    book.line = VOICE
    book.feed(ev.SpeechStarted("u1"))
    book.frames(6)
    book.line = SILENCE
    stopped = book.now
    book.frames(10)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]
    assert when(book, cmd.RequestResponse, stopped) == HUSH + Limits().dead_air
    assert book.call.turns(book.now)[1].ended_at is not None


def test_a_caller_who_is_heard_to_speak_on_is_not_interrupted_by_the_clock() -> None:
    book = Playbook()
    book.greet()
    book.line = VOICE
    book.feed(ev.SpeechStarted("u1"))
    for _ in range(5):
        book.frames(9)
        book.feed(ev.CallerTranscript("u1", "and then", final=False))
    assert not book.sent(*ASKS[:1])


def test_a_model_that_answers_tells_that_the_caller_has_finished() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"))
    book.frames(2)
    book.say("r1", "i1", 500)
    book.feed(*[ev.KeyPressed(digit) for digit in "1#"])
    book.hear(1)
    assert book.sent(cmd.RequestResponse), "nobody waits for the end of a turn that was answered"


# -- the end -------------------------------------------------------------------------------------------------------


def test_without_recorded_sentences_the_line_is_released_all_the_same() -> None:
    book = Playbook(limits=Limits(max_duration=20, caller_silence=0), clips=Clips())
    book.greet()
    book.hear(25)
    assert book.sent(cmd.HangUp), "the model has had its five seconds"
    book.frames(5.1)
    assert book.ending == cmd.EndCall("completed", "limit", "maximum duration")


def test_a_goodbye_may_have_more_time_than_dead_air() -> None:
    book = Playbook(limits=Limits(goodbye=9, dead_air=5))
    book.greet()
    book.feed(ev.ResponseStarted("rb"), ev.ModelAudio("rb", "ib", speech(1000)), ev.ModelAudioDone("rb", "ib"))
    book.feed(ev.ToolRequested("rb", "c1", "lookup", "{}"), ev.ToolRequested("rb", "ch", "hang_up", "{}"))
    book.feed(ev.ResponseDone("rb"))
    spoken = book.now + 1.0
    book.frames(12)
    assert when(book, cmd.HangUp, spoken) == 9.0


def test_the_session_has_the_time_from_the_start_of_the_call_however_late_the_socket_opened() -> None:
    book = Playbook(limits=Limits(connect=8))
    book.frames(7)
    book.feed(ev.ModelConnected("grok"))
    book.frames(1.1)
    assert book.sent(cmd.SpeakVerbatim)


def test_a_clip_is_heard_though_the_model_imposed_another_format() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"), ev.SessionReady(MULAW_8K, MULAW_8K))
    book.feed(ev.ModelLost("reset"))
    book.frames(0.6)
    played = b"".join(c.payload for c in book.sent(cmd.Play) if isinstance(c, cmd.Play))
    assert abs(len(played) - 4000) <= 20, "half a second of mu-law"


def test_words_that_the_queue_had_no_room_for_were_not_heard() -> None:
    book = Playbook(limits=Limits(caller_silence=0))
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelTranscript("r1", "i1", "word " * 100, final=True))
    for _ in range(400):
        book.feed(ev.ModelAudio("r1", "i1", speech(1000)))
    book.feed(ev.ModelAudioDone("r1", "i1"), ev.ResponseDone("r1"))
    book.wait(29)
    while book.call.state.playback.audible(book.now):
        book.feed(ev.CallerAudio(b"\xff" * 160))
        book.wait(20)
    book.feed(ev.CarrierStopped())
    turn = book.call.turns(book.now)[-1]
    assert 70 <= len(turn.heard.split()) <= 80
    assert len(turn.unheard.split()) == 100 - len(turn.heard.split())


# -- deadlines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [b"", MULAW_8K.silence(500)], ids=["without clips", "with clips"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_from_every_moment_a_model_that_falls_mute_leads_to_an_end(moment: str, clip: bytes) -> None:
    """Frames keep coming, which is what hides a deadline that was forgotten: nothing else makes anybody look."""
    book = Playbook(clips=Clips(clip, clip), limits=Limits(caller_silence_prompts=1))
    book.reach(moment)
    since = book.now
    book.frames(75)
    assert len(book.sent(cmd.EndCall)) == 1, f"the line is still held {book.now - since:.0f} s later"
    assert len(book.sent(cmd.HangUp)) == 1
