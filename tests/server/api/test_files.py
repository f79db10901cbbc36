"""Recordings and cassettes over a socket: whole, in part, and gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apis import key_of, serving
from telephony.records import CallRecord, Termination
from telephony.server.api.calls import CallsApi
from telephony.server.api.requests import Answers
from telephony.store.memory import MemoryStore

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SOUND = bytes(range(256)) * 8
END = Termination("completed", "caller", "caller hung up")


async def fetched(name: str, path: str = "recording", method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    """What there is of a call whose files are called *name*."""
    store = MemoryStore()
    await store.finish(CallRecord("1", "twilio", "CA1", "desk", termination=END, recording=name, cassette=name))
    async with serving(CallsApi(store, Answers(str)).routes()) as client:
        key = key_of("calls:audio")
        return await client.ask(f"/calls/1/{path}", method=method, key=key, headers=headers)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "1.wav"
    path.write_bytes(SOUND)
    return str(path)


@pytest.mark.parametrize(("path", "kind"), [("recording", "audio/wav"), ("cassette", "application/jsonl")])
async def test_a_file_is_given_whole(file: str, path: str, kind: str) -> None:
    status, headers, body = await fetched(file, path)
    assert (status, headers["Content-Type"], headers["Accept-Ranges"], body) == (200, kind, "bytes", SOUND)


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("0-9", 0, 9), ("2000-", 2000, 2047), ("-5", 2043, 2047), ("2040-9999", 2040, 2047)]
)
async def test_a_part_of_it_can_be_asked_for(file: str, wanted: str, first: int, last: int) -> None:
    status, headers, body = await fetched(file, Range=f"bytes={wanted}")
    assert (status, headers["Content-Range"]) == (206, f"bytes {first}-{last}/2048")
    assert (headers["Content-Type"], body) == ("audio/wav", SOUND[first : last + 1])


@pytest.mark.parametrize("wanted", ["bytes=2048-", "bytes=5-1", "bytes=x", "seconds=1-2"])
async def test_a_part_that_is_not_there_is_a_problem(file: str, wanted: str) -> None:
    status, headers, _ = await fetched(file, Range=wanted)
    assert (status, headers["Content-Range"]) == (416, "bytes */2048")
    assert headers["Content-Type"].startswith("application/problem+json")


async def test_what_has_changed_meanwhile_is_given_whole(file: str) -> None:
    status, _, body = await fetched(file, Range="bytes=9000-", **{"If-Range": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert (status, body) == (200, SOUND)


async def test_its_size_can_be_asked_for(file: str) -> None:
    status, headers, body = await fetched(file, method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "2048", b"")


@pytest.mark.parametrize("name", ["", "gone.wav", "."])
async def test_a_file_that_is_not_there_is_a_problem(name: str, tmp_path: Path) -> None:
    status, headers, _ = await fetched(str(tmp_path / name) if name else "")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json; charset=utf-8")
