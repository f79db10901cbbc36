"""The systemd unit, the scripts that install and switch versions, and the user data of a bare VM."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploying import DEPLOY, ROOT, found, run, said

pytestmark = pytest.mark.timeout(180)

UNIT = DEPLOY / "systemd/telephony@.service"
PROGRAM = "/opt/telephony/%i/bin/telephony"
EXPOSURE = 3.0
"""Of ten; below it `systemd-analyze security` says OK."""
DRAIN = 3600
SCRIPTS = [*sorted(DEPLOY.rglob("*.sh")), ROOT / ".ci/run"]


def setting(name: str) -> str:
    """The only value of a setting of the unit."""
    [value] = re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return str(value)


# -- the unit ------------------------------------------------------------------------------------------------------


def verified(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What systemd thinks of a unit, whose program is one that is there."""
    assert PROGRAM in text
    (folder / "telephony@.service").write_text(text.replace(PROGRAM, sys.executable), encoding="utf-8")
    return run("systemd-analyze", "verify", "--man=no", folder / "telephony@1.2.3.service")


def test_systemd_takes_the_unit_without_a_word(tmp_path: Path) -> None:
    done = verified(tmp_path, UNIT.read_text(encoding="utf-8"))
    assert (done.returncode, done.stderr) == (0, ""), said(done)


def test_systemd_would_say_a_word_about_a_misspelt_one(tmp_path: Path) -> None:
    done = verified(tmp_path, UNIT.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSecs="))
    assert "WatchdogSecs" in done.stderr


def test_the_service_is_hardly_exposed() -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", "--no-pager", UNIT)
    assert done.returncode == 0, said(done)
    level = re.search(r"Overall exposure level for \S+: (\d+\.\d+) OK", done.stdout)
    assert level, said(done)
    assert float(level[1]) < EXPOSURE


def test_it_has_an_hour_to_end_and_is_killed_only_when_it_hangs() -> None:
    assert (setting("Type"), setting("NotifyAccess"), setting("KillMode")) == ("notify", "main", "mixed")
    assert int(setting("TimeoutStopSec")) >= DRAIN + 60
    assert f"TELEPHONY_DRAIN={DRAIN}" in (DEPLOY / "env.example").read_text(encoding="utf-8")
    assert int(setting("WatchdogSec")) >= 10
    assert setting("LoadCredential") == "telephony:/etc/telephony/credentials"


# -- the scripts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_against_the_scripts(script: Path) -> None:
    done = run("shellcheck", script)
    assert done.returncode == 0, said(done)
    assert os.access(script, os.X_OK)


def tree(root: Path) -> dict[str, bytes | str | None]:
    """Every file below *root* and what is in it, but for what Python itself keeps there."""
    files = (path for path in root.rglob("*") if "__pycache__" not in path.parts)
    return {
        path.relative_to(root).as_posix(): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in files
    }


def installed(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script into an image's tree; with uv, if it is there, for it is ten times as fast as pip."""
    uv = shutil.which("uv", path=ROOT / ".clients/validators/bin")
    path = os.pathsep.join([*([str(Path(uv).parent)] if uv else []), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603  our own script
        [DEPLOY / "systemd/install.sh", "--root", root, *words],
        # Compiling takes most of the time, and what it is for is seen only in a service that may write nothing.
        env={**os.environ, "PATH": path, "PYTHON": sys.executable, "UV_COMPILE_BYTECODE": "0"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    if done.returncode and re.search(r"dns error|error sending request|NewConnectionError", done.stderr):
        pytest.skip("the package index cannot be reached")
    return done


def test_a_version_is_installed_beside_the_others_and_once_only(tmp_path: Path) -> None:
    found("bash")
    first = installed(tmp_path)
    assert first.returncode == 0, said(first)
    version = first.stdout.splitlines()[0].split()[1]
    home = tmp_path / "opt/telephony" / version
    program = home / "bin/telephony"
    check = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert check.stdout == f"telephony {version}\n"
    unit = (tmp_path / "etc/systemd/system/telephony@.service").read_text(encoding="utf-8")
    assert f"/opt/telephony/{version}/bin/telephony serve" in unit.replace("%i", version)
    settings, before = tmp_path / "etc/telephony/telephony.yaml", tree(tmp_path)
    assert (tmp_path / "etc/telephony/credentials").stat().st_mode & 0o777 == 0o700
    settings.write_text("agents: {}\n", encoding="utf-8")
    second = installed(tmp_path)
    assert second.returncode == 0, said(second)
    assert tree(tmp_path) == before | {"etc/telephony/telephony.yaml": b"agents: {}\n"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--as", "../1.0"], "'../1.0' cannot be the name of a version"),
        (["--as", ""], "cannot be the name of a version"),
        (["--rooot", "x"], "unknown word '--rooot'"),
    ],
)
def test_mistakes_are_named_and_nothing_is_installed(tmp_path: Path, words: list[str], complaint: str) -> None:
    done = installed(tmp_path, *words)
    if words == ["--as", ""]:
        complaint = "--as needs a name"
    assert done.returncode == 1, said(done)
    assert complaint in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_is_not_installed_is_not_switched_to() -> None:
    done = run("bash", "systemd/switch.sh", "0.0.0-nowhere")
    assert done.returncode == 1
    assert re.search("0.0.0-nowhere is not installed|must be run as root", done.stderr), said(done)


# -- user data -----------------------------------------------------------------------------------------------------


def test_cloud_init_takes_the_user_data() -> None:
    done = run("cloud-init", "schema", "--config-file", "cloud-init.yaml")
    assert done.returncode == 0, said(done)
    assert "Valid" in done.stdout


def test_what_user_data_runs_is_clean_and_names_what_is_shipped(tmp_path: Path) -> None:
    data = yaml.safe_load((DEPLOY / "cloud-init.yaml").read_text(encoding="utf-8"))
    [script] = [file["content"] for file in data["write_files"] if file["content"].startswith("#!")]
    (tmp_path / "script.sh").write_text(script, encoding="utf-8")
    done = run("shellcheck", "--exclude=SC1091", tmp_path / "script.sh")
    assert done.returncode == 0, said(done)
    named = re.findall(r"deploy/[\w./@-]+", script)
    assert len(named) >= 3
    assert [path for path in named if not (ROOT / path).is_file()] == []
