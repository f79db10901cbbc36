"""The run folder: made, chosen, and refused where somebody else could put sockets into it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from telephony.errors import ConfigurationError
from telephony.runtime.workers.folder import (
    NAME,
    connections_at,
    parent_at,
    parents_in,
    requests_at,
    run_folder,
)


@pytest.fixture
def short() -> Path:
    """A folder with a short path."""
    return Path(tempfile.mkdtemp(dir="/tmp"))


def test_the_setting_wins_over_what_the_system_offers(short: Path) -> None:
    offered = {"RUNTIME_DIRECTORY": f"{short / 'unit'}:{short / 'more'}", "XDG_RUNTIME_DIR": str(short / "user")}
    assert run_folder(str(short / "own"), offered) == short / "own"
    assert run_folder("", offered) == short / "unit"
    assert run_folder("", {"XDG_RUNTIME_DIR": str(short / "user")}) == short / "user" / "telephony"
    assert run_folder("", {}).parent == Path(tempfile.gettempdir())


def test_what_is_made_is_for_this_user_alone(short: Path) -> None:
    assert run_folder(str(short / "own"), {}).stat().st_mode & 0o077 == 0


def test_a_folder_that_others_can_write_to_is_refused(short: Path) -> None:
    short.chmod(0o777)
    with pytest.raises(ConfigurationError, match=r"run_folder: .* only this user can write to"):
        run_folder(str(short), {})


def test_a_link_is_no_folder(short: Path) -> None:
    (short / "real").mkdir(mode=0o700)
    (short / "link").symlink_to(short / "real")
    with pytest.raises(ConfigurationError, match="only this user can write to"):
        run_folder(str(short / "link"), {})


def test_a_file_in_its_place_is_told(short: Path) -> None:
    (short / "file").touch()
    with pytest.raises(ConfigurationError, match=r"run_folder: .*cannot be made"):
        run_folder(str(short / "file"), {})


def test_a_path_that_no_socket_can_have_is_refused(short: Path) -> None:
    with pytest.raises(ConfigurationError, match="too long"):
        run_folder(str(short / ("x" * 60)), {})


def test_parents_are_found_by_their_address(short: Path) -> None:
    for host, port, name in (("0.0.0.0", 8080, "a"), ("0.0.0.0", 8081, "b"), ("::1", 8080, "c")):  # noqa: S104
        parent_at(short, host, port, name).touch()
    assert [path.name for path in parents_in(short, "0.0.0.0", 8080)] == ["0.0.0.0-8080-a.parent"]  # noqa: S104
    assert [path.name for path in parents_in(short, "::1", 8080)] == ["__1-8080-c.parent"]


def test_names_lead_nowhere_else(short: Path) -> None:
    assert NAME.fullmatch("0123abcd-17")
    for name in ("", "..", "0123abcd", "0123abcd-1/../x", "0123abcd-1\n", "0123ABCD-1"):
        assert not NAME.fullmatch(name)
    assert requests_at(short, "0123abcd-1").parent == connections_at(short, "0123abcd-1").parent == short
