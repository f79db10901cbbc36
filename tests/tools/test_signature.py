"""What a signature and a docstring become, and which functions are refused with which sentence."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic takes that of `typing` from Python 3.12 on

from telephony.errors import ConfigurationError
from telephony.tools.context import CallContext
from telephony.tools.signature import read_signature

if TYPE_CHECKING:
    from decimal import Decimal


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    sku: str
    count: int = 1


@dataclass
class Point:
    x: float
    y: float = 0.0


class Wish(TypedDict):
    what: str


class Unfinished(BaseModel):
    later: Never  # type: ignore[name-defined]  # noqa: F821


class Opaque:
    """Nothing that JSON could hold."""


def properties(function: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = read_signature(function).parameters["properties"]
    return found


def test_every_ordinary_type_has_its_schema() -> None:
    def f(
        a: str,
        b: int,
        c: float,
        d: bool,
        e: Literal["x", "y"],
        f: Colour,
        g: list[Item],
        h: dict[str, int],
        i: Optional[int],  # noqa: UP045  people write it so
        j: Annotated[int, Field(gt=3, description="Above three.")],
        k: datetime.date,
        m: Point,
        n: Wish,
        o: Any,
    ) -> None: ...

    found = properties(f)
    assert found["a"] == {"type": "string"}
    assert found["b"] == {"type": "integer"}
    assert found["c"] == {"type": "number"}
    assert found["d"] == {"type": "boolean"}
    assert found["e"] == {"type": "string", "enum": ["x", "y"]}
    assert found["f"] == {"type": "string", "enum": ["red", "blue"]}
    assert found["g"]["items"]["required"] == ["sku"]
    assert found["h"]["additionalProperties"] == {"type": "integer"}
    assert found["i"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert found["j"] == {"type": "integer", "exclusiveMinimum": 3, "description": "Above three."}
    assert found["k"] == {"type": "string", "format": "date"}
    assert found["m"]["required"] == ["x"]
    assert found["n"]["additionalProperties"] is False
    assert found["o"] == {}
    assert read_signature(f).parameters["required"] == [*"abcdefghijkmno"]


def test_defaults_make_arguments_optional_and_are_shown() -> None:
    def f(a: int = 3, b: Colour = Colour.RED, *, c: str | None = None) -> None: ...

    schema = read_signature(f).parameters
    assert "required" not in schema
    assert [schema["properties"][name]["default"] for name in "abc"] == [3, "red", None]


def test_names_that_pydantic_keeps_for_itself_can_be_parameters() -> None:
    def f(schema: str, model_config: int, copy: bool, _hidden: str, json: str) -> None: ...

    assert list(properties(f)) == ["schema", "model_config", "copy", "_hidden", "json"]


def test_an_alias_of_the_authors_does_not_rename_the_parameter() -> None:
    def f(a: Annotated[int, Field(alias="x", validation_alias="y")]) -> None: ...

    assert list(properties(f)) == ["a"]


def test_the_context_is_hidden_from_the_model() -> None:
    def f(call: CallContext, a: int) -> None: ...

    found = read_signature(f)
    assert found.takes_context
    assert found.names == ("a",)
    assert list(found.parameters["properties"]) == ["a"]


def test_a_bound_method_hides_self() -> None:
    class Shop:
        def find(self, sku: str) -> str:
            return sku

    assert list(properties(Shop().find)) == ["sku"]


GOOGLE = """Look up.

    More about it,
    on two lines.

    Args:
        a: The first,
            wrapped.
        b (int): The second.

    Returns:
        Something.

    Raises:
        ValueError: If not.
    """
NUMPY = """Look up.

    More about it,
    on two lines.

    Parameters
    ----------
    a : int
        The first,
        wrapped.
    b : int, optional
        The second.

    Returns
    -------
    str
        Something.
    """
SPHINX = """Look up.

    More about it,
    on two lines.

    :param a: The first,
        wrapped.
    :param int b: The second.
    :returns: Something.
    """


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_docstrings_describe_the_function_and_its_arguments(docstring: str) -> None:
    def f(a: int, b: int) -> None: ...

    f.__doc__ = docstring
    found = read_signature(f)
    assert found.description == "Look up.\nMore about it,\non two lines."
    described = [schema["description"] for schema in found.parameters["properties"].values()]
    assert described == ["The first, wrapped.", "The second."]


def test_numpy_parameters_that_share_a_line_share_their_description() -> None:
    def f(a: int, b: int) -> None:
        """Add.

        Parameters
        ----------
        a, b : int
            A number.
        """

    assert [schema["description"] for schema in properties(f).values()] == ["A number.", "A number."]


def test_annotated_wins_over_the_docstring() -> None:
    def f(a: Annotated[int, "From the hint."], b: Annotated[int, Field(description="From the field.")]) -> None:
        """Do.

        Args:
            a: From the docstring.
            b: From the docstring.
        """

    assert [schema["description"] for schema in properties(f).values()] == ["From the hint.", "From the field."]


@pytest.mark.parametrize("docstring", [None, "", "Args:\n  a", ":param", "Just words: with a colon.", "\n\n---\n\n"])
def test_odd_docstrings_do_no_harm(docstring: str | None) -> None:
    def f(a: int) -> None: ...

    f.__doc__ = docstring
    assert list(properties(f)) == ["a"]


def unannotated(a) -> None: ...  # type: ignore[no-untyped-def]
def star(*numbers: int) -> None: ...
def double_star(**options: int) -> None: ...
def positional(a: int, /) -> None: ...
def nested_opaque(a: list[Opaque]) -> None: ...
def function_type(a: Callable[[int], str]) -> None: ...
def wrong_default(a: int = "many") -> None: ...  # type: ignore[assignment]
def none_default(a: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013
def out_of_bounds(a: Annotated[int, Field(gt=3)] = 1) -> None: ...
def field_default(a: int = Field(3)) -> None: ...
def late_context(a: int, call: CallContext) -> None: ...
def optional_context(call: CallContext | None = None) -> None: ...
def unknown_type(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def only_for_checkers(a: Decimal) -> None: ...
def no_type(a: 3) -> None: ...  # type: ignore[valid-type]
def unfinished_model(a: Unfinished) -> None: ...
def method(self) -> None: ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("function", "parameter", "problem", "remedy"),
    [
        (unannotated, "a", "no type annotation", "a: str"),
        (star, "numbers", "*numbers", "Name each"),
        (double_star, "options", "**options", "Name each"),
        (positional, "a", "positional-only", "Remove the `/`"),
        (nested_opaque, "a", "`list[Opaque]`, which has no JSON form", "pydantic model"),
        (function_type, "a", "no JSON form", "build anything else inside"),
        (wrong_default, "a", "the default 'many', which is no `int`", "Change"),
        (none_default, "a", "the default None", "`int | None`"),
        (out_of_bounds, "a", "the default 1", "Change"),
        (field_default, "a", "Field(…) for its default", "Annotated"),
        (late_context, "call", "CallContext", "first parameter"),
        (optional_context, "call", "CallContext", "first parameter"),
        (unknown_type, "a", "cannot be evaluated", "top level"),
        (only_for_checkers, "a", "'Decimal' is not defined", "TYPE_CHECKING"),
        (no_type, "a", "`3`", ""),
        (unfinished_model, "a", "cannot make a schema", "not fully defined"),
        (method, "self", "method", "tool(shop.look_up)"),
    ],
)
def test_what_no_model_could_call_is_refused_by_name(
    function: Callable[..., Any], parameter: str, problem: str, remedy: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_signature(function)
    error = caught.value
    assert error.key == f"tool {function.__name__}"
    assert error.place == f"{function.__module__}.{function.__qualname__}"
    assert f"the parameter `{parameter}`" in error.problem
    assert problem in error.problem
    assert remedy in error.remedy


def test_a_type_that_is_local_to_a_function_is_refused_with_the_way_out() -> None:
    class Local(BaseModel):
        x: int

    def f(a: Local) -> None: ...

    with pytest.raises(ConfigurationError, match="top level of the module"):
        read_signature(f)


def test_a_default_without_json_form_is_left_out_of_the_schema() -> None:
    def f(a: Any = Opaque) -> None: ...

    assert properties(f)["a"] == {}


def test_annotations_that_are_no_strings_are_named_too() -> None:
    def f(a: Any) -> None: ...

    f.__annotations__["a"] = list[Opaque]
    with pytest.raises(ConfigurationError) as caught:
        read_signature(f)
    assert "Opaque]`" in caught.value.problem


def test_a_class_that_no_json_can_make_is_hidden_from_the_model_and_needed() -> None:
    def f(call: CallContext, a: Opaque, b: int = 1, c: Opaque = Opaque()) -> None: ...  # noqa: B008

    signature = read_signature(f)
    assert signature.names == ("b",)
    assert list(signature.parameters["properties"]) == ["b"]
    assert signature.needs == {"a": Opaque, "c": Opaque}
    assert set(signature.defaults) == {"b", "c"}


def test_annotated_without_words_leaves_the_docstring_its_say() -> None:
    def f(a: Annotated[int, Field(gt=3)]) -> None:
        """Do.

        Args:
            a: From the docstring.
        """

    assert properties(f)["a"]["description"] == "From the docstring."
