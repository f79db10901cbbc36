"""What single events do at awkward moments: losses, stops, keys, late news of the session."""

from __future__ import annotations

import pytest

from playbook import MOMENTS, VOICE, Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.commands import ModelCommand
from telephony.conversation import phrases
from telephony.settings import Limits

# -- losses and stops, whenever they come --------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_model_lost_at_any_moment_leads_to_one_hang_up_and_one_end_and_is_asked_for_nothing_more(moment: str) -> None:
    book = Playbook()
    book.reach(moment)
    book.feed(ev.ModelLost("reset"), ev.ModelLost("closed", 1006))
    lost = len(book.log)
    book.hear(12)
    assert not [c for _, c in book.log[lost:] if isinstance(c, ModelCommand)]
    lost_for_good = "No model could be reached: " + ("reset" if moment == "connecting" else "nobody else is there")
    expected = ["The model was lost: reset", lost_for_good]
    assert book.call.state.tally.notes == {"connecting": expected[1:], "leaving": expected[:1]}.get(moment, expected)
    assert len(book.sent(cmd.HangUp)) == 1
    assert len(book.sent(cmd.EndCall)) == 1
    assert book.ending
    assert book.ending.result == ("completed" if moment == "leaving" else "failed")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_that_stops_at_any_moment_lets_the_caller_hear_why_and_then_hangs_up(moment: str) -> None:
    book = Playbook()
    book.reach(moment)
    before = len(book.sent(cmd.Play))
    book.feed(ev.ServerStopping(), ev.ServerStopping())
    book.hear(20)
    assert len(book.sent(cmd.HangUp)) == 1
    assert len(book.sent(cmd.EndCall)) == 1
    if moment not in ("leaving", "speaking"):
        assert len(book.sent(cmd.Play)) > before, "the goodbye, or the clip in its place"


@pytest.mark.parametrize("moment", ["connecting", "connected"])
def test_nothing_is_sent_to_a_model_that_was_not_ready_when_the_server_stopped(moment: str) -> None:
    book = Playbook()
    book.reach(moment)
    book.feed(ev.ServerStopping(), *[ev.KeyPressed(digit) for digit in "1#"])
    stopped = len(book.log)
    book.frames(0.5)
    book.wait(2)
    book.feed(ev.ModelConnected("grok"), ev.SessionReady())
    book.frames(0.5)
    assert not [c for _, c in book.log[stopped:] if isinstance(c, ModelCommand)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_stops_and_losses_of_the_carrier_end_a_call_once(moment: str) -> None:
    book = Playbook()
    book.reach(moment)
    book.feed(ev.CarrierStopped(), ev.CarrierStopped(), ev.CarrierLost("closed"), ev.CallEnded("caller", "completed"))
    book.frames(1)
    assert len(book.sent(cmd.EndCall)) == 1
    assert isinstance(book.log[-1][1], cmd.EndCall)


# -- the last words ------------------------------------------------------------------------------------------------


def test_the_goodbye_of_a_limit_is_heard_out_whoever_talks_over_it() -> None:
    book = Playbook(limits=Limits(max_duration=5, caller_silence=0))
    book.greet()
    book.hear(4.1)
    book.say("rg", "ig", 2000, "Goodbye.")
    book.hear(0.5)
    assert book.feed(ev.SpeechStarted("u1")) == []
    book.hear(1.4)
    assert not book.sent(cmd.HangUp)
    book.hear(0.3)
    assert book.sent(cmd.HangUp)
    assert not book.sent(cmd.ClearPlayback)
    assert book.call.turns(book.now)[-1].unheard == ""


def test_the_apology_is_heard_out_whoever_talks_over_it() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.hear(10.2)
    assert book.feed(ev.SpeechStarted("u2")) == []
    book.hear(0.5)
    assert book.sent(cmd.HangUp)


def test_a_call_that_reaches_its_limit_while_the_caller_speaks_ends_with_the_clip_all_the_same() -> None:
    book = Playbook(limits=Limits(max_duration=5, caller_silence=0))
    book.greet()
    book.hear(3)
    book.line = VOICE
    book.feed(ev.SpeechStarted("u1"))
    book.hear(1)
    before = len(book.sent(cmd.Play))
    book.hear(4.9)
    assert not book.sent(cmd.RequestResponse)
    assert len(book.sent(cmd.Play)) == before
    book.hear(1)
    assert len(book.sent(cmd.Play)) > before
    assert book.sent(cmd.HangUp)


def silent_caller(book: Playbook) -> None:
    """A caller who has not answered and is being let go, while the model still says something else."""
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(100)), ev.ModelAudioDone("r1", "i1"))
    book.hear(0.2)
    book.feed(ev.ResponseDone("r1"))
    book.hear(5.1)


def test_a_caller_who_speaks_up_while_let_go_is_not_said_goodbye_to_later() -> None:
    book = Playbook(limits=Limits(caller_silence=5, caller_silence_prompts=0))
    silent_caller(book)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse(phrases.NO_ANSWER)]
    book.feed(ev.ModelError("active_response"), ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.say("r2", "i2", 500)
    book.hear(4)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse(phrases.NO_ANSWER)]
    assert not book.sent(cmd.HangUp)


