"""What becomes of a call whose session with the model is lost, falls silent, or grows old."""

from __future__ import annotations

import msgspec
import pytest

from playbook import VOICE, Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K, PCM16_16K, PCM16_24K
from telephony.settings import Clips, Limits


def answering(call: Playbook, milliseconds: float) -> None:
    """The caller asked something, and the beginning of the answer has come."""
    call.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.CallerTranscript("u1", "Where is it?", final=True))
    call.feed(ev.ResponseStarted("r1"), ev.ModelTranscript("r1", "i1", "It has been"))
    call.feed(ev.ModelAudio("r1", "i1", speech(milliseconds)))


def test_what_broke_off_unnoticed_is_asked_for_again_of_the_session_that_takes_over() -> None:
    call = Playbook(others="there")
    call.greet()
    answering(call, 500)
    call.hear(6)
    assert call.sent(cmd.RequestResponse, cmd.UseSession)[-2:] == [cmd.UseSession(1), cmd.RequestResponse()]


@pytest.mark.parametrize("begun", [0, 1])
def test_an_answer_to_outputs_that_was_asked_for_or_begun_and_not_heard_is_asked_for_again(begun: int) -> None:
    call = Playbook(others="there")
    call.reach("tool")
    call.feed(ev.ToolFinished("c1", "{}"))
    assert call.log[-1][1] == cmd.RequestResponse()
    call.feed(*[ev.ResponseStarted("r2")][:begun])
    call.feed(ev.ModelLost("closed", 1011))
    assert call.log[-1][1] == cmd.RequestResponse()
    call.say("s1-r1", "s1-i1", 500, "Here it is.")
    assert call.sent(cmd.RequestResponse, cmd.UseSession)[-2:] == [cmd.UseSession(1), cmd.RequestResponse()], "once"


@pytest.mark.parametrize("ready", [True, False])
def test_a_session_that_was_to_replace_an_old_one_takes_over_when_that_one_falls_silent(ready: bool) -> None:
    call = Playbook(others="scripted", limits=Limits(session=10, caller_silence=0))
    call.greet()
    call.line = VOICE
    call.feed(ev.SpeechStarted("u1"))
    call.frames(10)
    assert call.sent(cmd.OpenSession) == [cmd.OpenSession(1)]
    if ready:
        call.connect(1)
    call.feed(ev.SpeechStopped("u1"))
    call.hear(5.5)
    if not ready:
        assert not call.sent(cmd.UseSession)
        call.connect(1)
    assert call.sent(cmd.UseSession) == [cmd.UseSession(1)]
    assert call.sent(cmd.OpenSession) == [cmd.OpenSession(1)]
    call.hear(0.1)
    assert call.sent(cmd.RequestResponse)[-1] == cmd.RequestResponse()


def growing_old(seconds: float = 10) -> Playbook:
    """A call whose sessions are to be replaced after *seconds*; others are there at once."""
    return Playbook(others="there", limits=Limits(session=seconds, caller_silence=0))


def test_an_old_session_is_replaced_in_a_moment_of_silence() -> None:
    call = growing_old()
    call.greet()
    call.hear(8.9)
    assert not call.sent(cmd.OpenSession)
    call.hear(0.2)
    assert call.sent(cmd.OpenSession, cmd.UseSession, cmd.CloseSession) == [
        cmd.OpenSession(1),
        cmd.CloseSession(0),
        cmd.UseSession(1),
    ]
    assert call.call.state.tally.notes == []


def test_where_silence_does_not_come_it_is_enough_that_all_that_is_heard_has_come() -> None:
    """A model that speaks for a minute has said all of it to us in ten seconds."""
    call = growing_old(3)
    call.greet()
    call.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.CallerTranscript("u1", "Tell me.", final=True))
    call.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(30_000)))
    call.hear(4)
    assert call.sent(cmd.OpenSession)
    assert not call.sent(cmd.UseSession), "more may come of it"
    call.feed(ev.ModelTranscript("r1", "i1", "Once upon a time.", final=True), ev.ModelAudioDone("r1", "i1"))
    call.feed(ev.ResponseDone("r1"))
    assert call.sent(cmd.UseSession) == [cmd.UseSession(1)]
    assert cmd.AddMessage("Once upon a time.", "assistant") in call.sent(cmd.AddMessage)
    call.hear(30)
    assert call.call.turns(call.now)[-1].heard == "Once upon a time."
    assert not call.call.turns(call.now)[-1].interrupted


