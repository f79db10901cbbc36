"""The floors, the waterline and the budgets, held by an `ast` walk over the source.

Every rule is a function from modules to complaints. Each is run over the real source, which must give none, and over a
few lines that break it, which must give one: a rule that cannot fail protects nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "telephony"
FILE_LINES = 400
FUNCTION_LINES = 60

FLOORS: dict[str, float] = {
    **dict.fromkeys(["cli", "demo", "replayed", "pytest_plugin", "bench", "__main__"], 7),
    **dict.fromkeys(["show", "show_audit", "show_cassette", "show_replay"], 7),
    "doctor": 6.5,
    "runtime": 6,
    **dict.fromkeys(["server", "simulate"], 5),
    **dict.fromkeys(["bridge", "client"], 4),
    **dict.fromkeys(["store", "tools", "upstream"], 3),
    "links": 2,
    "cassette": 1.8,
    "rehearsal": 1.7,
    "exchange": 1.5,
    "dialling": 1.2,
    **dict.fromkeys(["carriers", "realtime", "conversation", "diagnosis", "agents", "sim", "scrub", "encryption"], 1),
    **dict.fromkeys(["version", "events", "commands", "records", "settings", "errors", "audio"], 0),
}
WATERLINE = 2
"""Floors below this one are pure."""
MAY_KNOW_EACH_OTHER = {0, 7}
"""The ground floor is one vocabulary; the commands of the program share their printing."""

WORLD = {
    "aiofiles", "aiohttp", "aiosqlite", "asyncio", "concurrent", "ctypes", "fcntl", "getpass", "glob", "http", "httpx",
    "importlib", "multiprocessing", "os", "pathlib", "platform", "random", "requests", "sched", "secrets", "select",
    "selectors", "shutil", "signal", "socket", "sqlalchemy", "sqlite3", "ssl", "structlog", "subprocess", "tempfile",
    "threading", "time", "uuid", "websockets",
}  # fmt: skip
"""What reaches the clock, the environment, the network, files or chance; none of it below the waterline."""
CALLED = {"open", "input", "print", "__import__"}
"""Builtins that do the same; as names of variables they are innocent."""
WORLDLY = {
    "io.open", "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now",
    "datetime.datetime.utcnow", "date.today", "datetime.date.today", "np.random", "numpy.random", "np.load",
    "np.fromfile",
}  # fmt: skip

WITHOUT_OWN_TEST = {
    "telephony/__main__.py": "one call; the command line's tests run it",
    "telephony/events.py": "declarations; what the tests of conversation, carriers and dialects are made of",
    "telephony/commands.py": "declarations; as events.py",
    "telephony/records.py": "declarations; the store and the scribe write and read them",
    "telephony/errors.py": "declarations; whoever raises them tests them",
    "telephony/settings/*.py": "declarations; tests/runtime/test_configuration.py fills and breaks them",
    "telephony/version.py": "a declaration",
    "telephony/carriers/base.py": "a protocol",
    "telephony/realtime/base.py": "a protocol",
    "telephony/links/link.py": "a protocol",
    "telephony/server/api/route.py": "declarations; tests/server/api/test_document.py tells what follows from each",
    "telephony/store/*.py": "several stores under one contract: tests/contracts/test_store.py",
    "telephony/runtime/workers/messages.py": "declarations; the tests of peers and of whole processes send them",
    "telephony/runtime/workers/parent.py": "whole processes: tests/e2e/test_workers.py starts and kills them",
    "telephony/runtime/workers/started.py": "whole processes, as parent.py",
    "telephony/runtime/workers/worker.py": "whole processes, as parent.py",
    "telephony/links/memory.py": "one of the links under one contract: tests/contracts/test_link.py",
}
"""Why, and which test sees to it instead. Where each file could fail alone it has a test of its own all the same."""


@dataclass
class Module:
    """One source file, parsed."""

    path: str
    """Relative to the root, with slashes."""
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def name(self) -> str:
        """Dotted; a package is its `__init__`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def part(self) -> str:
        """The first name below the package: what the floor plan speaks of. Empty for the package itself."""
        return self.name.partition(".")[2].partition(".")[0]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every imported dotted name and its line; `from a import b` gives `a.b`, since b may be a module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    package = self.name.split(".") if self.path.endswith("__init__.py") else self.name.split(".")[:-1]
                    base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
                yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def read(folder: str) -> list[Module]:
    files = sorted((ROOT / folder).rglob("*.py"))
    return [Module(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in files]


SOURCE = read(PACKAGE)
TESTS = read("tests")


# -- the rules -----------------------------------------------------------------------------------------------------


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or a chain of attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def floor(module: Module) -> float | None:
    return FLOORS.get(module.part)


def unknown_floors(modules: list[Module]) -> list[str]:
    return [f"{m.path}: '{m.part}' stands on no floor" for m in modules if m.part and floor(m) is None]


def wrong_arrows(modules: list[Module]) -> list[str]:
    """Imports that point up, or sideways at a sibling."""
    found = []
    for module in modules:
        here = floor(module)
        for name, line in module.imports():
            package, _, rest = name.partition(".")
            part = rest.partition(".")[0]
            there = FLOORS.get(part)
            if package != PACKAGE or part == module.part or here is None or there is None:
                continue
            if there > here or (there == here and here not in MAY_KNOW_EACH_OTHER):
                found.append(f"{module.path}:{line}: {module.part} (floor {here:g}) imports {part} (floor {there:g})")
    return found


def wet_feet(modules: list[Module]) -> list[str]:
    """Whatever touches the world below the waterline."""
    found = []
    for module in modules:
        here = floor(module)
        if here is None or here >= WATERLINE:
            continue
        found += [f"{module.path}:{line}: imports {n}" for n, line in module.imports() if n.partition(".")[0] in WORLD]
        for node in ast.walk(module.tree):
            used = dotted(node)
            called = dotted(node.func) if isinstance(node, ast.Call) else ""
            if used in WORLDLY or called in CALLED:
                found.append(f"{module.path}:{node.lineno}: uses {used or called}")
    return found


def cycles(modules: list[Module]) -> list[str]:
    """Import cycles; imports inside functions and under TYPE_CHECKING count too."""
    names = {m.name for m in modules}

    def module_of(name: str) -> str | None:
        return name if name in names else (name.rpartition(".")[0] if name.rpartition(".")[0] in names else None)

    graph = {m.name: {t for n, _ in m.imports() if (t := module_of(n)) and t != m.name} for m in modules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" -> ".join(error.args[1])]
    return []


def long_files(modules: list[Module]) -> list[str]:
    lengths = ((m.path, m.source.count("\n")) for m in modules)
    return [f"{path}: {lines} lines; the limit is {FILE_LINES}" for path, lines in lengths if lines > FILE_LINES]


def long_functions(modules: list[Module]) -> list[str]:
    found = []
    for module in modules:
        for node in module.functions():
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                found.append(
                    f"{module.path}:{node.lineno}: {node.name} has {lines} lines; the limit is {FUNCTION_LINES}"
                )
    return found


def without_docstring(modules: list[Module]) -> list[str]:
    return [f"{m.path}: what is it, and why is it so?" for m in modules if not ast.get_docstring(m.tree)]


def nameless_tasks(modules: list[Module]) -> list[str]:
    return [
        f"{module.path}:{node.lineno}: a task without a name"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "create_task"
        and not any(word.arg == "name" for word in node.keywords)
    ]


def is_only_a_door(module: Module) -> bool:
    """An `__init__` that holds no more than a docstring, imports and assignments of names."""
    quiet = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    return module.path.endswith("__init__.py") and all(isinstance(node, quiet) for node in module.tree.body)


def untested(modules: list[Module], tests: list[str], allowed: dict[str, str]) -> list[str]:
    """Source files without a `test_<name>*.py` at the same place under tests/, and needless exceptions."""
    found = []
    for module in modules:
        folder, _, file = module.path.removeprefix(f"{PACKAGE}/").rpartition("/")
        own = file.removesuffix(".py").replace("__init__", folder.rpartition("/")[2])
        start = "/".join(filter(None, ["tests", folder, f"test_{own}"]))
        has_test = any(test.startswith(start) and "/" not in test[len(start) :] for test in tests)
        excused = any(fnmatch(module.path, pattern) for pattern in allowed)
        if has_test and module.path in allowed:
            found.append(f"{module.path}: has a test by now; take it off the list of exceptions")
        if not (has_test or excused or is_only_a_door(module)):
            found.append(f"{module.path}: no {start}.py, and no reason why not")
    return found


# -- the rules over the source -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        unknown_floors,
        wrong_arrows,
        wet_feet,
        cycles,
        long_files,
        long_functions,
        without_docstring,
        nameless_tasks,
    ],
)
def test_source_keeps_the_rule(rule: Callable[[list[Module]], list[str]]) -> None:
    assert not rule(SOURCE), "\n".join(rule(SOURCE))


