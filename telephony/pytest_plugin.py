"""Recorded calls as tests of pytest: files in `fixtures/calls` are collected by themselves, and the fixture
`replay_call` plays one for asserts in Python.

In `pyproject.toml`, `[tool.pytest.ini_options]`, or in another file that pytest reads:

    telephony_calls = ["fixtures/calls"]     # folders with recorded calls, from the root folder on
    telephony_policy = "strict"              # or another policy of `telephony replay`

Every run of pytest in this environment loads this file, so nothing else of telephony is imported before a call is
replayed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from telephony.agents.agent import Agent
    from telephony.replayed import ReplayedCall

FOLDER = "fixtures/calls"
SUFFIX = ".jsonl"
ENCRYPTED = f"{SUFFIX}.enc"
"""Such a call fails, and says what to do about it: one that is never run would be as green as one that passes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    folders = f"Folders with recorded calls, each of which is a test (default: {FOLDER})."
    parser.addini("telephony_calls", folders, type="args", default=[FOLDER])
    parser.addini(
        "telephony_policy",
        "What must be the same in them: a policy of `telephony replay` (default: strict).",
        default="strict",
    )


def pytest_configure(config: pytest.Config) -> None:
    """A plain `pytest` finds recorded calls although `testpaths` names only tests. Where somebody said what to run, on
    the command line or by standing in a folder, that is what is run. Workers of xdist are told what we decide here."""
    _check_folders(config)
    source = getattr(config, "args_source", None)  # pytest 7.2; an older one leaves it at what `testpaths` names
    if source is None or source.name != "TESTPATHS":
        return
    given = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    for folder in _folders(config):
        covered = any(folder == place or place in folder.parents for place in given)
        if not covered and any(next(folder.rglob(f"*{end}"), None) for end in (SUFFIX, ENCRYPTED)):
            config.args.append(str(folder))


def _folders(config: pytest.Config) -> list[Path]:
    return [(config.rootpath / name).resolve() for name in config.getini("telephony_calls")]


def _check_folders(config: pytest.Config) -> None:
    """A folder that somebody named is there: calls that are never found would be as green as calls that pass."""
    named = config.getini("telephony_calls")
    missing = [name for name in named if not (config.rootpath / name).is_dir()]
    if missing and named != [FOLDER]:
        raise pytest.UsageError(
            f"telephony_calls: there is no folder {missing[0]!r} in {config.rootpath}. "
            "Name folders with recorded calls, from there on."
        )


# -- files as tests ----------------------------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not file_path.name.endswith((SUFFIX, ENCRYPTED)):
        return None
    path = file_path.resolve()
    if not any(folder in path.parents for folder in _folders(parent.config)) or _is_foreign(file_path):
        return None
    return CassetteFile.from_parent(parent, path=file_path)


def _is_foreign(path: Path) -> bool:
    """Whether the file holds JSON Lines of another kind. One that is torn is a broken test, and no other kind."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return False
    return not (isinstance(first, dict) and "cassette" in first)


class CassetteFile(pytest.File):
    """A recorded call."""

    def collect(self) -> Iterator[pytest.Item]:
        yield CallItem.from_parent(self, name=self.config.getini("telephony_policy"))


class CallItem(pytest.Item):
    """A recorded call under one policy, which is the item's name."""

    def runtest(self) -> None:
        from telephony.errors import TelephonyError
        from telephony.replayed import replay_call

        try:
            call = replay_call(_short(self.path), policy=self.name)
        except TelephonyError as error:
            raise CallFailed(str(error)) from None
        if not call.same:
            raise CallFailed(call.report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, CallFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.path.name}: {self.name}"


class CallFailed(Exception):
    """A recorded call differs or cannot be replayed; the message is all that is shown."""


def _short(path: Path) -> Path:
    """As somebody in this folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


# -- calls in tests ----------------------------------------------------------------------------------------------------


@pytest.fixture
def replay_call(request: pytest.FixtureRequest) -> Callable[..., ReplayedCall]:
    """Replays a recorded call: `replay_call("slow-lookup")`, a name in the folders of recorded calls, or a path.

    With `policy=` the call must be the same by it, or the test fails and shows what differs. Without, the test looks
    for itself at what it gets, a `telephony.replayed.ReplayedCall`. `agent=` (an `Agent`), `config=` (a configuration
    file) and `tools=` let somebody else take the call, and `script=` is the model's under `reactive`; see
    `telephony.replayed.replay_call`. A test that fails shows the transcripts of its calls.
    """
    config = request.config

    def replay(
        call: str | Path,
        *,
        policy: str | None = None,
        agent: Agent | None = None,
        config: str | Path | None = None,
        tools: Iterable[Any] | None = None,
        script: str | Path | Mapping[str, Any] | None = None,
    ) -> ReplayedCall:
        from telephony import replayed
        from telephony.errors import TelephonyError

        if config is not None:
            config = root / config
            _importable(root, config.parent)
        try:
            path = _short(_find(Path(call), root, folders))
            given = {"policy": policy} if policy else {}
            script = root / script if isinstance(script, str | Path) else script
            found = replayed.replay_call(path, agent=agent, config=config, tools=tools, script=script, **given)
        except TelephonyError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        request.node.add_report_section("call", f"transcript of {path},", str(found))
        if policy and not found.same:
            pytest.fail(found.report, pytrace=False)
        return found

    root, folders = config.rootpath, _folders(config)
    return replay


def _find(call: Path, root: Path, folders: Iterable[Path]) -> Path:
    for place in (Path.cwd(), root, *folders):
        for path in (place / call, place / f"{call}{SUFFIX}"):
            if path.is_file():
                return path
    files = ((folder, path) for folder in folders for path in folder.rglob(f"*{SUFFIX}"))
    known = sorted(path.relative_to(folder).with_suffix("").as_posix() for folder, path in files)
    pytest.fail(f"there is no recorded call {str(call)!r}; there are: {', '.join(known) or 'none'}", pytrace=False)


def _importable(*folders: Path) -> None:
    """Tools live in modules beside the configuration, and `telephony serve` finds them there."""
    sys.path += [folder for folder in dict.fromkeys(map(str, folders)) if folder not in sys.path]
