"""What must not be shown: by name, by shape, and by value.

`config show`, error messages and logs all ask here. A name that sounds like a secret hides its value, a text that looks
like one is masked, and the secrets we were configured with are masked wherever they turn up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import msgspec
from pydantic import SecretStr

from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.settings import Settings

MASK = "***"
HEADERS = ("headers", "extra_headers")
"""Whatever stands below is sent to somebody who asks who we are (a provider's `mcp` tool, a LiteLLM deployment)."""
SCHEMA = frozenset({"properties", "anyOf", "oneOf", "allOf", "$ref"})
"""Keys that nothing but a JSON Schema has; the others say of what type a value is."""
TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
"""The types of JSON Schema."""
REFERENCE = "os.environ/"
"""LiteLLM's way to name a variable instead of writing a secret down."""

SECRET_NAME = re.compile(
    r"(?:^|[_\-.])(?:pass(?:word|wd|phrase)?|secret|(?:api|access|private|shared|master|signing)[_-]?keys?"
    r"|(?:auth|access|refresh|bearer|media|id|session|secondary)?[_-]?tokens?(?:[_-]secondary)?"
    r"|authorization|credentials?|cookie|x-twilio-signature|signature)$",
    re.IGNORECASE,
)
"""Names of things nobody may read."""
COUNT_NAME = re.compile(r"(?:max|min|total|input|output|cached|prompt|completion)_(?:\w+_)?tokens?$", re.IGNORECASE)
"""Names of counts, which may also be texts (`"inf"`)."""
SHAPES = [
    re.compile(r"(?i)\b((?:bearer|basic|authorization:\s*token)\s+)[A-Za-z0-9._~+/=-]{6,}"),  # RFC 6750, RFC 7617
    re.compile(r"(openai-insecure-api-key\.)[A-Za-z0-9._-]+"),  # what browsers send for want of headers
    re.compile(r"\b((?:sk|xai|rk|pk|ek|gsk)-)[A-Za-z0-9_-]{8,}"),  # OpenAI's, xAI's and others' keys
    re.compile(r"\b(gh[pousr]_|github_pat_|AKIA|xox[abprs]-)[A-Za-z0-9_-]{12,}"),  # GitHub's, Amazon's, Slack's
    re.compile(r"\b(eyJ)[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),  # a JSON Web Token, RFC 7519
    re.compile(r"(?i)\b((?:api[_-]?key|(?:auth|access)?[_-]?token|secret|password)=)[^&\s\"']+"),
    re.compile(r"(://)[^/\s:@]*:[^/\s@]+(?=@)"),  # user and password in a URL
]
"""What secrets look like; the group is what may be seen of them."""
USERINFO = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
"""The password in a URL (RFC 3986, 3.2.1); a library that is given it tells of it without the URL."""
PIECES = "response.function_call_arguments.delta"
"""The message that holds a piece of a function's arguments. No single piece shows that it is one of a secret."""
HINTS = (
    *("pass", "secret", "key", "token", "headers", "authorization", "credential", "cookie", "signature"),
    *("bearer ", "basic ", "openai-insecure", "sk-", "xai-", "rk-", "pk-", "ek-", "://", "arguments.delta"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "akia", "xox", "eyj"),
)
"""Without one of these, in small letters, no name and no shape of a secret is in a text."""
SHORTEST = 8
"""Characters a configured secret must have to be looked for in texts; shorter ones would blot out ordinary words."""
LONGEST_WORD = 16
"""The same for one of letters alone, such as the `practice` of somebody who tries this out."""

AFTER_SCHEME = re.compile(r"^(?:bearer|basic|token) +", re.IGNORECASE)
"""What stands before the secret in an `Authorization` header; it may turn up elsewhere without."""

Hide = Callable[[str], str]
"""Makes of a secret what is shown in its place."""


def is_secret_name(name: str) -> bool:
    return SECRET_NAME.search(name) is not None and COUNT_NAME.search(name) is None


def short(_: str) -> str:
    """Three stars, whatever was there."""
    return MASK


def stars(secret: str) -> str:
    """As many as there were characters, so that what is counted in characters stays the same."""
    return re.sub(r"\S", "*", secret)


def mask_text(text: str, secrets: Iterable[str] = (), hide: Hide = short) -> str:
    """*text* without what looks like a secret and without *secrets* themselves."""
    for secret in secrets:
        if secret in text and len(secret) >= (LONGEST_WORD if secret.isalpha() else SHORTEST):
            text = text.replace(secret, hide(secret))
    for shape in SHAPES:
        text = shape.sub(lambda found: found[1] + hide(found[0][len(found[1]) :]), text)
    return text


def mask(value: Any, name: str = "", secrets: Iterable[str] = ()) -> Any:
    """A copy of a JSON-like *value* that may be shown; *name* is what it is called."""
    hidden = is_hidden(name, value)
    if isinstance(value, Mapping):
        return {key: mask(item, name if hidden else str(key), secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item, name, secrets) for item in value]
    if isinstance(value, SecretStr):
        return _mask_secret(value.get_secret_value())
    if isinstance(value, str):
        return _mask_secret(value) if hidden else mask_text(value, secrets)
    if isinstance(value, bytes):
        return MASK if hidden else value
    return value


def is_hidden(name: str, value: Any) -> bool:
    """Whether everything that is called *name* is. The schema of a function's argument is none of it: what the argument
    is called says nothing of what stands there."""
    if name not in HEADERS and not is_secret_name(name):
        return False
    return not (isinstance(value, Mapping) and (value.get("type") in TYPES or not SCHEMA.isdisjoint(value)))


def _mask_secret(value: str, hide: Hide = short) -> str:
    """Where the secret comes from may be seen, and whether there is one."""
    return value if not value or value.startswith(REFERENCE) else hide(value)


def mask_json(text: str, secrets: Sequence[str] = ()) -> str:
    """*text*, which is JSON, without secrets: by name, by shape and by value, also in strings that are JSON themselves.
    Stars stand in their places, one for each character. What holds none is returned as it is, and a text that is no
    JSON is masked as one."""
    low = text.lower()
    # Where nothing is escaped every name and every secret stands as it is.
    if "\\" not in text and not any(hint in low for hint in HINTS) and not any(secret in text for secret in secrets):
        return text
    try:
        value = json.loads(text)
        masked = _mask_deeply(value, "", secrets)
        return text if masked == value else json.dumps(masked, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):  # no JSON, or numbers and depths that Python cannot do
        shown = mask_text(text, secrets, stars)
        return json.dumps(shown) if _is_json(text) else shown


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _mask_deeply(value: Any, name: str, secrets: Sequence[str]) -> Any:
    """As `mask`, of decoded JSON: also the names in it, and strings that are JSON (arguments and results of tools)."""
    hidden = is_hidden(name, value)
    if isinstance(value, dict):
        if value.get("type") == PIECES and isinstance(value.get("delta"), str):
            value = value | {"delta": stars(value["delta"])}
        return {
            mask_text(key, secrets, stars): _mask_deeply(item, name if hidden else key, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_mask_deeply(item, name, secrets) for item in value]
    if not isinstance(value, str):
        return value
    if hidden:
        return _mask_secret(value, stars)
    return mask_json(value, secrets) if value.lstrip()[:1] in ("{", "[") else mask_text(value, secrets, stars)


def redacted(settings: Settings) -> dict[str, Any]:
    """The settings as JSON-like values, every secret masked; for `config show --redact`."""
    return dict(mask(settings.model_dump(), secrets=secrets_of(settings)))


def secrets_of(
    settings: Settings, environment: Mapping[str, str] | None = None, agents: Iterable[Agent] = ()
) -> list[str]:
    """Every secret that the settings, the environment and *agents* made in Python hold, longest first, so that none
    leaves a rest behind."""
    found: set[str] = set()
    for group in (settings, *(agent.settings for agent in agents)):
        _collect(group.model_dump(), "", found)
    environment = environment or {}
    for name in {name.removesuffix("_FILE") for name in environment}:
        if name.startswith("OTEL_") and name.endswith("_HEADERS"):
            found.update(_header_values(environment.get(name, "")))
        if is_secret_name(name):
            with suppress(ConfigurationError):  # a file nobody asked for may be unreadable
                found.add(environment.get(name, ""))
    return sorted((s for s in found if s and not s.startswith(REFERENCE)), key=lambda s: (-len(s), s))


def _header_values(headers: str) -> Iterator[str]:
    """The values of `name=value,name=value`, percent-encoded as OpenTelemetry has them (W3C Baggage, 3.2.1.1)."""
    for header in headers.split(","):
        value = header.partition("=")[2].strip()
        yield from (value, AFTER_SCHEME.sub("", unquote(value)))


def _collect(value: Any, name: str, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _collect(item, str(key), found)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, name, found)
    elif isinstance(value, SecretStr):
        secret = value.get_secret_value()
        found.update((secret, AFTER_SCHEME.sub("", secret)))
    elif isinstance(value, str) and is_secret_name(name):
        found.add(value)
    elif isinstance(value, str) and (userinfo := USERINFO.search(value)):
        found.update((userinfo[1], unquote(userinfo[1])))
