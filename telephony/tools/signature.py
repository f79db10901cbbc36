"""What a function's signature and docstring say, as a pydantic model and a JSON Schema.

Whatever cannot be offered to a model is refused here, when the function is defined: a typing mistake must not wait for
a caller to find it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple, NoReturn, get_args, get_origin, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import Field, FieldInfo

from telephony.errors import ConfigurationError
from telephony.tools.context import CallContext
from telephony.tools.schema import Generator, Schema, provider_schema

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""A value is taken if the schema allows it, and refused if not: `"5"` is no integer. Models of the tool's author inside
the arguments follow their own configuration."""

_NO_JSON = (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema)
_UNUSABLE = (PydanticUserError, TypeError, ValueError, AttributeError, NameError, RecursionError)
"""What else pydantic raises for an annotation it cannot work with; its `PydanticUndefinedAnnotation` is a NameError."""


class Signature(NamedTuple):
    """A function as its caller, the model, sees it."""

    arguments: type[BaseModel]
    """Fields `arg0`, `arg1` … whose aliases are the names of the parameters, so that a parameter may have any name,
    also one that pydantic keeps for itself."""
    names: tuple[str, ...]
    """Of the parameters that the model gives, in order; field `arg{i}` holds `names[i]`."""
    takes_context: bool
    """Whether the first parameter is the `CallContext`."""
    needs: dict[str, type]
    """Parameters that nobody could write down as JSON, and their types: whoever runs the function has to give them."""
    annotations: dict[str, Any]
    """Of the parameters that the model gives."""
    defaults: dict[str, Any]
    """Of those that may be left out, of either kind."""
    description: str
    parameters: Schema


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read *function*'s signature and docstring; raise `ConfigurationError` for what no model could call."""
    reader = _Reader(function)
    described, documented = _documentation(function)
    parameters = list(inspect.signature(function).parameters.values())
    annotations = [reader.annotation(parameter) for parameter in parameters]
    takes_context = bool(annotations) and annotations[0] is CallContext
    rest = list(zip(parameters, annotations, strict=True))[takes_context:]
    needs = {parameter.name: annotation for parameter, annotation in rest if reader.is_handle(annotation)}
    offered = [(parameter, annotation) for parameter, annotation in rest if parameter.name not in needs]
    fields: dict[str, Any] = {}
    for index, (parameter, annotation) in enumerate(offered):
        fields[f"arg{index}"] = reader.field(parameter, annotation, documented.get(parameter.name))
    arguments = create_model(reader.name, __config__=_STRICT, **fields)
    schema = arguments.model_json_schema(schema_generator=Generator)
    names = tuple(parameter.name for parameter, _ in offered)
    defaults = {parameter.name: parameter.default for parameter, _ in rest if parameter.default is not parameter.empty}
    return Signature(
        arguments,
        names,
        takes_context,
        needs,
        {parameter.name: annotation for parameter, annotation in offered},
        defaults,
        described,
        provider_schema(schema),
    )


