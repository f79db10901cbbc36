"""The conversation as a whole: getting ready, greeting, barge-in, and what must hold at any time."""

from __future__ import annotations

import inspect

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K
from telephony.conversation.handlers import HANDLERS
from telephony.settings import Limits


def test_every_event_has_a_handler() -> None:
    kinds = {kind for _, kind in inspect.getmembers(ev, inspect.isclass) if issubclass(kind, ev.Event)}
    assert set(HANDLERS) == kinds - {ev.Event, ev.CallerAudio}


# -- getting ready -------------------------------------------------------------------------------------------------


def test_the_session_is_configured_as_soon_as_the_model_is_connected() -> None:
    assert Playbook().feed(ev.ModelConnected("grok")) == [cmd.ConfigureSession()]


def test_no_caller_audio_before_the_session_is_ready_and_all_of_it_after() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"))
    assert book.frames(1.0) == []
    ready = book.feed(ev.SessionReady())
    assert ready[0] == cmd.AppendAudio(b"\xff" * 8000)


def test_early_audio_is_bounded_and_the_oldest_is_dropped() -> None:
    book = Playbook(limits=Limits(early_audio=2))
    book.feed(ev.ModelConnected("grok"))
    for second in range(3):
        for frame in range(50):
            book.wait(0.02)
            book.feed(ev.CallerAudio(bytes([second]) * 160, second * 1000 + frame * 20))
    (early, *_) = book.feed(ev.SessionReady())
    assert isinstance(early, cmd.AppendAudio)
    assert early.payload == bytes([1]) * 8000 + bytes([2]) * 8000


def test_early_audio_that_came_all_at_once_is_heard_all_the_same() -> None:
    """The socket kept it while it was found out whether the model can be reached."""
    book = Playbook()
    book.feed(ev.ModelConnected("grok"))
    for frame in range(25):
        book.feed(ev.CallerAudio(bytes([1 + frame]) * 160, frame * 20))
    book.wait(0.1)
    (early, *_) = book.feed(ev.SessionReady())
    assert early == cmd.AppendAudio(b"".join(bytes([1 + frame]) * 160 for frame in range(25)))


def test_either_first_event_or_none_leads_to_the_greeting() -> None:
    for first in ([ev.SessionCreated("s")], [ev.ModelNoise("conversation.created")], []):
        book = Playbook()
        book.feed(ev.ModelConnected("grok"), *first, ev.SessionReady())
        assert book.sent(cmd.SpeakVerbatim) == [cmd.SpeakVerbatim("Hello.", True)]


def test_without_session_updated_the_call_goes_on_after_four_seconds() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"))
    book.frames(3.9)
    assert not book.sent(cmd.SpeakVerbatim)
    book.frames(0.2)
    assert book.sent(cmd.SpeakVerbatim)
    assert "did not acknowledge" in book.call.state.tally.notes[0]


def test_a_model_that_cannot_be_reached_in_time_leads_to_the_apology_and_a_hang_up() -> None:
    book = Playbook()
    book.frames(8.1)
    assert book.sent(cmd.Play), "the recorded apology"
    book.hear(2.0)
    assert book.sent(cmd.HangUp)
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("failed", "model", "the model could not be reached in time")


def test_a_format_that_was_not_asked_for_is_loud_and_its_audio_is_still_timed_rightly() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"), ev.SessionReady(MULAW_8K, MULAW_8K))
    assert len(book.call.state.tally.notes) == 2
    book.feed(ev.ResponseStarted("r"), ev.ModelAudio("r", "i", b"\xff" * 8000))
    assert book.call.state.playback.queued + 0.4 == 1.0


def test_turn_detection_that_stayed_off_is_loud() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"), ev.SessionReady(turn_detection=False))
    assert "turn detection" in book.call.state.tally.notes[0]


# -- the greeting --------------------------------------------------------------------------------------------------


def test_the_agent_greets_word_for_word() -> None:
    assert Playbook().connect() == [cmd.ConfigureSession(), cmd.SpeakVerbatim("Hello.", True)]


def test_without_a_greeting_the_model_finds_its_own_words() -> None:
    assert Playbook(greeting=None).connect() == [cmd.ConfigureSession(), cmd.RequestResponse()]


def test_an_agent_that_does_not_speak_first_waits() -> None:
    book = Playbook(speaks_first=False)
    assert book.connect() == [cmd.ConfigureSession()]
    assert not [c for c in book.frames(3) if not isinstance(c, cmd.AppendAudio)]


def test_an_uninterruptible_greeting_is_protected_by_silence_towards_the_model() -> None:
    book = Playbook(greeting_interruptible=False)
    book.connect()
    book.say("r0", "i0", 1000, "Hello.")
    loud = ev.CallerAudio(b"\x00" * 160, 0)
    assert book.feed(loud) == [cmd.AppendAudio(b"\xff" * 160)]
    book.hear(1.2)
    assert book.feed(ev.CallerAudio(b"\x00" * 160, 1200)) == [cmd.AppendAudio(b"\x00" * 160)]


# -- barge-in ------------------------------------------------------------------------------------------------------


