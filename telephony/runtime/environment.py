"""The environment over `.env`, variable by variable, and the settings that stand in it.

Every variable may also be given as `NAME_FILE`, the path of a file that holds the value, as Docker and Kubernetes hand
over secrets, and as a credential of a systemd service, which the environment wins over. An empty variable counts as
unset: Compose writes one for everything it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dotenv.parser import parse_stream

from telephony.errors import ConfigurationError
from telephony.runtime import yaml_text
from telephony.runtime.located import NOTHING, Located, merge, nested
from telephony.runtime.schema import settings_schema

VENDOR_NAMES: dict[str, tuple[str, ...]] = {
    "PUBLIC_URL": ("public_url",),
    "HOST": ("host",),
    "PORT": ("port",),
    "DATABASE_URL": ("database_url",),
    "LOG_LEVEL": ("log_level",),
    "TWILIO_ACCOUNT_SID": ("twilio", "account_sid"),
    "TWILIO_AUTH_TOKEN": ("twilio", "auth_token"),
    "TWILIO_AUTH_TOKEN_SECONDARY": ("twilio", "auth_token_secondary"),
    "LITELLM_MASTER_KEY": ("general_settings", "master_key"),
}
"""Names that platforms and vendors gave before us. `TELEPHONY_PORT` wins over `PORT`, being meant for us alone."""
PREFIX = "TELEPHONY_"
WORKER = "TELEPHONY_WORKER"
"""What a parent tells its workers: the descriptors of their channel and of the listening socket."""
RESERVED = {"TELEPHONY_CONFIG", WORKER}
"""Names with our prefix that are no settings."""
SERVICE_LINK = re.compile(r"TELEPHONY_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""What Kubernetes sets in pods beside a Service called `telephony`, `TELEPHONY_PORT=tcp://10.0.0.7:8080` among it."""
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The folder of a service's credentials (systemd.exec(5))."""
CREDENTIAL = re.compile(r"(?:[a-z0-9-]+_)?([A-Z][A-Z0-9_]*)")
"""The name of one that is a variable of ours: where a whole folder is loaded, systemd puts that one's name in front."""


class Layer(Mapping[str, Located]):
    """The variables of one source, `NAME_FILE` read into `NAME` when it is asked for."""

    def __init__(self, variables: Mapping[str, Located]) -> None:
        self._variables = {name: item for name, item in variables.items() if item.value}
        self._files: dict[str, Located] = {}

    def __getitem__(self, name: str) -> Located:
        file = self._variables.get(f"{name}_FILE")
        if file is None:
            return self._variables[name]
        if name in self._variables:
            problem = f"both it and {name}_FILE are set"
            raise ConfigurationError(name, problem, "Unset one of them.", self._variables[name].place)
        if name not in self._files:
            self._files[name] = _content(name, file)
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def settings(self, like: Located) -> Located:
        """The settings in this layer as a tree; names of agents are spelled as they are in *like*."""
        found = [nested(path, _typed(path, self[name])) for name, path in VENDOR_NAMES.items() if name in self]
        for name in self:
            if name.startswith(PREFIX) and name not in RESERVED and not self._is_service_link(name):
                path, variable = _path(name, like)
                found.append(nested(path, _typed(path, self[variable])))
        return merge(found) if found else NOTHING

    def _is_service_link(self, name: str) -> bool:
        return SERVICE_LINK.fullmatch(name) is not None and (name != "TELEPHONY_PORT" or "://" in self[name].value)


class Environment(Mapping[str, str]):
    """What `os.environ` would hold if `.env` and every `NAME_FILE` had been read into it, and nothing is written there.

    Looking up a name may raise `ConfigurationError`: a file that cannot be read, or a name given in both ways.
    """

    def __init__(self, env: Mapping[str, str], dotenv: Path | None = None) -> None:
        own = {name: Located(value, f"environment variable {name}") for name, value in env.items()}
        sources = [_read_dotenv(dotenv) if dotenv else {}, *_credentials(env), own]
        self.layers = [Layer(variables) for variables in sources]
        """Weakest first."""

    def __getitem__(self, name: str) -> str:
        for layer in reversed(self.layers):
            if name in layer:
                return str(layer[name].value)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in self.layers for name in layer})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def env_name(path: Sequence[str]) -> str:
    """The variable of a setting, the vendor's spelling first."""
    for name, known in VENDOR_NAMES.items():
        if known == tuple(path):
            return name
    return PREFIX + "__".join(path).upper()


