"""What tools are given besides their arguments: opened once, by type, and closed in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from telephony.commands import RunTool
from telephony.errors import ConfigurationError
from telephony.tools import CallContext, Toolbox, provided, tool
from telephony.tools.provided import opened, types_of

LOG: list[str] = []
SOURCE = """
import sqlite3
from collections.abc import Iterator

number = 3

def open_it() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()
"""


class Database:
    name = "orders"


class Client:
    async def __aenter__(self) -> Client:
        LOG.append("client opens")
        return self

    async def __aexit__(self, *_: object) -> None:
        LOG.append("client closes")


class Plain:
    pass


@dataclass
class Writable:
    """What a model could write as well."""

    name: str = ""
    tags: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def open_database() -> AsyncIterator[Database]:
    LOG.append("database opens")
    try:
        yield Database()
    finally:
        LOG.append("database closes")


async def bare_generator() -> AsyncIterator[Database]:
    yield Database()


@contextlib.contextmanager
def sync_manager() -> Iterator[Database]:
    yield Database()


def sync_generator() -> Iterator[Database]:
    yield Database()


async def makes_one() -> Database:
    return Database()


def makes_a_client() -> Client:
    return Client()


@pytest.fixture(autouse=True)
def clean_log() -> None:
    LOG.clear()


@pytest.mark.parametrize("opener", [open_database, bare_generator, sync_manager, sync_generator, makes_one, Database])
async def test_whatever_opens_it_is_known_by_what_it_opens(opener: Any) -> None:
    async with opened([opener]) as there:
        assert isinstance(there[Database], Database)


async def test_all_are_opened_in_order_and_closed_in_reverse() -> None:
    async with opened([open_database, makes_a_client, Plain]) as there:
        assert set(there) == {Database, Client, Plain}
        assert LOG == ["database opens", "client opens"]
    assert LOG[2:] == ["client closes", "database closes"]


async def test_a_reference_is_found_in_its_module(write_module: Callable[[str, str], None]) -> None:
    write_module("my_db", SOURCE)
    async with opened(["my_db:open_it"]) as there:
        assert there[sqlite3.Connection].execute("select 1").fetchone() == (1,)
    for reference, problem in [
        ("my_db:opn_it", "Did you mean my_db:open_it"),
        ("my_db", "module:function"),
        ("my_db:number", "nothing that could be called"),
        ("my_bd:open_it", "no module my_bd"),
    ]:
        with pytest.raises(ConfigurationError, match=problem):
            async with opened([reference], "provide"):
                pass


def fails() -> Database:
    raise ConnectionRefusedError("nobody there")


def says_nothing():  # type: ignore[no-untyped-def]
    return Database()


@pytest.mark.parametrize(
    ("provide", "problem"),
    [
        ([fails], "fails.*ConnectionRefusedError: nobody there"),
        ([says_nothing], "does not say of which type"),
        ([open_database, Database], "provided already"),
        ([3], "cannot be called"),
    ],
)
async def test_what_cannot_be_opened_is_told_by_name_and_the_rest_is_closed(provide: list[Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        async with opened([makes_a_client, *provide], "provide"):
            pass
    assert LOG[-1] == "client closes"


async def test_opening_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Database:
        await asyncio.Event().wait()
        return Database()

    monkeypatch.setattr(provided, "OPENING", 0.05)
    with pytest.raises(ConfigurationError, match="not open after"):
        async with opened([never]):
            pass


def test_what_would_be_opened_is_known_without_opening_it() -> None:
    assert list(types_of([open_database, makes_a_client, fails])) == [Database, Client]
    assert LOG == []


# -- with tools ----------------------------------------------------------------------------------------------------


@tool
async def look_up(call: CallContext, database: Database, order: str) -> str:
    """Look up."""
    return f"{order} in {database.name}"


@tool
def look_up_in_a_thread(order: str, database: Database) -> str:
    """Look up."""
    return f"{order} in {database.name}"


@pytest.mark.parametrize("each", [look_up, look_up_in_a_thread])
async def test_a_tool_is_given_what_it_needs_and_the_model_is_not_asked_for_it(each: Any) -> None:
    assert list(each.spec.parameters["properties"]) == ["order"]
    async with opened([open_database]) as there:
        box = Toolbox([each], there)
        call = RunTool("c1", each.spec.name, '{"order": "A-1"}')
        assert (await box.run(call, CallContext())).output == "A-1 in orders"
        await box.close()


async def test_a_model_cannot_give_what_is_not_its_to_give() -> None:
    finished = await Toolbox([look_up], {Database: Database()}).run(
        RunTool("c1", "look_up", '{"order": "A", "database": "B"}'), CallContext()
    )
    assert finished.outcome == "invalid"


def test_a_tool_that_nobody_provides_for_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="`database` is a `Database`, which has no JSON form, and nothing"):
        Toolbox([look_up])


def test_what_is_provided_must_not_be_something_the_model_would_be_asked_for() -> None:
    @tool
    def look(config: Writable) -> None: ...

    with pytest.raises(ConfigurationError, match="a model can write one as well"):
        Toolbox([look], {Writable: Writable()})
