"""How calls end: goodbye first, bounds always."""

from __future__ import annotations

import pytest

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.conversation import phrases
from telephony.settings import Limits


def goodbye(book: Playbook, milliseconds: int = 1000) -> list[cmd.Command]:
    """The model says goodbye and hangs up in one response."""
    return book.feed(
        ev.ResponseStarted("rb"),
        ev.ModelAudio("rb", "ib", speech(milliseconds)),
        ev.ToolRequested("rb", "ch", "hang_up", "{}"),
        ev.ModelAudioDone("rb", "ib"),
        ev.ResponseDone("rb"),
    )


def test_the_agent_hangs_up_after_its_goodbye_was_heard_and_not_before() -> None:
    book = Playbook()
    book.greet()
    goodbye(book)
    book.hear(0.9)
    assert not book.sent(cmd.HangUp)
    book.hear(0.2)
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "agent hung up")]
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "agent", "agent hung up")


def test_the_model_is_told_that_the_call_ends_and_not_asked_for_more() -> None:
    book = Playbook()
    book.greet()
    goodbye(book)
    book.hear(2)
    assert [c.call_id for c in book.sent(cmd.SendToolOutput)] == ["ch"]
    assert not book.sent(cmd.RequestResponse)


def test_hanging_up_without_a_word_lets_the_model_say_goodbye_first() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "ch", "hang_up", "{}"), ev.ResponseDone("r1"))
    assert book.sent(cmd.RequestResponse)
    book.say("r2", "i2", 1000, "Goodbye.")
    book.hear(0.9)
    assert not book.sent(cmd.HangUp)
    book.hear(0.3)
    assert book.sent(cmd.HangUp)


def test_a_lost_mark_delays_the_hang_up_by_three_seconds_at_most() -> None:
    book = Playbook()
    book.greet()
    goodbye(book)
    book.frames(3.9)
    assert not book.sent(cmd.HangUp)
    book.frames(0.2)
    assert book.sent(cmd.HangUp)


def test_a_caller_who_speaks_during_the_goodbye_keeps_the_line() -> None:
    book = Playbook()
    book.greet()
    goodbye(book)
    book.hear(0.5)
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.say("r2", "i2", 1000)
    book.hear(4)
    assert not book.sent(cmd.HangUp)


def test_a_carrier_that_never_confirms_the_hang_up_ends_the_call_all_the_same() -> None:
    book = Playbook()
    book.greet()
    goodbye(book)
    book.hear(1.2)
    book.frames(5.1)
    assert book.ending == cmd.EndCall("completed", "agent", "agent hung up")


@pytest.mark.parametrize("phase", ["connecting", "greeting", "listening", "speaking", "tool", "leaving", "hanging up"])
def test_a_caller_who_hangs_up_ends_the_call_in_every_phase(phase: str) -> None:
    book = Playbook()
    if phase != "connecting":
        book.connect()
    if phase not in ("connecting", "greeting"):
        book.say("r0", "i0", 500)
        book.hear(0.6)
    if phase == "speaking":
        book.say("r1", "i1", 3000)
        book.hear(0.5)
    if phase == "tool":
        book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"))
    if phase in ("leaving", "hanging up"):
        goodbye(book)
    if phase == "hanging up":
        book.hear(1.5)
    book.feed(ev.CarrierStopped(), ev.CarrierLost("closed", 1000))
    assert len(book.sent(cmd.EndCall)) == 1
    assert book.ending
    assert book.ending.by == ("agent" if phase == "hanging up" else "caller")


def test_a_stream_lost_without_a_stop_is_the_carriers_failure() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.CarrierLost("connection reset"))
    assert book.ending == cmd.EndCall("failed", "carrier", "media stream lost: connection reset")


def test_a_lost_model_finishes_what_it_said_and_is_followed_by_the_apology() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(1000)))
    played = len(book.sent(cmd.Play))
    book.feed(ev.ModelLost("reset"))
    book.hear(1.4)
    assert not book.sent(cmd.HangUp)
    assert len(book.sent(cmd.Play)) > played
    book.hear(0.4)
    assert book.sent(cmd.HangUp)
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("failed", "model", "reset")
    assert book.call.turns(book.now)[-1].heard == "[recorded apology]"


def test_a_fatal_error_of_the_model_is_a_lost_model() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ModelError("fatal", "invalid_api_key", "wrong key"))
    book.hear(1)
    assert book.sent(cmd.HangUp)


def test_before_the_maximum_duration_the_caller_is_warned_once_between_two_turns() -> None:
    book = Playbook(limits=Limits(max_duration=20, max_duration_warning=10, caller_silence=0))
    book.greet()
    book.hear(8)
    book.feed(ev.SpeechStarted("u1", 0))
    book.hear(2.5)
    assert not book.sent(cmd.RequestResponse), "the caller is speaking"
    book.feed(ev.SpeechStopped("u1", 0))
    book.say("r1", "i1", 500)
    book.hear(3)
    (warning,) = book.sent(cmd.RequestResponse)
    assert warning.instructions is not None
    assert "a few seconds" in warning.instructions
    book.say("r2", "i2", 500)
    book.hear(2)
    assert len(book.sent(cmd.RequestResponse)) <= 1
    assert not book.sent(cmd.HangUp)