def test_a_session_is_not_replaced_while_something_is_to_come() -> None:
    for events in (
        [ev.SpeechStarted("u1")],
        [ev.SpeechStarted("u1"), ev.SpeechStopped("u1")],
        [ev.ResponseStarted("r1")],
        [ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1")],
        [ev.KeyPressed("1")],
        [ev.CallerTranscript("u1", "And", final=False)],
    ):
        call = Playbook(others="there", limits=Limits(session=10, caller_silence=0))
        call.greet()
        call.hear(8.9)
        call.feed(*events)
        call.hear(0.5)
        assert call.sent(cmd.OpenSession), events
        assert not call.sent(cmd.UseSession), events


def test_a_key_in_a_goodbye_that_no_model_can_go_on_from_does_not_keep_the_line() -> None:
    book = Playbook()
    book.reach("leaving")
    book.feed(ev.ModelLost("gone"), ev.KeyPressed("5"))
    book.hear(20)
    assert book.sent(cmd.HangUp)
    assert book.ending


def test_a_rotation_that_failed_does_not_keep_from_looking_when_the_model_falls_silent() -> None:
    book = Playbook(others="scripted", limits=Limits(session=20, caller_silence=0))
    book.greet()
    book.wait(20)
    (first,) = book.sent(cmd.OpenSession)
    book.feed(ev.ModelLost("429", None, first.session))
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.wait(6)
    assert len(book.sent(cmd.OpenSession)) == 2


def test_a_silent_session_that_holds_the_only_place_is_let_go_for_the_next() -> None:
    book = Playbook(others="scripted")
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ModelNoise("ping"))
    book.wait(10.1)
    (suspected,) = book.sent(cmd.OpenSession)
    book.feed(ev.ModelLost("no deployment has a place left", None, suspected.session))
    assert cmd.CloseSession(0, suspected.failed) in book.sent(cmd.CloseSession)
    book.connect(2)
    assert book.call.state.sessions.current == 2
    assert not book.ending


def test_a_caller_is_not_let_go_without_a_word_because_the_goodbye_was_lost() -> None:
    """The agent hangs up and has not said goodbye yet, when its session ends: the recorded sentence does."""
    call = Playbook(others="there")
    call.reach("leaving")
    before = len(call.sent(cmd.Play))
    call.feed(ev.ModelLost("closed", 1011))
    call.hear(1)
    assert len(call.sent(cmd.Play)) > before
    assert call.sent(cmd.HangUp)
    assert call.call.turns(call.now)[-1].heard == "[recorded goodbye]"


OTHER_FORMAT = ev.SessionReady(PCM16_24K, PCM16_16K, turn_detection=True)


@pytest.mark.parametrize("waited", [1.7, 3.0], ids=["while it is heard", "when it is over"])
def test_a_model_that_speaks_another_format_is_taken_as_it_is_though_a_filler_was_played(waited: float) -> None:
    clip = MULAW_8K.silence(500)
    call = Playbook(clips=Clips(clip, clip, clip))
    call.hear(waited)
    assert call.sent(cmd.Play)
    call.feed(ev.ModelConnected("grok"), OTHER_FORMAT)
    assert bool(call.sent(cmd.ClearPlayback)) == (waited < 2), "what is left of it would be noise"
    assert call.call.model_speaks == PCM16_16K
    call.feed(ev.ResponseStarted("r0"), ev.ModelAudio("r0", "i0", speech(1500)))
    call.wait(3)
    playback = call.call.state.playback
    assert playback.heard_ms(playback.items["i0"], call.now) == 36_000 * 1000 // 16_000


def test_a_model_that_speaks_another_format_than_the_one_before_is_not_taken() -> None:
    call = Playbook(others="scripted")
    call.greet()
    call.feed(ev.ModelLost("closed", 1011), ev.ModelConnected("gpt", 1))
    call.feed(msgspec.structs.replace(OTHER_FORMAT, session=1))
    assert [command.session for command in call.sent(cmd.CloseSession)] == [0, 1]
    assert [command.session for command in call.sent(cmd.OpenSession)] == [1, 2]
    assert not call.sent(cmd.UseSession)
