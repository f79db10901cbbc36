"""The protected greeting and the floor: when the model hears the caller, and when it may be asked to speak."""

from __future__ import annotations

import pytest

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.conversation import phrases
from telephony.conversation.state import HUSH, LONGEST_SPEECH, Floor
from telephony.settings import Limits

LOUD, QUIET = b"\x00" * 160, b"\xff" * 160


def hears(book: Playbook) -> bool:
    """Whether the model hears the caller now."""
    (heard,) = book.feed(ev.CallerAudio(LOUD))
    assert isinstance(heard, cmd.AppendAudio)
    return heard.payload == LOUD


def guarded(**changes: object) -> Playbook:
    book = Playbook(greeting_interruptible=False, **changes)
    book.connect()
    return book


def test_the_model_hears_silence_from_the_first_moment_to_the_greetings_last_word() -> None:
    book = guarded()
    assert not hears(book)
    book.feed(ev.ResponseStarted("r0"), ev.ModelAudio("r0", "i0", speech(500)))
    book.hear(0.8)
    assert not hears(book), "the model has only paused in the middle of its greeting"
    book.feed(ev.ModelAudio("r0", "i0", speech(500)), ev.ModelAudioDone("r0", "i0"), ev.ResponseDone("r0"))
    book.hear(0.4)
    assert not hears(book)
    book.hear(0.2)
    assert hears(book)


def test_what_the_caller_said_before_an_uninterruptible_greeting_is_not_passed_on() -> None:
    book = Playbook(greeting_interruptible=False)
    book.feed(ev.ModelConnected("grok"))
    book.frames(1)
    assert not [c for c in book.feed(ev.SessionReady()) if isinstance(c, cmd.AppendAudio)]


def test_nothing_the_model_takes_for_speech_stops_an_uninterruptible_greeting() -> None:
    book = guarded()
    book.say("r0", "i0", 1000, "Hello.")
    book.hear(0.5)
    assert book.feed(ev.SpeechStarted("u1")) == []


def test_a_greeting_that_never_comes_does_not_keep_the_model_deaf() -> None:
    book = guarded()
    book.frames(4.9)
    assert not hears(book)
    book.frames(0.2)
    assert hears(book)


def test_a_greeting_whose_response_comes_to_nothing_does_not_keep_the_model_deaf() -> None:
    book = guarded()
    book.feed(ev.ResponseStarted("r0"), ev.ResponseDone("r0", "failed", "server_error"))
    assert hears(book)


def test_after_the_greeting_the_caller_is_heard_over_everything_else() -> None:
    book = guarded(limits=Limits(caller_silence=2))
    book.say("r0", "i0", 500, "Hello.")
    book.hear(2.6)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse(phrases.STILL_THERE)]
    assert hears(book), "an answer to the question that is about to be asked"
    book.say("r1", "i1", 1000)
    book.hear(0.5)
    assert hears(book)


def test_keys_do_not_make_the_model_deaf() -> None:
    book = guarded()
    book.say("r0", "i0", 500, "Hello.")
    book.hear(0.6)
    book.feed(*[ev.KeyPressed(digit) for digit in "1#"])
    assert hears(book)


@pytest.mark.parametrize("changes", [{}, {"speaks_first": False, "greeting_interruptible": False}])
def test_without_a_greeting_to_protect_the_model_hears_everything(changes: dict[str, object]) -> None:
    book = Playbook(**changes)
    book.connect()
    assert hears(book)


# -- the floor -----------------------------------------------------------------------------------------------------


def test_a_caller_has_the_floor_until_told_otherwise_or_for_half_a_minute_after_the_last_word() -> None:
    floor = Floor(0.0)
    assert not floor.taken(0.0)
    assert floor.deadline() is None
    floor.speaking_since = floor.last_heard = 10.0
    floor.sound_at = 100.0
    assert floor.taken(10.0 + LONGEST_SPEECH - 0.01)
    assert not floor.taken(10.0 + LONGEST_SPEECH)
    floor.speaks_on(30.0)
    assert floor.deadline() == 30.0 + LONGEST_SPEECH
    floor.speaking_since = None
    floor.speaks_on(40.0)
    assert floor.last_heard == 30.0, "a late transcript is no speech"


def test_a_caller_has_the_floor_no_longer_than_there_are_sounds_on_the_line() -> None:
    floor = Floor(0.0)
    floor.speaking_since = floor.last_heard = 10.0
    assert floor.deadline() == 10.0 + HUSH
    floor.sound_at = 12.0
    assert floor.taken(12.0 + HUSH - 0.01)
    assert not floor.taken(12.0 + HUSH)
    floor.speaks_on(14.0)
    assert floor.deadline() == 14.0 + HUSH


def test_a_tools_answer_waits_until_the_caller_has_finished_and_the_model_had_its_chance() -> None:
    book = Playbook()
    book.reach("tool")
    book.feed(ev.SpeechStarted("u1"), ev.ToolFinished("c1", "42"))
    book.frames(3)
    assert not book.sent(cmd.RequestResponse)
    book.feed(ev.SpeechStopped("u1"))
    book.frames(1.4)
    assert not book.sent(cmd.RequestResponse)
    book.frames(0.2)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]


# -- the end -------------------------------------------------------------------------------------------------------


def test_whoever_began_to_end_a_failed_call_is_named_though_the_caller_hung_up_first() -> None:
    book = Playbook()
    book.reach("speaking")
    book.feed(ev.ModelLost("reset"), ev.CarrierStopped())
    assert book.ending == cmd.EndCall("failed", "model", "reset")


def test_a_caller_who_hangs_up_during_a_goodbye_ended_the_call() -> None:
    book = Playbook()
    book.reach("leaving")
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "caller", "caller hung up")


def test_speech_that_was_thrown_away_is_remembered() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), *[ev.ModelAudio("r1", "i1", speech(60_000)) for _ in range(7)])
    book.feed(ev.CarrierStopped())
    assert book.call.state.tally.notes == ["120 s of speech were dropped: the model was too far ahead."]


@pytest.mark.parametrize(("sound_at", "told", "expected"), [(5.0, 5.5, 5.0), (5.6, 5.5, 5.5), (3.0, 5.5, 5.5)])
def test_the_callers_last_sound_is_where_the_line_fell_silent_before_the_model_says_so(
    sound_at: float, told: float, expected: float
) -> None:
    """What a model names is the end of the silence by which it knew. Sound from before the turn says nothing."""
    floor = Floor(0.0)
    floor.began_at, floor.sound_at = 4.0, sound_at
    assert floor.last_sound(told) == expected
