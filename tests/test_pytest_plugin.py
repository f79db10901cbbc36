"""The plugin in runs of pytest of its own: what it collects, what a failure shows, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tapes
from telephony.bridge.encrypted import encrypted
from telephony.encryption.keys import Key

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent
# By its module and not by its entry point, which belongs to whatever is installed here.
PLUGIN = ("-p", "no:telephony", "-p", "telephony.pytest_plugin", "-p", "no:cacheprovider")
INI = "[pytest]\ntestpaths = tests\nasyncio_default_fixture_loop_scope = function\n"
# Made here and not in a test: pytester forgets what a test imports, and `cryptography` cannot be imported twice.
SEALED = encrypted(b"".join(tapes.call()), Key(bytes(range(32))))


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Somebody's project: a test of their own and a recorded call."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "100")
    pytester.makeini(INI)
    tapes.put(pytester.path / "fixtures" / "calls" / "order.jsonl", tapes.call())
    put_test(pytester, "def test_own():\n    pass\n")
    return pytester


def put_test(project: pytest.Pytester, text: str) -> None:
    (project.path / "tests").mkdir(exist_ok=True)
    (project.path / "tests" / "test_own.py").write_text(text, encoding="utf-8")


def run(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*PLUGIN, *words)


def collected(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


# -- what is collected -------------------------------------------------------------------------------------------------


def test_a_plain_pytest_finds_the_calls_beside_the_tests(project: pytest.Pytester) -> None:
    result = run(project, "--collect-only", "-q")
    assert collected(result) == ["tests/test_own.py::test_own", "fixtures/calls/order.jsonl::strict"]
    run(project).assert_outcomes(passed=2)


def test_without_testpaths_they_are_found_once(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    run(project).assert_outcomes(passed=2)
    project.makeini(INI.replace("= tests", "= tests fixtures"))
    run(project).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tests"], ["tests/test_own.py::test_own"]),
        (["fixtures/calls/order.jsonl"], ["fixtures/calls/order.jsonl::strict"]),
        (["fixtures/calls/order.jsonl::strict"], ["fixtures/calls/order.jsonl::strict"]),
        (["fixtures"], ["fixtures/calls/order.jsonl::strict"]),
        (["-k", "order"], ["fixtures/calls/order.jsonl::strict"]),
    ],
)
def test_what_somebody_asks_for_is_what_runs(project: pytest.Pytester, words: list[str], found: list[str]) -> None:
    assert collected(run(project, "--collect-only", "-q", *words)) == found


def test_workers_of_xdist_find_the_same(project: pytest.Pytester) -> None:
    tapes.put(project.path / "fixtures" / "calls" / "deep" / "cut.jsonl", tapes.truncated_later())
    result = project.runpytest_subprocess(*PLUGIN, "-n", "2", "-v")
    result.assert_outcomes(passed=2, failed=1)
    assert tapes.told_later() in result.stdout.str()


def test_other_files_and_a_project_without_calls_are_left_alone(project: pytest.Pytester) -> None:
    tapes.put(project.path / "fixtures" / "calls" / "notes.jsonl", (b'{"note": 1}\n',))
    tapes.put(project.path / "tests" / "elsewhere.jsonl", tapes.truncated_later())
    run(project).assert_outcomes(passed=2)
    (project.path / "fixtures" / "calls" / "order.jsonl").unlink()
    (project.path / "fixtures" / "calls" / "notes.jsonl").unlink()
    run(project).assert_outcomes(passed=1)


def test_folders_and_policy_are_settings(project: pytest.Pytester) -> None:
    tapes.put(project.path / "recorded" / "cut.jsonl", tapes.truncated_later())
    project.makeini(f"{INI}telephony_calls = recorded fixtures\ntelephony_policy = semantic\n")
    result = run(project, "-v")
    result.assert_outcomes(passed=3)
    assert "recorded/cut.jsonl::semantic PASSED" in result.stdout.str()


def test_a_folder_that_somebody_named_must_be_there(project: pytest.Pytester) -> None:
    project.makeini(f"{INI}telephony_calls = fixtures/calls nothere\n")
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*telephony_calls: there is no folder 'nothere' in *"])


# -- what a failure shows ----------------------------------------------------------------------------------------------


def test_a_call_that_differs_fails_and_shows_the_report_alone(project: pytest.Pytester) -> None:
    tapes.put(project.path / "fixtures" / "calls" / "cut.jsonl", tapes.truncated_later())
    result = run(project)
    result.assert_outcomes(passed=2, failed=1)
    shown = result.stdout.str()
    assert "fixtures/calls/cut.jsonl     0:13    8 turns  differs at 0:07.0" in shown
    assert f"then came in, at 0:07.0 in line {tapes.interrupted_at()}" in shown
    assert tapes.told_later() in shown
    assert "Traceback" not in shown
    assert "runtest" not in shown


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (tapes.torn(), "fixtures/calls/x.jsonl:51: this is no line of a cassette"),
        ((), "fixtures/calls/x.jsonl: this is no cassette"),
        (tapes.call()[:1], "fixtures/calls/x.jsonl: there is no call on it"),
        (tapes.call()[:2], "fixtures/calls/x.jsonl: there is no call on it"),
        ((b'{"cassette": 99}\n',), "fixtures/calls/x.jsonl: it is a cassette of version 99"),
    ],
)
def test_a_broken_call_fails_and_says_why(project: pytest.Pytester, lines: tuple[bytes, ...], problem: str) -> None:
    tapes.put(project.path / "fixtures" / "calls" / "x.jsonl", lines)
    result = run(project, "fixtures")
    result.assert_outcomes(passed=1, failed=1)
    assert problem in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_an_encrypted_call_fails_and_says_how_to_decrypt_it(project: pytest.Pytester) -> None:
    """One that is never run would be as green as one that passes."""
    file = project.path / "fixtures" / "calls" / "x.jsonl.enc"
    file.write_bytes(SEALED)
    result = run(project, "fixtures")
    result.assert_outcomes(passed=1, failed=1)
    assert "fixtures/calls/x.jsonl.enc: this is no cassette: it is encrypted. Decrypt it first" in result.stdout.str()
    (project.path / "fixtures" / "calls" / "order.jsonl").unlink()
    run(project).assert_outcomes(passed=1, failed=1)


def test_a_policy_that_is_none_fails_with_those_that_are(project: pytest.Pytester) -> None:
    project.makeini(f"{INI}telephony_policy = lax\n")
    result = run(project, "fixtures")
    result.assert_outcomes(failed=1)
    assert "there is no policy 'lax'. Use strict, semantic" in result.stdout.str()


# -- the fixture -------------------------------------------------------------------------------------------------------

ASSERTS = """
def test_order(replay_call):
    call = replay_call("order")
    assert call.said("thanks for calling", by="agent")
    assert call.tools[0].arguments == {}
    assert call.turns[2].latency < 1.5
    assert call.ended.by == "agent"
    assert replay_call("fixtures/calls/order.jsonl", policy="strict").same

