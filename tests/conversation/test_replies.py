"""Which response may be heard: overlaps, crossings, ids that are missing or used twice, and who is answered by what."""

from __future__ import annotations

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.conversation import phrases
from telephony.settings import Limits


def played(book: Playbook, since: float = 0.0) -> bytes:
    return b"".join(c.payload for at, c in book.log if isinstance(c, cmd.Play) and at >= since)


# -- servers that leave ids out ------------------------------------------------------------------------------------


def test_without_response_ids_a_barge_in_silences_this_reply_and_not_the_next() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted(""), ev.ModelAudio("", "i1", speech(2000)))
    book.hear(0.5)
    cut = book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    assert cut == [cmd.ClearPlayback(), cmd.Truncate("i1", 500), cmd.CancelResponse("")]
    assert book.feed(ev.ModelAudio("", "i1", speech(500)), ev.ResponseDone("", "cancelled")) == []
    said = book.feed(ev.ResponseStarted(""), ev.ModelAudio("", "i2", speech(500)), ev.ResponseDone(""))
    assert any(isinstance(c, cmd.Play) for c in said)


def test_without_response_ids_turn_after_turn_is_heard_and_its_tools_run() -> None:
    book = Playbook()
    book.greet()
    for turn in range(3):
        book.feed(ev.SpeechStarted(f"u{turn}"), ev.SpeechStopped(f"u{turn}"), ev.ResponseStarted(""))
        book.feed(ev.ModelAudio("", f"i{turn}", speech(500)), ev.ToolRequested("", f"c{turn}", "book", "{}"))
        assert cmd.RunTool(f"c{turn}", "book", "{}") in book.feed(ev.ResponseDone(""))
        book.feed(ev.ToolFinished(f"c{turn}", "42"), ev.ResponseStarted(""), ev.ModelAudio("", f"j{turn}", speech(500)))
        book.feed(ev.ResponseDone(""))
        book.hear(1.2)
    assert len(played(book)) == len(speech(1000)) + 6 * len(speech(500))


def test_deltas_without_a_response_id_belong_to_the_response_that_is_open() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("", "i1", speech(500)), ev.ResponseDone("r1"))
    assert not book.call.state.responses.open


def test_without_item_ids_each_reply_is_its_own_turn_and_nothing_unknown_is_truncated() -> None:
    book = Playbook()
    book.greet()
    for number in (1, 2):
        book.feed(ev.ResponseStarted(f"r{number}"), ev.ModelAudio(f"r{number}", "", speech(1000)))
        book.feed(ev.ModelTranscript(f"r{number}", "", "one two", final=True), ev.ResponseDone(f"r{number}"))
        book.hear(0.5)
        assert book.feed(ev.SpeechStarted("u")) == [cmd.ClearPlayback()]
    assert [turn.heard for turn in book.call.turns(book.now) if turn.speaker == "agent"] == ["Hello.", "one", "one"]


def test_a_response_id_used_again_is_a_new_response() -> None:
    book = Playbook()
    book.greet()
    for number in (1, 2, 3):
        book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", f"i{number}", speech(1000)))
        book.hear(0.5)
        book.feed(ev.SpeechStarted("u"), ev.SpeechStopped("u"))
    assert len(book.sent(cmd.Truncate)) == 3


def test_a_response_reported_done_twice_is_counted_once() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"))
    for _ in range(2):
        book.feed(ev.ResponseDone("r1", usage={"total_tokens": 10}))
    assert book.call.state.tally.usage == {"total_tokens": 10}


# -- overlaps ------------------------------------------------------------------------------------------------------


def test_two_responses_that_overlap_are_never_mixed() -> None:
    book = Playbook()
    book.greet()
    since = book.now
    first, second = b"\x01\x00" * 2400, b"\x02\x00" * 2400
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", first))
    book.feed(ev.ResponseStarted("r2"), ev.ModelAudio("r2", "i2", second))
    book.feed(ev.ModelAudio("r1", "i1", first), ev.ModelAudio("r2", "i2", second))
    book.hear(1)
    assert played(book, since) == first + second + second


def test_every_open_response_is_cancelled_by_a_barge_in() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ResponseStarted("r2"))
    assert book.feed(ev.SpeechStarted("u1")) == [cmd.CancelResponse("r1"), cmd.CancelResponse("r2")]


def test_an_item_that_ended_within_a_sample_does_not_hold_up_the_next() -> None:
    book = Playbook()
    book.greet()
    since = book.now
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", b"\x01"))
    book.feed(ev.ModelAudio("r1", "i2", speech(200)))
    book.hear(0.3)
    assert len(played(book, since)) == len(speech(200))


def test_a_response_that_was_given_up_is_cancelled_before_anything_else_is_asked_for() -> None:
    book = Playbook(limits=Limits(dead_air=60))
    book.greet()
    book.feed(ev.ResponseStarted("r1"), *[ev.KeyPressed(digit) for digit in "1#"])
    book.frames(8.1)
    assert book.sent(cmd.CancelResponse, cmd.RequestResponse) == [cmd.CancelResponse("r1"), cmd.RequestResponse()]


# -- crossings on the wire -----------------------------------------------------------------------------------------


