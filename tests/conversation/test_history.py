"""The conversation so far, as a session is told it that was not there."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K
from telephony.conversation import history, phrases
from telephony.conversation.history import EARLIER, LATEST
from telephony.settings import Clips


def told(call: Playbook, *, resumed: bool = False) -> list[cmd.Command]:
    return list(history.seeds(call.call.state, resumed=resumed))


def ask(call: Playbook, item: str, text: str) -> None:
    """The caller's turn, understood to the end."""
    call.feed(ev.SpeechStarted(item), ev.SpeechStopped(item), ev.CallerTranscript(item, text, final=True))


def test_who_said_what_is_told_in_the_order_in_which_it_was_said() -> None:
    call = Playbook()
    call.greet()
    ask(call, "u1", "Where is it?")
    call.say("r1", "i1", 500, "On its way.")
    call.hear(1)
    call.feed(*[ev.KeyPressed(key) for key in "42#"])
    call.hear(1)
    assert told(call) == [
        cmd.AddMessage("Hello.", "assistant"),
        cmd.AddMessage("Where is it?", "user"),
        cmd.AddMessage("On its way.", "assistant"),
        cmd.AddMessage(phrases.keys_pressed("42#"), "user"),
    ]


def test_words_that_were_cut_are_not_told_and_words_still_to_be_heard_are() -> None:
    call = Playbook()
    call.greet()
    call.say("r1", "i1", 4000, "one two three four")
    call.hear(2)
    call.feed(ev.SpeechStarted("u1"))
    assert told(call)[1:] == [cmd.AddMessage("one two", "assistant")]
    call.feed(ev.SpeechStopped("u1"), ev.CallerTranscript("u1", "Wait.", final=True))
    call.say("r2", "i2", 4000, "five six seven eight")
    assert told(call)[2:] == [cmd.AddMessage("Wait.", "user"), cmd.AddMessage("five six seven eight", "assistant")]


def test_recorded_sentences_and_what_nobody_understood_are_not_told() -> None:
    clip = MULAW_8K.silence(500)
    call = Playbook(others="scripted", clips=Clips(clip, clip, clip))
    call.greet()
    call.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ModelLost("closed", 1011))
    call.hear(3)
    assert any(turn.heard == "[recorded filler]" for turn in call.call.turns(call.now))
    assert told(call) == [cmd.AddMessage("Hello.", "assistant")]


def test_a_function_is_told_with_its_output_or_without_while_it_runs() -> None:
    call = Playbook()
    call.reach("tool")
    assert told(call)[1:] == [cmd.AddToolCall("c1", "lookup", "{}")]
    call.feed(ev.ToolFinished("c1", '{"a": 1}'))
    assert told(call)[1:] == [cmd.AddToolCall("c1", "lookup", "{}"), cmd.SendToolOutput("c1", '{"a": 1}')]


def test_a_function_that_was_never_begun_is_left_out() -> None:
    call = Playbook()
    call.greet()
    call.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "book", "{}"))
    call.feed(ev.ResponseDone("r1", "cancelled"))
    assert call.call.tool_uses[0].outcome == "cancelled"
    assert told(call) == [cmd.AddMessage("Hello.", "assistant")]


def test_a_resumed_session_is_told_only_of_functions_whose_end_nobody_was_there_to_hear() -> None:
    call = Playbook(others="scripted")
    call.reach("tool")
    call.feed(ev.ToolFinished("c1", "{}"), ev.ResponseStarted("r2"))
    call.feed(ev.ToolRequested("r2", "c2", "lookup", "{}"), ev.ToolRequested("r2", "c3", "slow", "{}"))
    call.feed(ev.ResponseDone("r2"))
    call.wait(0.1)
    call.feed(ev.ModelLost("closed", 1011))
    call.wait(0.1)
    call.feed(ev.ToolFinished("c2", '"late"'))
    assert told(call, resumed=True) == [
        cmd.AddToolCall("c2", "lookup", "{}"),
        cmd.SendToolOutput("c2", '"late"'),
        cmd.AddToolCall("c3", "slow", "{}"),
    ]


