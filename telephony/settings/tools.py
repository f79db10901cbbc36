"""Tools that are declared and not written: HTTP endpoints, and servers of the Model Context Protocol."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from telephony.settings.base import Group


class HttpToolSettings(Group):
    """One HTTP endpoint as a function; its name is its key."""

    description: str
    """What it does and when to call it, for the model."""
    url: str
    """`https://shop.example.com/orders/{order_id}`: a name in braces stands for an argument, percent-encoded; in the
    path or the query only."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """Arguments that the URL does not name go into the query for GET and DELETE, into a JSON body otherwise."""
    headers: dict[str, SecretStr] = {}
    """Sent along; a value may be `os.environ/NAME`. A redirect to another host does not get them."""
    bearer_token: SecretStr = SecretStr("")
    """Sent as `Authorization: Bearer …`; `os.environ/NAME`."""
    parameters: dict[str, Any] = {}
    """JSON Schema of the arguments, with a description for each; arguments that it does not name are refused unless it
    says otherwise."""
    timeout: Annotated[float, Field(gt=0)] = 10
    """Seconds until the model is told that it took too long, redirects included."""
    say: str | None = None
    """Spoken while it runs, such as "Let me look that up."."""
    say_after: Annotated[float, Field(ge=0)] = 1
    """Seconds it runs in silence before that."""
    on_barge_in: Literal["keep", "cancel", "detach"] = "keep"
    """What becomes of it when the caller speaks while it runs: `keep` waits for it, `cancel` gives it up, `detach` lets
    it run on in the background and tells its result later."""
    once: bool = False
    """Whether it is called only once in a telephone call with the same arguments."""
    confirm: bool | str = False
    """Whether the caller must have been asked and have answered first; a text is what to ask."""
    sensitive: list[str] = []
    """Arguments that log, record and cassette show masked."""
    side_effects: bool | None = None
    """Whether calling it by mistake would matter; unset is false for GET and true for the others."""
    max_result: Annotated[int, Field(ge=200, le=16_000)] = 8000
    """Bytes of the answer that are read; the rest is cut off, and the model is told."""
    allow_private: bool = False
    """Whether it may reach addresses that are not public: this machine, the intranet, a cloud's metadata."""


class McpServerSettings(Group):
    """One server of the Model Context Protocol: either `command` or `url`."""

    command: list[str] = []
    """Program and arguments of a server that speaks over stdin and stdout; it is started once and ended with us."""
    env: dict[str, SecretStr] = {}
    """Its environment beside `PATH`, `HOME` and the like; nothing else of ours reaches it. `os.environ/NAME`."""
    url: str = ""
    """`https://…/mcp` of a server that speaks streamable HTTP."""
    headers: dict[str, SecretStr] = {}
    """Sent to it with every request; a value may be `os.environ/NAME`."""
    bearer_token: SecretStr = SecretStr("")
    """Sent as `Authorization: Bearer …`; `os.environ/NAME`."""
    tools: list[str] = []
    """Which of its tools agents may have; empty for all."""
    prefix: str = ""
    """Put before its tools' names, such as `shop_`, where two servers have one of the same name."""
    timeout: Annotated[float, Field(gt=0)] = 10
    """Seconds it has to start and to list its tools, and for each call of one."""
    say: str | None = None
    """Spoken while one of its tools takes long."""
