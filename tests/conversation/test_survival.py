"""What becomes of a call whose session with the model is lost, falls silent, or grows old."""

from __future__ import annotations

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev


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
