"""Constructed calls, each with one thing wrong: the diagnosis names that one, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest

from playbook import VOICE, Playbook, speech
from rehearsals import HANG_UP, LOOKUP, rehearse
from telephony import events as ev
from telephony.diagnosis import diagnose
from telephony.records import Cause, Finding
from telephony.settings import Clips, Limits, SessionConfig, TurnDetection

GREETING = {"on": "greeting"}
ASKS = [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": {"quiet": 12}}, {"hang_up": True}]
"""A caller who asks once and listens until nothing more comes."""
SAID = msgspec.structs.replace(LOOKUP, side_effects=False, say="One moment.")
QUIET = Limits(caller_silence=0)
"""So that a caller who only listens is not asked whether they are still there."""

Call = Callable[[str], list[Finding]]


def answer(**values: Any) -> dict[str, Any]:
    return {"on": "speech", "hears": "Where is my order?", "say": "It arrives on Thursday.", **values}


def looks_up(**values: Any) -> dict[str, Any]:
    return answer(**({"say": "", "call": {"name": "lookup_order"}} | values))


SHIPPED = {"on": "tool", "say": "It arrives on Thursday."}
RESUMED = {"replies": [{"on": "resume", "say": "On Thursday, that is."}]}


def rehearsed(*replies: dict[str, Any], steps: list[Any] = ASKS, seconds: float = 0.5, **values: Any) -> Call:
    """A whole call on the virtual clock; its tool takes so many *seconds*."""

    def call(profile: str) -> list[Finding]:
        changes: dict[str, Any] = {"limits": QUIET, "tools": {"lookup_order": lambda _: (seconds, "shipped")}}
        finished = rehearse(steps, [GREETING, *replies], profile=profile, **(changes | values))
        return finished.exchange.findings(finished.clock.now)

    return call


def session(*tools: Any, silence_ms: int = 500) -> SessionConfig:
    return SessionConfig(tools=(*tools, HANG_UP), turn_detection=TurnDetection(silence_duration_ms=silence_ms))


# -- what simulators cannot do ---------------------------------------------------------------------------------------


def played(play: Callable[[Playbook], None], **settings: Any) -> Call:
    """A call by the playbook."""

    def call(_: str) -> list[Finding]:
        book = Playbook(**({"limits": QUIET} | settings))
        play(book)
        return findings(book)

    return call


def findings(book: Playbook) -> list[Finding]:
    return diagnose(book.call.evidence(book.now))


def held_up(book: Playbook) -> None:
    """Our own loop does not run for three seconds, in the middle of what the agent says."""
    book.greet()
    book.say("r1", "i1", 4000, "It was sent on Monday and arrives on Thursday.")
    book.hear(1.0)
    book.call.deadline()  # whoever drives a call asks for it after every step
    book.now += 3.0
    book.feed(ev.ModelNoise("ping"))
    book.hear(4.0)


def stalled(book: Playbook) -> None:
    """The caller's words are three seconds late."""
    book.greet()
    book.hear(1.0)
    words, spoken = book.now, int(book.now * 1000)
    book.wait(4.0)
    for frame in range(200):
        book.feed(ev.CallerAudio(VOICE, spoken + frame * 20))
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.feed(ev.CallerTranscript("u1", "Where is my order?", final=True))
    book.wait(0.4)
    book.say("r1", "i1", 1000, "It arrives on Thursday.")
    book.hear(1.5)
    assert book.now > words


def played_late(book: Playbook) -> None:
    """The carrier keeps what it is sent for three seconds before it plays it."""
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.frames(0.4)
    book.say("r1", "i1", 2000, "It arrives on Thursday.")
    due = dict(book.marks())
    for _ in range(300):
        book.frames(0.02)
        due |= {name: at for name, at in book.marks().items() if name not in due}
        for name in [name for name, at in due.items() if at + 3.0 <= book.now]:
            book.feed(ev.MarkReached(name))
            del due[name]


def endless_goodbye(book: Playbook) -> None:
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(75_000)), ev.ModelAudioDone("r1", "i1"))
    book.feed(ev.ToolRequested("r1", "c1", "hang_up", "{}"), ev.ResponseDone("r1"))
    book.hear(65.0)


def goodbye(end: ev.Event) -> Callable[[Playbook], None]:
    """A goodbye of three seconds, into which *end* comes."""

    def play(book: Playbook) -> None:
        book.greet()
        book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "hang_up", "{}"), ev.ResponseDone("r1"))
        book.feed(ev.ResponseStarted("r2"), ev.ModelAudio("r2", "i2", speech(3000)))
        book.hear(1.0)
        book.feed(end)
        book.hear(3.0)

    return play


