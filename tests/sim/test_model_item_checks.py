"""What may be brought along into a conversation, and what each provider refuses."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_item_checks import item_problems
from telephony.sim.model_memory import Memory
from telephony.sim.model_wire import Item, Problem

CALL = {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}


def problems(item: Any, profile: str = "openai", memory: Memory | None = None, after: Any = None) -> list[Problem]:
    return list(item_problems(item, after, memory or Memory(), profile))


def codes(item: Any, profile: str = "openai", memory: Memory | None = None) -> list[str]:
    return [problem.fault for problem in problems(item, profile, memory)]


def message(role: str, kind: str, **part: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": "Hi", **part}]}


def called(call_id: str = "call_1") -> Memory:
    memory = Memory()
    memory.add(Item("item_1", "function_call", "tool", call_id=call_id, name="find"))
    return memory


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


@pytest.mark.parametrize(
    ("profile", "role", "kind"),
    [
        ("openai", "user", "input_text"),
        ("openai", "system", "input_text"),
        ("openai", "assistant", "output_text"),
        ("xai", "user", "input_text"),
        ("xai", "system", "input_text"),
        ("xai", "assistant", "text"),
        ("xai", "assistant", "output_text"),
    ],
)
def test_every_role_has_its_part_types(profile: str, role: str, kind: str) -> None:
    assert codes(message(role, kind), profile) == []


@pytest.mark.parametrize(
    ("profile", "role", "kind", "silent"),
    [
        ("openai", "user", "output_text", False),
        ("openai", "user", "text", False),
        ("openai", "assistant", "input_text", False),
        ("openai", "assistant", "text", False),
        ("openai", "system", "output_text", False),
        ("xai", "user", "text", True),
        ("xai", "assistant", "input_text", True),
        ("xai", "user", "input_image", False),
    ],
)
def test_part_of_another_role_is_refused_by_openai_and_only_noted_with_xai(
    profile: str, role: str, kind: str, silent: bool
) -> None:
    (problem,) = problems(message(role, kind), profile)
    assert (problem.fault, problem.silent) == ("invalid_content_type", silent)
    assert problem.param == "item.content[0].type"


@both
def test_written_part_needs_its_text(profile: str) -> None:
    assert codes(message("user", "input_text", text=None), profile) == ["missing_parameter"]


@both
def test_call_may_be_brought_along_once(profile: str) -> None:
    assert codes(CALL, profile) == []
    (problem,) = problems(CALL, profile, called())
    assert (problem.fault, problem.silent) == ("duplicate_tool_call", True)


@both
def test_output_needs_its_call_and_only_one(profile: str) -> None:
    assert codes(OUTPUT, profile) == ["orphan_tool_output"]
    memory = called()
    assert codes(OUTPUT, profile, memory) == []
    memory.answer("call_1", "done")
    (problem,) = problems(OUTPUT, profile, memory)
    assert (problem.fault, problem.silent) == ("duplicate_tool_output", True)


@pytest.mark.parametrize(("length", "refused"), [(32, False), (33, True)])
def test_openai_takes_ids_of_32_characters(length: int, refused: bool) -> None:
    for item, path in (({**CALL, "call_id": "c" * length}, "item.call_id"), ({**CALL, "id": "i" * length}, "item.id")):
        found = problems(item)
        assert [(problem.code, problem.param) for problem in found] == (
            [("string_above_max_length", path)] if refused else []
        )
        assert codes(item, "xai") == []


def test_openai_wants_ids_of_plain_characters() -> None:
    assert codes({**CALL, "id": "an id"}) == ["invalid_item"]
    assert codes({**CALL, "id": "an id"}, "xai") == []


@both
def test_id_is_a_text_and_new(profile: str) -> None:
    assert codes({**CALL, "id": 5}, profile) == ["invalid_item"]
    assert codes({**message("assistant", "output_text"), "id": "item_1"}, profile, called()) == ["duplicate_item"]


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({**CALL, "role": "assistant"}, "item.role"),
        ({**message("user", "input_text"), "call_id": "x"}, "item.call_id"),
        (message("user", "input_text", annotations=[]), "item.content[0].annotations"),
    ],
)
def test_unknown_keys_are_refused_by_openai_and_only_noted_with_xai(item: dict[str, Any], path: str) -> None:
    for profile, silent in (("openai", False), ("xai", True)):
        (problem,) = problems(item, profile)
        assert (problem.fault, problem.param, problem.silent) == ("unknown_parameter", path, silent)


@both
def test_item_goes_behind_a_known_one(profile: str) -> None:
    item = message("user", "input_text")
    assert problems(item, profile, called(), "item_1") == problems(item, profile, after="root") == []
    assert [problem.fault for problem in problems(item, profile, after="item_9")] == ["unknown_item"]
