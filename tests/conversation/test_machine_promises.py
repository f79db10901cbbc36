"""What holds at any time, whatever happens in whatever order: the promises of the machine, looked for by hypothesis."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import BOOK, HANG_UP, LOOKUP, SLOW, Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.conversation.toolcalls import GRACE
from telephony.settings import Clips, Limits, SessionConfig, ToolSpec

ASKS = (cmd.RequestResponse, cmd.SpeakVerbatim)
FRAME = b"\xff" * 160

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
POLICIES = {
    "stops": ToolSpec("stops", "Stops.", SCHEMA, on_barge_in="cancel"),
    "goes_on": ToolSpec("goes_on", "Goes on.", SCHEMA, on_barge_in="detach", side_effects=False),
    "once": ToolSpec("once", "Runs once.", SCHEMA, once=True, on_barge_in="detach"),
    "asks": ToolSpec("asks", "Asks first.", SCHEMA, confirm=True, on_barge_in="cancel"),
}
"""Functions with every policy, beside those of the playbook."""
ids = st.sampled_from(["a", "b", "c"])
maybe_ids = st.sampled_from(["", "a", "b", "c"])
absurd = st.none() | st.integers(-5, 90_000) | st.sampled_from([-(10**9), 10**12])
anything = st.one_of(
    st.builds(ev.SpeechStarted, maybe_ids, absurd),
    st.builds(ev.SpeechStopped, maybe_ids, absurd),
    st.builds(ev.CallerTranscript, maybe_ids, st.just("words"), st.booleans()),
    st.builds(ev.ResponseStarted, maybe_ids),
    st.builds(ev.ModelAudio, maybe_ids, maybe_ids, st.integers(0, 900).map(speech) | st.just(b"\x01")),
    st.builds(ev.ModelAudioDone, maybe_ids, maybe_ids),
    st.builds(ev.ModelTranscript, maybe_ids, maybe_ids, st.just("word "), st.booleans()),
    st.builds(
        ev.ToolRequested,
        maybe_ids,
        ids,
        st.sampled_from(["lookup", "book", "slow", "hang_up", "nonsense", *POLICIES]),
        st.sampled_from(["{}", '{"a": 1}']),
    ),
    st.builds(ev.ToolFinished, ids, st.just("{}")),
    st.builds(ev.ToolSays, ids, st.just("Wait.")),
    st.builds(ev.ToolProgress, ids, st.just("half")),
    st.builds(ev.ResponseDone, maybe_ids, st.sampled_from(["completed", "cancelled", "failed", "incomplete"])),
    st.builds(ev.ModelError, st.sampled_from(["active_response", "no_active_response", "benign", "recoverable"])),
    st.builds(ev.MarkReached, st.integers(1, 30).map("m{}".format)),
    st.builds(ev.CallerAudio, st.just(FRAME), absurd),
    st.builds(ev.KeyPressed, st.sampled_from("0123456789*#")),
    st.builds(ev.CarrierFault, st.just("nonsense")),
    st.builds(ev.SessionReady),
)
rare = st.sampled_from(
    [ev.ServerStopping(), ev.ModelLost("gone"), ev.ModelError("session_over"), ev.ModelFault("junk")]
)
steps = st.lists(st.tuples(anything | anything | anything | rare, st.floats(0, 4)), max_size=40)


class Watched(Playbook):
    """A playbook that checks at every step what no step may break."""

    def __init__(self, **changes: Any) -> None:
        tools = (LOOKUP, BOOK, SLOW, HANG_UP, *POLICIES.values())
        super().__init__(session=SessionConfig(audio=PCM16_24K, tools=tools), **changes)
        self.there: set[int] = set()
        """Sessions that are connected and were not closed."""
        self.spoken_to = 0
        self.known: dict[int, set[str]] = defaultdict(set)
        """Calls that a session has made or was told of."""
        self.answered: dict[int, set[str]] = defaultdict(set)

    def feed(self, *events: ev.Event) -> list[cmd.Command]:
        self.there |= {event.session for event in events if isinstance(event, ev.ModelConnected)}
        self.known[self.spoken_to] |= {event.call_id for event in events if isinstance(event, ev.ToolRequested)}
        return super().feed(*events)

    def happen(self, event: ev.Event) -> None:
        """Something happens in whichever session is the current one."""
        if isinstance(event, ev.ModelLost | ev.ModelError):
            event = msgspec.structs.replace(event, session=self.spoken_to)
        self.feed(event)

    def _check(self, command: cmd.Command) -> None:
        match command:
            case cmd.CloseSession(session):
                self.there.discard(session)
            case cmd.UseSession(session):
                self.spoken_to = session
            case cmd.ConfigureSession(session):
                assert session in self.there
            case cmd.AddToolCall(call_id):
                assert call_id not in self.known[self.spoken_to], "a call is told of once"
                self.known[self.spoken_to].add(call_id)
            case cmd.SendToolOutput(call_id):
                assert call_id in self.known[self.spoken_to], "no output without its call"
                assert call_id not in self.answered[self.spoken_to], "and one for each"
                self.answered[self.spoken_to].add(call_id)
        match command:
            case cmd.ConfigureSession():
                pass
            case _ if isinstance(command, cmd.ModelCommand):
                assert self.spoken_to in self.there, "nothing is sent to a model that is not there"

    def _keep(self, commands: list[cmd.Command]) -> list[cmd.Command]:
        for command in commands:
            self._check(command)
        kept = super()._keep(commands)
        assert self.sent(cmd.EndCall)[:-1] == [], "a call ends once"
        if self.ending:
            assert isinstance(self.log[-1][1], cmd.EndCall), "and nothing follows"
        for command in kept:
            if isinstance(command, ASKS):
                assert not self.call.state.responses.open, "nothing is asked for while a response is open"
        assert sum(isinstance(command, ASKS) for command in commands) <= 1
        return kept


def play(
    script: list[tuple[ev.Event, float]], *, connected: bool = True, clips: bool = True, others: str = "absent"
) -> Watched:
    clip = MULAW_8K.silence(500) if clips else b""
    book = Watched(others=others, clips=Clips(clip, clip, clip), limits=Limits(caller_silence_prompts=1))
    if connected:
        book.connect()
    else:
        book.feed(ev.ModelConnected("grok"))
    for event, pause in script:
        book.happen(event)
        book.wait(pause)
    return book


others = st.sampled_from(["absent", "there"])


@given(steps, st.booleans(), st.booleans(), others)
@settings(max_examples=200)
def test_a_model_that_falls_mute_after_whatever_happened_never_holds_the_line(
    script: list[tuple[ev.Event, float]], connected: bool, clips: bool, others: str
) -> None:
    """The carrier's frames keep coming and nobody hangs up: every end is one that our own bounds have brought about."""
    book = play(script, connected=connected, clips=clips, others=others)
    mute = book.now
    while not book.ending:
        book.wait(0.2)
        book.feed(ev.CallerAudio(FRAME))
        assert book.now < mute + 150, book.call
    assert book.call.deadline() is None
    assert len(book.sent(cmd.HangUp)) == (book.ending.by != "carrier")