def test_tests_keep_the_length_of_files_and_say_what_they_are() -> None:
    complaints = [*long_files(TESTS), *without_docstring(TESTS)]
    assert not complaints, "\n".join(complaints)


def test_every_source_file_has_its_test() -> None:
    complaints = untested(SOURCE, [m.path for m in TESTS], WITHOUT_OWN_TEST)
    assert not complaints, "\n".join(complaints)


# -- the rules over lines that break them --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "path", "line"),
    [
        (unknown_floors, "telephony/cellar.py", ""),
        (wrong_arrows, "telephony/bridge/bridge.py", "from telephony.server import app"),
        (wrong_arrows, "telephony/bridge/bridge.py", "from telephony import runtime"),
        (wrong_arrows, "telephony/carriers/twilio.py", "import telephony.realtime.xai"),
        (wrong_arrows, "telephony/sim/model.py", "from telephony.conversation.machine import Conversation"),
        (wrong_arrows, "telephony/store/sqlite.py", "from ..tools import tool"),
        (wrong_arrows, "telephony/conversation/machine.py", "from telephony.exchange import Exchange"),
        (wrong_arrows, "telephony/settings/agents.py", "def late():\n    from telephony.agents import agent"),
        (wet_feet, "telephony/conversation/machine.py", "import asyncio"),
        (wet_feet, "telephony/audio/wav.py", "from pathlib import Path"),
        (wet_feet, "telephony/audio/wav.py", "open('x.wav')"),
        (wet_feet, "telephony/exchange.py", "import datetime\ndatetime.datetime.now()"),
        (wet_feet, "telephony/sim/model.py", "import numpy as np\nnp.random.default_rng()"),
        (wet_feet, "telephony/realtime/xai.py", "def late():\n    import os.path"),
        (nameless_tasks, "telephony/bridge/bridge.py", "group.create_task(run())"),
        (long_files, "telephony/links/link.py", "x = 1\n" * (FILE_LINES + 1)),
        (long_functions, "telephony/links/link.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
        (without_docstring, "telephony/links/link.py", "x = 1"),
    ],
)
def test_rule_catches_a_violation(rule: Callable[[list[Module]], list[str]], path: str, line: str) -> None:
    assert len(rule([Module(path, line)])) == 1


