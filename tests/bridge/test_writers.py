"""What waits for a disk is counted."""

from __future__ import annotations

import threading

import pytest

from telephony.bridge.writers import Writers


def test_what_is_not_written_yet_is_counted_until_it_is() -> None:
    disk = threading.Event()
    with Writers(1, "tape") as writers:
        futures = [writers.submit(disk.wait, 5.0) for _ in range(3)]
        futures.append(writers.submit(int, "nothing"))
        assert writers.waiting == 4
        disk.set()
        assert all(future.result() for future in futures[:3])
        with pytest.raises(ValueError, match="nothing"):
            futures[3].result()
    assert writers.waiting == 0


def test_what_is_struck_off_does_not_wait_any_more() -> None:
    disk = threading.Event()
    with Writers(1, "tape") as writers:
        writers.submit(disk.wait, 5.0)
        assert writers.submit(int, "1").cancel()
        assert writers.waiting == 1
        disk.set()