def test_after_the_maximum_duration_the_model_says_goodbye_and_the_line_is_released() -> None:
    book = Playbook(limits=Limits(max_duration=20, caller_silence=0))
    book.greet()
    book.hear(18)
    assert not book.sent(cmd.RequestResponse)
    book.hear(1.2)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse(phrases.TIME_IS_UP)]
    book.say("r1", "i1", 1000)
    book.hear(1.2)
    assert book.sent(cmd.HangUp)
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "limit", "maximum duration")


def test_a_model_that_does_not_say_goodbye_is_replaced_by_the_clip() -> None:
    book = Playbook(limits=Limits(max_duration=20, caller_silence=0))
    book.greet()
    book.hear(19.5)
    before = len(book.sent(cmd.Play))
    book.hear(5.2)
    assert len(book.sent(cmd.Play)) > before
    book.hear(1)
    assert book.sent(cmd.HangUp)


def test_a_silent_caller_is_asked_twice_and_then_let_go() -> None:
    book = Playbook(limits=Limits(caller_silence=5, caller_silence_prompts=2))
    book.greet()
    for number in (1, 2):
        book.hear(5.1)
        assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse(phrases.STILL_THERE)] * number
        book.say(f"p{number}", f"ip{number}", 500)
        book.hear(0.6)
    book.hear(5.1)
    assert book.sent(cmd.RequestResponse)[-1] == cmd.RequestResponse(phrases.NO_ANSWER)
    book.say("rg", "ig", 500)
    book.hear(0.8)
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "the caller was silent")]


def test_a_caller_who_answers_is_asked_anew_from_the_beginning() -> None:
    book = Playbook(limits=Limits(caller_silence=5, caller_silence_prompts=1))
    book.greet()
    book.hear(5.1)
    book.say("p1", "ip1", 500)
    book.hear(1)
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.say("r1", "i1", 500)
    book.hear(5.7)
    assert book.sent(cmd.RequestResponse)[-1] == cmd.RequestResponse(phrases.STILL_THERE)
    assert not book.sent(cmd.HangUp)


def test_dead_air_is_asked_about_once_and_then_ends_with_the_apology() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.frames(5.1)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]
    book.frames(5.1)
    assert book.notes.count("leaving") == 1
    book.hear(1.5)
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("failed", "model", "dead air")


def test_a_reply_that_was_dropped_without_a_word_is_asked_for_again() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.frames(5.1)
    assert book.sent(cmd.CancelResponse, cmd.RequestResponse) == [cmd.CancelResponse("r1"), cmd.RequestResponse()]


def test_a_failed_response_is_asked_for_again_at_once() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.feed(ev.ResponseDone("r1", "failed", "rate_limit_exceeded"))
    book.frames(1.6)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]


def test_a_server_that_stops_lets_the_model_say_so() -> None:
    book = Playbook()
    book.greet()
    assert book.feed(ev.ServerStopping()) == [cmd.RequestResponse(phrases.CLOSING_DOWN)]
    book.say("r1", "i1", 500)
    book.hear(0.7)
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "server", "server stopping")


def test_a_carrier_that_falls_silent_is_lost() -> None:
    book = Playbook(limits=Limits(caller_silence=0))
    book.greet()
    book.wait(31)
    assert book.ending == cmd.EndCall("failed", "carrier", "the carrier sent nothing any more")


def test_a_broken_stream_ends_the_call() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.CarrierFault("media before start", fatal=True))
    assert book.ending == cmd.EndCall("failed", "carrier", "media before start")


def test_a_caller_who_says_hello_into_a_dead_line_does_not_keep_it_dead() -> None:
    book = Playbook()
    book.greet()
    for number in range(20):
        book.feed(ev.SpeechStarted(f"u{number}"))
        book.frames(1)
        book.feed(ev.SpeechStopped(f"u{number}"))
        book.frames(3)
        if book.sent(cmd.HangUp):
            break
    assert cmd.RequestResponse() in book.sent(cmd.RequestResponse), "the model was asked again"
    assert book.notes.count("leaving") == 1
    assert book.now < 25


def test_a_final_transcript_ends_a_turn_whose_end_was_lost() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"))
    book.frames(1)
    book.feed(ev.CallerTranscript("u1", "Hello?", final=True))
    book.frames(5.1)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]


def test_a_model_that_never_gets_ready_and_never_speaks_is_given_up_within_fourteen_seconds() -> None:
    book = Playbook()
    book.frames(7.9)
    book.feed(ev.ModelConnected("grok"))
    book.frames(5.5)
    assert "leaving" in book.notes
    assert book.sent(cmd.Play), "the recorded apology"


def test_words_without_sound_do_not_keep_a_response_alive() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(500)), ev.ModelAudioDone("r1", "i1"))
    for _ in range(10):
        book.frames(3)
        book.feed(ev.ModelTranscript("r1", "i1", "word "), ev.ModelAudio("r1", "i1", b""))
    assert cmd.RequestResponse(phrases.STILL_THERE) in book.sent(cmd.RequestResponse)