@given(steps, st.booleans(), others)
@settings(max_examples=200)
def test_tools_run_and_are_answered_once_and_nothing_unheard_is_told_as_heard(
    script: list[tuple[ev.Event, float]], connected: bool, others: str
) -> None:
    book = play(script, connected=connected, others=others)
    book.feed(ev.CarrierStopped())
    runs = [command.call_id for command in book.sent(cmd.RunTool)]
    assert len(runs) == len(set(runs)), "a tool runs once"
    assert all(use.outcome != "running" for use in book.call.tool_uses), "and comes to an end"
    names = [command.name for command in book.sent(cmd.SendMark)]
    assert len(names) == len(set(names)), "mark names never repeat"
    for command in book.sent(cmd.Truncate):
        item = book.call.state.playback.items[command.item_id]
        assert command.audio_end_ms <= PCM16_24K.milliseconds(b"\x00\x00" * item.sent)
    for turn in book.call.turns(book.now):
        assert turn.ended_at is None or turn.ended_at >= turn.started_at - 1e-6


@given(steps, others)
@settings(max_examples=75)
def test_the_same_events_at_the_same_times_give_the_same_commands(
    script: list[tuple[ev.Event, float]], others: str
) -> None:
    assert play(script, others=others).log == play(script, others=others).log


