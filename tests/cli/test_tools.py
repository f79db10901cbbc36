"""`telephony agents tools`: how a tool is written, and which there are."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from telephony.cli.tools import EXAMPLE, show_tools
from telephony.tools.builtin import BUILTINS
from telephony.tools.options import ToolOptions
from telephony.tools.tool import Tool


def shown() -> str:
    console = Console(file=io.StringIO(), width=160)
    show_tools(console)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_the_tool_that_is_shown_works_as_it_stands() -> None:
    module: dict[str, Any] = {}
    exec(EXAMPLE, module)  # noqa: S102  what a reader will paste
    assert isinstance(module["lookup_order"], Tool)
    assert module["lookup_order"].spec.say == "Let me look that up."
    assert len(EXAMPLE.strip().splitlines()) <= 11


def test_every_built_in_is_listed_with_its_arguments() -> None:
    text = shown()
    for reference, tool in BUILTINS.items():
        assert reference in text
        for name in tool.spec.parameters["properties"]:
            assert name in text


def test_every_option_of_a_tool_is_named() -> None:
    assert [name for name in ToolOptions.__annotations__ if name not in shown()] == []
