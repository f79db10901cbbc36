"""Encrypted files on a real disk: what may be seen of them, what is left after a crash, and any part of them read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from disks import files_no_longer_than
from shelved import BIG, Made
from telephony.audio import wav
from telephony.audio.format import MULAW_8K, PCM16_8K
from telephony.bridge.callfile import PERIOD
from telephony.bridge.encrypted import EncryptedFile, encrypted, is_encrypted, name_of, open_encrypted, write_all
from telephony.bridge.errands import MessageFile
from telephony.bridge.reel import MARGIN
from telephony.bridge.shelf import Shelf, make_room
from telephony.bridge.tape import FRAME, HEADER, Tape, recover
from telephony.encryption.keys import Key, KeyRing
from telephony.encryption.stream import CHUNK, HEADER_BYTES, SEALED
from telephony.errors import EncryptionError

SECRET = bytes(range(7, 39))
KEY, OTHER = Key(SECRET), Key(bytes(32))
KEYS = KeyRing(KEY)
LOUD = b"\x10"
RATE = 8000
SAID = np.random.default_rng(5).integers(0, 256, 5 * RATE, np.uint8).tobytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call-1.wav"


def part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def content(path: Path, keys: KeyRing = KEYS) -> tuple[bytes, str]:
    with open_encrypted(path, keys) as file:
        return b"".join(file.pieces()), file.ending


async def recorded(path: Path, key: Key | None) -> Path:
    """Five seconds of noise on both sides, the agent half a second later."""
    tape = Tape(path, MULAW_8K, key=key)
    for n in range(250):
        tape.caller(n / 50, SAID[160 * n : 160 * (n + 1)])
        tape.agent(n / 50 + 0.5, SAID[160 * n : 160 * (n + 1)])
        if n % 12 == 0:
            await tape.write(n / 50)
    await tape.close(5.0)
    assert not tape.failed
    return tape.path


# -- recordings ----------------------------------------------------------------------------------------------------


async def test_a_recording_is_the_same_to_the_byte_as_one_that_is_not_encrypted(path: Path) -> None:
    plain = (await recorded(path.with_name("plain.wav"), None)).read_bytes()
    made = await recorded(path, KEY)
    assert made == path.with_name("call-1.wav.enc")
    assert sorted(each.name for each in path.parent.iterdir()) == ["call-1.wav.enc", "plain.wav"]
    assert content(made) == (plain, "whole")
    assert wav.read(plain).seconds == 5.0


async def test_nothing_that_can_be_played_is_on_the_disk_at_any_moment(path: Path) -> None:
    tape = Tape(path, MULAW_8K, key=KEY)
    for second in range(4):
        tape.caller(float(second), LOUD * RATE)
        await tape.write(second + 1.0)
        (file,) = path.parent.iterdir()
        assert_unreadable(file.read_bytes())
    await tape.close(4.0)
    assert_unreadable(tape.path.read_bytes())


def assert_unreadable(data: bytes) -> None:
    loud = wav.read(wav.write(PCM16_8K, 1, b"\x84\x82" * 4)).data
    assert b"RIFF" not in data
    assert b"data" not in data
    assert loud not in data
    if len(data) > 20_000:
        counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
        assert counts.max() < 3 * counts.mean(), "no byte is more frequent than chance has it"


async def test_a_message_is_encrypted_as_the_recording_is(path: Path) -> None:
    message = MessageFile(path, MULAW_8K, key=KEY)
    message.take(LOUD * 2 * RATE)
    await message.write(2.0)
    message.take(LOUD * 10)
    await message.close(2.1)
    assert message.path == name_of(path, KEY)
    sound = wav.read(content(message.path)[0])
    assert (sound.channels, sound.frames) == (1, 2 * RATE + 10)


async def test_a_call_that_said_nothing_leaves_an_empty_recording(path: Path) -> None:
    tape = Tape(path, MULAW_8K, key=KEY)
    await tape.close(0.0)
    assert content(tape.path) == (wav.header(PCM16_8K, 2, 0), "whole")


async def test_memory_holds_less_than_a_chunk_of_what_is_final(path: Path) -> None:
    tape = Tape(path, MULAW_8K, key=KEY)
    for second in range(10):
        tape.caller(float(second), LOUD * RATE)
        await tape.write(second + 1.0)
        chunks = (part(tape.path).stat().st_size - HEADER_BYTES) // SEALED
        assert chunks * CHUNK > HEADER + (second + 1.0 - MARGIN) * RATE * FRAME - FRAME - CHUNK
    await tape.close(10.0)


async def test_a_disk_that_fills_up_keeps_what_fitted_and_says_where_it_ends(path: Path) -> None:
    tape = Tape(path, MULAW_8K, key=KEY)
    with files_no_longer_than(HEADER_BYTES + 2 * SEALED + 100):
        for second in range(3):
            tape.caller(float(second), LOUD * RATE)
            await tape.write(second + 1.0)
        await tape.close(3.0)
    assert tape.failed == "File too large"
    kept, ending = content(tape.path)
    assert (len(kept), ending) == (2 * CHUNK, "recovered")
    assert wav.read(kept).frames == (2 * CHUNK - HEADER) // FRAME


async def test_a_disk_without_room_for_the_last_chunk_gives_the_file_its_name_all_the_same(path: Path) -> None:
    tape = Tape(path, MULAW_8K, key=KEY)
    tape.caller(0.0, LOUD * RATE)
    await tape.write(1.6)
    size = part(tape.path).stat().st_size
    with files_no_longer_than(size + 20):
        await tape.close(1.7)
    assert tape.failed == "File too large"
    assert content(tape.path)[1] == "recovered"


async def test_a_file_that_somebody_damages_while_it_is_written_ends_the_file_and_not_the_call(path: Path) -> None:
    tape = Tape(path, MULAW_8K, key=KEY)
    tape.caller(0.0, LOUD * RATE)
    await tape.write(1.6)
    with part(tape.path).open("r+b") as file:
        file.write(b"?")
    await tape.close(1.7)
    assert "its beginning is damaged" in tape.failed
    assert not tape.path.exists(), "it would be taken for a recording"


# -- after a crash -------------------------------------------------------------------------------------------------

RECORDER = """
import asyncio, sys
from pathlib import Path
from telephony.audio.format import MULAW_8K
from telephony.bridge.tape import Tape
from telephony.encryption.keys import Key