def test_a_barge_in_clears_and_truncates_at_what_was_heard_in_one_step() -> None:
    book = Playbook()
    book.greet()
    book.say("r1", "i1", 3000, "one two three")
    book.hear(1.2)
    assert book.feed(ev.SpeechStarted("u1")) == [cmd.ClearPlayback(), cmd.Truncate("i1", 1200)]


def test_an_open_response_is_cancelled_by_id_and_a_closed_one_is_not() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(2000)))
    book.hear(0.5)
    assert cmd.CancelResponse("r1") in book.feed(ev.SpeechStarted("u1"))
    assert book.feed(ev.SpeechStarted("u1")) == []


def test_late_deltas_of_a_cancelled_response_are_dropped_and_those_of_the_next_are_not() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(2000)))
    book.hear(0.5)
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    assert book.feed(ev.ModelAudio("r1", "i1", speech(500)), ev.ModelAudio("r1", "i2", speech(500))) == []
    assert any(isinstance(c, cmd.Play) for c in book.feed(ev.ModelAudio("r2", "i3", speech(500))))


def test_late_deltas_of_a_response_that_had_ended_before_the_barge_in_are_dropped_too() -> None:
    book = Playbook()
    book.greet()
    book.say("r1", "i1", 2000)
    book.hear(0.5)
    book.feed(ev.SpeechStarted("u1"))
    assert book.feed(ev.ModelAudio("r1", "i1", speech(500))) == []


def test_an_item_of_which_nothing_was_heard_is_forgotten_not_truncated_to_zero() -> None:
    book = Playbook()
    book.greet()
    book.say("r1", "i1", 1000)
    book.say("r2", "i2", 1000)
    book.hear(0.5)
    commands = book.feed(ev.SpeechStarted("u1"))
    assert commands == [cmd.ClearPlayback(), cmd.Truncate("i1", 500), cmd.ForgetItem("i2")]


def test_a_barge_in_before_the_first_frame_was_heard_forgets_the_item() -> None:
    book = Playbook()
    book.greet()
    book.say("r1", "i1", 1000)
    assert cmd.ForgetItem("i1") in book.feed(ev.SpeechStarted("u1"))


def test_speech_after_everything_was_heard_clears_nothing() -> None:
    book = Playbook()
    book.greet()
    book.hear(0.5)
    assert book.feed(ev.SpeechStarted("u1")) == []


def test_caller_resuming_before_the_commit_drops_the_reply_that_had_begun() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    assert book.feed(ev.SpeechStarted("u1")) == [cmd.CancelResponse("r1")]
    assert not book.call.state.responses.open
    book.feed(ev.SpeechStopped("u1"))
    book.say("r2", "i2", 500)
    assert book.call.state.transcript.turns(book.call.state.playback.items, 24000, book.now)[1].item_id == "u1"


# -- keys ----------------------------------------------------------------------------------------------------------


def test_keys_reach_the_model_as_one_text_after_a_pause_and_are_answered() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.KeyPressed("1"))
    book.frames(0.5)
    book.feed(ev.KeyPressed("2"))
    assert not book.sent(cmd.AddMessage)
    book.frames(2.1)
    (text,) = book.sent(cmd.AddMessage)
    assert "12" in text.text
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]


def test_a_hash_sends_the_keys_at_once() -> None:
    book = Playbook()
    book.greet()
    commands = book.feed(*[ev.KeyPressed(digit) for digit in "42#"])
    assert [type(c) for c in commands] == [cmd.AddMessage, cmd.RequestResponse]


# -- faults --------------------------------------------------------------------------------------------------------


def test_fifty_unusable_messages_in_ten_seconds_are_a_lost_model() -> None:
    book = Playbook()
    book.greet()
    for _ in range(49):
        book.feed(ev.ModelFault("junk"))
    assert not book.call.state.model_lost
    book.feed(ev.ModelFault("junk"))
    assert book.call.state.model_lost


def test_one_active_response_at_a_time_even_if_the_model_says_otherwise() -> None:
    book = Playbook()
    book.greet()
    book.feed(*[ev.KeyPressed(digit) for digit in "1#"])
    book.feed(ev.ModelError("active_response"))
    assert len(book.sent(cmd.RequestResponse)) == 1
    book.frames(1.1)
    assert len(book.sent(cmd.RequestResponse)) == 2


def test_errors_about_nothing_to_cancel_say_nothing() -> None:
    book = Playbook()
    book.greet()
    assert book.feed(ev.ModelError("no_active_response", "response_cancel_not_active")) == []
    assert not book.call.state.tally.notes


# -- what the caller may expect ------------------------------------------------------------------------------------


def test_what_is_owed_to_the_caller_is_known_at_any_time() -> None:
    owes = dict.fromkeys(("connecting", "connected", "caller", "owing", "tool", "leaving"), True)
    for moment, expected in {**owes, "listening": False}.items():
        book = Playbook()
        book.reach(moment)
        assert book.call.owes is expected, moment


def test_keys_that_are_still_being_typed_will_be_answered() -> None:
    book = Playbook()
    book.reach("listening")
    book.feed(ev.KeyPressed("4"))
    assert book.call.owes
