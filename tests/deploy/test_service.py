"""The README's way to a ringing phone, to the next version and back, walked with a real systemd and a real Caddy.

This machine's own systemd is started once more, in namespaces over an overlay that is gone afterwards: nothing outside
is changed. Its network is this machine's, so that calls reach it. It needs root and takes the better part of a minute:
`make test ARGS='-m systemd -n 0'`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploying import DEPLOY, ROOT, VALIDATORS, found, said
from telephony.version import __version__
from terminals import Desk, Process, free_ports

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(400)]

SOURCES = ("deploy", "telephony", "pyproject.toml", "README.md", "LICENSE")
BOOTED = 30.0
"""Seconds for systemd to start; then it will not, here."""
LONGEST = 150.0
"""Seconds that one command may take. Installing is the longest of them."""
NEXT = "9.9.9"
"""The name of the next version, which is the same program."""

BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs none {space}
mkdir {space}/upper {space}/work {space}/root
mount -t overlay -o lowerdir=/,upperdir={space}/upper,workdir={space}/work overlay {space}/root
cd {space}/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs none run
mkdir -p mnt/outside mnt/source
mount --bind {source} mnt/source
pivot_root . mnt/outside
umount -l /mnt/outside
mount --make-rshared /
cd /
exec env -i container=test PATH="$PATH" /lib/systemd/systemd --unit=basic.target --log-target=console
"""
QUIET = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
"""What Caddy leaves alone here: ports that another one on this machine may have."""
SCENARIO = """
model:
  replies:
    - {on: greeting, say: "Thanks for calling. How can I help you?"}
    - {on: speech, hears: "Goodbye.", say: "Goodbye!", call: {name: hang_up}}
caller:
  patience: 20
  steps: [{wait: agent}, {press: "1"}, {pause: PAUSE}, {say: "Goodbye."}, {wait: end}]
"""