def answered_early(book: Playbook) -> None:
    """The model answers in the middle of what the caller says, and does not say that it heard them stop."""
    book.greet()
    book.feed(ev.SpeechStarted("u1"))
    book.hear(2.0)
    book.say("r1", "i1", 2500, "It arrives on Thursday.")
    book.hear(2.0)
    book.feed(ev.SpeechStopped("u1"), ev.CallerTranscript("u1", "Where is it, and when?", final=True))
    book.hear(1.0)


def said_again(book: Playbook) -> None:
    book.greet()
    book.say("r1", "i1", 1500, "It arrives on Thursday, in the morning.")
    book.hear(2.0)
    book.say("r2", "i2", 1500, "It arrives on Thursday, in the morning!")
    book.hear(2.0)


def said_again_when_asked_again(book: Playbook) -> None:
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.frames(5.2)
    book.say("r1", "i1", 1500, "It arrives on Thursday.")
    book.say("r2", "i2", 1500, "It arrives on Thursday.")
    book.hear(4.0)


def began_again(book: Playbook) -> None:
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelTranscript("r1", "i1", "It arrives on Thursday morning", final=True))
    book.feed(ev.ModelAudio("r1", "i1", speech(2500)))
    book.hear(2.0)
    book.feed(ev.ModelLost("gone"))
    book.connect(1)
    book.hear(0.5)
    book.say("r2", "i2", 2500, "It arrives on Thursday morning.")
    book.hear(3.0)


TALKS_ON = [{"wait": {"agent_ms": 200}}, {"say": "Where is my order, please tell me?"}, {"wait": {"quiet": 8}}]
CONSTRUCTED: dict[str, tuple[str, Call]] = {
    # -- functions
    "a tool without say": ("tool_without_say", rehearsed(looks_up(), SHIPPED, seconds=2.6)),
    "a tool whose say ends long before it": (
        "tool_outlasted_say",
        rehearsed(looks_up(say="Let me look."), SHIPPED, seconds=7.0, session=session(SAID)),
    ),
    "a tool that runs out of time": (
        "tool_timed_out",
        rehearsed(
            looks_up(), SHIPPED, seconds=99.0, session=session(msgspec.structs.replace(LOOKUP, timeout=1.0))
        ),
    ),
    "tools one after the other": (
        "tool_chain",
        rehearsed(looks_up(), {"on": "tool", "call": {"name": "lookup_order"}}, SHIPPED, seconds=1.2),
    ),
    "a quick tool, called without a word": (
        "tool_round_trip",
        rehearsed(looks_up(), SHIPPED, seconds=0.3, model={"latency_ms": 800}),
    ),
    # -- the model
    "turn detection that waits long": ("vad_slow", rehearsed(answer(), session=session(silence_ms=2200))),
    "a model slow to open its response": ("response_slow", rehearsed(answer(), model={"created_ms": 2200})),
    "a model slow to make a sound": (
        "audio_slow",
        rehearsed(
            answer(), model={"latency_ms": 2200}, speaks_first=False, steps=[{"pause": 1}, *ASKS[1:]]
        ),
    ),
    "a model that stops in mid-sentence": (
        "model_stalled",
        rehearsed(answer(say="It arrives on Thursday morning.", stall_ms=4000), model={"speed": [1.0, 1.1]}),
    ),
    "a reply that is dropped": (
        "reply_dropped", rehearsed(answer(drop=True), {"on": "prompt", "say": "It arrives on Thursday."})
    ),
    "a response that fails": (
        "response_failed",
        rehearsed(answer(fail="server_error"), {"on": "prompt", "say": "It is on its way."}, model={"latency_ms": 900}),
    ),
    "a model that is lost": (
        "model_lost",
        rehearsed(answer(close=1011), others=[{"ready_ms": 2600, **RESUMED}], clips=Clips()),
    ),
    "a model that falls silent": (
        "model_silent",
        rehearsed(answer(drop=True), {"on": "prompt", "drop": True}, others=[RESUMED], clips=Clips()),
    ),
    "no model at all": ("model_unreachable", rehearsed(steps=[{"wait": "end"}], connect=99.0)),
    "a model far away": ("connect_slow", rehearsed(answer(), connect=3.5, clips=Clips())),
    "a session accepted late": ("session_slow", rehearsed(answer(), model={"ready_ms": 3500}, clips=Clips())),
    "a session never accepted": (
        "session_not_acknowledged", rehearsed(answer(), model={"never_ready": True}, clips=Clips())
    ),
    # -- the way to the ear, and back
    "a process that does not come to it": ("sent_late", played(held_up)),
    "a carrier that holds the caller back": ("stream_stalled", played(stalled)),
    "a carrier that plays late": ("played_late", played(played_late)),
    # -- the caller
    "a caller who says nothing": (
        "caller_silent",
        rehearsed(
            {"on": "prompt", "say": "Are you still there?"},
            answer(),
            steps=[{"wait": "agent"}, {"pause": 12}, *ASKS[1:]],
            limits=Limits(caller_silence=7),
        ),
    ),
    # -- both at once
    "a greeting that cannot be interrupted": (
        "greeting_protected",
        rehearsed(
            steps=TALKS_ON, greeting="Thanks for calling. This call is recorded.", greeting_interruptible=False
        ),
    ),
    "last words that cannot be interrupted": (
        "goodbye_protected",
        rehearsed(
            {"on": "prompt", "say": "This call has reached its limit. Goodbye, and call again."},
            steps=[{"wait": "agent"}, {"wait": {"agent_ms": 300}}, {"say": "But where is my order?"}, {"wait": "end"}],
            limits=Limits(max_duration=3, caller_silence=0),
        ),
    ),
    "an interruption that is noticed late": (
        "interruption_slow",
        rehearsed(
            answer(say="It was sent on Monday, and it arrives on Thursday in the morning."),
            steps=[*ASKS[:2], {"wait": {"agent_ms": 500}}, {"say": "Just tell me the day."}, *ASKS[2:]],
            model={"late_speech_started": True},
        ),
    ),
    "an answer that comes too early": ("answered_early", played(answered_early)),
    # -- the rest
    "a cough that stops the agent": (
        "no_words",
        rehearsed(
            answer(say="It was sent on Monday, and it arrives on Thursday in the morning."),
            answer(hears=" ", say="As I said, on Thursday."),
            steps=[
                *ASKS[:2], {"wait": {"agent_ms": 800}}, {"noise": {"level_dbfs": -12, "seconds": 0.8}}, *ASKS[2:],
            ],
        ),
    ),
    "the same answer twice": ("model_repeated", played(said_again)),
    "an answer that the new session begins again": ("session_replaced", played(began_again, others="scripted")),
    "a goodbye without end": ("goodbye_too_long", played(endless_goodbye)),
    "a goodbye into which the line is lost": ("line_lost", played(goodbye(ev.CarrierLost("reset")))),
    "a goodbye into which an operator cuts": (
        "ended_from_outside", played(goodbye(ev.CallEnded("operator", "ended by hand")))
    ),
    "a goodbye in which the model is lost": ("model_lost", played(goodbye(ev.ModelLost("reset")))),
}  # fmt: skip


