"""When a caller whom nobody notices is reason to ask whether the model is there."""

from __future__ import annotations

from playbook import Playbook
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K
from telephony.conversation.unnoticed import Unnoticed

LOUD = bytes([0x90, 0x10] * 80)
QUIET = MULAW_8K.silence(20)


def asked(frames: list[bytes], *, seen_at: float = 0.0) -> list[float]:
    """When it is asked, for frames from 1 s on."""
    unnoticed = Unnoticed(MULAW_8K)
    return [
        round(1 + n * 0.02, 2)
        for n, frame in enumerate(frames)
        if unnoticed.frame(frame, seen_at if 1 + n * 0.02 >= seen_at else 0.0, 1 + n * 0.02)
    ]


def test_it_is_asked_two_seconds_after_a_caller_began_whom_nobody_noticed() -> None:
    assert asked([LOUD] * 50 + [QUIET] * 200) == [3.0]


def test_a_caller_who_goes_on_is_asked_about_again_only_after_a_while() -> None:
    assert asked([LOUD] * 1000) == [3.0, 13.0]


def test_a_cough_and_a_quiet_line_are_no_reason_to_ask() -> None:
    assert asked([LOUD] * 10 + [QUIET] * 500) == []


def test_nothing_is_asked_of_a_model_that_has_noticed() -> None:
    assert asked([LOUD] * 50 + [QUIET] * 200, seen_at=2.1) == []


def test_in_a_call_the_socket_is_checked_and_the_caller_is_heard_on() -> None:
    book = Playbook()
    book.greet()
    for _ in range(150):
        book.wait(0.02)
        book.feed(ev.CallerAudio(LOUD))
    assert book.sent(cmd.CheckSession) == [cmd.CheckSession(0)]
    assert len(book.sent(cmd.AppendAudio)) >= 150
