"""What successive connections share: their numbers, and the place in the script."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.sim.model import SimulatedModel
from telephony.sim.model_client import ModelClient, hum
from telephony.sim.model_script import ModelScript, decode_script

REPLIES = [
    {"on": "greeting", "say": "Hello."},
    {"on": "speech", "hears": "Where is my order?", "say": "It has shipped."},
    {"on": "speech", "hears": "Thanks.", "say": "Bye!"},
]


def connect(after: ModelClient | None = None, **script: Any) -> ModelClient:
    client = ModelClient({"replies": REPLIES, "sessions": "continue", **script}, after=after)
    client.configure()
    return client


def greet(client: ModelClient) -> None:
    client.send("response.create")
    client.wait(3)


def speak(client: ModelClient) -> None:
    client.speak(500)
    client.quiet(2500)


def said(client: ModelClient) -> list[str]:
    return [message["transcript"] for message in client.all("response.output_audio_transcript.done")]


def test_later_connection_goes_on_with_the_replies_that_are_left() -> None:
    first = connect()
    greet(first)
    speak(first)
    second = connect(first)
    speak(second)
    assert said(first) == ["Hello.", "It has shipped."]
    assert said(second) == ["Bye!"]
    assert first.model.unmet == second.model.unmet == []
    assert first.faults == second.faults == []


def test_later_connection_begins_anew_unless_told() -> None:
    first = connect(sessions="anew")
    greet(first)
    second = connect(first, sessions="anew")
    greet(second)
    assert said(first) == said(second) == ["Hello."]
    assert len(first.model.unmet) == len(second.model.unmet) == 2


def test_newest_connection_answers_for_what_was_never_reached() -> None:
    first = connect()
    greet(first)
    assert len(first.model.unmet) == 2
    second = connect(first)
    third = connect(second)
    assert first.model.unmet == second.model.unmet == []
    assert third.model.unmet == [
        "replies[1] (on speech) was never reached",
        "replies[2] (on speech) was never reached",
    ]


def test_complaint_stays_with_the_connection_in_which_it_arose() -> None:
    first = connect()
    speak(first)
    second = connect(first)
    speak(second)
    assert first.model.unmet == ["replies[0] (on greeting) was skipped: the caller spoke first"]
    assert second.model.unmet == []


def test_connection_that_never_opens_takes_nothing_over() -> None:
    first = connect()
    greet(first)
    SimulatedModel(decode_script({"sessions": "continue"}), hum, after=first.model)
    refused = ModelClient({"sessions": "continue", "open_error": "invalid_api_key"}, after=first)
    assert refused.model.unmet == []
    assert len(first.model.unmet) == 2


def test_connections_may_overlap_and_read_from_one_script() -> None:
    old = connect()
    greet(old)
    new = connect(old)
    speak(old)
    speak(new)
    assert said(old) == ["Hello.", "It has shipped."]
    assert said(new) == ["Bye!"]


def test_script_goes_on_with_another_provider() -> None:
    first = connect()
    greet(first)
    second = ModelClient({"profile": "openai", "sessions": "continue"}, after=first)
    second.configure()
    speak(second)
    assert said(second) == ["It has shipped."]


def test_connections_are_numbered_and_have_ids_of_their_own() -> None:
    first = connect()
    second = connect(first)
    assert (first.model.number, second.model.number) == (0, 1)
    ids = [client.all("conversation.created")[0]["conversation"]["id"] for client in (first, second)]
    assert ids[0] != ids[1]
    assert SimulatedModel(ModelScript(), hum).number == 0


@given(turns=st.lists(st.integers(0, 4), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_every_reply_is_played_once_or_told_once_as_never_reached(turns: list[int]) -> None:
    replies = [{"on": "speech", "hears": f"{n}?", "say": f"{n}."} for n in range(6)]
    clients: list[ModelClient] = []
    for number in turns:
        client = connect(clients[-1] if clients else None, replies=replies)
        for _ in range(number):
            client.speak(300)
            client.quiet(1200)
        clients.append(client)
    played = [words for client in clients for words in said(client)]
    told = [line for client in clients for line in client.model.unmet]
    used = min(6, sum(turns))
    assert played[:used] == [f"{n}." for n in range(used)]
    assert told == [f"replies[{n}] (on speech) was never reached" for n in range(used, 6)]