def test_a_response_we_asked_for_as_the_caller_began_to_speak_is_stopped() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1"))
    assert book.feed(ev.ToolFinished("c1", "42"))[-1] == cmd.RequestResponse()
    book.feed(ev.SpeechStarted("u1"))
    assert book.feed(ev.ResponseStarted("r2")) == [cmd.CancelResponse("r2")]
    assert book.feed(ev.ModelAudio("r2", "i2", speech(500))) == []
    book.feed(ev.ResponseDone("r2", "cancelled"), ev.SpeechStopped("u1"))
    book.frames(1.6)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()] * 2, "the output of the tool is not forgotten"


def test_what_the_models_turn_detection_began_before_ours_was_refused_is_not_taken_for_ours() -> None:
    book = Playbook(limits=Limits(max_duration=20, caller_silence=0))
    book.greet()
    book.hear(18.5)
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.hear(2)
    goodbye = cmd.RequestResponse(phrases.TIME_IS_UP)
    assert book.sent(cmd.RequestResponse) == [goodbye]
    book.feed(ev.ResponseStarted("r1"), ev.ModelError("active_response"))
    book.feed(ev.ModelAudio("r1", "i1", speech(500)), ev.ModelAudioDone("r1", "i1"))
    assert goodbye in book.feed(ev.ResponseDone("r1"))
    assert not book.sent(cmd.HangUp)


def test_an_answer_the_model_began_by_itself_is_not_asked_for_once_more() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.feed(ev.ResponseDone("r1", "failed", "server_error"))
    book.frames(0.5)
    book.say("r2", "i2", 500)
    book.hear(3)
    assert not book.sent(cmd.RequestResponse)


def test_keys_are_answered_once_though_the_model_answers_speech_meanwhile() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), *[ev.KeyPressed(digit) for digit in "12#"], ev.SpeechStopped("u1"))
    assert book.sent(cmd.AddMessage)
    book.say("r1", "i1", 500)
    book.hear(4)
    assert not book.sent(cmd.RequestResponse)


# -- who is answered by what ---------------------------------------------------------------------------------------


def test_a_filler_that_begins_after_the_tool_ended_does_not_pass_for_the_answer() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "slow", "{}"), ev.ResponseDone("r1"))
    book.frames(1.1)
    assert cmd.SpeakVerbatim("One moment.") in book.sent(cmd.SpeakVerbatim)
    book.feed(ev.ToolFinished("c1", "42"))
    book.say("r2", "i2", 500, "One moment.")
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]


def test_a_response_announced_twice_is_not_taken_for_a_new_one_that_knows_the_output() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ToolFinished("c1", "42"))
    book.feed(ev.ResponseStarted("r1"))
    assert book.feed(ev.ResponseDone("r1")) == [cmd.RequestResponse()]


def test_a_response_whose_announcement_was_missed_answers_the_tool_all_the_same() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1"))
    book.feed(ev.SpeechStarted("u1"), ev.ToolFinished("c1", "42"), ev.SpeechStopped("u1"))
    book.feed(ev.ModelAudio("r2", "i2", speech(500)), ev.ResponseDone("r2"))
    book.hear(3)
    assert not book.sent(cmd.RequestResponse)


def test_hanging_up_twice_asks_for_one_goodbye() -> None:
    book = Playbook()
    book.greet()
    for number in (1, 2, 3):
        response = f"r{number}"
        book.feed(ev.ResponseStarted(response), ev.ToolRequested(response, f"c{number}", "hang_up", "{}"))
        book.feed(ev.ResponseDone(response))
    assert [c.call_id for c in book.sent(cmd.SendToolOutput)] == ["c1", "c2", "c3"]
    assert len(book.sent(cmd.RequestResponse)) == 1
    book.hear(1)
    assert len(book.sent(cmd.HangUp)) == 1


def test_hanging_up_beside_other_tools_answers_all_of_them_and_ends_once() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(500)))
    book.feed(*[ev.ToolRequested("r1", f"c{n}", name, "{}") for n, name in enumerate(("lookup", "hang_up", "book"))])
    book.feed(ev.ModelAudioDone("r1", "i1"), ev.ResponseDone("r1"), ev.ToolFinished("c0", "1"))
    book.feed(ev.ToolFinished("c2", "2"))
    book.feed(ev.ResponseStarted("r2"), ev.ToolRequested("r2", "c3", "lookup", "{}"), ev.ResponseDone("r2"))
    book.feed(ev.ToolFinished("c3", "3"))
    book.say("r3", "i3", 300)
    book.hear(2)
    assert sorted(c.call_id for c in book.sent(cmd.SendToolOutput)) == ["c0", "c1", "c2", "c3"]
    assert len(book.sent(cmd.HangUp)) == 1
    book.feed(ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "agent", "agent hung up")


def test_a_lost_model_that_still_sends_something_is_not_heard() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.frames(10.1)
    assert book.call.state.model_lost, "dead air"
    before = len(book.sent(cmd.Play))
    book.say("r9", "i9", 3000, "Sorry, I was away.")
    book.feed(ev.ToolRequested("r9", "c9", "lookup", "{}"))
    book.hear(1)
    assert len(book.sent(cmd.Play)) - before <= 3, "the rest of half a second of apology"
    assert not book.sent(cmd.RunTool)
    assert book.sent(cmd.HangUp)