def test_transcript(replay_call):
    assert replay_call("order.jsonl").said("something else")

def test_strict(replay_call):
    assert replay_call("cut").divergence
    assert replay_call("cut", policy="semantic").same
    replay_call("cut", policy="strict")

def test_missing(replay_call):
    replay_call("nowhere")

def test_no_config(replay_call):
    replay_call("order", config="nothere.yaml")
"""
CHANGED = """
from telephony import Agent, tool

@tool
def lookup_order():
    "Look an order up."

def test_agent(replay_call):
    call = replay_call("order", agent=Agent("new", greeting="Hi.", tools=[lookup_order, "builtin:hang_up"]))
    assert call.tools[0].name == "lookup_order"
    assert not call.same
    assert not replay_call("order", tools=[lookup_order]).same

def test_config(replay_call):
    call = replay_call("order", config="desk/telephony.yaml")
    assert call.divergence.got.message["session"]["tools"][0]["name"] == "refund"
"""
DESK = """
agents: {test: {tools: [refunds_of_desk:refund]}}
model_list: [{model_name: grok, litellm_params: {model: xai/grok-voice-latest}}]
"""


def test_asserts_in_python_and_what_is_shown_when_they_fail(project: pytest.Pytester) -> None:
    tapes.put(project.path / "fixtures" / "calls" / "cut.jsonl", tapes.truncated_later())
    put_test(project, ASSERTS)
    result = run(project, "tests")
    result.assert_outcomes(passed=1, failed=4)
    shown = result.stdout.str()
    assert "where said = <fixtures/calls/order.jsonl, 13.2 s | agent: Thanks for calling. | caller: Where" in shown
    assert "Captured transcript of fixtures/calls/order.jsonl, call" in shown
    assert "0:00.5  agent   Thanks for calling.\n" in shown
    assert tapes.told_later() in shown
    assert "During handling" not in shown
    assert "there is no recorded call 'nowhere'; there are: cut, order" in shown
    assert "\nconfig: there is no file " in shown


def test_another_agent_takes_the_call(project: pytest.Pytester) -> None:
    put_test(project, CHANGED)
    (project.path / "desk").mkdir()
    (project.path / "desk" / "telephony.yaml").write_text(DESK)
    tool = 'from telephony import tool\n\n@tool\ndef refund():\n    "Refund an order."\n'
    (project.path / "desk" / "refunds_of_desk.py").write_text(tool)
    project.runpytest_subprocess(*PLUGIN, "tests").assert_outcomes(passed=2)


# -- runs that have nothing to do with it ------------------------------------------------------------------------------


def test_the_entry_point_names_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"telephony": "telephony.pytest_plugin"}
    assert not [need for need in project["dependencies"] if need.startswith("pytest")]


def test_loading_the_plugin_loads_nothing_else() -> None:
    code = "import sys, telephony.pytest_plugin; print(*sorted(m for m in sys.modules if m.startswith('telephony')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    assert done.stdout.split() == ["telephony", "telephony.pytest_plugin", "telephony.version"]