SENTENCES = {
    "a tool without say": "silent 4.1 s: tool lookup_order took 2.6 s and has no `say`",
    "a tool whose say ends long before it": "silent 5.3 s: tool lookup_order took 7.0 s, which its `say` did not cover",
    "a tool that runs out of time": "silent 4.5 s: tool lookup_order was given up after 3.0 s",
    "turn detection that waits long": ("silent 2.8 s: the model took 2.2 s to notice that the caller had stopped"),
    "a model far away": "silent 3.9 s: it took 3.5 s to reach the model",
    "a model that is lost": ("silent 2.3 s: the model was lost (scripted close) and another one took over after 2.6 s"),
    "a carrier that plays late": "silent 2.8 s: the carrier began to play it 2.4 s late, as its marks show",
    "a process that does not come to it": "silent 2.6 s: this process did not come to it for 2.6 s",
    "a cough that stops the agent": "the agent was stopped by a sound of 1.1 s in which no word was understood",
    "a goodbye into which the line is lost": (
        "the last 2.0 s of the goodbye were not heard: the carrier's stream ended"
    ),
}


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("name", CONSTRUCTED)
def test_the_one_cause_is_named_and_no_other(name: str, profile: str) -> None:
    cause, call = CONSTRUCTED[name]
    found = call(profile)
    assert {finding.cause for finding in found} == {cause}, found


@pytest.mark.parametrize("name", SENTENCES)
def test_the_sentence_says_where_the_time_went(name: str) -> None:
    assert CONSTRUCTED[name][1]("xai")[0].sentence == SENTENCES[name]


def test_an_answer_that_comes_twice_after_it_was_asked_for_twice_is_two_findings() -> None:
    found = played(said_again_when_asked_again)("")
    assert [(finding.kind, finding.cause) for finding in found] == [
        ("pause", "reply_dropped"),
        ("repeated answer", "asked_again"),
    ]


def test_every_cause_is_constructed_once_at_least() -> None:
    """`unexplained` is what no call can be made to be on purpose."""
    constructed = {cause for cause, _ in CONSTRUCTED.values()} | {"asked_again"}
    assert constructed == set(get_args(Cause)) - {"unexplained"}


def test_who_waits_no_longer_is_told_what_was_missing() -> None:
    steps = [*ASKS[:2], {"pause": 4}, {"hang_up": True}]
    (finding,) = rehearsed(answer(), steps=steps, model={"created_ms": 9000})("xai")
    assert finding.sentence == "silent 4.0 s: the model had begun no answer after 3.5 s"
