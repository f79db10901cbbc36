"""Errands that are open: when each is due, what is hidden meanwhile, and that each is answered once."""

from __future__ import annotations

from telephony.commands import ErrandDone, MessageAudio, Note
from telephony.conversation.errands import TAIL, Collecting, Errands, Taking
from telephony.conversation.transcript import Transcript
from telephony.events import KeysWanted, MessageWanted

SECRET = KeysWanted("e1", most=4, secret=True)


def done(commands: list[object]) -> list[object]:
    return [command for command in commands if not isinstance(command, Note)]


def test_a_number_is_complete_with_its_last_key_or_the_one_that_ends_it() -> None:
    collecting = Collecting(KeysWanted("e1", least=2, most=3), 0.0, 0)
    collecting.press("1", 1.0)
    assert (collecting.enough, collecting.ended) == (False, False)
    collecting.press("#", 2.0)
    assert (collecting.keys, collecting.enough, collecting.ended) == ("1", False, True)
    collecting = Collecting(KeysWanted("e1", most=3), 0.0, 0)
    for key in "123":
        collecting.press(key, 1.0)
    assert (collecting.keys, collecting.ended) == ("123", True)


def test_the_first_key_is_waited_for_from_when_the_question_was_heard_and_the_next_from_the_one_before() -> None:
    collecting = Collecting(KeysWanted("e1", patience=10, between=3), 5.0, 0)
    assert collecting.due_at(ends_at=2.0) == 15.0
    assert collecting.due_at(ends_at=8.0) == 18.0
    collecting.press("1", 9.0)
    assert collecting.due_at(ends_at=20.0) == 12.0


def test_what_is_typed_in_secret_is_hidden_until_its_last_tone_has_faded_and_the_transcript_has_its_length() -> None:
    errands, transcript = Errands(), Transcript()
    errands.collecting = Collecting(SECRET, 0.0, 0, "4711", 1.0, 2.0, ended=True)
    assert errands.hides(100.0)
    commands = errands.end_collecting("ok", transcript, 3.0)
    assert done(commands) == [ErrandDone("e1", "ok", "4711", secret=True)]
    assert errands.hides(3.0 + TAIL - 0.01)
    assert not errands.hides(3.0 + TAIL)
    (turn,) = transcript.turns({}, 8000, 4.0)
    assert turn.heard == "••••"


def test_a_message_is_over_after_silence_and_earlier_if_it_gets_too_long() -> None:
    taking = Taking(MessageWanted("e1", longest=20, silence=4), began_at=10.0)
    assert taking.due_at() == 18.0, "nobody has said anything: twice the silence"
    taking.sound_at = 15.0
    assert taking.due_at() == 19.0
    taking.sound_at = 28.0
    assert taking.due_at() == 30.0


def test_the_end_of_a_call_answers_every_errand_once_and_keeps_what_was_said() -> None:
    errands, transcript = Errands(), Transcript()
    errands.tones["e1"] = "local:keys-e1"
    errands.collecting = Collecting(KeysWanted("e2"), 0.0, 0, "12", 1.0, 2.0)
    errands.taking = Taking(MessageWanted("e3"), 1.0, seconds=0.02, pieces=[b"\x10" * 160])
    assert done(errands.close(transcript, 3.0)) == [
        ErrandDone("e1", "over"),
        ErrandDone("e2", "over", "12"),
        MessageAudio("e3", b"\x10" * 160),
        ErrandDone("e3", "over", seconds=0.02),
    ]
    assert errands.close(transcript, 3.0) == []
    assert not errands.any