class _Reader:
    """Reads parameters one at a time, so that a complaint can name the one it is about."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = function.__name__
        plain = inspect.unwrap(function)
        self._globals: dict[str, Any] = getattr(plain, "__globals__", {})
        self._place = f"{function.__module__}.{function.__qualname__}"

    def annotation(self, parameter: inspect.Parameter) -> Any:
        """The annotation as a type."""
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            problem = f"takes {star}{parameter.name}, which has no place in a JSON object of known names"
            self._refuse(parameter, problem, "Name each argument.")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            self._refuse(parameter, "is positional-only, but a model gives arguments by name", "Remove the `/`.")
        if parameter.annotation is parameter.empty and parameter.name in ("self", "cls"):
            remedy = "Make the tool of the bound method: tool(shop.look_up)."
            self._refuse(parameter, "belongs to a method that is bound to nothing yet", remedy)
        if parameter.annotation is parameter.empty:
            self._refuse(parameter, "has no type annotation", f"Say what it is, such as `{parameter.name}: str`.")
        return self._evaluate(parameter)

    def _evaluate(self, parameter: inspect.Parameter) -> Any:
        holder = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
        try:
            return get_type_hints(holder, globalns=self._globals, include_extras=True)[parameter.name]
        except (NameError, AttributeError, TypeError, SyntaxError) as error:
            problem = f"has the annotation `{parameter.annotation}`, which cannot be evaluated ({error})"
            remedy = "Define or import it at the top level of the module, not in a function or under TYPE_CHECKING."
            self._refuse(parameter, problem, remedy, error)

    def is_handle(self, annotation: Any) -> bool:
        """Whether it is a class of which no JSON can be an instance, such as a database's."""
        if not isinstance(annotation, type) or get_args(annotation) or annotation.__module__ == "builtins":
            return False
        try:
            create_model(self.name, value=(annotation, ...)).model_json_schema(schema_generator=Generator)
        except _NO_JSON:
            return not issubclass(annotation, CallContext)
        except _UNUSABLE:
            return False
        return False

    def field(self, parameter: inspect.Parameter, annotation: Any, documented: str | None) -> tuple[Any, FieldInfo]:
        """What `create_model` wants for one parameter."""
        if any(part is CallContext for part in _parts(annotation)):
            remedy = "Let it be the first parameter, annotated `CallContext` and nothing more."
            self._refuse(parameter, "hides a CallContext where none can be given", remedy)
        default = self._default(parameter, self._probe(parameter, annotation))
        options: dict[str, Any] = {"alias": parameter.name, "validation_alias": parameter.name}
        if description := _own_description(annotation) or documented:
            options["description"] = description
        return annotation, Field(default, **options)

    def _probe(self, parameter: inspect.Parameter, annotation: Any) -> type[BaseModel]:
        """A model of this parameter alone; making it and its schema shows whether the type can be offered."""
        try:
            probe = create_model(self.name, __config__=_STRICT, value=(annotation, ...))
            probe.model_json_schema(schema_generator=Generator)
        except _NO_JSON as error:
            problem = f"has the type `{_text(parameter.annotation)}`, which has no JSON form"
            remedy = (
                "Use str, int, float, bool, list, dict, an Enum, a Literal, a date or a pydantic model, "
                "and build anything else inside the function."
            )
            self._refuse(parameter, problem, remedy, error)
        except _UNUSABLE as error:
            problem = f"has the type `{_text(parameter.annotation)}`, of which pydantic cannot make a schema"
            self._refuse(parameter, problem, f"It says: {str(error).partition(chr(10))[0]}", error)
        return probe

    def _default(self, parameter: inspect.Parameter, probe: type[BaseModel]) -> Any:
        """The default, once it was seen to be of the parameter's own type; `...` where there is none."""
        if parameter.default is parameter.empty:
            return ...
        if isinstance(parameter.default, FieldInfo):
            remedy = f"Write `{parameter.name}: Annotated[<type>, Field(<limits>)] = <default>`."
            self._refuse(parameter, "has a Field(…) for its default, which a plain call would receive", remedy)
        try:
            probe.model_validate({"value": parameter.default})
        except ValidationError as error:
            annotation = _text(parameter.annotation)
            problem = f"has the default {parameter.default!r}, which is no `{annotation}`"
            remedy = "Change the default or the annotation."
            if parameter.default is None:
                remedy = f"Annotate it `{annotation} | None`."
            self._refuse(parameter, problem, remedy, error)
        return parameter.default

    def _refuse(
        self, parameter: inspect.Parameter, problem: str, remedy: str, cause: Exception | None = None
    ) -> NoReturn:
        problem = f"the parameter `{parameter.name}` {problem}"
        raise ConfigurationError(f"tool {self.name}", problem, remedy, self._place) from cause


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation and everything inside its brackets."""
    yield annotation
    for part in annotation if isinstance(annotation, list) else get_args(annotation):
        yield from _parts(part)


def _own_description(annotation: Any) -> str | None:
    """What `Annotated[str, Field(description="…")]` or `Annotated[str, "…"]` says; it wins over the docstring."""
    if get_origin(annotation) is not Annotated:
        return None
    for extra in annotation.__metadata__:
        if isinstance(extra, FieldInfo) and extra.description:
            return extra.description
        if isinstance(extra, str):
            return extra
    return None


def _text(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return annotation.__qualname__ if isinstance(annotation, type) and not get_args(annotation) else repr(annotation)


def _documentation(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The description and those of the parameters, from a docstring in Google's, NumPy's or Sphinx's style."""
    # Of no style in particular: text that fits none is a description, so nothing is raised here.
    found = docstring_parser.parse(inspect.getdoc(function) or "")
    paragraphs = [part for part in (found.short_description, found.long_description) if part]
    documented = {
        name.strip().lstrip("*"): " ".join(parameter.description.split())
        for parameter in found.params
        if parameter.description
        for name in parameter.arg_name.split(",")  # NumPy lets parameters share a line: `x, y : int`
    }
    return "\n".join(paragraphs), documented
