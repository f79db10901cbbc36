"""YAML with line numbers, keys as written, and errors that quote nothing."""

from __future__ import annotations

import pytest

from telephony.errors import ConfigurationError
from telephony.runtime.located import Located
from telephony.runtime.yaml_text import parse


def read(text: str) -> Located:
    return parse(text, lambda line: f"f:{line}")


def test_every_value_has_the_line_of_its_key() -> None:
    tree = read("a: 1\nb:\n  c: |\n    long\n    text\n  d:\n    - x\n    - y\n")
    assert tree.plain() == {"a": 1, "b": {"c": "long\ntext\n", "d": ["x", "y"]}}
    assert [tree.at(path).place for path in [("a",), ("b", "c"), ("b", "d"), ("b", "d", 1)]] == [
        "f:1",
        "f:3",
        "f:6",
        "f:8",
    ]


def test_keys_are_taken_as_they_are_written() -> None:
    assert read("{+15550100: a, on: b, 1_0: c, 'x': d}").plain() == {"+15550100": "a", "on": "b", "1_0": "c", "x": "d"}


def test_anchors_and_merge_keys_work_and_the_own_keys_win() -> None:
    tree = read("a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\nc: *base\n")
    assert tree.plain() == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}
    assert tree.at(("c",)).place == "f:5"


def test_an_empty_document_is_nothing() -> None:
    assert read("# nothing yet\n").value is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3", "stands twice, the first time at f:1"),
        ("a: {x: 1, x: 2}", "f:1", "stands twice"),
        ("a: 1\n b: 2\n", "f:2", "mapping values are not allowed"),
        ("a: 1\n\tb: 2\n", "f:2", "spaces"),
        ("a: [1, 2\nb: 3\n", "f:2", "not YAML"),
        ("a: 'x\n", "f:2", "not YAML"),
        ("a: *nobody\n", "f:1", "undefined alias"),
        ("a: !!python/object/apply:os.system [ls]\n", "f:1", "could not determine a constructor"),
        ("a: !!python/name:os.system\n", "f:1", "could not determine a constructor"),
        ("a: !include other.yaml\n", "f:1", "could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", "f:2", "single document"),
        ("? [a, b]\n: 1\n", "f:1", "must be a word"),
        ("a: &a [*a]\n", "f:1", "holds itself"),
        ("a: 1\nb: c\x07d\n", "f:2", "a character that YAML does not allow"),
        ("a: 1\nb: 2024-13-01\n", "f:2", "it looks like YAML's timestamp"),
        ("a: !!float x", "f:1", "it looks like YAML's float"),
        ("a: !!bool x", "f:1", "it looks like YAML's bool"),
        ("a: !!timestamp x", "f:1", "it looks like YAML's timestamp"),
        (f"a: {'9' * 5000}", "f:1", "it looks like YAML's int"),
        ("a: {<<: 3}", "f:1", "expected a mapping"),
    ],
)
def test_a_mistake_names_its_line(text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert caught.value.place == place
    assert words in str(caught.value)
    assert caught.value.remedy


def test_no_error_quotes_the_text() -> None:
    for text in ["key: planted: secret", "planted\n  secret: [", "a: 'planted secret", "planted: 1\nplanted secret"]:
        with pytest.raises(ConfigurationError) as caught:
            read(text)
        assert "secret" not in str(caught.value)
