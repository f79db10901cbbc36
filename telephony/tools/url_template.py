"""A URL with names in braces, and why no value can lead anywhere else than its author meant.

A value is percent-encoded whole, so that `/`, `?`, `#`, `@` and line ends in it are nothing but characters. What
encoding does not disarm is refused: `..` as a part of a path, also where somebody behind us decodes it once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from telephony.errors import ConfigurationError
from telephony.tools.arguments import InvalidArguments

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~%]*")
"""The characters that a URL may hold (RFC 3986); the names in braces are taken out before."""
_DOTS = frozenset({".", ".."})


class UrlTemplate:
    """`https://host/path/{a}?q={b}`. Raises `ConfigurationError` at *key* if it is none that can be used safely."""

    def __init__(self, text: str, key: str) -> None:
        plain = _NAME.sub("x", text)
        problem = ""
        try:
            url = urlsplit(plain)
            url.port  # noqa: B018  raises for a port that is none
        except ValueError:
            raise ConfigurationError(key, "it is not a URL", "Write https://host/path.") from None
        head = text.partition("://")[2]
        head = re.split(r"[/?#]", head, maxsplit=1)[0]
        if url.scheme not in ("http", "https") or not url.hostname:
            problem, remedy = "it does not begin with https:// and a host", "Write https://host/path/{name}."
        elif "{" in head:
            problem, remedy = "the model must not choose the host", "Use names in braces in the path or the query only."
        elif "@" in head:
            problem, remedy = "it holds a user name or password", "Use bearer_token or headers, with os.environ/NAME."
        elif "#" in text:
            problem, remedy = "it has a fragment, which no server sees", "Leave out what begins with #."
        elif not _PLAIN.fullmatch(plain):
            problem = "it holds a character that a URL cannot, or a brace without its other"
            remedy = "Percent-encode it; a name in braces is letters, digits and _."
        if problem:
            raise ConfigurationError(key, problem, remedy)
        self.host = url.hostname or ""
        self.names = tuple(dict.fromkeys(_NAME.findall(text)))
        """The arguments it takes, in order."""
        self._path, mark, query = text.partition("?")
        self._query = mark + query

    def fill(self, values: Mapping[str, str]) -> str:
        """The URL with *values*, percent-encoded. Raises `InvalidArguments` for one that cannot be part of its path."""
        names = set(_NAME.findall(self._path))
        for name in names:
            _check(name, values[name])
        for segment in self._path.split("/"):
            filled = _NAME.sub(lambda found: values[found[1]], segment)
            if segment != filled and filled in _DOTS:
                raise InvalidArguments(f"`{_NAME.findall(segment)[0]}` cannot be used; it was {filled!r}.")
        return _NAME.sub(lambda found: quote(values[found[1]], safe=""), self._path + self._query)


def _check(name: str, value: str) -> None:
    """Refuse what may mean something else than itself in a path, however often it is decoded on its way."""
    seen = value
    while True:
        if not seen.strip() or any(ord(character) < 32 or ord(character) == 127 for character in seen):
            raise InvalidArguments(f"`{name}` must have some text on one line.")
        if not _DOTS.isdisjoint(re.split(r"[/\\;]", seen)):
            raise InvalidArguments(f"`{name}` cannot be used; it was {value[:60]!r}.")
        if (decoded := unquote(seen)) == seen:
            return
        seen = decoded
