"""What becomes of a call whose session with the model is lost, falls silent, or grows old."""

from __future__ import annotations

import pytest

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.settings import Limits


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


@pytest.mark.parametrize("ready", [True, False])
def test_a_session_that_was_to_replace_an_old_one_takes_over_when_that_one_falls_silent(ready: bool) -> None:
    call = Playbook(others="scripted", limits=Limits(session=10, caller_silence=0))
    call.greet()
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