def test_of_a_long_call_the_beginning_is_told_in_one_message() -> None:
    call = Playbook()
    call.greet()
    for number in range(LATEST + 10):
        ask(call, f"u{number}", f"Sentence {number}.")
        call.wait(0.01)
    first, *rest = told(call)
    assert first.role == "system"  # type: ignore[attr-defined]
    assert first.text.splitlines()[1:3] == ["agent: Hello.", "caller: Sentence 0."]  # type: ignore[attr-defined]
    assert len(rest) == LATEST
    assert rest[0] == cmd.AddMessage("Sentence 10.", "user")


def test_of_a_very_long_beginning_the_oldest_is_left_out() -> None:
    call = Playbook()
    call.greet()
    for number in range(LATEST + 30):
        ask(call, f"u{number}", f"{number} " + "word " * 100)
        call.wait(0.01)
    first = told(call)[0]
    assert len(first.text) < EARLIER + 100  # type: ignore[attr-defined]
    assert "agent: Hello." not in first.text  # type: ignore[attr-defined]


def test_the_last_words_are_those_that_were_heard() -> None:
    call = Playbook()
    assert history.last_words(call.call.state) == ""
    call.greet()
    ask(call, "u1", "Where is it?")
    call.feed(ev.ResponseStarted("r1"), ev.ModelTranscript("r1", "i1", "It has been sent off"))
    call.feed(ev.ModelAudio("r1", "i1", speech(600)))
    assert history.last_words(call.call.state) == "It has been"


ACTIONS = ("ask", "answer", "cut", "call", "drop", "finish", "keys", "lose", "wait")


@given(st.lists(st.sampled_from(ACTIONS), max_size=12), st.booleans())
@example(["answer"] * 4, False)  # the last is not even sent while the first is heard
@settings(max_examples=60)
def test_an_output_always_follows_its_call_and_nothing_of_ours_is_told(script: list[str], resumed: bool) -> None:
    """Whatever happened: calls before their outputs, each at most once, in the order of time, nothing recorded."""
    call = Playbook(others="there")
    call.greet()
    session, running = "", []
    for number, action in enumerate(script):
        name = f"{session}{number}"
        if action == "ask":
            ask(call, f"u{name}", f"w{number}")
        elif action == "answer":
            call.say(f"r{name}", f"i{name}", 300, f"w{number}")
        elif action == "cut":
            call.say(f"r{name}", f"i{name}", 3000, "one two three four five")
            call.hear(0.5)
            call.feed(ev.SpeechStarted(f"u{name}"))
        elif action in ("call", "drop"):
            call.feed(ev.ResponseStarted(f"r{name}"), ev.ToolRequested(f"r{name}", f"c{name}", "book", "{}"))
            call.feed(ev.ResponseDone(f"r{name}", "completed" if action == "call" else "cancelled"))
            running.append(f"c{name}")
        elif action == "finish" and running:
            call.feed(ev.ToolFinished(running.pop(), "{}"))
        elif action == "keys":
            call.feed(ev.KeyPressed("1"), ev.KeyPressed("#"))
        elif action == "lose":
            call.feed(ev.ModelLost("closed", 1011, call.call.state.sessions.current or 0))
            session = f"s{number}-"
        call.hear(0.1)
    seeds = told(call, resumed=resumed)
    made = [seed.call_id for seed in seeds if isinstance(seed, cmd.AddToolCall)]
    answered = [seed.call_id for seed in seeds if isinstance(seed, cmd.SendToolOutput)]
    assert len(made) == len(set(made))
    assert len(answered) == len(set(answered))
    for call_id in answered:
        told_call = next(seed for seed in seeds if isinstance(seed, cmd.AddToolCall) and seed.call_id == call_id)
        output = next(seed for seed in seeds if isinstance(seed, cmd.SendToolOutput) and seed.call_id == call_id)
        assert seeds.index(output) == seeds.index(told_call) + 1
    texts = [seed.text for seed in seeds if isinstance(seed, cmd.AddMessage)]
    assert not any("recorded" in text for text in texts)
    numbers = [int(text[1:]) for text in texts if text.startswith("w")]
    assert numbers == sorted(numbers)
    assert not (resumed and texts)
