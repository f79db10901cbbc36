"""What tools want of the call: keys sounded and collected, a message taken. Words and the end are in
test_running_departures.py."""

from __future__ import annotations

import pytest

from playbook import VOICE, Playbook
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.dtmf import DtmfDetector
from telephony.audio.format import PCM16_8K, PCM16_24K
from telephony.audio.transcode import Transcoder
from telephony.conversation.errands import LINGER
from telephony.settings import Limits


@pytest.fixture
def book() -> Playbook:
    """A call in which a tool runs, so that nobody owes anything but its answer."""
    book = Playbook()
    book.reach("tool")
    return book


def verbatim(book: Playbook) -> list[str]:
    """What the model was told to say, behind the greeting."""
    return [command.text for command in book.sent(cmd.SpeakVerbatim)[1:]]


def done(book: Playbook) -> list[cmd.Command]:
    return book.sent(cmd.ErrandDone)


def test_a_secret_number_that_a_long_pause_has_ended_is_hidden_to_its_last_key(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", 1, 16, "#", 10.0, 3.0, "Your card?", 1, secret=True))
    book.say("r2", "i2", 500, "Your card?")
    book.hear(1.0)
    for key in "42424242":
        book.feed(ev.KeyPressed(key))
        book.hear(0.2)
    book.hear(3.0)
    assert done(book) == [cmd.ErrandDone("e1", "ok", "42424242", secret=True)]
    book.hear(1.5)
    assert book.call.hides(book.now), "the next key's own tone comes before it"
    for key in "13371337":
        book.feed(ev.KeyPressed(key))
        book.hear(LINGER - 0.5)  # however slowly they read it off the card
    book.hear(1.0)
    assert [command.text for command in book.sent(cmd.AddMessage) if "1337" in command.text] == []
    assert "1337" not in "".join(turn.heard for turn in book.call.turns(book.now))
    assert not book.call.hides(book.now)


def test_keys_are_sounded_and_it_is_told_once_they_were_heard(book: Playbook) -> None:
    book.feed(ev.TonesWanted("e1", "1w#"))
    book.hear(0.8)
    assert done(book) == []
    book.hear(0.2)
    assert done(book) == [cmd.ErrandDone("e1", "ok")]
    played = b"".join(command.payload for command in book.sent(cmd.Play))
    detector = DtmfDetector()
    tones = [*detector.feed(Transcoder(PCM16_24K, PCM16_8K).feed(played)), *detector.finish()]
    assert [tone.key for tone in tones] == ["1", "#"]


def test_a_caller_who_speaks_does_not_cut_the_keys_off(book: Playbook) -> None:
    book.feed(ev.TonesWanted("e1", "12345"))
    book.hear(0.2)
    book.feed(ev.SpeechStarted("u2"))
    assert book.sent(cmd.ClearPlayback) == []
    book.hear(1.0)
    assert done(book) == [cmd.ErrandDone("e1", "ok")]


def test_keys_that_the_end_of_the_call_cuts_off_were_not_heard(book: Playbook) -> None:
    book.feed(ev.TonesWanted("e1", "12345"), ev.CarrierStopped())
    assert done(book) == [cmd.ErrandDone("e1", "over")]


# -- keys that the caller presses ----------------------------------------------------------------------------------


def press(book: Playbook, keys: str) -> None:
    for key in keys:
        book.feed(ev.KeyPressed(key))
        book.hear(0.2)


def test_so_many_keys_are_collected_and_no_message_tells_the_model_of_them(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", least=4, most=4))
    press(book, "4711")
    assert done(book) == [cmd.ErrandDone("e1", "ok", "4711")]
    book.hear(3.0)
    assert book.sent(cmd.AddMessage) == []


def test_a_key_ends_a_number_of_any_length(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1"))
    press(book, "12#")
    assert done(book) == [cmd.ErrandDone("e1", "ok", "12")]


def test_a_pause_ends_a_number_that_is_long_enough(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", least=2, between=1.0))
    press(book, "12")
    book.hear(0.7)
    assert done(book) == []
    book.hear(0.2)
    assert done(book) == [cmd.ErrandDone("e1", "ok", "12")]


def test_a_prompt_is_said_first_and_again_if_nothing_comes_and_then_it_is_given_up(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", patience=3, prompt="Your number?", tries=2))
    assert verbatim(book) == ["Your number?"]
    book.say("r5", "i5", 1000)
    book.hear(3.9)
    assert len(verbatim(book)) == 1
    book.hear(0.3)
    assert len(verbatim(book)) == 2
    book.say("r6", "i6", 1000)
    book.hear(3.9)
    assert done(book) == []
    book.hear(0.3)
    assert done(book) == [cmd.ErrandDone("e1", "timeout")]


def test_too_few_keys_are_asked_for_again_in_the_models_words_if_it_had_asked_itself(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", least=4, most=4, between=1, tries=2))
    press(book, "47")
    book.hear(1.0)
    asked = [command for command in book.sent(cmd.RequestResponse) if "keypad" in (command.instructions or "")]
    assert len(asked) == 1
    press(book, "4711")
    assert done(book) == [cmd.ErrandDone("e1", "ok", "4711")]


def test_the_agent_falls_silent_at_the_first_key(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", prompt="Your number?"))
    book.say("r5", "i5", 5000)
    book.hear(0.5)
    assert book.sent(cmd.ClearPlayback) == []
    book.feed(ev.KeyPressed("4"))
    assert len(book.sent(cmd.ClearPlayback)) == 1


def test_a_caller_who_speaks_instead_has_answered(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1"), ev.SpeechStarted("u2"), ev.SpeechStopped("u2"))
    assert done(book) == [cmd.ErrandDone("e1", "spoke")]


def test_keys_that_were_typed_before_the_question_was_over_count() -> None:
    book = Playbook()
    book.reach("speaking")
    press(book, "12")
    book.feed(ev.KeysWanted("e1", least=4, most=4, prompt="Your number?"))
    assert verbatim(book) == []
    press(book, "34")
    assert done(book) == [cmd.ErrandDone("e1", "ok", "1234")]


def test_a_second_collection_beside_the_first_is_refused(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1"), ev.KeysWanted("e2"), ev.MessageWanted("e3"))
    assert done(book) == [cmd.ErrandDone("e2", "busy"), cmd.ErrandDone("e3", "busy")]


def test_nobody_is_asked_whether_they_are_there_while_they_look_for_the_number() -> None:
    book = Playbook(limits=Limits(caller_silence=2, dead_air=2))
    book.reach("tool")
    book.feed(ev.KeysWanted("e1", patience=60))
    book.hear(9)
    assert book.sent(cmd.RequestResponse, cmd.EndCall, cmd.OpenSession) == []
    assert book.call.owes, "the tool is open"
    assert book.call.evidence(book.now).owed[-1].length < 1.0


def test_what_is_typed_in_secret_and_its_sound_reach_nobody_else(book: Playbook) -> None:
    book.line = VOICE
    book.feed(ev.KeysWanted("e1", most=4, secret=True))
    assert book.call.hides(book.now)
    before = len(book.sent(cmd.AppendAudio))
    press(book, "4711")
    assert done(book) == [cmd.ErrandDone("e1", "ok", "4711", secret=True)]
    heard = {command.payload for command in book.sent(cmd.AppendAudio)[before:-1]}
    assert heard == {b"\xff" * 160}
    assert [turn.heard for turn in book.call.turns(book.now) if turn.speaker == "keypad"] == ["••••"]
    book.hear(1.2)
    assert not book.call.hides(book.now)
    assert book.sent(cmd.AppendAudio)[-1] == cmd.AppendAudio(VOICE)


def test_a_secret_number_that_is_typed_on_after_its_time_stays_secret(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", least=16, most=16, between=1, tries=1, secret=True))
    press(book, "4929")
    book.hear(1.0)
    assert done(book) == [cmd.ErrandDone("e1", "timeout", "4929", secret=True)]
    for digits in ("1375", "6208", "3614#"):
        press(book, digits)
        assert book.call.hides(book.now)
    book.hear(4.0)
    assert book.sent(cmd.AddMessage) == []
    assert [turn.heard for turn in book.call.turns(book.now) if turn.speaker == "keypad"] == ["••••"]


def test_a_key_too_many_of_a_secret_number_stays_secret(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1", most=4, secret=True))
    press(book, "47119#")
    book.hear(3.0)
    assert book.sent(cmd.AddMessage) == []


def test_an_errand_that_nobody_waits_for_is_forgotten_and_keys_reach_the_model_again(book: Playbook) -> None:
    book.feed(ev.KeysWanted("e1"), ev.ErrandDropped("e1"))
    press(book, "7#")
    book.hear(1.0)
    assert "7#" in book.sent(cmd.AddMessage)[0].text


# -- messages ------------------------------------------------------------------------------------------------------


def test_a_message_begins_behind_the_tone_and_ends_with_silence(book: Playbook) -> None:
    book.feed(ev.MessageWanted("e1", silence=2))
    book.line = VOICE
    book.hear(0.3)
    assert book.sent(cmd.MessageAudio) == []
    book.hear(3.0)
    book.line = b"\xff" * 160
    book.hear(2.1)
    (end,) = done(book)
    assert end.outcome == "ok"
    assert 4.5 < end.seconds < 5.1
    message = b"".join(command.payload for command in book.sent(cmd.MessageAudio))
    assert len(message) == round(end.seconds * 8000)
    assert VOICE not in [command.payload for command in book.sent(cmd.AppendAudio)[-200:]]


def test_a_key_ends_a_message(book: Playbook) -> None:
    book.feed(ev.MessageWanted("e1"))
    book.line = VOICE
    book.hear(2.0)
    book.feed(ev.KeyPressed("5"))
    assert done(book)[0].outcome == "ok"
    book.hear(4.0)
    assert book.sent(cmd.AddMessage) == []


def test_a_message_in_which_nothing_is_said_is_none(book: Playbook) -> None:
    book.feed(ev.MessageWanted("e1", silence=2))
    book.hear(4.5)
    assert done(book)[0].outcome == "timeout"


def test_a_message_has_a_longest(book: Playbook) -> None:
    book.feed(ev.MessageWanted("e1", longest=3))
    book.line = VOICE
    book.hear(4.0)
    assert done(book)[0].seconds == pytest.approx(3.0, abs=0.1)
