"""The library of calls: every cassette is what the list says it is. That they replay as they were recorded, each is a
test of its own: the plugin for pytest, which comes with the package, collects them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from library import CALLS
from library.shelf import FOLDER, README, NotShown, path_of, readme, recorded, unchanged
from telephony.cassette.replay import replay
from telephony.runtime.cassettes import SUFFIX, new_carrier, open_cassette

NAMES = sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))
ALL = 16_000_000
"""Bytes that the whole library may have: it is in everybody's clone."""


@pytest.mark.parametrize("name", NAMES)
def test_a_cassette_is_the_call_that_the_list_describes(name: str) -> None:
    assert unchanged(name, recorded(CALLS[name])), f"it is another call by now: make calls ARGS='--again {name}'"


def test_every_call_of_the_list_is_there_and_no_other() -> None:
    assert sorted(CALLS) == NAMES
    assert len(NAMES) >= 100
    assert sum(path_of(name).stat().st_size for name in NAMES) < ALL


def test_every_call_says_what_it_protects() -> None:
    for name, call in CALLS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
        assert re.fullmatch(r"[A-Z].+[^.]\.", call.about), name
        assert open_cassette(path_of(name)).header.about == call.about
    text = README.read_text(encoding="utf-8")
    assert readme(text, CALLS.values()) == text, "the table is not that of the list: make calls"


def test_a_call_that_does_not_show_its_behaviour_is_not_made() -> None:
    with pytest.raises(NotShown, match="does not show it"):
        recorded(replace(CALLS["barge-in-middle"], shows=lambda tape: not tape.to_carrier("clear")))
    with pytest.raises(NotShown, match="left over"):
        recorded(replace(CALLS["barge-in-middle"], steps=[{"say": "Where?"}, "hang_up"]))


def test_a_thousand_replays_have_one_digest() -> None:
    call = open_cassette(path_of("hung-up-while-the-caller-speaks"))
    assert len({replay(call, new_carrier, digest=True).digest for _ in range(1000)}) == 1
