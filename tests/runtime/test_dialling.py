"""Whom a process may call: its rules and its list, read when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.agents.agent import Agent
from telephony.dialling import Allowed, Refused
from telephony.errors import ConfigurationError
from telephony.runtime.dialling import do_not_call, make_permits
from telephony.settings import Settings
from telephony.store.audit_keeper import AuditKeeper
from telephony.store.memory import MemoryStore

SALES = "+14155552671"


def verdict(folder: Path, target: str, agent: str = "day", **settings: object) -> str:
    made = Settings.model_validate({"dialling": settings, "numbers": {"+1 415 555 01*": "day"}})
    staff = [Agent("day"), Agent("night", directory=[])]
    permits = make_permits(made, staff, AuditKeeper(MemoryStore(), folder))
    answer = permits.policy.judge(target, "transfer", agent)
    return answer.code if isinstance(answer, Refused) else answer.number


def test_the_rules_are_those_of_the_settings_and_the_agents(tmp_path: Path) -> None:
    rules = {"directory": {"sales": SALES}, "allow": {"countries": ["US"]}}
    assert verdict(tmp_path, "sales", **rules) == SALES
    assert verdict(tmp_path, "sales", "night", **rules) == "not_listed"
    assert verdict(tmp_path, "+14155550142", **rules) == "own"


def test_who_is_in_the_file_is_not_called(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("\ufeff# asked in May\n+1 (415) 555-2671  # Bob\n\n+44*\n", encoding="utf-8")
    assert do_not_call(file) == ["+1 (415) 555-2671", "+44*"]
    rules = {"allow": {"countries": ["US", "GB"]}, "do_not_call": ["+12025550143"]}
    for number in (SALES, "+442079460958", "+12025550143"):
        assert verdict(tmp_path, number, do_not_call_file=str(file), **rules) == "do_not_call"
    assert verdict(tmp_path, "+12025550144", do_not_call_file=str(file), **rules) == "+12025550144"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read (No such file or directory). Name a text file"),
        (b"\xff\xfe+\x001", "is no text in UTF-8. Save it as UTF-8."),
        (b"+15550123\n4155552671\n", "list.txt:2): '4155552671' is no phone number. Write +15550100"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_mistake(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "list.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^dialling\.do_not_call_file") as told:
        verdict(tmp_path, SALES, do_not_call_file=str(file))
    assert problem in str(told.value)


def test_what_is_allowed_is_exactly_what_is_dialled(tmp_path: Path) -> None:
    made = Settings.model_validate({"dialling": {"directory": {"desk": "sip:Desk@pbx.example.com"}}})
    permits = make_permits(made, [Agent("day")], AuditKeeper(MemoryStore(), tmp_path))
    for target in ("desk", "sip:desk@pbx.example.com"):
        answer = permits.policy.judge(target, "transfer", "day")
        assert isinstance(answer, Allowed)
        assert answer.number == "sip:Desk@pbx.example.com", "as it was written"