# -- slow functions, whatever happens to the call meanwhile ----------------------------------------------------------

meanwhile = st.sampled_from(
    ["speaks", "stops", "answers", "lost", "finishes", "waits", "repeats", "tells", "replies", "key", "waits long"]
)


def happens(book: Watched, what: str, number: int, name: str) -> None:
    """One more thing, in a call in which the function *name* was called."""
    match what:
        case "speaks":
            book.happen(ev.SpeechStarted(f"u{number}"))
        case "stops":
            book.happen(ev.SpeechStopped(f"u{number}"))
            book.happen(ev.CallerTranscript(f"u{number}", "Go on.", final=True))
        case "answers" | "replies":
            if not book.call.state.model_lost:
                book.say(f"r{number}", f"i{number}", 400, "Yes?")
        case "lost":
            book.happen(ev.ModelLost("gone"))
        case "finishes":
            book.happen(ev.ToolFinished("c0", "42"))
        case "tells":
            book.happen(ev.ToolProgress("c0", f"{number}"))
        case "key":
            book.happen(ev.KeyPressed("1"))
        case "repeats":
            again = ev.ToolRequested(f"r{number}", f"c{number}", name, "{}")
            for event in (ev.ResponseStarted(f"r{number}"), again, ev.ResponseDone(f"r{number}")):
                book.happen(event)
    book.hear(6.0 if what == "waits long" else 0.3)


@given(st.sampled_from([*POLICIES, "book"]), st.lists(meanwhile, max_size=10), st.sampled_from(["hangs up", "stays"]))
@settings(max_examples=200)
def test_a_slow_function_takes_effect_as_declared_and_the_model_is_answered_or_the_call_is_over(
    name: str, story: list[str], end: str
) -> None:
    book = Watched(others="there", limits=Limits(caller_silence_prompts=1))
    book.greet()
    for event in (ev.ResponseStarted("q"), ev.ToolRequested("q", "c0", name, "{}"), ev.ResponseDone("q")):
        book.happen(event)
    for number, what in enumerate(story, 1):
        if book.ending is None:
            happens(book, what, number, name)
    if end == "hangs up":
        book.feed(ev.CarrierStopped())
    else:
        book.hear(GRACE + 15)
    runs = [command.call_id for command in book.sent(cmd.RunTool)]  # type: ignore[attr-defined]
    cancelled = [command.call_id for command in book.sent(cmd.CancelTool)]  # type: ignore[attr-defined]
    assert len(runs) == len(set(runs))
    finished = {use.call_id: use for use in book.call.tool_uses}
    if name == "once":
        assert len(runs) <= 1, "once is once, however often it is asked for"
    if name == "asks" and not {"answers", "replies"} & set(story):
        assert not runs, "nobody was asked"
    timed_out = [call_id for call_id in runs if finished[call_id].outcome == "timeout"]
    if name in ("goes_on", "once"):
        assert set(cancelled) <= set(timed_out), "nothing the caller does stops it"
    if name == "book" and not book.ending:
        assert set(cancelled) <= set(timed_out)
    known = book.known[book.spoken_to]
    for call_id, use in finished.items():
        assert use.outcome != "running" or call_id in {call.use.call_id for call in book.call.state.tools.alive}
        answered = call_id in book.answered[book.spoken_to]
        assert answered or call_id not in known or book.ending or book.call.state.tools.open, "or the call is over"
