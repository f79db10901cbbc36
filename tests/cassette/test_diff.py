"""Two recorded calls compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsals import STEPS, rehearse
from taped import ASKED, BYE, CALL, DAY, GREETING, SHIPPED, cassette, recorded
from tapes import edited, heard_ms
from telephony.cassette.diff import Comparison, compare
from telephony.cassette.format import Cassette
from telephony.errors import CassetteError
from telephony.runtime.cassettes import new_carrier
from telephony.settings import Limits


def compared(then: Any, now: Any) -> Comparison:
    return compare(Cassette("a.jsonl", then), Cassette("b.jsonl", now), new_carrier)


def another(*replies: dict[str, Any], **changes: Any) -> list[bytes]:
    lines: list[bytes] = []
    rehearse(STEPS, list(replies), record=lines.append, **changes)
    return lines


@pytest.mark.parametrize("story", ["xai", "lost"])
def test_call_is_the_same_as_itself(story: str) -> None:
    found = compare(cassette(story), cassette(story), new_carrier)
    assert found.is_same
    assert {channel.channel for channel in found.messages} >= {"carrier", "model"}
    assert all(channel.same or channel.seconds[0] for channel in found.messages)


def test_other_ids_and_another_time_make_no_difference() -> None:
    text = b"".join(recorded())
    header = json.loads(recorded()[0]) | {"call_id": "CA9", "recorded_at": "2026-11-27T10:00:00Z"}
    for line in recorded():
        message = json.loads(line).get("msg")
        if isinstance(message, dict) and message.get("type") == "response.created":
            name = message["response"]["id"]
            text = text.replace(name.encode(), f"another-{name[:4]}".encode())
    changed = text.replace(b"MZ0000", b"MZ1111").splitlines(keepends=True)
    assert compared(recorded(), [json.dumps(header).encode() + b"\n", *changed[1:]]).is_same


def test_agent_and_settings_are_compared_field_by_field() -> None:
    changed = another(GREETING, ASKED | CALL, SHIPPED, DAY, BYE, greeting="Good day.", limits=Limits(dead_air=7))
    found = {field.path: (field.expected, field.got) for field in compared(recorded(), changed).header}
    assert found == {
        "agent.greeting": ("Thanks for calling.", "Good day."),
        "settings.limits.dead_air": (5, 7),
    }


def test_what_was_said_and_done_is_aligned() -> None:
    asks = {"call": {"name": "lookup_order", "arguments": {"number": 8}}}
    changed = another(GREETING, ASKED | asks, SHIPPED, DAY | {"say": "On Thursday."}, BYE)
    found = compared(recorded(), changed)
    (turn,) = found.turns
    assert (turn.kind, turn.then["heard"], turn.now["heard"]) == ("changed", "Thursday.", "On Thursday.")
    (use,) = found.tools
    assert (use.then["arguments"], use.now["arguments"]) == ('{"number":7}', '{"number":8}')
    (tool,) = [channel for channel in found.messages if channel.channel == "tool"]
    assert [(field.path, field.got) for field in tool.changes[0].fields] == [("arguments", '{"number":8}')]
    (carrier,) = [channel for channel in found.messages if channel.channel == "carrier"]
    assert carrier.seconds[0] < carrier.seconds[1]
    other = compared(recorded(), recorded("lost"))
    assert [(change.kind, change.then["name"]) for change in other.tools] == [
        ("gone", "lookup_order"),
        ("gone", "hang_up"),
    ]


def test_messages_are_compared_where_their_kinds_meet_and_audio_as_audio() -> None:
    place = next(n for n, text in enumerate(recorded()) if b"item.truncate" in text)
    sound = [n for n, text in enumerate(recorded()) if b'"carrier","dir":"out"' in text and b'"media"' in text][3]
    lines = list(recorded())
    heard = heard_ms(lines)
    lines[place] = lines[place].replace(b'"audio_end_ms":%d' % heard, b'"audio_end_ms":%d' % (heard + 40))
    lines[sound] = json.dumps(json.loads(lines[sound]) | {"msg": json.loads(lines[sound - 4])["msg"]}).encode() + b"\n"
    found = {channel.channel: channel for channel in compared(recorded(), lines).messages if not channel.is_same}
    assert set(found) == {"model", "carrier"}
    (change,) = found["model"].changes
    assert [(field.path, field.expected, field.got) for field in change.fields] == [("audio_end_ms", heard, heard + 40)]
    assert found["carrier"].audio
    assert found["carrier"].changes == []


def test_call_that_breaks_off_is_compared_by_what_was_said_until_then() -> None:
    half = recorded()[: len(recorded()) // 2]
    found = compared(recorded(), half)
    assert found.end
    assert {change.kind for change in found.turns} <= {"gone", "changed"}
    assert compared(half, half).is_same


@pytest.mark.parametrize("record", [None, [], {"turns": "none"}])
def test_a_record_that_cannot_be_read_is_named_with_its_file(record: object) -> None:
    lines = edited(b'"ch":"record"', lambda line: line.update(msg=record))
    with pytest.raises(CassetteError, match=r"^b\.jsonl: what remained of the call cannot be read"):
        compared(recorded(), lines)


@pytest.mark.parametrize(("part", "other"), [("settings", {"clips": ["one"]}), ("agent", {"audio": []})])
def test_settings_that_cannot_be_used_are_compared_all_the_same(part: str, other: dict[str, Any]) -> None:
    def change(header: Any) -> None:
        header[part].update(other)

    key = next(iter(other))
    found = compared(recorded(), edited(b'"cassette":', change)).header
    assert [field.path for field in found if field.path.startswith(f"{part}.{key}")] == [f"{part}.{key}"]
