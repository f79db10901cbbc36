"""Recordings and cassettes over a socket: whole, in part, and gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from apis import key_of, serving
from telephony.audio import wav
from telephony.audio.format import PCM16_8K
from telephony.bridge.encrypted import encrypted, is_encrypted
from telephony.encryption.keys import Key, KeyRing
from telephony.encryption.stream import CHUNK, HEADER_BYTES, SEALED
from telephony.records import CallRecord, Termination
from telephony.server.api.calls import CallsApi
from telephony.server.api.requests import Answers
from telephony.store.memory import MemoryStore

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SOUND = bytes(range(256)) * 8
KEY, OTHER = Key(bytes(range(32))), Key(bytes(32))
KEYS = KeyRing(KEY)
END = Termination("completed", "caller", "caller hung up")


async def fetched(
    name: str, path: str = "recording", method: str = "GET", keys: KeyRing | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """What there is of a call whose files are called *name*."""
    store = MemoryStore()
    await store.finish(CallRecord("1", "twilio", "CA1", "desk", termination=END, recording=name, cassette=name))
    async with serving(CallsApi(store, Answers(str), keys or KEYS).routes()) as client:
        key = key_of("calls:audio")
        return await client.ask(f"/calls/1/{path}", method=method, key=key, headers=headers)


@pytest.fixture(params=["1.wav", "1.wav.enc"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A file as it is, and one that is encrypted: nobody who asks for it can tell."""
    path = tmp_path / request.param
    path.write_bytes(encrypted(SOUND, KEY) if is_encrypted(path) else SOUND)
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


# -- encrypted files -----------------------------------------------------------------------------------------------

LONG = bytes(range(256)) * 4000
"""A megabyte: several pieces are sent."""


def long_file(folder: Path) -> Path:
    path = folder / "1.wav.enc"
    path.write_bytes(encrypted(LONG, KEY))
    return path


async def test_a_long_one_is_decrypted_piece_by_piece(tmp_path: Path) -> None:
    path = str(long_file(tmp_path))
    assert (await fetched(path))[2] == LONG
    status, headers, body = await fetched(path, Range="bytes=300000-900000")
    assert (status, headers["Content-Range"]) == (206, f"bytes 300000-900000/{len(LONG)}")
    assert body == LONG[300_000:900_001]


async def test_a_download_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    path = str(long_file(tmp_path))
    _, headers, _ = await fetched(path)
    ranged = {"Range": "bytes=1000000-", "If-Range": headers["Last-Modified"]}
    assert (await fetched(path, **ranged))[::2] == (206, LONG[1_000_000:])


async def test_a_recording_has_a_header_that_says_how_long_it_is(tmp_path: Path) -> None:
    path = tmp_path / "1.wav.enc"
    path.write_bytes(encrypted(wav.header(PCM16_8K, 2, wav.UNKNOWN) + SOUND, KEY))
    assert (await fetched(str(path)))[2] == wav.write(PCM16_8K, 2, SOUND)


async def test_without_its_key_there_is_a_problem_that_names_no_path(tmp_path: Path) -> None:
    path = long_file(tmp_path)
    with capture_logs() as logs:
        status, headers, body = await fetched(str(path), keys=KeyRing(OTHER))
    assert (status, headers["Content-Type"]) == (500, "application/problem+json; charset=utf-8")
    assert b"its key is not configured" in body
    assert str(tmp_path).encode() not in body
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert KEY.id.hex() in line["error"]
    assert (await fetched(str(path), keys=KeyRing(OTHER, [KEY])))[2] == LONG


async def test_what_somebody_has_changed_is_not_given(tmp_path: Path) -> None:
    path = long_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 10 * SEALED] ^= 1
    path.write_bytes(data)
    status, _, body = await fetched(str(path))
    assert (status, b"the file was changed" in body) == (500, True)
    assert (await fetched(str(path), Range=f"bytes=0-{10 * CHUNK - 1}"))[2] == LONG[: 10 * CHUNK]


async def test_where_it_was_changed_further_on_the_connection_is_cut_and_nothing_of_it_given(tmp_path: Path) -> None:
    path = long_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 200 * SEALED] ^= 1
    path.write_bytes(data)
    with capture_logs() as logs, pytest.raises(aiohttp.ClientError):
        await fetched(str(path))
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["a file of a call cannot be read"]


async def test_one_whose_process_died_before_anything_was_written_is_none(tmp_path: Path) -> None:
    path = tmp_path / "1.wav.enc"
    path.write_bytes(encrypted(b"", KEY))
    assert (await fetched(str(path)))[0] == 404


def cut_file(folder: Path) -> Path:
    path = long_file(folder)
    path.write_bytes(path.read_bytes()[: HEADER_BYTES + 7 * SEALED + 20])
    return path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_recording_that_was_cut_is_not_given_as_if_it_were_whole(tmp_path: Path, method: str) -> None:
    """It gets its name with its end, also after a crash: one without has been cut since."""
    path = cut_file(tmp_path)
    with capture_logs() as logs:
        status, headers, body = await fetched(str(path), method=method)
    assert (status, headers["Content-Type"]) == (500, "application/problem+json; charset=utf-8")
    assert (b"the file was changed" in body) is (method == "GET")
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert (line["path"], line["error"]) == (str(path), "its end is missing")


async def test_a_cassette_of_a_killed_process_is_given_as_far_as_it_goes_and_the_log_tells(tmp_path: Path) -> None:
    path = cut_file(tmp_path)
    with capture_logs() as logs:
        assert (await fetched(str(path), "cassette"))[::2] == (200, LONG[: 7 * CHUNK])
    assert [line["event"] for line in logs] == ["the end of an encrypted file is missing"]
