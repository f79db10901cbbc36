"""The Dockerfile and the Compose file. There is no Docker in the tests: what validators can see of them is validated,
and what the steps and commands in them do is done here, in a folder.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from deploying import DEPLOY, ROOT, found, run, said
from terminals import BOUND, Desk, free_ports

pytestmark = pytest.mark.timeout(180)

PATHS = ("/opt/telephony", "/var/lib/telephony", "/run/telephony", "/etc/telephony", "/src")
"""Folders in the image."""


class Step(NamedTuple):
    """One instruction of the Dockerfile."""

    stage: int
    word: str
    rest: str


def steps() -> list[Step]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    instructions = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    found, stage = [], -1
    for instruction in instructions:
        word, _, rest = instruction.partition(" ")
        stage += word == "FROM"
        found.append(Step(stage, word, rest))
    return found


def last(word: str) -> str:
    """What an instruction of the last stage says."""
    return [step.rest for step in steps() if step.stage == 2 and step.word == word][-1]


def environment(stage: int) -> dict[str, str]:
    assignments = [shlex.split(step.rest) for step in steps() if step.stage == stage and step.word == "ENV"]
    return dict(each.split("=", 1) for line in assignments for each in line)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


# -- validators ----------------------------------------------------------------------------------------------------


def test_hadolint_has_nothing_against_the_dockerfile() -> None:
    done = run("hadolint", "--no-color", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, ""), said(done)


def test_hadolint_would_have_something_against_a_worse_one(tmp_path: Path) -> None:
    worse = tmp_path / "Dockerfile"
    worse.write_text("FROM debian\nRUN apt-get install curl\n", encoding="utf-8")
    assert run("hadolint", worse).returncode == 1


def test_the_compose_file_keeps_its_schema() -> None:
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    assert done.returncode == 0, said(done)


# -- what the image is ---------------------------------------------------------------------------------------------


def test_it_runs_as_nobody_special_and_checks_itself() -> None:
    assert last("USER") == "10001:10001"
    assert json.loads(last("ENTRYPOINT")) == ["telephony"]
    assert json.loads(last("CMD")) == ["serve"]
    assert json.loads(last("HEALTHCHECK").partition("CMD ")[2]) == ["telephony", "health"]
    assert last("STOPSIGNAL") == "SIGTERM"


def test_nothing_gets_into_the_build_but_what_is_copied() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    copied = [
        word for step in steps() if step.word == "COPY" and "--from" not in step.rest for word in step.rest.split()[:-1]
    ]
    assert sorted(copied) == sorted(allowed)
    assert [path for path in allowed if not (ROOT / path).exists()] == []
    assert not any(fnmatch.fnmatch(".env", path) for path in allowed)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The steps of the stage that builds, done in a folder with the Dockerfile's own commands."""
    root = tmp_path_factory.mktemp("image")
    uv = Path(found("uv"))
    for step in [step for step in steps() if step.stage == 1]:
        if step.word == "COPY" and "--from" not in step.rest:
            *sources, target = step.rest.split()
            into = root / target.strip("/")
            into.mkdir(parents=True, exist_ok=True)
            for source in sources:
                if (ROOT / source).is_dir():  # of a folder Docker copies what is in it
                    shutil.copytree(
                        ROOT / source, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
                    )
                else:
                    shutil.copy(ROOT / source, into)
        elif step.word == "RUN":
            # One cache for all runs; in an image it would be dead weight.
            command = moved(step.rest, root).replace("--no-cache ", "")
            own = {**os.environ, **environment(1), "PATH": f"{uv.parent}:{os.environ['PATH']}"}
            done = subprocess.run(  # noqa: S603  the Dockerfile's own
                ["sh", "-c", command],  # noqa: S607
                env=own,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode and re.search(r"dns error|error sending request", done.stderr):
                pytest.skip("the package index cannot be reached")
            assert done.returncode == 0, said(done)
    return root


def moved(text: str, root: Path) -> str:
    """*text* with the folders of the image in it below *root*."""
    return re.sub(rf"(?<![\w.])({'|'.join(PATHS)})\b", rf"{root}\1", text)


def test_what_is_built_serves_and_is_found_well_by_the_check(image: Path, tmp_path: Path) -> None:
    program = image / "opt/telephony/bin/telephony"
    own = {name: moved(value, image) for name, value in environment(2).items()}
    for folder in PATHS[1:4]:
        (image / folder.strip("/")).mkdir(parents=True, exist_ok=True)
    (image / "etc/telephony/telephony.yaml").write_bytes((DEPLOY / "telephony.yaml").read_bytes())
    port, internal = free_ports(2)
    own |= {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TELEPHONY_INTERNAL_PORT": str(internal),
        "PUBLIC_URL": "https://voice.example.com",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
    }
    for name in ("TWILIO_AUTH_TOKEN", "XAI_API_KEY"):
        (tmp_path / name).write_text("practice", encoding="utf-8")
    entry, command = json.loads(last("ENTRYPOINT")), json.loads(last("CMD"))
    check = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    work = image / last("WORKDIR").strip("/")
    with subprocess.Popen([*entry, *command], cwd=work, env=own, stderr=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            assert server.stderr is not None
            lines = iter(server.stderr.readline, "")
            assert any('"listening"' in line for line in lines)
            done = subprocess.run(check, cwd=work, env=own, capture_output=True, text=True, timeout=BOUND, check=False)  # noqa: S603
            assert done.returncode == 0, said(done)
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=BOUND)
        finally:
            server.kill()
    assert server.returncode == 0
    done = subprocess.run(check, cwd=work, env=own, capture_output=True, text=True, timeout=BOUND, check=False)  # noqa: S603
    assert done.returncode == 1, "nobody is there any more"


# -- what Compose makes of it --------------------------------------------------------------------------------------


def test_every_container_of_ours_is_locked_up(compose: dict[str, Any]) -> None:
    ours = [name for name, service in compose["services"].items() if service.get("image", "").startswith("telephony:")]
    assert sorted(ours) == ["bridge", "sim-bridge", "sim-caller", "sim-model"]
    for name in ours:
        service = compose["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(volume.endswith(":ro") or ":/var/lib/telephony" in volume for volume in service["volumes"]), name


def test_files_that_compose_mounts_are_shipped_but_for_the_secrets(compose: dict[str, Any]) -> None:
    mounted = [volume.split(":")[0] for each in compose["services"].values() for volume in each.get("volumes", [])]
    assert [path for path in mounted if path.startswith(".") and not (DEPLOY / path).is_file()] == []
    assert all(secret["file"].startswith("./secrets/") for secret in compose["secrets"].values())
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"deploy/secrets/", ".env"} <= set(ignored)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path) as made:
        yield made


def test_the_profile_sim_makes_a_whole_call(compose: dict[str, Any], desk: Desk) -> None:
    ports = dict(zip(("8080", "9100", "9200"), map(str, free_ports(3)), strict=True))

    def here(text: str) -> str:
        own = text.replace("/etc/telephony", str(DEPLOY))
        return re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda port: ports[port[0]], own)

    def start(name: str, *more: str, **own: str) -> Any:
        service = compose["services"][name]
        values = {key: here(value) for key, value in service.get("environment", {}).items()}
        desk.environment = {"TELEPHONY_CONFIG": str(DEPLOY / "telephony.yaml"), **values, **own}
        return desk.start(*map(here, service.get("command", json.loads(last("CMD")))), *more)

    model = start("sim-model", "--port", ports["9100"])
    server = start("sim-bridge", HOST="127.0.0.1", PORT=ports["8080"])
    model.until("A simulated model is at")
    server.until('"listening"')
    url = f"http://127.0.0.1:{ports['8080']}/twilio/voice"
    caller = start("sim-caller", "--rest-port", ports["9200"], "--url", url)
    assert caller.ended(90) == 0, caller.story
    assert "ended by the agent: ok" in caller.out