def _path(name: str, like: Located) -> tuple[list[str], str]:
    """The setting that a variable of ours means, and the variable to look up (without `_FILE`)."""
    path, stem = _spelled(name, like), name.removesuffix("_FILE")
    if stem != name and settings_schema().at(path) is None:
        return _spelled(stem, like), stem
    return path, name


def _spelled(name: str, like: Located) -> list[str]:
    path: list[str] = []
    here: Located | None = like
    for step in name.removeprefix(PREFIX).lower().split("__"):
        names = here.value if here and isinstance(here.value, dict) else {}
        path.append(next((key for key in names if key.lower().replace("-", "_") == step), step))
        here = names.get(path[-1])
    return path


def _typed(path: Sequence[str], item: Located) -> Located:
    """A variable is text; where the setting is a list or a mapping, the text is YAML (JSON is YAML too)."""
    schema = settings_schema().at(path)
    if schema is None:
        return item
    if schema.kind in {"array", "object", ""}:
        return yaml_text.parse(item.value, lambda _: item.place, ".".join(path))
    spelled = {choice.lower(): choice for choice in schema.choices}
    return Located(spelled.get(item.value.lower(), item.value), item.place)


def _content(name: str, file: Located) -> Located:
    """What a secret's file holds, without the line end that every editor adds."""
    remedy = f"Let {name}_FILE name a readable file that holds the value alone."
    shown = file.value if "/" in file.value else "the file it names"  # a value without one may be the secret itself
    try:
        value = Path(file.value).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(name, f"cannot read {shown}: {error.strerror}", remedy, file.place) from None
    except UnicodeDecodeError:
        raise ConfigurationError(name, f"{shown} is not UTF-8 text", remedy, file.place) from None
    if not value:
        raise ConfigurationError(name, f"{shown} is empty", remedy, file.place)
    return Located(value, f"{file.place}, file {file.value}")


def _credentials(env: Mapping[str, str]) -> Iterator[dict[str, Located]]:
    """The credentials of this service, if it has any, as variables that name files."""
    if not env.get(CREDENTIALS):
        return
    folder = Path(env[CREDENTIALS])
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        problem, remedy = f"cannot read {folder}: {error.strerror}", "Unset it, or let it name a folder of files."
        raise ConfigurationError(CREDENTIALS, problem, remedy) from None
    found = [(match[1], name) for name in names if (match := CREDENTIAL.fullmatch(name))]
    yield {f"{variable}_FILE": Located(str(folder / name), f"credential {name}") for variable, name in found}


def _read_dotenv(path: Path) -> dict[str, Located]:
    """The variables of a `.env` file, taken literally; a file that is not there holds none."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        return {}
    except OSError as error:
        remedy = "Make it a readable file, or remove it."
        raise ConfigurationError(".env", f"cannot read it: {error.strerror}", remedy, str(path)) from None
    except UnicodeDecodeError:
        raise ConfigurationError(".env", "it is not UTF-8 text", "Save it as UTF-8.", str(path)) from None
    found: dict[str, Located] = {}
    for binding in bindings:
        place = f"{path}:{_first_line(binding.original.string, binding.original.line)}"
        if binding.error:
            raise ConfigurationError(".env", "this line cannot be read", "Write NAME=value.", place)
        if binding.key and binding.value is not None:
            found[binding.key] = Located(binding.value, place)
    return found


def _first_line(text: str, line: int) -> int:
    """The parser counts the empty lines before a binding as part of it."""
    return line + text[: len(text) - len(text.lstrip())].count("\n")
