"""What is wrong with numbers and opening hours, told with its place before anybody calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.runtime.configuration import load, problems_of
from telephony.runtime.number_checks import directory_of
from telephony.settings import Settings

GOOD = """
numbers:
  "+15550100":
    agent: desk
    hours: office
    closed: {say: "We are closed.", voicemail: true}
    overflow: {busy: true}
    outage: {forward: "+15550199", caller_id: "+15550100", timeout: 30}
    max_calls: 20
    block: ["+1900*", anonymous]
    consent: This call is recorded.
  "+15550101": desk
hours:
  office:
    timezone: America/New_York
    open: {mon-fri: 9:00-17:30, sat: "10:00-14:00"}
    holidays: [2026-12-25, 01-01]
agents: {desk: {instructions: Help.}, night: {instructions: Help.}}
model_list: [{model_name: x, litellm_params: {model: xai/x}}]
"""


def read(folder: Path, text: str) -> Settings:
    file = folder / "telephony.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, {}, {}, dotenv=None)


def test_a_number_may_say_as_much_as_there_is_to_say(tmp_path: Path) -> None:
    settings = read(tmp_path, GOOD)
    number = settings.numbers["+15550100"]
    assert settings.numbers["+15550101"].agent == "desk"
    assert number.closed.voicemail
    assert number.outage is not None
    assert number.outage.timeout == 30
    assert number.consent is not None
    assert (number.consent.say, number.consent.key) == ("This call is recorded.", "")
    assert settings.hours["office"].holidays == ["2026-12-25", "01-01"], "YAML made a date of the first"


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("hours: office", "hours: ofice", "numbers.+15550100.hours", "Did you mean office?"),
        ("America/New_York", "New York", "hours.office.timezone", "Did you mean America/New_York?"),
        ("America/New_York", "Europe/Berln", "hours.office.timezone", "Did you mean Europe/Berlin?"),
        ("mon-fri: 9:00-17:30", "mon-fry: 9:00-17:30", "hours.office.open.mon-fry", "no day of the week"),
        ("9:00-17:30", "9am-5pm", "hours.office.open.mon-fri", "no span of time"),
        ("2026-12-25", "12/25", "hours.office.holidays", "no date"),
        ("voicemail: true", "voicemal: true", "numbers.+15550100.closed.voicemal", "Did you mean voicemail?"),
        ("voicemail: true", "agent: nihgt", "numbers.+15550100.closed.agent", "Did you mean night?"),
        ("busy: true", "busy: true, say: Hi.", "numbers.+15550100.overflow.say", "nothing can be said"),
        ("busy: true", "busy: true, agent: night", "numbers.+15550100.overflow", "exclude each other"),
        ("{busy: true}", "{}", "numbers.+15550100.overflow", "leads nowhere"),
        ('"+15550199"', '"911"', "numbers.+15550100.outage.forward", "no phone number"),
        ('"+15550199"', '"+1 555 0101"', "numbers.+15550100.outage.forward", "come back"),
        ('forward: "+15550199", ', "", "numbers.+15550100.outage.caller_id", "nobody to call"),
        ('"+1900*"', '"1900*"', "numbers.+15550100.block[0]", "no beginning"),
        ("consent: This", 'consent: {say: "", key: "1"} #', "numbers.+15550100.consent.say", "says nothing"),
        ("consent: This", "consent: {say: Press., key: 10} #", "numbers.+15550100.consent.key", "expected one of"),
        ("max_calls: 20", "max_calls: 0", "numbers.+15550100.max_calls", "at least 1"),
        ("agent: desk", "agnet: desk", "numbers.+15550100.agnet", "Did you mean agent?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, key: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    (told, *_) = [problem for problem in problems_of(caught.value) if problem.key == key]
    assert words in str(told)
    assert told.place.startswith(str(tmp_path))


def test_a_mistake_in_hours_is_told_once_and_not_for_each_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, GOOD.replace("mon-fri", "mon-fry"))
    assert [problem.key for problem in problems_of(caught.value)] == ["hours.office.open.mon-fry"]


def test_one_mistake_hides_no_other(tmp_path: Path) -> None:
    wrong = (
        GOOD.replace("hours: office", "hours: ofice").replace("+1900*", "1900*").replace("agent: desk", "agent: dsk")
    )
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, wrong.replace("9:00-17:30", "9-5pm").replace("America/New_York", "Mars"))
    assert {problem.key for problem in problems_of(caught.value)} == {
        "numbers.+15550100",
        "numbers.+15550100.hours",
        "numbers.+15550100.block[0]",
        "hours.office.open.mon-fri",
        "hours.office.timezone",
    }


def test_the_directory_keeps_the_hours_of_its_numbers(tmp_path: Path) -> None:
    settings: Any = read(tmp_path, GOOD)
    directory = directory_of(settings, [Agent.from_settings(name, own) for name, own in settings.agents.items()])
    line = directory.line_for("+15550100")
    assert line is not None
    assert line.hours is not None
    assert line.hours.name == "office"
    assert directory.reachable() == {"desk"}
