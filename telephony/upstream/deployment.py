"""From an entry of LiteLLM's `model_list` to a WebSocket address and headers. Pure: the environment is an argument.

The rules are LiteLLM's where it has them, so that a configuration written for it works here: the provider is the prefix
of the model, `os.environ/NAME` stands for a variable, and a key that is left out is taken from the provider's own one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from pydantic import SecretStr

from telephony.errors import ConfigurationError
from telephony.realtime import DIALECTS
from telephony.settings import LiteLLMParams, ModelEntry

_REFERENCE = "os.environ/"
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class Provider(msgspec.Struct, frozen=True):
    """What a prefix of a model's name stands for."""

    dialect: str
    key_names: tuple[str, ...]
    """Variables that may hold the key, the first being the one we ask for."""
    base_names: tuple[str, ...]
    """Variables that may hold the address."""
    base: str = ""
    """The address otherwise; empty where there is none that suits everybody."""
    path: str = "/v1/realtime"
    key_header: str = "Authorization"
    max_sessions: int | None = None
    """Sessions it allows at its own address, where it is known to allow few."""


PROVIDERS: Mapping[str, Provider] = {
    # "10 concurrent sessions per team", says xAI (2026); who was granted more writes it into the deployment.
    "xai": Provider("xai", ("XAI_API_KEY",), ("XAI_API_BASE",), "wss://api.x.ai", max_sessions=10),
    "openai": Provider(
        "openai", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL", "OPENAI_API_BASE"), base="wss://api.openai.com"
    ),
    "azure": Provider(
        "openai", ("AZURE_API_KEY",), ("AZURE_API_BASE",), path="/openai/v1/realtime", key_header="api-key"
    ),
    "litellm_proxy": Provider(
        "litellm", ("LITELLM_API_KEY", "LITELLM_PROXY_API_KEY"), ("LITELLM_PROXY_API_BASE", "LITELLM_API_BASE")
    ),
}

AS_IT_IS: Mapping[str, str] = {"OpenAI-Beta": "realtime=v1"}
"""Makes a LiteLLM proxy hand a `session.update` on as it is. Without, it moves `voice` and `turn_detection` from the
top of a session to where OpenAI has them; xAI does not look there, and a caller's turn would never end. It also gives
events the names of the beta, which our decoder knows as well. The proxy sends the header on to OpenAI, which refuses
it, and not to xAI (LiteLLM 1.106, `realtime_streaming.py` and `llms/xai/realtime/handler.py`)."""

CLIENTS_QUERY: Mapping[str, frozenset[str]] = {"xai": frozenset({"conversation_id", "reasoning.effort"})}
"""What a client of the gateway may add to a deployment's query, by dialect. Not `call_id`, with which it could join any
call of the account that the key belongs to."""

_FOREIGN = frozenset({"bedrock", "gemini", "vertex_ai"})
"""Providers of LiteLLM's that speak protocols of their own; only its proxy translates them."""

_FAMILIES = {"gpt-": "openai", "grok-": "xai"}
"""How a model that stands without prefix and address begins, and whose it then is."""


class Deployment(msgspec.Struct, frozen=True):
    """One place where a model can be reached. The key shows in no log: not in `repr`, not in `str`."""

    model_name: str
    """What agents call it."""
    provider: str
    model: str
    """What the provider calls it."""
    dialect: str
    """A name in `realtime.DIALECTS`."""
    url: str
    """`ws://` or `wss://`, with the model in the query."""
    key: SecretStr = SecretStr("")
    key_header: str = "Authorization"
    max_sessions: int | None = None
    """Sessions it may hold at once; None is any number."""
    weight: float = 1.0
    order: int = 0
    timeout: float | None = None
    """Seconds it has to open a session, if it has its own bound."""

    @property
    def headers(self) -> dict[str, str]:
        """What the handshake carries. Nothing else belongs there: `OpenAI-Beta` makes OpenAI refuse the session."""
        key = self.key.get_secret_value()
        if not key:
            return {}
        return {self.key_header: f"Bearer {key}" if self.key_header == "Authorization" else key}

    @property
    def is_proxy(self) -> bool:
        """Whether it is a LiteLLM proxy, behind which other providers stand."""
        return self.provider == "litellm_proxy"

    @property
    def takes_binary(self) -> bool:
        """Whether it takes binary frames: xAI does, as raw audio; a LiteLLM proxy ends the session over one."""
        return self.dialect == "xai" and not self.is_proxy

    def resuming(self, conversation_id: str) -> str:
        """The address at which a conversation goes on that began in an earlier session (xAI: `conversation_id`)."""
        return self._adding([("conversation_id", conversation_id)])

    def for_client(self, query: Mapping[str, str]) -> str:
        """The address for a session of a client's who came with this *query*; what is configured has precedence."""
        known = dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))
        allowed = CLIENTS_QUERY.get(self.dialect, frozenset())
        return self._adding((name, value) for name, value in query.items() if name in allowed and name not in known)

    def _adding(self, more: Iterable[tuple[str, str]]) -> str:
        parts = urlsplit(self.url)
        query = [*parse_qsl(parts.query, keep_blank_values=True), *more]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def __repr__(self) -> str:
        address = urlunsplit(urlsplit(self.url)._replace(query=""))
        return f"{self.provider}/{self.model} at {address}"

    __str__ = __repr__


