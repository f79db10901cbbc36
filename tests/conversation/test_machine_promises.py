"""What holds at any time, whatever happens in whatever order: the promises of the machine, looked for by hypothesis."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.settings import Clips, Limits

ASKS = (cmd.RequestResponse, cmd.SpeakVerbatim)
FRAME = b"\xff" * 160

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
        st.sampled_from(["lookup", "book", "slow", "hang_up", "nonsense"]),
        st.just("{}"),
    ),
    st.builds(ev.ToolFinished, ids, st.just("{}")),
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

    def _keep(self, commands: list[cmd.Command]) -> list[cmd.Command]:
        kept = super()._keep(commands)
        assert self.sent(cmd.EndCall)[:-1] == [], "a call ends once"
        if self.ending:
            assert isinstance(self.log[-1][1], cmd.EndCall), "and nothing follows"
        for command in kept:
            if isinstance(command, cmd.ModelCommand):
                assert self.call.state.connected, "nothing is sent to a model that is not there"
            if isinstance(command, ASKS):
                assert not self.call.state.responses.open, "nothing is asked for while a response is open"
        assert sum(isinstance(command, ASKS) for command in kept) <= 1
        return kept


def play(script: list[tuple[ev.Event, float]], *, connected: bool, clips: bool) -> Watched:
    clip = PCM16_24K.silence(500) if clips else b""
    book = Watched(clips=Clips(clip, clip), limits=Limits(caller_silence_prompts=1))
    if connected:
        book.connect()
    else:
        book.feed(ev.ModelConnected("grok"))
    for event, pause in script:
        book.feed(event)
        book.wait(pause)
    return book


@given(steps, st.booleans(), st.booleans())
@settings(max_examples=150)
def test_a_model_that_falls_mute_after_whatever_happened_never_holds_the_line(
    script: list[tuple[ev.Event, float]], connected: bool, clips: bool
) -> None:
    """The carrier's frames keep coming and nobody hangs up: every end is one that our own bounds have brought about."""
    book = play(script, connected=connected, clips=clips)
    mute = book.now
    while not book.ending:
        book.wait(0.2)
        book.feed(ev.CallerAudio(FRAME))
        assert book.now < mute + 150, book.call
    assert book.call.deadline() is None
    assert len(book.sent(cmd.HangUp)) == (book.ending.by != "carrier")


@given(steps, st.booleans())
@settings(max_examples=150)
def test_tools_run_and_are_answered_once_and_nothing_unheard_is_told_as_heard(
    script: list[tuple[ev.Event, float]], connected: bool
) -> None:
    book = play(script, connected=connected, clips=True)
    book.feed(ev.CarrierStopped())
    answers = [command.call_id for command in book.sent(cmd.SendToolOutput)]
    assert len(answers) == len(set(answers)), "a tool call is answered once"
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


@given(steps)
@settings(max_examples=75)
def test_the_same_events_at_the_same_times_give_the_same_commands(script: list[tuple[ev.Event, float]]) -> None:
    assert play(script, connected=True, clips=True).log == play(script, connected=True, clips=True).log
