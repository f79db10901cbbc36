"""Whether a process is alive: looked up, not guessed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from telephony.store import owner as owner_module
from telephony.store.owner import LEASE, Owner, birth, gone

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_this_process_is_alive() -> None:
    assert Owner.current().alive() is True


def test_each_owner_is_new() -> None:
    assert Owner.current().id != Owner.current().id


def test_a_process_that_ended_is_dead_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE)
    ours = Owner.current()
    owner = msgspec.structs.replace(ours, pid=child.pid, born=birth(child.pid) or "")
    assert owner.alive() is True
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is a zombie now
    if Path("/proc/self/stat").exists():
        assert owner.alive() is False
    child.communicate()
    assert owner.alive() is False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the kernel does not tell when a process was born")
def test_a_process_with_a_reused_number_is_another_one() -> None:
    assert msgspec.structs.replace(Owner.current(), born="1").alive() is False


def test_a_process_of_another_host_is_not_judged_by_its_number() -> None:
    assert msgspec.structs.replace(Owner.current(), host="elsewhere").alive() is None


def test_a_command_name_with_brackets_and_spaces_does_not_shift_the_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "42").mkdir()
    after = "S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1"
    (tmp_path / "42" / "stat").write_text(f"42 (evil) R 1 (x y) {after}\n")
    monkeypatch.setattr(owner_module, "PROC", tmp_path)
    assert birth(42) == "987654"


def test_where_the_kernel_says_nothing_the_process_number_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_module, "PROC", tmp_path / "no proc here")
    owner = Owner.current()
    assert owner.born == ""
    assert owner.alive() is True


def test_only_a_stranger_is_judged_by_its_lease() -> None:
    stranger = Owner("x", "elsewhere", 1, "1")
    late = NOW + timedelta(seconds=LEASE + 1)
    assert gone(stranger, NOW, late)
    assert not gone(stranger, NOW, NOW + timedelta(seconds=LEASE - 1))
    assert gone(stranger, None, NOW)
    assert not gone(Owner.current(), None, late)
    assert gone(None, NOW, NOW), "nobody knows it, so nobody runs the call"
