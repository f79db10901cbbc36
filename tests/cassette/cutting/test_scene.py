"""What is under way at one moment of a recorded call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taped import cassette
from telephony.cassette.brief import kind_of
from telephony.cassette.cutting.scene import Scene, call_ids, item_ids, response_ids, scene_at
from telephony.cassette.format import Line
from telephony.runtime.cassettes import new_carrier


def when(story: str, kind: str, nth: int = 0, fits: Callable[[Line], bool] = lambda _: True) -> float:
    """Seconds: the *nth* message of a kind."""
    return [line.t for line in cassette(story).lines if kind_of(line.message) == kind and fits(line)][nth]


def scene(story: str, at: float) -> Scene:
    return scene_at(cassette(story), new_carrier, at)


@pytest.mark.parametrize("story", ["xai", "openai"])
def test_greeting_is_under_way_until_it_was_heard(story: str) -> None:
    created = when(story, "response.created")
    assert scene(story, 0.01).greets
    assert scene(story, created + 0.001).greets
    greeting = scene(story, when(story, "response.done") + 0.3)
    assert greeting.greets
    assert len(greeting.responses) == 1
    (heard,) = greeting.heard.values()
    assert heard > 0
    assert not scene(story, 2.2).greets
    assert scene(story, 2.2).responses == set()
    assert scene(story, 2.2).over


def test_caller_who_speaks_is_under_way_and_so_is_one_who_waits_for_the_answer() -> None:
    begun, ended = when("xai", "input_audio_buffer.speech_started"), when("xai", "input_audio_buffer.speech_stopped")
    assert scene("xai", begun).caller is None
    speaking, waiting = scene("xai", begun + 0.1), scene("xai", ended + 0.05)
    assert speaking.caller
    assert waiting.caller == speaking.caller
    assert scene("xai", ended + 1.0).caller is None


def test_function_is_under_way_until_it_was_answered() -> None:
    run, finished = when("xai", "RunTool"), when("xai", "ToolFinished")
    running = scene("xai", (run + finished) / 2)
    assert len(running.calls) == 1
    assert running.responses
    done = scene("xai", finished + 0.01)
    assert done.calls == set()
    assert running.calls <= done.over


def test_keys_are_under_way_until_they_are_passed_on() -> None:
    assert scene("lost", when("lost", "dtmf", 1) + 0.001).keys == 2
    assert scene("lost", when("lost", "dtmf", -1) + 1.0).keys == 0


def test_session_is_the_one_that_is_spoken_to() -> None:
    lost = when("lost", "ModelLost")
    assert scene("lost", lost).session == 0
    assert scene("lost", lost + 0.001).session == 1
    assert scene("lost", lost + 3).session == 1
    assert not scene("lost", lost + 3).greets


def test_ids_are_found_where_either_provider_puts_them() -> None:
    assert response_ids({"response": {"id": "r"}}) == response_ids({"response_id": "r"}) == ["r"]
    assert item_ids({"item": {"id": "i"}}) == item_ids({"item_id": "i"}) == ["i"]
    assert call_ids({"item": {"call_id": "c"}}) == call_ids({"call_id": "c"}) == ["c"]
    assert response_ids(None) == item_ids([]) == call_ids("x") == []
