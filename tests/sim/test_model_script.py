"""Scripts are read strictly, and whatever is wrong is named with its place and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.errors import ScriptError
from telephony.sim.model_script import Call, decode_script


def test_a_script_is_read_from_the_document_or_its_model_entry() -> None:
    inner = {"profile": "openai", "replies": [{"on": "speech", "hears": "Hi", "say": "Hello", "call": {"name": "f"}}]}
    script = decode_script({"model": inner, "caller": {"steps": []}})
    assert script == decode_script(inner)
    assert script.replies[0].tool_calls == (Call("f"),)


def test_parallel_calls_are_written_as_a_list() -> None:
    script = decode_script({"replies": [{"on": "speech", "calls": [{"name": "f"}, {"name": "g"}]}]})
    assert [call.name for call in script.replies[0].tool_calls] == ["f", "g"]


def test_deltas_are_as_long_as_recorded_unless_told() -> None:
    assert decode_script({}).delta_range == (31, 887)
    assert decode_script({"delta_ms": [20, 20]}).delta_range == (20, 20)


def test_call_may_come_from_another_session_if_the_script_says_what_is_known_of_it() -> None:
    script = decode_script({"replies": [{"on": "tool", "knows": ["A-1042"], "expect": {"find": "x"}}]})
    assert script.replies[0].knows == ("A-1042",)


@pytest.mark.parametrize(
    ("document", "place", "remedy"),
    [
        ({"profil": "xai"}, "model.profil", "Did you mean profile?"),
        ({"profile": "acme"}, "model.profile", "Change it"),
        ({"replies": [{"on": "speach"}]}, "model.replies[0].on", "Change it"),
        ({"replies": [{"say": "Hi"}]}, "model.replies[0]", "on is missing"),
        ({"replies": [{"on": "speech", "tell": "Hi"}]}, "model.replies[0].tell", "Known:"),
        ({"replies": [{"on": "speech", "call": {"nam": "f"}}]}, "model.replies[0].call", "Did you mean name?"),
        ({"replies": [{"on": "speech", "calls": [{"nam": "f"}]}]}, "model.replies[0].calls[0]", "Did you mean name?"),
        ({"replies": [{"on": "speech", "call": {"name": "f"}, "calls": [{"name": "g"}]}]}, "replies[0]", "Keep calls"),
        ({"replies": [{"on": "greeting", "hears": "Hi"}]}, "replies[0].hears", "on: speech"),
        ({"replies": [{"on": "tool"}]}, "replies[0]", "Add call"),
        ({"replies": [{"on": "resume", "knows": [""]}]}, "replies[0].knows", "Remove it"),
        ({"replies": [{"on": "resume", "knows": "x"}]}, "replies[0].knows", "Change it"),
        ({"replies": [{"on": "speech", "expect": {"f": "x"}}]}, "replies[0].expect", "Move it"),
        (
            {"replies": [{"on": "speech", "call": {"name": "find"}}, {"on": "tool", "expect": {"fnd": "x"}}]},
            "replies[1].expect.fnd",
            "Did you mean find?",
        ),
        ({"replies": [{"on": "speech", "close": 12}]}, "replies[0].close", "1000 to 4999"),
        ({"replies": [{"on": "speech", "close": 1006}]}, "replies[0].close", "vanish: true"),
        ({"replies": [{"on": "speech", "close": 1011, "vanish": True}]}, "replies[0].close", "Remove one"),
        ({"replies": [{"on": "speech", "malformed": -1}]}, "replies[0].malformed", "from 1"),
        ({"replies": [{"on": "speech", "drop": True, "close": 1011}]}, "replies[0].close", "use faults"),
        ({"replies": [{"on": "speech", "fail": "x", "error": "x"}]}, "replies[0].error", "Remove fail"),
        ({"replies": [{"on": "speech", "trouble_at": "done"}]}, "replies[0].trouble_at", "there is no trouble"),
        (
            {"replies": [{"on": "speech", "call": {"name": "f"}, "close": 1011, "trouble_at": "audio"}]},
            "replies[0].trouble_at",
            "trouble_at: call",
        ),
        ({"faults": [{"close": 1011}]}, "model.faults[0]", "at_s is missing"),
        ({"faults": [{"at_s": -1, "close": 1011}]}, "model.faults[0].at_s", "from 0"),
        ({"faults": [{"at_s": 1, "mute": True, "freeze": True}]}, "model.faults[0].freeze", "Remove one"),
        ({"faults": [{"at_s": 1, "closes": 1011}]}, "model.faults[0].closes", "Did you mean close?"),
        ({"connections": [{"refused": 503}]}, "model.connections[0].refused", "Did you mean refuse?"),
        ({"connections": [{}, {"refuse": 200}]}, "model.connections[1].refuse", "401"),
        ({"connections": [{"replies": [{"on": "speach"}]}]}, "model.connections[0].replies[0].on", "Change it"),
        ({"connections": [{"faults": [{"at_s": 1, "close": 5}]}]}, "model.connections[0].faults[0].close", "1011"),
        ({"connections": [{"profile": "xai"}]}, "model.connections[0].profile", "Move it to model.profile"),
        (
            {"sessions": "continue", "connections": [{"replies": []}]},
            "model.connections[0].replies",
            "sessions: anew",
        ),
        ({"replies": [{"on": "speech", "delta_ms": [5, 2]}]}, "replies[0].delta_ms", "shortest first"),
        ({"delta_ms": [0, 2]}, "model.delta_ms", "shortest first"),
        ({"speed": [5, 1]}, "model.speed", "[5, 10]"),
        ({"refuse": 200}, "model.refuse", "401"),
        ({"most_sessions": -1}, "model.most_sessions", "Use 0"),
        ({"model": []}, "model", "Change it"),
    ],
)
def test_mistakes_are_named_with_place_and_remedy(document: dict[str, Any], place: str, remedy: str) -> None:
    with pytest.raises(ScriptError) as caught:
        decode_script(document, "desk.yaml")
    assert str(caught.value).startswith("desk.yaml: ")
    assert place in str(caught.value)
    assert remedy in str(caught.value)
