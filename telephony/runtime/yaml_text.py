"""YAML with line numbers: composed into nodes by PyYAML, then into located values.

Keys are taken as they are written, whatever YAML would make of them: `+15550100:` is a telephone number and `on:` is a
word. A key that stands twice is refused, since one of the two would silently win.
"""

from __future__ import annotations

from collections.abc import Callable

import yaml

from telephony.errors import ConfigurationError
from telephony.runtime.located import Located

CONTAINERS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
MERGE = "tag:yaml.org,2002:merge"


def parse(text: str, place: Callable[[int], str], key: str = "YAML") -> Located:
    """The document in *text*.

    *place* turns a line number, from 1, into words; *key* is what an error calls the document. Raises
    `ConfigurationError` for what is not YAML, never quoting the text: it may hold a secret.
    """
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        problem, where = "it holds a character that YAML does not allow", place(text.count("\n", 0, error.position) + 1)
        raise ConfigurationError(key, problem, "Remove it, and save the file as UTF-8 text.", where) from None
    try:
        node = loader.get_single_node()
        return Located(None, place(1)) if node is None else _Reader(loader, place).read(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = place(mark.line + 1 if mark else 1)
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigurationError(key, f"this is not YAML: {problem}", _remedy(problem), where) from None
    finally:
        loader.dispose()


def _remedy(problem: str) -> str:
    if "\\t" in problem:
        return "Indent with spaces; YAML does not allow tabs."
    if "mapping values are not allowed" in problem:
        return "Indent the line as its neighbours, or put a value that holds ': ' in quotes."
    return "Check indentation, quotes and brackets at that line and the one before."


class _Reader:
    """Turns nodes into located values; an anchor's node is read once, however often it is used."""

    def __init__(self, loader: yaml.SafeLoader, place: Callable[[int], str]) -> None:
        self._loader = loader
        self._place = place
        self._read: dict[yaml.Node, Located | None] = {}

    def read(self, node: yaml.Node, place: str = "") -> Located:
        place = place or self._where(node)
        if node in self._read:
            known = self._read[node]
            if known is None:
                raise ConfigurationError("YAML", "an anchor holds itself", "Take the inner alias (*…) out.", place)
            return Located(known.value, place)
        self._read[node] = None
        self._read[node] = result = Located(self._value(node), place)
        return result

    def _value(self, node: yaml.Node) -> object:
        if not isinstance(node, yaml.ScalarNode) and node.tag not in CONTAINERS:
            raise yaml.MarkedYAMLError(None, None, f"could not determine a constructor for {node.tag}", node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item) for item in node.value]
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError, AttributeError, OverflowError):
            # `2024-13-01` looks like a date to YAML, `!!bool x` says it is a truth value: PyYAML just tries.
            kind = node.tag.rpartition(":")[2]
            problem = f"it looks like YAML's {kind} and is none"
            raise ConfigurationError("YAML", problem, "Put it in quotes.", self._where(node)) from None

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Located]:
        seen: dict[str, str] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                problem = "a key must be a word, not a list or a mapping"
                raise ConfigurationError("YAML", problem, "Put it in quotes.", self._where(key))
            if key.value in seen and key.tag != MERGE:
                problem = f"the key stands twice, the first time at {seen[key.value]}"
                raise ConfigurationError(key.value, problem, "Remove one of them.", self._where(key))
            seen[key.value] = self._where(key)
        # `<<: *anchor` puts the anchor's keys first, so that the mapping's own keys win below.
        self._loader.flatten_mapping(node)
        return {key.value: self.read(value, self._where(key)) for key, value in node.value}

    def _where(self, node: yaml.Node) -> str:
        return self._place(node.start_mark.line + 1)
