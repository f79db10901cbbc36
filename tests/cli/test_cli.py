"""The program as a whole: its version, its help, and how it tells what went wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from telephony import __version__
from telephony.cli import app
from terminals import Desk, Telephony


def commands() -> list[tuple[str, Any]]:
    """Every command that there is, by the words that lead to it."""
    found, waiting = [], [("", typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        found.append((words, command))
        waiting += [(f"{words} {name}".strip(), part) for name, part in getattr(command, "commands", {}).items()]
    return sorted(found, key=lambda entry: entry[0])


def test_version_is_the_package_s(telephony: Telephony) -> None:
    assert telephony("--version").out == f"telephony {__version__}\n"


@pytest.mark.parametrize(("words", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_help_says_what_a_command_does_and_every_option_of_it(telephony: Telephony, words: str, command: Any) -> None:
    said = telephony(*words.split(), "--help")
    assert (said.code, said.errors) == (0, "")
    shown = re.sub(r"\s+", " ", said.out)
    assert command.help.split("\n")[0] in shown
    for parameter in command.params:
        assert parameter.help, f"{words} {parameter.name} has no help"
        assert any(name in shown for name in (*parameter.opts, parameter.name)), parameter.name
    for name, part in getattr(command, "commands", {}).items():
        assert re.search(rf"\b{name}\b", shown)
        assert part.help, f"{words} {name} has no help"


@pytest.mark.parametrize("words", ["", "calls", "agents", "cassette", "config", "simulate"])
def test_command_that_needs_another_one_lists_them(telephony: Telephony, words: str) -> None:
    said = telephony(*words.split())
    assert said.code == 2
    assert "Commands" in said.out + said.errors


@pytest.mark.parametrize("words", ["nosuch", "serve --bogus", "serve --port x", "calls show", "calls list --limit 0"])
def test_wrong_usage_has_the_exit_code_of_a_wrong_configuration(telephony: Telephony, words: str) -> None:
    said = telephony(*words.split())
    assert said.code == 2
    assert said.errors


def test_every_mistake_of_a_file_is_told_on_a_line_of_its_own(telephony: Telephony, desk: Desk) -> None:
    desk.write("telephony.yaml", "prt: 1\ndrain: soon\npublic_url: ftp://x\n")
    said = telephony("config", "show")
    assert said.code == 2
    assert said.out == ""
    assert [line.split(":")[0] for line in said.errors.splitlines()] == [
        "error prt (telephony.yaml",
        "error drain (telephony.yaml",
    ]


def test_words_in_brackets_are_not_taken_for_markup(telephony: Telephony) -> None:
    said = telephony("simulate", "model", "--script", "[bold]x[/bold]")
    assert said.code == 2
    assert "[bold]x[/bold]" in said.errors


def test_module_is_the_console_script_too(desk: Desk) -> None:
    process = desk.run("--version")
    assert process.out == f"telephony {__version__}\n"
    assert process.errors == ""