@pytest.mark.parametrize(
    ("rule", "path", "line"),
    [
        (wrong_arrows, "telephony/server/app.py", "from telephony.bridge import bridge\nfrom telephony import events"),
        (wrong_arrows, "telephony/cli.py", "from telephony import demo"),
        (wrong_arrows, "telephony/agents/agent.py", "from telephony.agents.directory import Directory"),
        (wet_feet, "telephony/links/dialed.py", "import asyncio, os, time\nopen('x')"),
        (wet_feet, "telephony/audio/wav.py", "import wave\nfrom datetime import datetime\nreopen(input)"),
        (nameless_tasks, "telephony/bridge/bridge.py", "group.create_task(run(), name='run')"),
    ],
)
def test_rule_leaves_the_innocent_alone(rule: Callable[[list[Module]], list[str]], path: str, line: str) -> None:
    assert rule([Module(path, line)]) == []


def test_cycles_are_found_however_long_and_however_late() -> None:
    ring = [
        Module("telephony/a.py", "from telephony.b import x"),
        Module("telephony/b/__init__.py", "from . import c"),
        Module("telephony/b/c.py", "def late():\n    import telephony.a"),
    ]
    assert len(cycles(ring)) == 1
    assert cycles(ring[:2]) == []


def test_a_source_file_without_test_is_reported_and_so_is_a_needless_exception() -> None:
    modules = [Module("telephony/links/served.py", "x = 1"), Module("telephony/links/__init__.py", '"""Door."""')]
    assert untested(modules, ["tests/links/deeper/test_served.py"], {})
    assert untested(modules, ["tests/links/test_served_late.py"], {}) == []
    assert untested(modules, [], {"telephony/links/served.py": "because"}) == []
    assert untested(modules, ["tests/links/test_served.py"], {"telephony/links/served.py": "because"})
    package = [Module("telephony/cli/__init__.py", "def main(): ...")]
    assert untested(package, [], {})
    assert untested(package, ["tests/cli/test_cli.py"], {}) == []


def test_exceptions_name_files_and_tests_that_exist() -> None:
    assert [pattern for pattern in WITHOUT_OWN_TEST if not any(fnmatch(m.path, pattern) for m in SOURCE)] == []
    tests = [test for reason in WITHOUT_OWN_TEST.values() for test in re.findall(r"tests/[\w/.]+\.py", reason)]
    assert [test for test in tests if not (ROOT / test).exists()] == []
