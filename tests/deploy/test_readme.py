"""deploy/README.md: its commands name what is there, its files are those that are shipped, and ten steps are ten."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from deploying import DEPLOY, FILES, ROOT
from telephony.cli import app
from telephony.runtime.configuration import load
from telephony.runtime.environment import Environment
from telephony.version import __version__

TEXT = (DEPLOY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line[2:] for block in BLOCKS for line in block.splitlines() if line[:2] in ("# ", "$ ")]
LOCK = "run what stands at the top of deploy/requirements.txt"


def test_a_new_vm_rings_after_ten_commands() -> None:
    first, *_ = BLOCKS
    assert len(first.splitlines()) == 10
    assert f"telephony-switch {__version__}" in first


@pytest.mark.parametrize("command", [line for line in COMMANDS if "deploy/" in line])
def test_files_in_commands_are_shipped(command: str) -> None:
    named = re.findall(r"(?<![\w/])deploy/[\w./@-]+", command)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("telephony ")])
def test_commands_of_the_program_can_be_given(command: str) -> None:
    result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_links_lead_to_files_and_every_file_is_told_of() -> None:
    links = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", TEXT)
    assert [link for link in links if "://" not in link and not (DEPLOY / link).exists()] == []
    told = [link.rstrip("/") for link in links]
    by_name = {"Dockerfile.dockerignore": "Dockerfile", "sim.yaml": "compose.yaml", "README.md": "../README.md"}
    untold = [file for file in FILES if not _told(file, [*told, *by_name])]
    assert untold == []
    assert all((DEPLOY / name).exists() for name in by_name)


def _told(file: Path, told: list[str]) -> bool:
    return any(str(each) in told for each in (file, *file.parents))


def test_what_the_readme_says_of_exposure_and_alerts_is_so() -> None:
    [group] = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert len(group["rules"]) == 11
    assert "Of the eleven alerts" in TEXT


@pytest.mark.parametrize("file", ["env.example", "kubernetes/example/settings.env"])
def test_the_settings_that_are_shipped_are_settings_and_the_agent_can_answer(file: str, tmp_path: Path) -> None:
    for name in ("TWILIO_AUTH_TOKEN", "XAI_API_KEY"):
        (tmp_path / name).write_text("practice", encoding="utf-8")
    environment = Environment({"CREDENTIALS_DIRECTORY": str(tmp_path)}, DEPLOY / file)
    settings = load(DEPLOY / "telephony.yaml", environment)
    assert settings.public_url == "https://voice.example.com"
    assert settings.drain == 3600
    assert settings.max_calls == 60
    assert settings.twilio.auth_token.get_secret_value() == "practice"
    assert list(settings.agents) == ["frontdesk"]


def test_every_direct_dependency_has_a_release_that_versions_are_installed_with() -> None:
    pinned = dict(
        re.findall(r"^([\w-]+)==(\S+)", (DEPLOY / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    assert wanted
    names = re.findall(r'^  "([\w-]+)', wanted[1], re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if name not in pinned] == [], LOCK