def deployments(
    model_list: Iterable[ModelEntry], environ: Mapping[str, str], *, wanted: Collection[str] | None = None
) -> tuple[Deployment, ...]:
    """The realtime deployments of a `model_list`, in its order.

    Entries whose `model_info.mode` says something else than `realtime` belong to other programs and are passed over; so
    are those whose name is not *wanted*, because nobody should have to hold keys for models that no agent uses.
    """
    return tuple(
        resolve(entry, environ)
        for entry in model_list
        if entry.model_info.get("mode", "realtime") == "realtime" and (wanted is None or entry.model_name in wanted)
    )


def realtime_only(
    model_list: Iterable[ModelEntry], environ: Mapping[str, str]
) -> tuple[tuple[Deployment, ...], tuple[ConfigurationError, ...]]:
    """The deployments of a whole `model_list` and what kept the others out: for a gateway, which serves all there is.

    A list made for a LiteLLM proxy holds models of every kind, most of them without a word about it. One that does not
    say that it is realtime and cannot be resolved is somebody else's; one that says so must be right.
    """
    found: list[Deployment] = []
    passed_over: list[ConfigurationError] = []
    for entry in model_list:
        mode = entry.model_info.get("mode")
        if mode not in (None, "realtime"):
            continue
        try:
            found.append(resolve(entry, environ))
        except ConfigurationError as error:
            if mode == "realtime":
                raise
            passed_over.append(error)
    return tuple(found), tuple(passed_over)


def resolve(entry: ModelEntry, environ: Mapping[str, str]) -> Deployment:
    """The deployment that *entry* describes.

    Raises `ConfigurationError` for an unknown provider, an address that is none, and a key that is missing.
    """
    params = entry.litellm_params
    place = f"model_list, {entry.model_name}"
    named_base = _dereferenced(params.api_base or "", "litellm_params.api_base", environ, place)
    name, model = _provider(params, bool(named_base), environ, place)
    provider = PROVIDERS[name]
    base = _address(named_base or _first(environ, provider.base_names) or provider.base, provider, place)
    return Deployment(
        model_name=entry.model_name,
        provider=name,
        model=model,
        dialect=_dialect(entry, provider, place),
        url=_url(base, provider.path, model),
        key=_key(params, provider, base, environ, place),
        key_header=provider.key_header,
        max_sessions=_max_sessions(entry, provider, base, place),
        weight=1.0 if params.weight is None else params.weight,
        order=params.order,
        timeout=params.timeout,
    )


def _max_sessions(entry: ModelEntry, provider: Provider, base: SplitResult, place: str) -> int | None:
    """What is written, by our name for it or by LiteLLM's; else what is known of the provider's own address."""
    written = entry.model_info.get("max_sessions", entry.litellm_params.max_parallel_requests)
    if written is None:
        return provider.max_sessions if base.hostname == urlsplit(provider.base).hostname else None
    if isinstance(written, bool) or not isinstance(written, int) or written < 1:
        problem = f"{written!r} is not a number of sessions"
        raise ConfigurationError("model_info.max_sessions", problem, "Write a whole number of at least 1.", place)
    return written


