"""What a single value cannot show: whether names refer to something, and whether addresses can work."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import SplitResult, urlsplit

from telephony.agents.agent import HAND_OVER, Agent
from telephony.agents.calling_hours import CallingHours
from telephony.agents.numbers import HOW_TO_WRITE, is_e164, normal
from telephony.dialling import problems as dialling_problems
from telephony.errors import ConfigurationError
from telephony.links.guarded import GuardedClient
from telephony.runtime.clips import ClipError, own_clip, own_clips
from telephony.runtime.encryption import encryption_problems
from telephony.runtime.located import Path, dotted
from telephony.runtime.number_checks import number_problems
from telephony.runtime.tariffs import tariff_problems
from telephony.settings import Settings
from telephony.tools.http_tool import HttpTool

Place = Callable[[Path], str]
"""Where the value at a path was written."""


def check(settings: Settings, place: Place, agents: Iterable[Agent] = ()) -> list[ConfigurationError]:
    """Every problem between settings that are each well-formed; *agents* were made in Python and come beside theirs."""
    staff = [*(Agent.from_settings(name, own) for name, own in settings.agents.items()), *agents]
    found = [
        *_public_urls(settings),
        *_addresses(settings),
        *_account(settings),
        *_models(settings, staff),
        *_tools(staff),
        *_colleagues(staff),
        *_declared_tools(settings),
        *number_problems(settings, staff),
        *tariff_problems(settings, staff),
        *_fallbacks(settings, staff),
        *_dialling(settings, staff),
        *_gateway(settings),
        *_api(settings),
        *_outbound(settings, staff),
        *encryption_problems(settings),
    ]
    return [ConfigurationError(dotted(path), problem, remedy, place(path)) for path, problem, remedy in found]


def serving_problems(settings: Settings) -> list[ConfigurationError]:
    """What is still missing before real calls can be answered; empty when nothing is."""
    token = settings.twilio.auth_token.get_secret_value()
    wanted = {
        "public_url": (
            settings.public_url,
            "Set PUBLIC_URL to the https://… address where Twilio reaches us.",
        ),
        "twilio.auth_token": (
            token,
            "Set TWILIO_AUTH_TOKEN or TWILIO_AUTH_TOKEN_FILE; it proves who calls.",
        ),
        "twilio.account_sid": (settings.twilio.account_sid, "Set TWILIO_ACCOUNT_SID; hanging up needs it."),
        "agents": (settings.agents, "Describe who answers: agents: {frontdesk: {instructions: …}}."),
        "numbers": (settings.numbers, 'Say who answers which number: numbers: {"*": frontdesk}.'),
    }
    problem = "it is not set, and calls cannot be answered without"
    return [ConfigurationError(key, problem, remedy) for key, (value, remedy) in wanted.items() if not value]


Problem = tuple[Path, str, str]
"""Path, problem, remedy."""


def _public_urls(settings: Settings) -> Iterator[Problem]:
    yield from _public_url("public_url", settings.public_url, prefix=False)
    yield from _public_url("instance_url", settings.instance_url, prefix=True)


def _public_url(key: str, text: str, *, prefix: bool) -> Iterator[Problem]:
    """*prefix* says whether a path is allowed."""
    if not text:
        return
    path, url = (key,), _split(text)
    if url is None or not url.hostname:
        yield path, f"{_quoted(text)} is not a URL", "Write it as https://voice.example.com."
    elif url.username is not None or url.password is not None:
        yield path, "it holds a user name or password", "Take them out; Twilio's requests are signed."
    elif url.scheme not in {"https", "http"}:
        yield path, f"it begins with {url.scheme}://", "Begin with https://; the wss:// address follows from it."
    elif url.scheme == "http" and not is_loopback(url.hostname):
        yield path, "it is not https", "Use https://; http:// is for this machine's own addresses only."
    elif prefix and (url.query or url.fragment):
        yield path, "it has a query or a fragment", "Take it out; a path is allowed."
    elif not prefix and (url.path.rstrip("/") or url.query or url.fragment):
        remedy = f"Write only {url.scheme}://{url.netloc}; the program adds its own paths."
        yield path, "it has a path, a query or a fragment", remedy


def _addresses(settings: Settings) -> Iterator[Problem]:
    """Addresses of other servers."""
    yield from _address(("twilio", "api_base"), settings.twilio.api_base, ["https", "http"])
    for position, entry in enumerate(settings.model_list):
        base = entry.litellm_params.api_base
        if base is not None and not base.startswith("os.environ/"):
            path = ("model_list", position, "litellm_params", "api_base")
            yield from _address(path, base, ["wss", "ws", "https", "http"])


def _address(path: Path, text: str, schemes: list[str]) -> Iterator[Problem]:
    url = _split(text)
    if url is None or not url.hostname or url.scheme not in schemes:
        yield (
            path,
            f"{_quoted(text)} is not an address to connect to",
            f"Begin with {', '.join(s + '://' for s in schemes)}.",
        )


def _account(settings: Settings) -> Iterator[Problem]:
    sid = settings.twilio.account_sid
    if sid and not sid.startswith("AC"):
        hint = " (this is an API key's)" if sid.startswith("SK") else ""
        remedy = "Copy the Account SID from the Twilio console; it begins with AC."
        yield ("twilio", "account_sid"), f"it is not an account SID{hint}", remedy


def _models(settings: Settings, staff: Sequence[Agent]) -> Iterator[Problem]:
    known = list(dict.fromkeys(entry.model_name for entry in settings.model_list))
    if staff and not known:
        remedy = "Add model_list: [{model_name: grok-voice, litellm_params: {model: xai/grok-voice-latest}}]."
        yield ("model_list",), "it is empty, so the agents have no model to speak with", remedy
        return
    for agent in staff:
        path, model = ("agents", agent.name, "model"), agent.settings.model
        if model and model not in known:
            yield path, f"model_list has no {model!r}", _nearest(model, known)
        elif not model and len(known) > 1:
            problem = "model_list has several names and the agent names none"
            yield path, problem, f"Choose one of {', '.join(known)}."


def _tools(staff: Sequence[Agent]) -> Iterator[Problem]:
    """Tools that the provider runs: it must be told which, and cannot run a function of ours."""
    for agent in staff:
        place, extra = ("agents", agent.name), agent.settings.session.get("tools", [])
        if not isinstance(extra, list):
            yield (*place, "session", "tools"), "it is not a list", "Better list them under the agent's own tools."
            continue
        own = [(at, tool) for at, tool in enumerate(agent.settings.tools) if isinstance(tool, dict)]
        written: list[tuple[Path, object]] = [((*place, "tools", at), tool) for at, tool in own]
        written += [((*place, "session", "tools", at), tool) for at, tool in enumerate(extra)]
        for path, tool in written:
            kind = tool.get("type") if isinstance(tool, dict) else None
            if not isinstance(kind, str) or not kind:
                remedy = (
                    "Write {type: web_search}, module:function for a function of yours, or http:… for an HTTP tool."
                )
                yield path, "it does not say what type of tool it is", remedy
            elif kind == "function":
                yield path, "no provider runs a function of yours", "Write module:function; its schema follows from it."


def _colleagues(staff: Sequence[Agent]) -> Iterator[Problem]:
    """Whom an agent may hand the caller over to."""
    known = {agent.name: agent for agent in staff}
    for agent in staff:
        own = agent.settings
        for position, name in enumerate(own.hand_over):
            path = ("agents", agent.name, "hand_over", position)
            if name not in known:
                yield path, f"there is no agent {_quoted(name)}", _nearest(name, list(known))
            elif known[name].settings.audio != own.audio:
                remedy = f"Give both the same `audio`: what {agent.name} said and what {name} says share one line."
                yield path, f"{name} speaks {known[name].settings.audio} and {agent.name} {own.audio}", remedy
        if HAND_OVER in own.tools and not own.hand_over:
            problem = f"it is empty, and {HAND_OVER} has nobody to hand over to"
            yield ("agents", agent.name, "hand_over"), problem, "Name the agents: hand_over: [billing]."


def _declared_tools(settings: Settings) -> Iterator[Problem]:
    """HTTP endpoints and MCP servers, as far as can be said without asking them."""
    for name, tool in settings.http_tools.items():
        try:
            HttpTool(name, tool, GuardedClient())
        except ConfigurationError as error:
            rest = error.key.removeprefix(f"http_tools.{name}").split(".")[1:]
            yield ("http_tools", name, *rest), error.problem, error.remedy
    for name, server in settings.mcp.items():
        path: Path = ("mcp", name)
        if not re.fullmatch(r"[\w.-]+", name):
            yield path, f"{name!r} cannot be named in mcp:…", "Call it by letters, digits, _, - and dots."
        if bool(server.url) == bool(server.command):
            problem = "it has both command and url" if server.url else "it has neither command nor url"
            yield path, problem, "Give command: [program, …], or url: https://…/mcp."
        elif server.url:
            yield from _address((*path, "url"), server.url, ["https", "http"])
            if "@" in server.url.partition("://")[2].partition("/")[0]:
                yield (*path, "url"), "it holds a user name or password", "Use bearer_token or headers."
        if not re.fullmatch(r"[a-zA-Z0-9_-]{0,32}", server.prefix):
            yield (*path, "prefix"), "no model accepts it in a name", "Use up to 32 of a-z, A-Z, 0-9, _ and -."


def _fallbacks(settings: Settings, staff: Sequence[Agent]) -> Iterator[Problem]:
    """Where callers are sent on to, and the recordings that they hear: nobody wants to learn of a mistake then."""
    agents = {normal(number): entry.agent for number, entry in settings.numbers.items()}
    for agent in staff:
        path: Path = ("agents", agent.name, "fallback")
        fallback = agent.settings.fallback
        for key in ("transfer", "caller_id"):
            number = getattr(fallback, key)
            if number and not is_e164(normal(number)):
                yield (*path, key), f"{_quoted(number)} is no phone number", HOW_TO_WRITE
        if fallback.transfer and agents.get(normal(fallback.transfer)) == agent.name:
            problem = f"{fallback.transfer} leads back to {agent.name}, whose model does not answer"
            yield (*path, "transfer"), problem, "Name a number that people answer."
        for key, file in own_clips(fallback):
            try:
                own_clip(file)
            except ClipError as error:
                yield (*path, key), error.problem, error.remedy


def _dialling(settings: Settings, staff: Sequence[Agent]) -> Iterator[Problem]:
    """Whom agents may call."""
    narrowed = {agent.name: agent.settings.directory for agent in staff if agent.settings.directory is not None}
    yield from dialling_problems(settings.dialling, narrowed, settings.numbers)


def _outbound(settings: Settings, staff: Sequence[Agent]) -> Iterator[Problem]:
    """When and from which number people are called, and what is said to their machines."""
    number = settings.outbound.from_number
    if number and not is_e164(normal(number)):
        yield ("outbound", "from_number"), f"{_quoted(number)} is no phone number", HOW_TO_WRITE
    try:
        CallingHours(settings.outbound.hours)
    except ConfigurationError as error:
        yield ("outbound", "hours"), error.problem, error.remedy
    for agent in staff:
        policy = agent.settings.outbound
        if policy.machine == "message" and not policy.message.strip():
            path = ("agents", agent.name, "outbound", "message")
            yield path, "it is empty, and machines are to be left a message", "Say which: message: …"


def _gateway(settings: Settings) -> Iterator[Problem]:
    """Clients' keys: each of them there once, and for models that exist."""
    known = list(dict.fromkeys(entry.model_name for entry in settings.model_list))
    for name, allowed in settings.gateway.keys.items():
        path: Path = ("gateway", "keys", name)
        if bool(allowed.sha256) == bool(allowed.key.get_secret_value()):
            problem = "it has both key and sha256" if allowed.sha256 else "it has neither key nor sha256"
            yield path, problem, f"Give one; telephony gateway --new-key {name} makes both."
        elif allowed.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", allowed.sha256):
            yield (*path, "sha256"), "it is no SHA-256 in hexadecimal", "Give the 64 digits that sha256sum prints."
        for position, model in enumerate(allowed.models):
            if model not in known:
                yield (*path, "models", position), f"model_list has no {model!r}", _nearest(model, known)


def _api(settings: Settings) -> Iterator[Problem]:
    """The keys of the API."""
    for name, key in settings.api.keys.items():
        if not re.fullmatch(r"[0-9a-fA-F]{64}", key.sha256):
            path: Path = ("api", "keys", name, "sha256")
            yield (
                path,
                "it is no SHA-256 in hexadecimal",
                f"telephony api-key {name} makes a key and shows it.",
            )


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(names) or 'none'}."


def is_loopback(host: str) -> bool:
    """Whether only this machine can be meant (RFC 6761 reserves `localhost` and everything under it)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult | None:
    """The parts of a URL; None if it is none (a port out of range, a broken IPv6 address, spaces)."""
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  raises for a port that is none
    except ValueError:
        return None
    return None if any(character.isspace() for character in text) else url


def _quoted(text: str) -> str:
    """A wrong address without what stands before its host: a password may."""
    return repr(text.rpartition("@")[2])
