"""The mutation check: no mistake of the list goes unnoticed by the library of calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from library.shelf import path_of
from mutations import MUTATIONS
from mutations.kit import Mutation
from mutations.workshop import PACKAGE, Workshop, mutated

PARTS = ("conversation", "realtime", "carriers", "audio", "exchange.py")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_mistake_is_noticed_by_the_calls_that_are_to_notice_it(workshop: Workshop, mutation: Mutation) -> None:
    assert workshop.noticed(mutation, [path_of(name) for name in mutation.caught_by]) == list(mutation.caught_by)


def test_without_a_mistake_the_same_calls_notice_nothing(workshop: Workshop) -> None:
    names = sorted({name for mutation in MUTATIONS for name in mutation.caught_by})
    assert workshop.noticed(None, [path_of(name) for name in names]) == []


def test_a_mistake_is_gone_when_it_was_noticed(workshop: Workshop) -> None:
    first = MUTATIONS[0]
    right = (workshop.copy / first.file).read_text(encoding="utf-8")
    assert workshop.noticed(first, [path_of(first.caught_by[0])])
    assert (workshop.copy / first.file).read_text(encoding="utf-8") == right


def test_mistakes_are_many_in_many_places_and_each_stands_in_the_source_once() -> None:
    assert len(MUTATIONS) >= 70
    assert {part for part in PARTS if any(mutation.file.startswith(part) for mutation in MUTATIONS)} == set(PARTS)
    for mutation in MUTATIONS:
        assert mutation.caught_by
        assert mutation.old != mutation.new
        source = (PACKAGE / mutation.file).read_text(encoding="utf-8")
        assert mutated(source, mutation) != source
