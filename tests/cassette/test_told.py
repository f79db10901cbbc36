"""What is on no wire, told in JSON: every event and every command that a call can have, and nothing else."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K
from telephony.bridge import bridge, calls, errands, moves
from telephony.cassette.format import decode_line, line
from telephony.cassette.told import CHANNELS, EVENTS, event_of, told
from telephony.settings import CallSettings, SessionConfig
from telephony.tools import context, toolbox

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FED = [kind for kind in CHANNELS if issubclass(kind, ev.Event)]
ASKED = [kind for kind in CHANNELS if issubclass(kind, cmd.Command)]


def happenings(kind: type) -> st.SearchStrategy[Any]:
    """Any of *kind*, all of its fields filled."""
    kinds = {str: TEXT, int: st.integers(0, 2**40), int | None: st.none() | st.integers(0, 2**16 - 1)}
    sendings = st.builds(cmd.Sending, TEXT, TEXT, st.integers(0, 600), st.integers(0, 86_400))
    kinds |= {cmd.Sending: sendings, cmd.Sending | None: st.none() | sendings}
    agents = st.sampled_from([CallSettings("desk", SessionConfig("Be kind.", audio=MULAW_8K), transfer_to="+15550177")])
    kinds |= {CallSettings: agents}
    kinds |= {bool: st.booleans(), float: st.floats(0, 1e6), bytes: st.binary()}
    fields = msgspec.structs.fields(kind)
    return st.builds(
        kind,
        **{f.name: kinds[f.type] if f.type in kinds else st.sampled_from(get_args(f.type)) for f in fields},
    )


def test_every_command_to_the_world_but_notes_has_a_channel() -> None:
    assert {*ASKED} == {*get_args(cmd.WorldCommand)} - {cmd.Note}


def test_every_event_that_is_fed_to_a_call_has_a_channel() -> None:
    """All that is made beside codecs and dialects, whose events come from a wire."""
    feeders = "".join(inspect.getsource(module) for module in (bridge, calls, context, errands, moves, toolbox))
    known = {name: kind for name, kind in vars(ev).items() if isinstance(kind, type) and issubclass(kind, ev.Event)}
    fed = {kind for name, kind in known.items() if f"{name}(" in feeders} - {ev.Event}
    assert fed | {ev.ModelConnected} == {*FED}


def test_all_that_comes_in_is_known_by_its_name() -> None:
    assert {kind.__name__: kind for kind in FED} == dict(EVENTS)


@pytest.mark.parametrize("kind", FED, ids=lambda kind: kind.__name__)
def test_every_event_survives_being_told(kind: type) -> None:
    @given(happenings(kind))
    def survives(event: ev.Event) -> None:
        text = msgspec.json.encode(told(event)).decode()
        read = decode_line(line(0.0, CHANNELS[kind], "in", text)).message
        assert read["type"] == kind.__name__
        assert event_of(read) == event
        assert type(event_of(read)) is kind

    survives()


@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.__name__)
def test_every_command_says_its_name_and_all_it_asks(kind: type) -> None:
    @given(happenings(kind))
    def says(command: cmd.Command) -> None:
        if isinstance(command, cmd.ErrandDone):
            command = msgspec.structs.replace(command, secret=False)
        values = msgspec.json.decode(msgspec.json.encode(told(command)))
        assert values.pop("type") == kind.__name__
        assert msgspec.convert(values, kind) == command

    if kind is not cmd.MessageAudio:
        says()


def test_of_a_message_only_its_length_is_told_for_its_audio_came_in_before() -> None:
    told_of = told(cmd.MessageAudio("errand-1", b"\xff" * 8000))
    assert told_of == {"type": "MessageAudio", "errand": "errand-1", "bytes": 8000}


def test_of_secret_keys_only_their_number_is_told() -> None:
    assert told(cmd.ErrandDone("errand-1", "ok", "4711", secret=True))["keys"] == "0000"
    assert told(cmd.ErrandDone("errand-1", "ok", "4711"))["keys"] == "4711"


def test_what_an_event_leaves_out_is_as_it_is_by_default_and_what_is_new_is_passed_over() -> None:
    assert event_of({"type": "ModelLost", "reason": "gone", "mood": "sad"}) == ev.ModelLost("gone")


@pytest.mark.parametrize(
    "message",
    [
        {}, {"type": "CallerAudio", "payload": ""}, {"type": "EndCall"}, {"type": "RunTool"}, {"type": None},
        {"type": ["ModelLost"]}, {"type": ""}, {"Type": "ModelLost"}, {"type": "ModelLost"},
        {"type": "ModelLost", "reason": 3}, {"type": "ToolFinished", "call_id": "c", "output": "", "outcome": "?"},
        [], ["type"], "ModelLost", None, 3,
    ],
    ids=str,
)  # fmt: skip
def test_anything_else_is_refused(message: Any) -> None:
    with pytest.raises(ValueError, match=r"no event|no object|required|Expected|Invalid"):
        event_of(message)