class Machine:
    """A bare VM, as far as its programs can tell."""

    def __init__(self, folder: Path) -> None:
        self.space = folder / "space"
        self.space.mkdir()
        boot = folder / "boot.sh"
        boot.write_text(BOOT.format(space=self.space, source=ROOT), encoding="utf-8")
        words = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child"]
        self.log = folder / "boot.log"
        with self.log.open("wb") as out:
            self._unshare = subprocess.Popen(  # noqa: S603  our own script, in namespaces of its own
                [found("unshare"), *words, found("bash"), str(boot)], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    @property
    def init(self) -> int:
        """The process that is number 1 in there; skips the test if there is none."""
        try:
            children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text(encoding="ascii")
            return int(children.split()[0])
        except (OSError, IndexError):
            pytest.skip(f"no systemd can be started here: {self.log.read_text(encoding='utf-8')[-300:]}")

    def booted(self) -> bool:
        end = time.monotonic() + BOOTED
        while self._unshare.poll() is None and time.monotonic() < end:
            if self.given("systemctl is-system-running").stdout.strip() in ("running", "degraded"):
                return True
            time.sleep(0.2)
        return False

    def given(self, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """What came of a command that root types in there, in the clone."""
        certificates = {name: os.environ[name] for name in ("SSL_CERT_FILE", "PIP_CERT") if name in os.environ}
        own = {"PATH": f"{VALIDATORS}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **certificates}
        entered = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", f"--root=/proc/{self.init}/root"]
        into = "cd /usr/local/src/telephony 2>/dev/null || cd /; "
        return subprocess.run(  # noqa: S603  our own commands, in namespaces of their own
            [found("nsenter"), "--target", str(self.init), *entered, "--wd", found("bash"), "-c", into + command],
            env={**own, "PYTHON": "/usr/bin/python3"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    def does(self, command: str, stdin: str = "") -> str:
        """What a command says that must succeed."""
        done = self.given(command, stdin)
        journal = "" if done.returncode == 0 else self.given("journalctl --no-pager -n 40").stdout
        assert done.returncode == 0, f"{command}\n{said(done)}{journal}"
        return done.stdout

    def state(self, version: str) -> str:
        return self.given(f"systemctl is-active telephony@{version}").stdout.strip()

    def close(self) -> None:
        self._unshare.kill()
        self._unshare.wait(10)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("only root may make the namespaces")
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("there is no systemd")
    for program in ("caddy", "git", "unshare", "nsenter"):
        found(program)
    made = Machine(tmp_path)
    try:
        time.sleep(0.5)
        if not made.booted():
            pytest.skip(f"systemd does not start here: {made.log.read_text(encoding='utf-8')[-300:]}")
        yield made
    finally:
        made.close()


def ten() -> list[str]:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert block
    return [line.removeprefix("# ") for line in block[1].splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path) as made:
        yield made


class Line:
    """Twilio, a caller and a model, outside of the machine."""

    def __init__(self, desk: Desk, machine: Machine) -> None:
        self.desk, self.machine = desk, machine
        self.public, self.server, self.model, self.rest = free_ports(4)
        for name, pause in {"short": 0, "long": 25}.items():
            desk.write(f"{name}.yaml", SCENARIO.replace("PAUSE", str(pause)))

    def settle(self) -> None:
        """What the fourth command's editor is for, and what makes the rest of the world one on this machine."""
        public = f"PUBLIC_URL=https://localhost:{self.public}"
        more = {
            "PORT": str(self.server),
            "UPSTREAM": f"127.0.0.1:{self.server}",
            "TLS": "tls internal",
            "XAI_API_BASE": f"ws://127.0.0.1:{self.model}",
            "TELEPHONY_TWILIO__API_BASE": f"http://127.0.0.1:{self.rest}",
        }
        file = "/etc/telephony/telephony.env"
        self.machine.does(f"sed -i 's|^PUBLIC_URL=.*|{public}|' {file} && cat >> {file}", _lines(more))

    def trust(self) -> None:
        """Take Caddy's own authority for one that everybody knows."""
        inside = Path("/proc", str(self.machine.init), "root")
        root = inside / "var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
        end = time.monotonic() + BOOTED
        while not root.exists() and time.monotonic() < end:
            time.sleep(0.1)
        shutil.copy(root, self.desk.folder / "root.crt")
        self.desk.environment = {"SSL_CERT_FILE": str(self.desk.folder / "root.crt"), "TWILIO_AUTH_TOKEN": "practice"}

    def call(self, script: str) -> Process:
        url = f"https://localhost:{self.public}/twilio/voice"
        words = ["--url", url, "--script", f"{script}.yaml", "--rest-port", str(self.rest)]
        return self.desk.start("simulate", "caller", *words)


def _lines(values: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def test_ten_commands_to_a_ringing_phone_and_from_version_to_version_without_a_call_cut(
    machine: Machine, desk: Desk
) -> None:
    line = Line(desk, machine)
    packages, clone, *commands = ten()
    assert set(shlex.split(packages)) >= {"caddy", "git", "python3-venv"}
    assert "git clone" in clone
    sources = " ".join(f"/mnt/source/{name}" for name in SOURCES)
    machine.does(f"mkdir -p /usr/local/src/telephony && cp -r {sources} /usr/local/src/telephony/")
    for command in commands:
        if command.startswith("editor "):
            line.settle()
            continue
        if "proxy/Caddyfile" in command:
            put, _, command = command.partition(" && ")
            machine.does(put)
            machine.does("cat - /etc/caddy/Caddyfile > /tmp/own && cat /tmp/own > /etc/caddy/Caddyfile", QUIET)
        machine.does(command, "practice\n")
    line.trust()
    desk.start("simulate", "model", "--port", str(line.model), "--script", "long.yaml").until("A simulated model is at")
    first = line.call("short")
    assert first.ended(60) == 0, first.story

    going_on = line.call("long")
    _until(lambda: '"call comes in"' in machine.does("journalctl --no-pager -o cat -u 'telephony@*' | tail -3"))
    machine.does(f"deploy/systemd/install.sh --as {NEXT}")
    said_so = machine.does(f"telephony-switch {NEXT}")
    assert f"{__version__} takes no new calls and ends with its last one" in said_so
    assert (machine.state(__version__), machine.state(NEXT)) == ("deactivating", "active")
    machine.does(f"telephony-switch {__version__}")
    assert machine.state(f"{__version__}-again2") == "active"
    assert going_on.ended(90) == 0, going_on.story
    _until(lambda: machine.state(__version__) == machine.state(NEXT) == "inactive")

    broken = "printf '#!/bin/sh\\nexit 1\\n' > /opt/telephony/broken/bin/telephony"
    machine.does(f"cp -a /opt/telephony/{NEXT} /opt/telephony/broken && {broken}")
    assert machine.given("telephony-switch broken").returncode == 1
    assert machine.state(f"{__version__}-again2") == "active"
    calls = machine.does("telephony calls list")
    assert calls.count("agent hung up") == 2, calls


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + BOOTED
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