async def main():
    tape = Tape(Path(sys.argv[1]), MULAW_8K, key=Key(bytes.fromhex(sys.argv[2])))
    await tape.write(0.0)
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    class Clock:
        now = property(lambda self: loop.time() - began)
    clock = Clock()
    async with asyncio.TaskGroup() as group:
        group.create_task(tape.run(clock), name="tape")
        while True:
            while sent < clock.now * 50:
                tape.caller(sent / 50, bytes([0x10]) * 160)
                sent += 1
            print(clock.now, flush=True)
            await asyncio.sleep(0.02)

asyncio.run(main())
"""


def test_a_killed_process_loses_at_most_a_second(path: Path) -> None:
    command = [sys.executable, "-c", RECORDER, str(path), SECRET.hex()]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
    assert child.stdout is not None
    reached = 0.0
    while reached < 2.1:
        reached = float(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert recover(path.parent, KEYS) == [name_of(path, KEY)]
    kept, ending = content(name_of(path, KEY))
    sound = wav.read(kept)
    assert ending == "recovered"
    assert sound.seconds >= reached - 1.0
    assert kept == wav.write(PCM16_8K, 2, sound.data), "its header says what is there"
    assert set(np.frombuffer(sound.channel(0), "<i2")) == {-15996}
    assert MARGIN + PERIOD + CHUNK / (RATE * FRAME) < 1.0


def abandoned(path: Path, chunks: int, torn: int) -> Path:
    """What a process leaves that dies while it writes."""
    file = name_of(path, KEY)
    whole = encrypted(wav.header(PCM16_8K, 2, wav.UNKNOWN) + bytes(chunks * CHUNK), KEY)
    part(file).write_bytes(whole[: HEADER_BYTES + chunks * SEALED + torn])
    return file


@pytest.mark.parametrize("torn", [0, 1, 15, 16, 44])
def test_a_torn_chunk_is_cut_off(path: Path, torn: int) -> None:
    file = abandoned(path, 3, torn)
    assert recover(path.parent, KEYS) == [file]
    kept, ending = content(file)
    assert (len(kept), ending) == (3 * CHUNK, "recovered")
    assert wav.read(kept).frames == (3 * CHUNK - HEADER) // FRAME
    assert recover(path.parent, KEYS) == []


def test_one_that_had_its_end_and_not_yet_its_name_is_whole(path: Path) -> None:
    file = abandoned(path, 3, 60)
    assert recover(path.parent, KEYS) == [file]
    assert content(file)[1] == "whole"


def test_one_whose_key_is_not_here_waits_for_it_and_is_told_of(path: Path) -> None:
    file = abandoned(path, 2, 9)
    with capture_logs() as logs:
        assert recover(path.parent, KeyRing(OTHER)) == []
    (line,) = logs
    assert (line["log_level"], line["event"]) == ("warning", "an abandoned recording cannot be finished")
    assert KEY.id.hex() in line["error"]
    assert recover(path.parent, KeyRing(OTHER, [KEY])) == [file]


def test_both_kinds_are_recovered_side_by_side(path: Path) -> None:
    plain = path.with_name("call-0.wav")
    part(plain).write_bytes(wav.header(PCM16_8K, 2, 0) + bytes(400))
    assert recover(path.parent, KEYS) == [plain]
    assert recover(path.parent, KEYS) == []
    file = abandoned(path, 1, 0)
    assert recover(path.parent, KEYS) == [file]


# -- cassettes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as threads:
        yield threads


async def test_a_cassette_is_encrypted_and_reads_line_by_line_as_it_was_written(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    made = Made(Shelf(tmp_path, BIG, BIG, str, pool, KEY), "call-1")
    for second in range(3):
        made.talk(second, second + 1)
        await made.file.write(float(second))
    await made.file.close(3.0)
    assert made.file.path == tmp_path / "call-1.jsonl.enc"
    data = made.file.path.read_bytes()
    assert b"media" not in data
    with open_encrypted(made.file.path, KEYS) as file:
        lines = list(file.lines())
        assert file.ending == "whole"
    assert b"".join(lines) == content(made.file.path)[0]
    assert lines[0].startswith(b'{"cassette":')
    assert all(line.startswith(b"{") and line.endswith(b"}\n") for line in lines)
    assert len(lines) > 150


def test_encrypted_cassettes_make_room_as_the_others_do(tmp_path: Path) -> None:
    for n, name in enumerate(["1.jsonl.enc", "2.jsonl", "3.jsonl.enc"]):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (n, n))
    assert make_room(tmp_path, 150) == [tmp_path / "1.jsonl.enc", tmp_path / "2.jsonl"]


# -- reading -------------------------------------------------------------------------------------------------------

CONTENT = np.random.default_rng(3).bytes(5 * CHUNK + 77)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "a.enc"
    found.write_bytes(encrypted(CONTENT, KEY))
    return found


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(CONTENT) + 10), length=st.integers(0, len(CONTENT) + 10))
def test_any_part_can_be_read(file: Path, start: int, length: int) -> None:
    with EncryptedFile(file, KEYS) as opened:
        assert opened.size == len(CONTENT)
        assert opened.read(start, length) == CONTENT[start : start + length]
        assert b"".join(opened.pieces(start, start + length)) == CONTENT[start : start + length]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.binary(max_size=3000).map(lambda line: line.replace(b"\n", b".")), max_size=12))
def test_lines_are_those_of_the_text(tmp_path: Path, text: list[bytes]) -> None:
    path = tmp_path / "lines.enc"
    whole = b"\n".join(text)
    path.write_bytes(encrypted(whole, KEY))
    with EncryptedFile(path, KEYS) as opened:
        assert list(opened.lines()) == [line + b"\n" for line in text[:-1]] + [line for line in text[-1:] if line]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 5 * SEALED), bit=st.integers(0, 7))
def test_what_somebody_has_changed_is_never_given(tmp_path: Path, file: Path, at: int, bit: int) -> None:
    changed = bytearray(file.read_bytes())
    changed[at] ^= 1 << bit
    path = tmp_path / "changed.enc"
    path.write_bytes(changed)
    with pytest.raises(EncryptionError), open_encrypted(path, KEYS) as opened:
        b"".join(opened.pieces())


def test_one_that_was_cut_is_read_as_far_as_it_goes_and_says_so(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    assert content(file) == (CONTENT[: 5 * CHUNK], "cut")


def test_old_keys_read_what_they_encrypted(file: Path) -> None:
    assert content(file, KeyRing(OTHER, [KEY])) == (CONTENT, "whole")


@pytest.mark.parametrize("data", [b"", b"RIFF" * 100, b"TELENC1\n"])
def test_what_is_no_such_file_is_told_with_its_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.enc"
    path.write_bytes(data)
    with pytest.raises(EncryptionError, match=f"{path}: it is no encrypted file of ours"):
        open_encrypted(path, KEYS)


def test_an_hour_is_read_without_holding_it(tmp_path: Path) -> None:
    path = tmp_path / "hour.enc"
    size = 20_000_000
    path.write_bytes(encrypted(bytes(size), KEY))
    with open_encrypted(path, KEYS) as file:
        tracemalloc.start()
        assert sum(len(piece) for piece in file.pieces()) == size
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3_000_000


def test_names_tell_what_is_encrypted(path: Path) -> None:
    assert name_of(path, None) == path
    assert [is_encrypted(each) for each in (path, name_of(path, KEY))] == [False, True]


def test_all_is_written_behind_what_is_there(tmp_path: Path) -> None:
    file = os.open(tmp_path / "c", os.O_RDWR | os.O_CREAT)
    write_all(file, b"one")
    os.lseek(file, 0, os.SEEK_SET)
    write_all(file, b"two")
    os.close(file)
    assert (tmp_path / "c").read_bytes() == b"onetwo"
