"""The recorded model as a script, its voice, and the tools that answer as they did."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from recorded_calls import ANSWERS, ASKS, ORDER, QUIET, scene
from rehearsals import hum as recorded_hum
from telephony.cassette.reacting.prompting import Props, prompt, prompt_from, voice
from telephony.cassette.reacting.scene import Scene, Use
from telephony.errors import ScriptError
from telephony.rehearsal import Said
from telephony.sim.model_client import hum
from telephony.sim.model_script import Call, Reply

PROFILES = pytest.mark.parametrize("profile", ["xai", "openai"])


@pytest.fixture(scope="module")
def order() -> Scene:
    return scene(ORDER, ANSWERS)


# -- the script -------------------------------------------------------------------------------------------------------


@PROFILES
def test_the_model_does_what_it_did(profile: str) -> None:
    found = scene(ORDER, ANSWERS, profile=profile)
    script = prompt(found, msgspec.structs.replace(found.settings, greeting=None))
    assert (script.profile, script.keen) == (profile, True)
    assert [reply.say for reply in script.replies] == [reply["say"].strip() for reply in ANSWERS]
    assert [reply.hears for reply in script.replies] == ["", "Where is it?", "", "Just the day.", "Bye."]
    assert [reply.optional for reply in script.replies] == [True, False, True, False, False]
    assert script.replies[1].tool_calls == (Call("lookup_order", {"order": "A-1"}),)


def test_an_agent_with_a_greeting_of_its_own_says_that(order: Scene) -> None:
    assert prompt(order, order.settings).replies[0] == Reply("greeting", optional=True)


def test_arguments_that_were_no_json_are_none_again() -> None:
    broken = [ANSWERS[0], ANSWERS[1] | {"bad_arguments": '{"order": '}, ANSWERS[2]]
    found = scene(ORDER[:3], broken)
    assert prompt(found, found.settings).replies[1].bad_arguments == '{"order": '


def test_a_script_hears_the_recorded_words_unless_it_has_its_own(order: Scene) -> None:
    document = {"model": {"replies": [{"on": "speech"}, {"on": "speech", "hears": "Wednesday?"}]}, "caller": {}}
    script, own = prompt_from(document, order, "scenario.yaml")
    assert own == 2
    assert [reply.hears for reply in script.replies] == ["Where is it?", "Wednesday?", "Bye."]
    assert script.replies[2] == Reply("speech", say=script.fallback, hears="Bye.", optional=True)
    assert script.keen


def test_a_strict_script_foresees_nothing_beyond_itself(order: Scene) -> None:
    script, _ = prompt_from({"strict_script": True, "replies": [{"on": "speech"}]}, order, "scenario.yaml")
    assert len(script.replies) == 1


def test_a_script_is_for_the_recorded_provider_unless_it_says_otherwise() -> None:
    found = scene(QUIET, ASKS, profile="openai")
    assert prompt_from({"model": {"replies": []}}, found, "x")[0].profile == "openai"
    assert prompt_from({"profile": "xai", "replies": []}, found, "x")[0].profile == "xai"


def test_a_script_that_is_wrong_is_told_with_its_place(order: Scene) -> None:
    with pytest.raises(ScriptError, match=r"scenario\.yaml: model\.replies\[0\]\.on"):
        prompt_from({"model": {"replies": [{"on": "speach"}]}}, order, "scenario.yaml")
    with pytest.raises(ScriptError, match=r"scenario\.yaml: model"):
        prompt_from({"model": []}, order, "scenario.yaml")


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ({"refuse": 429}, "refuse"),
        ({"most_sessions": 1}, "most_sessions"),
        ({"connections": [{}, {"refuse": 503}]}, r"connections\[1\]\.refuse"),
    ],
)
def test_a_script_cannot_refuse_a_handshake_that_there_is_not(order: Scene, script: dict[str, Any], place: str) -> None:
    with pytest.raises(ScriptError, match=rf"^scenario\.yaml: model\.{place}: .* no handshake to refuse\. Remove it"):
        prompt_from({"model": script}, order, "scenario.yaml")


# -- the voice --------------------------------------------------------------------------------------------------------


def test_recorded_sentences_are_said_in_the_recorded_voice_and_others_are_hummed(order: Scene) -> None:
    speak = voice(order)
    assert len(speak("thursday")) == pytest.approx(len(recorded_hum("Thursday.")), abs=100)
    assert speak("Thursday.") == speak("  THURSDAY! ")
    assert speak("Friday.") == hum("Friday.")


# -- the tools --------------------------------------------------------------------------------------------------------


def props(*uses: Use, own: Any = None) -> Props:
    found = scene([{"wait": "agent"}], [])
    found.uses = {str(number): use for number, use in enumerate(uses)}
    return Props(found, own or {})


def use(name: str, key: str, output: str, seconds: float = 1.0, **changes: Any) -> Use:
    return Use(name, json.dumps({"key": key}), 2.0, 2.0 + seconds, output, **changes)


def test_a_tool_answers_as_it_did_to_the_same_arguments_and_takes_as_long() -> None:
    find = props(use("find", "a", '"A"'), use("find", "b", '"B"', 3.5)).answers(["find"])["find"]
    assert find({"key": "b"}) == (3.5, Said('"B"'))
    assert find({"key": "a"}) == (1.0, Said('"A"'))
    assert find({"key": "b"}) == (3.5, Said('"B"')), "again, as nothing else is known"


def test_a_tool_that_is_asked_something_else_answers_as_it_did_next() -> None:
    find = props(use("find", "a", "1"), use("other", "x", "0"), use("find", "b", "2")).answers([])["find"]
    assert [find({"key": "new"})[1], find({"key": "newer"})[1], find({"key": "newest"})[1]] == [
        Said("1"),
        Said("2"),
        Said("2"),
    ]


def test_a_tool_that_is_asked_the_same_twice_may_answer_differently_each_time() -> None:
    find = props(use("find", "a", '"busy"'), use("find", "a", '"free"')).answers([])["find"]
    assert [find({"key": "a"})[1].text for _ in range(3)] == ['"busy"', '"free"', '"free"']


def test_a_tool_that_failed_fails_and_one_that_never_ended_is_out_until_the_end() -> None:
    slow = Use("slow", "{}", 0.5)
    tools = props(use("find", "a", '{"error": "closed"}', outcome="error"), slow)
    answers = tools.answers([])
    assert answers["find"]({"key": "a"})[1] == Said('{"error": "closed"}', "error")
    seconds, said = answers["slow"]({})
    assert seconds > 0.5
    assert said.outcome == "error"


def test_a_tool_that_was_never_called_says_so_unless_there_is_a_function_for_it() -> None:
    tools = props(own={"refund": lambda arguments: (0.2, arguments)})
    answers = tools.answers(["cancel", "refund"])
    seconds, said = answers["cancel"]({})
    assert (seconds, said.outcome) == (0.0, "error")
    assert "cancel was not called when this call was recorded" in said.text
    assert answers["refund"]({"order": 1}) == (0.2, {"order": 1})
    assert tools.missing == ["cancel"]