def test_a_caller_who_presses_a_key_while_let_go_keeps_the_line() -> None:
    book = Playbook(limits=Limits(caller_silence=5, caller_silence_prompts=0))
    silent_caller(book)
    book.say("rg", "ig", 1000, "Goodbye.")
    book.hear(0.5)
    book.feed(*[ev.KeyPressed(digit) for digit in "1#"])
    book.say("r2", "i2", 500)
    book.hear(2)
    assert not book.sent(cmd.HangUp)


# -- keys ----------------------------------------------------------------------------------------------------------


def test_a_flood_of_keys_costs_the_model_one_text_a_second() -> None:
    book = Playbook()
    book.greet()
    for _ in range(300):
        book.feed(ev.KeyPressed("7"), ev.KeyPressed("#"))
        book.frames(0.02)
    texts = book.sent(cmd.AddMessage)
    assert 5 <= len(texts) <= 7
    assert all(len(c.text) < 160 for c in texts if isinstance(c, cmd.AddMessage))


def test_a_number_whose_tones_pass_for_speech_is_one_text() -> None:
    book = Playbook()
    book.greet()
    for number, digit in enumerate("4711"):
        book.feed(ev.KeyPressed(digit))
        if number == 1:
            book.feed(ev.SpeechStarted("u1"))
        book.frames(0.4)
    book.frames(0.3)
    assert [c.text for c in book.sent(cmd.AddMessage) if isinstance(c, cmd.AddMessage)] == [
        phrases.keys_pressed("4711")
    ]


def test_keys_typed_before_the_end_stand_in_the_transcript() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.KeyPressed("4"), ev.KeyPressed("2"), ev.CarrierStopped())
    assert [turn.heard for turn in book.call.turns(book.now) if turn.speaker == "keypad"] == ["42"]


def test_keys_are_a_sign_of_life_of_a_carrier_that_sends_no_silence() -> None:
    book = Playbook(limits=Limits(caller_silence=0))
    book.greet()
    for _ in range(4):
        book.wait(10)
        book.feed(ev.KeyPressed("1"))
        book.say(f"r{book.now}", f"i{book.now}", 100)
    assert not book.ending


# -- a stream that suppresses silence ------------------------------------------------------------------------------


def test_a_model_hears_silence_where_the_carrier_sends_nothing_and_the_caller_is_not_lost() -> None:
    book = Playbook(limits=Limits(caller_silence=0, stream_silence=30))
    book.greet()
    before = sum(len(c.payload) for c in book.sent(cmd.AppendAudio) if isinstance(c, cmd.AppendAudio))
    book.wait(20)
    heard = sum(len(c.payload) for c in book.sent(cmd.AppendAudio) if isinstance(c, cmd.AppendAudio)) - before
    assert abs(heard / 8000 - 20) < 0.4
    assert not book.ending


# -- the session ---------------------------------------------------------------------------------------------------


def test_a_session_acknowledged_late_is_still_checked() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"))
    book.frames(4.1)
    book.feed(ev.SessionReady(MULAW_8K, MULAW_8K))
    assert book.call.model_hears == book.call.model_speaks == MULAW_8K
    assert book.call.state.tally.notes == [
        "The model did not acknowledge the session in time; the call went on without it.",
        "No other session could be opened: nobody else is there",
        "The model hears mulaw/8000 though pcm16/24000 was asked for.",
        "The model speaks mulaw/8000 though pcm16/24000 was asked for.",
    ]
    assert len(book.sent(cmd.SpeakVerbatim)) == 1


def test_a_model_that_turns_out_to_have_spoken_another_format_all_along_is_given_up() -> None:
    book = Playbook()
    book.feed(ev.ModelConnected("grok"))
    book.frames(4.1)
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(500)))
    book.feed(ev.SessionReady(MULAW_8K, MULAW_8K))
    assert book.call.state.model_lost
    assert book.call.model_speaks == PCM16_24K


def test_a_session_acknowledged_twice_greets_once() -> None:
    book = Playbook()
    book.connect()
    book.feed(ev.SessionReady(PCM16_24K, PCM16_24K))
    assert len(book.sent(cmd.SpeakVerbatim)) == 1


# -- barge-in, again and again -------------------------------------------------------------------------------------


def test_twenty_barge_ins_clear_once_each() -> None:
    book = Playbook()
    book.greet()
    for number in range(20):
        book.feed(ev.ResponseStarted(f"s{number}"), ev.ModelAudio(f"s{number}", f"j{number}", speech(1000)))
        book.hear(0.02 * number)
        book.feed(ev.SpeechStarted(f"u{number}"), ev.SpeechStarted(f"u{number}"), ev.SpeechStopped(f"u{number}"))
        book.feed(ev.ResponseDone(f"s{number}", "cancelled"))
    assert len(book.sent(cmd.ClearPlayback)) == 20
    told = [c.audio_end_ms for c in book.sent(cmd.Truncate) if isinstance(c, cmd.Truncate)]
    assert [round(ms / 20) for ms in told] == list(range(1, 20))
    assert book.sent(cmd.ForgetItem) == [cmd.ForgetItem("j0")]
