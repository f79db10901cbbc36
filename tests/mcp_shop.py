"""A server of the Model Context Protocol for tests, written with the official SDK.

It speaks over stdin and stdout, or with a port as its argument over streamable HTTP.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from mcp.server.mcpserver import Image, MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("shop", log_level="ERROR")
read_only = ToolAnnotations(read_only_hint=True)
WORD = os.environ.get("SHOP_WORD", "nothing")


@server.tool(annotations=read_only)
def stock(item: str) -> str:
    """Say how many of an item there are."""
    return f"12 of {item}"


@server.tool()
def price(item: str, amount: int = 1) -> dict[str, Any]:
    """Say what an item costs."""
    return {"item": item, "total": 5 * amount}


@server.tool(structured_output=False)
def picture(item: str) -> list[Any]:
    """Show an item."""
    return [f"This is {item}:", Image(data=b"\x89PNG", format="png")]


@server.tool()
def fail(item: str) -> str:
    """Refuse."""
    raise ValueError(f"there is no {item}")


@server.tool()
def word() -> str:
    """Say the word that came with the environment."""
    return WORD


@server.tool()
async def linger() -> str:
    """Take for ever; says on stderr when it is cancelled."""
    print("lingering", file=sys.stderr, flush=True)  # noqa: T201  that is what a server does
    try:
        await asyncio.sleep(600)
    except BaseException:
        print("no longer wanted", file=sys.stderr, flush=True)  # noqa: T201
        raise
    return "late"


@server.tool()
def die() -> str:
    """End the process in the middle of a call."""
    os._exit(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
