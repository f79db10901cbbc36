"""Who said what: order, late texts, and which words were heard when the agent was cut short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.conversation.playback import Item
from telephony.conversation.transcript import UNDERSTOOD, Speech, Transcript, divide
from telephony.events import ModelTranscript
from telephony.records import Turn

RATE = 24000


def item(received_ms: int, heard_ms: int, item_id: str = "i1", at: float = 1.0) -> Item:
    """An item cut after *heard_ms*, or heard to its end."""
    line = Item(item_id, "r1", 0, received=received_ms * 24, heard=heard_ms * 24, sent=received_ms * 24)
    line.received_at = line.sent_at = line.heard_at = at
    line.ended_at = at + heard_ms / 1000
    line.cleared = heard_ms < received_ms
    return line


def said(text: str, *anchors: tuple[int, int]) -> Speech:
    """The whole text of an item."""
    return Speech(Turn("agent"), text, list(anchors), final=True)


def begun(text: str, *anchors: tuple[int, int]) -> Speech:
    """The text of an item that broke off, or has not come to its end."""
    return Speech(Turn("agent"), text, list(anchors))


def agent(text: str, item_id: str = "i1", start_ms: int | None = None, *, final: bool = False) -> ModelTranscript:
    return ModelTranscript("r1", item_id, text, final=final, start_ms=start_ms)


# -- heard and unheard ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard_ms", "heard", "unheard"),
    [
        (0, "", "one two three four"),
        (1000, "one two three four", ""),
        (500, "one two", "three four"),
        (90, "", "one two three four"),
        (130, "one", "two three four"),
    ],
)
def test_without_anchors_words_run_evenly_over_the_audio_and_are_never_cut_in_two(
    heard_ms: int, heard: str, unheard: str
) -> None:
    assert divide(said("one two three four"), item(1000, heard_ms), RATE) == (heard, unheard)


def test_where_the_model_says_when_words_begin_that_is_believed() -> None:
    """Two words in the first tenth of a second, two after a pause."""
    speech = said("one two three four", (8, 900))
    assert divide(speech, item(1000, 890), RATE) == ("one two", "three four")
    assert divide(speech, item(1000, 960), RATE) == ("one two three", "four")


def test_anchors_beyond_the_audio_that_came_are_not_believed() -> None:
    assert divide(said("one two three four", (4, 5000)), item(1000, 500), RATE) == ("one two", "three four")


def test_text_without_audio_was_not_heard() -> None:
    assert divide(said("one two"), None, RATE) == ("", "one two")
    assert divide(said("one two"), item(0, 0), RATE) == ("", "one two")


def test_what_was_heard_to_the_end_is_heard_whatever_the_anchors_say() -> None:
    assert divide(said("one two", (3, 10**6)), item(1000, 1000), RATE) == ("one two", "")


def test_of_a_speech_that_broke_off_no_more_counts_as_heard_than_can_have_been_spoken() -> None:
    """Text runs ahead of its sound, and nobody knows how far: a second has room for twenty characters."""
    text = "It has been shipped on Tuesday and will"
    assert divide(begun(text), item(1000, 1000), RATE) == ("It has been shipped", "on Tuesday and will")
    assert divide(begun(text), item(3000, 3000), RATE) == (text, "")
    assert divide(begun(text, (12, 400)), item(1000, 1000), RATE) == ("It has been shipped on", "Tuesday and will")
    assert divide(begun(text, (12, 1100)), item(1000, 1000), RATE) == ("It has been", "shipped on Tuesday and will")
    assert divide(begun(""), item(1000, 1000), RATE) == ("", "")


texts = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Zs", "Cc", "Zl", "Zp"]), min_size=1), min_size=1
)


@given(
    words=texts,
    received=st.integers(1, 20_000),
    share=st.floats(0, 1),
    anchors=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 25_000)), max_size=6),
)
def test_heard_and_unheard_are_all_the_words_in_order(
    words: list[str], received: int, share: float, anchors: list[tuple[int, int]]
) -> None:
    text = " ".join(words)
    places = sorted((min(chars, len(text)), ms) for chars, ms in anchors)
    ascending = [(chars, ms) for n, (chars, ms) in enumerate(places) if all(ms > before for _, before in places[:n])]
    heard, unheard = divide(said(text, *ascending), item(received, int(received * share)), RATE)
    assert heard.split() + unheard.split() == text.split()


@given(words=texts, received=st.integers(1, 20_000), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_more_audio_heard_is_never_fewer_words(words: list[str], received: int, shares: tuple[float, float]) -> None:
    speech = said(" ".join(words))
    less, more = (len(divide(speech, item(received, int(received * s)), RATE)[0].split()) for s in sorted(shares))
    assert less <= more


# -- texts find their turns ----------------------------------------------------------------------------------------


def test_turns_stand_in_the_order_in_which_they_were_spoken_however_late_their_text_comes() -> None:
    transcript = Transcript()
    transcript.agent_speaks("i1", 0.9)
    transcript.caller_speaks("u1", 3.0)
    transcript.caller_stops("u1", 4.0)
    transcript.agent_speaks("i2", 5.0)
    transcript.agent_said(agent("Second.", "i2", final=True), 5.1)
    transcript.agent_said(agent("First.", "i1", final=True), 6.0)
    transcript.caller_said("u1", "Hello?", 7.0, final=True)
    items = {"i1": item(500, 500), "i2": item(500, 500, "i2", at=5.2)}
    turns = transcript.turns(items, RATE, 8.0)
    assert [(turn.speaker, turn.heard) for turn in turns] == [
        ("agent", "First."),
        ("caller", "Hello?"),
        ("agent", "Second."),
    ]
    assert (turns[1].started_at, turns[1].ended_at) == (3.0, 4.0)


def test_pieces_of_the_agents_text_are_joined_and_a_final_text_replaces_them() -> None:
    transcript = Transcript()
    for piece in ("I am", " sory", ""):
        transcript.agent_said(agent(piece), 1.0)
    transcript.agent_said(agent("I am sorry.", final=True), 1.0)
    transcript.agent_said(agent("", final=True), 1.0)
    (turn,) = transcript.turns({"i1": item(500, 500)}, RATE, 2.0)
    assert turn.heard == "I am sorry."


def test_anchors_come_with_the_pieces_and_must_ascend() -> None:
    transcript = Transcript()
    for piece, start in (("one two ", 0), ("three ", 900), ("four", 100)):
        transcript.agent_said(agent(piece, start_ms=start), 1.0)
    (turn,) = transcript.turns({"i1": item(1000, 890)}, RATE, 2.0)
    assert (turn.heard, turn.unheard, turn.interrupted) == ("one two", "three four", True)


def test_provisional_texts_of_the_caller_replace_one_another_and_pieces_are_appended() -> None:
    transcript = Transcript()
    transcript.caller_speaks("u1", 1.0)
    for text in ("My name", "My name is Marcelo "):
        transcript.caller_said("u1", text, 2.0, final=False)
    transcript.caller_said("u2", "and ", 3.0, final=False, append=True)
    transcript.caller_said("u2", "I am here", 3.0, final=False, append=True)
    first, second = transcript.turns({}, RATE, 4.0)
    assert (first.heard, first.final) == ("My name is Marcelo", False)
    assert (second.heard, second.started_at, second.ended_at) == ("and I am here", 3.0, 3.0)


def test_a_caller_who_goes_on_before_the_turn_was_committed_continues_the_same_turn() -> None:
    transcript = Transcript()
    transcript.caller_speaks("u1", 1.0)
    transcript.caller_stops("u1", 2.0)
    transcript.caller_speaks("u1", 2.5)
    transcript.caller_stops("u1", 4.0)
    (turn,) = transcript.turns({}, RATE, 5.0)
    assert (turn.started_at, turn.ended_at) == (1.0, 4.0)


def test_without_item_ids_every_utterance_is_a_turn_and_texts_go_to_the_latest() -> None:
    transcript = Transcript()
    for at in (1.0, 5.0):
        transcript.caller_speaks("", at)
        transcript.caller_stops("", at + 1)
        transcript.caller_said("", f"at {at:.0f}", at + 2, final=True)
    assert [(t.heard, t.ended_at) for t in transcript.turns({}, RATE, 9.0)] == [("at 1", 2.0), ("at 5", 6.0)]


def test_the_end_of_speech_that_nobody_announced_moves_no_other_turn() -> None:
    transcript = Transcript()
    transcript.caller_speaks("u1", 1.0)
    transcript.caller_stops("u1", 2.0)
    transcript.caller_stops("u2", 30.0)
    assert [turn.ended_at for turn in transcript.turns({}, RATE, 40.0)] == [2.0]


def test_speech_that_ends_before_it_began_ends_where_it_began() -> None:
    transcript = Transcript()
    transcript.caller_speaks("u1", 3.0)
    transcript.caller_stops("u1", 2.0)
    assert transcript.turns({}, RATE, 5.0)[0].ended_at == 3.0


def test_an_item_of_which_nothing_was_said_is_no_turn_and_a_caller_without_words_is() -> None:
    transcript = Transcript()
    transcript.agent_speaks("i1", 1.0)
    transcript.caller_speaks("u1", 2.0)
    transcript.keys("42", 3.0, 3.5)
    assert [(t.speaker, t.heard) for t in transcript.turns({}, RATE, 9.0)] == [("caller", ""), ("keypad", "42")]


def test_a_turn_that_never_sounded_ends_when_it_was_thrown_away() -> None:
    transcript = Transcript()
    transcript.agent_said(agent("Never heard."), 5.0)
    line = item(500, 0, at=5.0)
    line.heard_at = line.sent_at = None
    line.ended_at = 6.0
    (turn,) = transcript.turns({"i1": line}, RATE, 60.0)
    assert (turn.started_at, turn.ended_at, turn.heard, turn.unheard) == (5.0, 6.0, "", "Never heard.")
    assert turn.latency is None


# -- for another session -------------------------------------------------------------------------------------------


def test_words_are_settled_when_they_are_final_or_have_had_their_time() -> None:
    transcript = Transcript()
    assert transcript.settled(0.0)
    transcript.caller_speaks("u1", 1.0)
    assert not transcript.settled(100.0), "the caller is still speaking"
    transcript.caller_stops("u1", 2.0)
    assert not transcript.settled(2.0 + UNDERSTOOD - 0.1)
    assert transcript.settled(2.0 + UNDERSTOOD)
    transcript.caller_said("u1", "Hello?", 3.0, final=True)
    assert transcript.settled(3.0)


def test_what_the_caller_said_last_is_taken_back_unless_it_was_understood_or_answered() -> None:
    transcript = Transcript()
    transcript.caller_speaks("u1", 1.0)
    transcript.caller_said("u1", "Understood.", 2.0, final=True)
    transcript.caller_speaks("u2", 3.0)
    transcript.agent_speaks("i1", 4.0)
    transcript.caller_speaks("u3", 5.0)
    transcript.agent_speaks("local:filler-1", 6.0)
    transcript.caller_speaks("u4", 7.0)
    assert [turn.item_id for turn in transcript.retract(4.5)] == ["u4", "u3"]
    assert [turn.item_id for turn in transcript.turns({}, RATE, 9.0)] == ["u1", "u2"]
    assert transcript.retract(0.0) == [], "u2 was answered"
    transcript.caller_said("u3", "Whoever hears it again", 8.0, final=True)
    assert transcript.turns({}, RATE, 9.0)[-1].heard == "Whoever hears it again"


def test_what_began_before_the_audio_that_is_kept_is_not_taken_back() -> None:
    transcript = Transcript()
    transcript.caller_speaks("u1", 1.0)
    transcript.caller_said("u1", "A long story", 20.0, final=False)
    assert transcript.retract(8.0) == []
    assert [turn.heard for turn in transcript.told({}, RATE)] == ["A long story"]


def test_told_is_what_was_heard_and_what_will_be() -> None:
    transcript = Transcript()
    for name in ("i1", "i2", "i3"):
        transcript.agent_said(agent("one two three four", name, final=True), 1.0)
    transcript.agent_said(agent("Never spoken.", "i4", final=True), 1.0)
    coming = item(1000, 0, "i3", at=6.0)
    coming.cleared = False
    items = {"i1": item(1000, 1000, "i1"), "i2": item(1000, 500, "i2", at=3.0), "i3": coming}
    told = transcript.told(items, RATE)
    assert [turn.heard for turn in told] == ["one two three four", "one two", "one two three four"]
    assert [turn.started_at for turn in told] == [1.0, 3.0, 6.0]
    recorded = {turn.item_id: turn.heard for turn in transcript.turns(items, RATE, 7.0)}
    assert recorded == {"i1": "one two three four", "i2": "one two", "i3": "", "i4": ""}
