"""From the strings of the configuration (`my_shop.tools:lookup_order`, `my_shop.tools`, `builtin:hang_up`) to tools."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from telephony.errors import ConfigurationError
from telephony.tools.builtin import PREFIX, Builtin, builtin
from telephony.tools.remote import RemoteTool
from telephony.tools.sources import PREFIXES, ToolSources
from telephony.tools.tool import Tool

AnyTool = Tool[..., Any] | Builtin | RemoteTool


def load_tools(references: Iterable[object], place: str = "", sources: ToolSources | None = None) -> list[AnyTool]:
    """The tools that *references* name, in order; a tool that is given as such stands for itself, and a mapping is one
    of the provider's, which is not ours to load.

    *place* says where the references were read, for the error; *sources* is what `http:…` and `mcp:…` lead to, where
    the tools of an MCP server are not known yet (see `McpTools`). A module's code runs when it is first named. Raises
    `ConfigurationError` for a reference that leads nowhere, to something that is no tool, or to a second tool of the
    same name; the same tool named twice is loaded once.
    """
    found: dict[str, AnyTool] = {}
    for reference in references:
        for tool in _resolve(reference, place, sources or ToolSources()):
            other = found.setdefault(tool.spec.name, tool)
            if other is not tool:
                problem = f"two tools are called {tool.spec.name}: {other.reference} and {tool.reference}"
                raise ConfigurationError(str(reference), problem, 'Rename one with @tool(name="…").', place)
    return list(found.values())


def _resolve(reference: object, place: str, sources: ToolSources) -> list[AnyTool]:
    if isinstance(reference, Tool | Builtin | RemoteTool):
        return [reference]
    if isinstance(reference, Mapping):
        return []
    if not isinstance(reference, str):
        name = getattr(reference, "__name__", repr(reference))
        raise ConfigurationError(name, "is not a tool", "Put `@tool` above the function.", place)
    if reference.startswith(PREFIX):
        return [builtin(reference, place)]
    if reference.startswith(PREFIXES):
        return [*sources.load(reference, place)]
    name, colon, path = reference.partition(":")
    dotted = all(part.isidentifier() for part in name.split("."))
    if not dotted or name.endswith(".py") or bool(colon) != bool(path):
        _refuse_form(reference, name, path, place)
    module = _module(reference, name, place)
    return [_attribute(reference, module, path, place)] if path else _all_of(reference, module, place)


def _refuse_form(reference: str, name: str, path: str, place: str) -> NoReturn:
    remedy = "Write module:function, such as my_shop.tools:lookup_order, or builtin:hang_up."
    if "/" in name or name.endswith(".py"):
        dotted = name.removesuffix(".py").strip("./").replace("/", ".")
        remedy = f"Write it as a module, not as a file: {dotted}{':' if path else ''}{path}."
    raise ConfigurationError(reference, "is not the name of a tool", remedy, place)


def _module(reference: str, name: str, place: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ConfigurationError:
        raise  # a tool in it cannot be offered; the error says all
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            _refuse_missing(reference, missing, place, error)
        problem = f"{name} imports {missing}, which is not installed"
        remedy = f"Install what provides {missing} into {sys.prefix}."
        raise ConfigurationError(reference, problem, remedy, place) from error
    except (Exception, SystemExit) as error:  # other people's code; what it raised goes into the message
        problem = f"importing {name} failed with {type(error).__name__}: {error}{_where(error)}"
        raise ConfigurationError(reference, problem, f"Try it: python -c 'import {name}'.", place) from error


def _refuse_missing(reference: str, missing: str, place: str, cause: Exception) -> NoReturn:
    here = Path.cwd()
    searched = str(here) in {str(Path(entry or ".").resolve()) for entry in sys.path}
    note = "" if searched else ", which is not on sys.path"
    problem = (
        f"there is no module {missing} in the working directory ({here}{note}) or among the packages of {sys.prefix}"
    )
    top = missing.replace(".", "/")
    remedy = f"Start the program in the folder that holds {top}.py or {top}/, or install the package that has it."
    raise ConfigurationError(reference, problem, remedy, place) from cause


def _where(error: BaseException) -> str:
    """The line the import stopped at, if it can be told."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f" ({last.filename}, line {last.lineno})"


def _attribute(reference: str, module: ModuleType, path: str, place: str) -> AnyTool:
    value: Any = module
    for part in path.split("."):
        if not hasattr(value, part):
            tools = {tool.reference.partition(":")[2]: tool for tool in _tools_in(module)}
            near = difflib.get_close_matches(path, tools, n=1)
            remedy = f"Its tools are: {', '.join(tools) or 'none'}."
            if near:
                remedy = f"Did you mean {module.__name__}:{near[0]}?"
            raise ConfigurationError(reference, f"{module.__name__} has no {path}", remedy, place)
        value = getattr(value, part)
    if isinstance(value, Tool | Builtin):
        return value
    problem = f"{path} in {module.__name__} is a {type(value).__name__} and not a tool"
    remedy = f"Put `@tool` (from telephony import tool) above `def {path.rpartition('.')[2]}`."
    if not callable(value) or isinstance(value, type):
        remedy = "Name a function that has `@tool`."
    raise ConfigurationError(reference, problem, remedy, place)


def _all_of(reference: str, module: ModuleType, place: str) -> list[AnyTool]:
    tools = _tools_in(module)
    if not tools:
        problem = f"no function in {module.__name__} is a tool"
        raise ConfigurationError(reference, problem, "Put `@tool` above those the model may call.", place)
    return tools


def _tools_in(module: ModuleType) -> list[AnyTool]:
    """The tools that a module, or for a package one of its modules, defines; not those it borrowed elsewhere."""
    own = (module.__name__, f"{module.__name__}.")
    tools = [value for value in vars(module).values() if isinstance(value, Tool)]
    return [tool for tool in dict.fromkeys(tools) if tool.__module__ == own[0] or tool.__module__.startswith(own[1])]


def load_named(reference: str, place: str = "") -> Any:
    """Whatever `module:name` names. Raises `ConfigurationError` if there is no such thing."""
    name, _, path = reference.partition(":")
    if not path or not all(part.isidentifier() for part in name.split(".")):
        remedy = "Write module:function, such as my_shop.db:open_database."
        raise ConfigurationError(reference, "is not the name of a function", remedy, place)
    value: Any = _module(reference, name, place)
    for part in path.split("."):
        if not hasattr(value, part):
            near = difflib.get_close_matches(part, vars(value), n=1) if hasattr(value, "__dict__") else []
            remedy = f"Did you mean {name}:{near[0]}?" if near else "See how it is spelled there."
            raise ConfigurationError(reference, f"{name} has no {path}", remedy, place)
        value = getattr(value, part)
    return value
