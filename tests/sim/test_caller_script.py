"""Scripts as they are written down, and what is said of mistakes in them."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.errors import ScriptError
from telephony.sim.caller_script import (
    CallerScript,
    HangUp,
    Noise,
    Pause,
    Play,
    Press,
    Say,
    WaitForAgent,
    WaitForEnd,
    WaitForQuiet,
    WaitIntoSpeech,
)


def test_every_step_can_be_written_down() -> None:
    script = CallerScript.parse(
        {
            "caller": {
                "from": "+15550142",
                "to": "+15550199",
                "patience": 12,
                "steps": [
                    {"wait": "agent"},
                    {"say": " Where is my order? "},
                    {"wait": {"agent_ms": 1500}},
                    {"wait": {"quiet": 2}},
                    {"press": "12#"},
                    {"press": 7},
                    {"noise": {"level_dbfs": -40, "seconds": 3}},
                    {"pause": 0.5},
                    {"play": "sneeze.wav"},
                    {"wait": "end"},
                    "hang_up",
                    {"hang_up": None},
                ],
            }
        }
    )
    assert (script.from_number, script.to_number, script.patience) == ("+15550142", "+15550199", 12)
    assert script.steps == (
        WaitForAgent(),
        Say("Where is my order?"),
        WaitIntoSpeech(1500),
        WaitForQuiet(2.0),
        Press("12#"),
        Press("7"),
        Noise(-40.0, 3.0),
        Pause(0.5),
        Play("sneeze.wav"),
        WaitForEnd(),
        HangUp(),
        HangUp(),
    )


def test_numbers_and_patience_have_defaults() -> None:
    script = CallerScript.parse({"steps": ["hang_up"]})
    assert script == CallerScript(steps=(HangUp(),))
    assert script.patience == 30


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "caller: expected `key: value`"),
        ({}, "caller.steps: a list with at least one step"),
        ({"steps": []}, "caller.steps: a list with at least one step"),
        ({"caller": {"steps": []}}, "caller.steps"),
        ({"steps": ["hang_up"], "step": 1}, "caller: 'step' is not known here.*Did you mean 'steps'"),
        ({"steps": ["hang_up"], "from": 15550142}, "caller.from: 15550142 is a number in YAML; put it in quotes"),
        ({"steps": ["hang_up"], "patience": "long"}, "caller.patience: expected a number"),
        ({"steps": ["hangup"]}, r"caller.steps\[0\]: 'hangup' needs a value.*Did you mean 'hang_up'"),
        ({"steps": [{"wiat": "agent"}]}, r"caller.steps\[0\]: 'wiat'.*Did you mean 'wait'"),
        ({"steps": [{"say": "a", "wait": "agent"}]}, "one step has one key"),
        ({"steps": [{"say": ""}]}, "expected words"),
        ({"steps": [{"say": 5}]}, "is a number in YAML"),
        ({"steps": [{"say": "a"}, {"wait": "nothing"}]}, r"steps\[1\].wait: 'nothing' is nothing to wait for"),
        ({"steps": [{"wait": {"agent": 5}}]}, "Did you mean 'agent_ms'"),
        ({"steps": [{"wait": {"agent_ms": 5, "quiet": 1}}]}, "one thing at a time"),
        ({"steps": [{"wait": {"agent_ms": -1}}]}, "-1 is not between 0 and"),
        ({"steps": [{"press": "1x"}]}, "a telephone has no key 'X'"),
        ({"steps": [{"press": ""}]}, "at least one key"),
        ({"steps": [{"press": {"keys": "1", "tones": "loud"}}]}, "expected true or false"),
        ({"steps": [{"press": {"key": "1"}}]}, "Did you mean 'keys'"),
        ({"steps": [{"press": True}]}, "in quotes"),
        ({"steps": [{"pause": True}]}, "expected a number"),
        ({"steps": [{"noise": {"seconds": 1}}]}, "level_dbfs is missing"),
        ({"steps": [{"noise": {"level_dbfs": 3, "seconds": 1}}]}, "3 is not between -90 and -6"),
        ({"steps": [{"hang_up": 3}]}, "takes no value"),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_the_remedy(document: Any, says: str) -> None:
    with pytest.raises(ScriptError, match=says):
        CallerScript.parse(document)


def test_the_place_of_the_script_is_part_of_the_message() -> None:
    with pytest.raises(ScriptError, match=r"story.yaml: caller.steps\[0\]"):
        CallerScript.parse({"steps": [{"wiat": 1}]}, place="story.yaml: caller")