def _provider(params: LiteLLMParams, has_address: bool, environ: Mapping[str, str], place: str) -> tuple[str, str]:
    """Provider and model. A name with an address and no prefix we know is a server compatible with OpenAI."""
    model = _dereferenced(params.model, "litellm_params.model", environ, place)
    prefix, _, rest = model.partition("/")
    custom = (params.model_extra or {}).get("custom_llm_provider")
    if isinstance(custom, str) and custom in PROVIDERS:
        return custom, rest if prefix == custom and rest else model
    if prefix in PROVIDERS and rest:
        return prefix, rest
    if prefix in _FOREIGN:
        raise ConfigurationError(
            "litellm_params.model",
            f"{model} speaks a protocol of its own",
            "Run it behind a LiteLLM proxy and write litellm_proxy/NAME with the proxy's api_base.",
            place,
        )
    if has_address:
        return "openai", model
    for beginning, name in _FAMILIES.items():
        if model.startswith(beginning):
            return name, model
    known = ", ".join(f"{name}/" for name in PROVIDERS)
    raise ConfigurationError(
        "litellm_params.model",
        f"nobody can tell whose model {model!r} is",
        f"Begin it with one of {known} or give its api_base.",
        place,
    )


def _address(base: str, provider: Provider, place: str) -> SplitResult:
    """*base* as a WebSocket address; http becomes ws, and nothing may hide a secret in it."""
    if not base:
        variable = provider.base_names[0]
        raise ConfigurationError(
            "litellm_params.api_base", "this provider has no address of its own", f"Set it, or {variable}.", place
        )
    if "@" in base:
        raise ConfigurationError(
            "litellm_params.api_base",
            "it holds a user name or password, which would show in logs",
            "Put the secret into litellm_params.api_key.",
            place,
        )
    try:
        parts = urlsplit(base)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        usable = False
    if not usable:
        raise ConfigurationError(
            "litellm_params.api_base",
            f"{base!r} is not an address",
            "Write it as wss://host, https://host or ws://host:port.",
            place,
        )
    return parts._replace(scheme=_SCHEMES[parts.scheme], fragment="")


def _url(base: SplitResult, path: str, model: str) -> str:
    """A base ends at the host, at `/v1`, somewhere before it, or is complete; all of it is seen in the wild."""
    given = base.path.rstrip("/")
    if not given:
        given = path
    elif given.endswith("/v1"):
        given += "/realtime"
    elif not given.endswith("/realtime"):
        given += "/v1/realtime"
    query = [(key, value) for key, value in parse_qsl(base.query, keep_blank_values=True) if key != "model"]
    return urlunsplit(base._replace(path=given, query=urlencode([("model", model), *query])))


def _key(
    params: LiteLLMParams, provider: Provider, base: SplitResult, environ: Mapping[str, str], place: str
) -> SecretStr:
    """The key. A server on this machine may do without: it is a simulation, a proxy of ours, or a model at home."""
    written = params.api_key.get_secret_value() if params.api_key else ""
    names = (written.removeprefix(_REFERENCE),) if written.startswith(_REFERENCE) else provider.key_names
    if written and not written.startswith(_REFERENCE):
        return _sendable(written, "litellm_params.api_key", place)
    if name := next((name for name in names if environ.get(name)), ""):
        return _sendable(environ[name], name, place)
    if _is_loopback(base.hostname or ""):
        return SecretStr("")
    raise ConfigurationError(
        names[0],
        f"it is not set, and {params.model} at {base.hostname} needs a key",
        f"Set {names[0]} in the environment or in .env, or give litellm_params.api_key (any text, if none is checked).",
        place,
    )


def _sendable(key: str, name: str, place: str) -> SecretStr:
    """*key*, if a header can carry it. The `…` of a copied example would only be found out by the first session."""
    odd = next((letter for letter in key if not (letter.isascii() and letter.isprintable())), "")
    if not odd:
        return SecretStr(key)
    what = f"the letter {odd!r}" if odd.isprintable() else "an unprintable character"
    remedy = f"Give {name} a whole key, as the provider shows it, or leave it out where none is needed."
    raise ConfigurationError(name, f"it holds {what}, which no key does and no header can carry", remedy, place)


def _dialect(entry: ModelEntry, provider: Provider, place: str) -> str:
    """The provider's, unless `model_info.dialect` knows better: what stands behind an address cannot be seen."""
    name = entry.model_info.get("dialect", provider.dialect)
    if name not in DIALECTS:
        known = ", ".join(sorted(DIALECTS))
        raise ConfigurationError("model_info.dialect", f"there is no dialect {name!r}", f"Use {known}.", place)
    return str(name)


def _dereferenced(value: str, key: str, environ: Mapping[str, str], place: str) -> str:
    if not value.startswith(_REFERENCE):
        return value
    name = value.removeprefix(_REFERENCE)
    if found := environ.get(name, ""):
        return found
    raise ConfigurationError(name, f"it is not set, and {key} refers to it", f"Set {name} or write the value.", place)


def _first(environ: Mapping[str, str], names: Iterable[str]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
