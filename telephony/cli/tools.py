"""What `telephony agents tools` tells: how a tool is written, and which ones there are already."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from telephony.tools.builtin import BUILTINS
from telephony.tools.options import ToolOptions

EXAMPLE = '''\
# my_shop.py
from telephony import tool

@tool(timeout=8, say="Let me look that up.")
async def lookup_order(order_id: str) -> dict[str, str]:
    """Look an order up by its number.

    Args:
        order_id: The number on the receipt, such as "A-1042".
    """
    return {"status": "shipped", "arrives": "on Thursday"}
'''
YAML = "tools: [my_shop:lookup_order, builtin:hang_up]"


def show_tools(console: Console) -> None:
    """Print it."""
    console.print("Write a tool", style="bold")
    console.print(Padding(Text(EXAMPLE.rstrip()), (1, 2)))
    console.print("and name it in telephony.yaml, among the agent's tools:")
    console.print(Padding(Text(YAML), (1, 2)))
    console.print(f"@tool takes {', '.join(ToolOptions.__annotations__)}; the README says what each does.")
    console.print()
    console.print("Built in", style="bold")
    table = Table(box=None, show_header=False, padding=(0, 2, 1, 2))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column()
    for reference, tool in BUILTINS.items():
        told = Text(_first_sentence(tool.spec.description))
        for name, words in _arguments(tool.spec.parameters):
            told.append(f"\n{name}", style="bold")
            told.append(f"  {words}" if words else "")
        table.add_row(reference, told)
    console.print(table)


def _first_sentence(description: str) -> str:
    return inspect.cleandoc(description).replace("\n", " ").partition(". ")[0].rstrip(".") + "."


def _arguments(parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each argument, and what it is."""
    for name, schema in parameters.get("properties", {}).items():
        yield name, schema.get("description", "")
