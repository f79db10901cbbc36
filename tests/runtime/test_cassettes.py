"""Recorded calls on disk: which files are meant, and putting a new one in the place of an old one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from disks import files_no_longer_than
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.format import FORMAT, Header, header_line, line
from telephony.errors import CassetteError
from telephony.runtime.cassettes import cassettes_in, new_carrier, open_cassette, write_cassette

HEADER = header_line(Header(FORMAT, "CA1", "twilio", "xai", {"name": "desk"}, {}))
LINES = [HEADER, line(0.5, "timer", "in", "null"), line(1.5, "timer", "in", "null")]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with calls in it, which is where we are."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.jsonl",
        "a.jsonl",
        "old/slow-2.jsonl",
        "old/slow-1.jsonl",
        "old/deep/c.jsonl",
        "a.wav",
        "old/x.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(HEADER)
    (tmp_path / "empty").mkdir()
    return tmp_path


def found(*places: str | Path) -> list[str]:
    return [str(path) for path in cassettes_in(places)]


# -- which files -----------------------------------------------------------------------------------------------------


def test_a_file_is_itself_whatever_it_is_called(calls: Path) -> None:
    assert found("b.jsonl", "a.wav") == ["b.jsonl", "a.wav"]
    assert found(calls / "b.jsonl") == [str(calls / "b.jsonl")]


def test_a_folder_means_all_cassettes_below_it_in_order(calls: Path) -> None:
    below = ["old/deep/c.jsonl", "old/slow-1.jsonl", "old/slow-2.jsonl"]
    assert found("old") == below
    assert found(".") == ["a.jsonl", "b.jsonl", *below]


def test_a_pattern_means_what_matches_it_in_order_and_folders_too(calls: Path) -> None:
    assert found("old/slow-*") == ["old/slow-1.jsonl", "old/slow-2.jsonl"]
    assert found("**/*.jsonl") == ["a.jsonl", "b.jsonl", "old/deep/c.jsonl", "old/slow-1.jsonl", "old/slow-2.jsonl"]
    assert found("o*/d*") == ["old/deep/c.jsonl"]
    assert found(str(calls / "[ab].jsonl")) == [str(calls / "a.jsonl"), str(calls / "b.jsonl")]


def test_a_file_with_the_signs_of_a_pattern_in_its_name_is_itself(calls: Path) -> None:
    (calls / "[ab]*.jsonl").write_bytes(HEADER)
    assert found("[ab]*.jsonl") == ["[ab]*.jsonl"]


def test_places_come_in_their_order_and_each_file_once_however_it_is_spelled(calls: Path) -> None:
    (calls / "link.jsonl").symlink_to("b.jsonl")
    spelled = ["b.jsonl", calls / "b.jsonl", "./b.jsonl", "old/../b.jsonl", "link.jsonl", "old", "*.jsonl"]
    assert found(*spelled) == ["b.jsonl", "old/deep/c.jsonl", "old/slow-1.jsonl", "old/slow-2.jsonl", "a.jsonl"]
    assert found() == []


@pytest.mark.parametrize("place", ["empty", "nowhere", "nowhere.jsonl", "fast-*", "emp*", "old/*.wav"])
def test_a_place_with_nothing_in_it_is_named_even_beside_others(calls: Path, place: str) -> None:
    with pytest.raises(CassetteError) as told:
        found("a.jsonl", place)
    assert str(told.value) == f"{place}: there is no recorded call. Name a file, a folder or a pattern, in quotes."


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_cassette_is_read_from_its_file_each_time_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES[:2]))
    made = open_cassette(path)
    assert (made.name, made.header.call_id) == (str(path), "CA1")
    assert [read.t for read in made.lines] == [0.5]
    path.write_bytes(b"".join(LINES))
    assert [read.t for read in made.lines] == [0.5, 1.5], "the call went on"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    for path, reason in [(tmp_path, "Is a directory"), (tmp_path / "nowhere", "No such file or directory")]:
        with pytest.raises(CassetteError) as told:
            open_cassette(path)
        assert str(told.value) == f"{path}: it cannot be read ({reason})"


def test_a_file_that_is_no_cassette_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(os.urandom(100))
    with pytest.raises(CassetteError, match=r"a\.jsonl: this is no cassette"):
        open_cassette(tmp_path / "a.jsonl")


def test_a_file_that_goes_while_it_is_in_use_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER)
    made = open_cassette(path)
    path.unlink()
    with pytest.raises(CassetteError, match="it cannot be read"):
        list(made.lines)


# -- writing ---------------------------------------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_cassette_is_written_with_its_folder_and_not_for_everybody_to_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.jsonl"
    write_cassette(path, iter(LINES))
    assert path.read_bytes() == b"".join(LINES)
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(path.parent) == ["a.jsonl"]


def test_who_may_read_it_stays_as_it_was_and_a_link_stays_a_link(tmp_path: Path) -> None:
    path = tmp_path / "calls" / "a.jsonl"
    write_cassette(path, LINES[:1])
    path.chmod(0o600)
    link = tmp_path / "latest.jsonl"
    link.symlink_to(path)
    write_cassette(link, LINES)
    assert link.is_symlink()
    assert path.read_bytes() == b"".join(LINES)
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(path.parent) == ["a.jsonl"]


def test_it_takes_the_place_of_the_one_it_is_made_from(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES))
    source = open_cassette(path)
    write_cassette(path, (line(read.t * 2, read.ch, read.dir, "null") for read in [*source.lines]))
    assert path.read_bytes() == line(1.0, "timer", "in", "null") + line(3.0, "timer", "in", "null")


@pytest.mark.parametrize(
    "failure", [CassetteError("a broken line"), KeyboardInterrupt(), ZeroDivisionError()], ids=repr
)
def test_what_was_there_stays_if_the_new_one_cannot_be_made(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER)

    def breaks_off() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise failure

    with pytest.raises(type(failure)):
        write_cassette(path, breaks_off())
    assert path.read_bytes() == HEADER
    assert names(tmp_path) == ["a.jsonl"]


def test_what_was_there_stays_if_the_disk_is_full(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER)
    with files_no_longer_than(50_000), pytest.raises(CassetteError, match=r"a\.jsonl: it cannot be written \(File too"):
        write_cassette(path, [b"x" * 40_000] * 3)
    assert path.read_bytes() == HEADER
    assert names(tmp_path) == ["a.jsonl"]


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.jsonl").mkdir()
    for path in (tmp_path / "file" / "a.jsonl", tmp_path / "folder.jsonl"):
        with pytest.raises(CassetteError, match=f"^{path}: it cannot be written"):
            write_cassette(path, LINES)
    assert names(tmp_path) == ["file", "folder.jsonl"]


# -- carriers --------------------------------------------------------------------------------------------------------


def test_every_stream_has_a_codec_of_its_own() -> None:
    one, other = new_carrier("twilio"), new_carrier("twilio")
    assert type(one) is TwilioStream
    assert one is not other
    assert one.traits.name == "twilio"


@pytest.mark.parametrize("name", ["", "Twilio", "pigeon"])
def test_a_carrier_that_is_none_is_told_with_those_there_are(name: str) -> None:
    with pytest.raises(CassetteError, match=f"there is no carrier '{name}'; known: twilio"):
        new_carrier(name)
