"""The whole configuration of a process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, SecretStr

from telephony.settings.agents import AgentSettings
from telephony.settings.api import ApiSettings
from telephony.settings.base import File, Group, Seconds
from telephony.settings.connections import ConnectionSettings
from telephony.settings.dialling import DiallingSettings
from telephony.settings.encryption import EncryptionSettings
from telephony.settings.models import GatewaySettings, GeneralSettings, ModelEntry, RouterSettings
from telephony.settings.numbers import AnyNumber, OpeningHours
from telephony.settings.outbound import OutboundSettings
from telephony.settings.retention import RetentionSettings
from telephony.settings.tools import HttpToolSettings, McpServerSettings


class CassetteSettings(Group):
    """Where the cassettes of calls go, and how much room they may take."""

    folder: str = "cassettes"
    """Folder of the cassettes."""
    sample: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the calls that get a cassette, of agents with `cassette: sampled`."""
    call_mb: Annotated[float, Field(gt=0)] = 250
    """Megabytes one call may take, about half an hour at 24 kHz; a longer call is recorded up to there."""
    total_mb: Annotated[float, Field(gt=0)] = 2000
    """Megabytes all of them may take; then the oldest are removed."""


class TwilioSettings(Group):
    """The Twilio account."""

    account_sid: str = ""
    """`TWILIO_ACCOUNT_SID`, from the Twilio console."""
    auth_token: SecretStr = SecretStr("")
    """`TWILIO_AUTH_TOKEN`: signs webhooks and authorises REST."""
    auth_token_secondary: SecretStr = SecretStr("")
    """`TWILIO_AUTH_TOKEN_SECONDARY`: accepted too while tokens are being rotated."""
    shared_keys: dict[str, SecretStr] = {}
    """Key id to secret, for webhooks signed with `algorithm=HMAC_SHA256`."""
    api_base: str = "https://api.twilio.com"
    """Where the REST API is; a simulated caller or a regional host goes here."""


class Settings(Group):
    """The whole configuration of a process."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True, protected_namespaces=())

    public_url: str = ""
    """`PUBLIC_URL`: https://… as Twilio reaches us. Signatures are checked against it, never against a header."""
    instance_url: str = ""
    """https://… as Twilio reaches this server alone, where several on different machines stand behind `public_url`: the
    sockets and callbacks of its calls come there. A path in front of ours is allowed; the proxy must take it away."""
    host: str = "0.0.0.0"  # noqa: S104  a container and a VM behind a proxy both need it; every route checks signatures
    """`HOST`: the address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """`PORT`: the port to listen on; 0 picks a free one."""
    connections: ConnectionSettings = ConnectionSettings()
    internal_host: str = "127.0.0.1"
    """The address to listen on for whoever watches this process; nobody has to show anything there."""
    internal_port: Annotated[int | None, Field(ge=0, le=65_535)] = None
    """Port of `/readyz`, `/metrics`, `/drain` and the like, such as 9464; 0 picks a free one, unset is none. Two
    processes on one machine need two."""
    database_url: str = "sqlite:///telephony.db"
    """`DATABASE_URL`: where call records go."""
    recordings: str = "recordings"
    """Folder of the recordings."""
    cassettes: CassetteSettings = CassetteSettings()
    retention: RetentionSettings = RetentionSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`LOG_LEVEL`"""
    log_format: Literal["auto", "pretty", "json"] = "auto"
    """`auto`: pretty in a terminal, JSON lines otherwise."""
    drain: Seconds = 30
    """Seconds running calls may go on after SIGTERM before the agent says goodbye."""
    twilio: TwilioSettings = TwilioSettings()
    outbound: OutboundSettings = OutboundSettings()
    api: ApiSettings = ApiSettings()
    agents: dict[str, AgentSettings] = {}
    """The agents by name."""
    numbers: dict[str, AnyNumber] = {}
    """Called number (E.164) to agent, or to more than that; `*` takes the rest."""
    hours: dict[str, OpeningHours] = {}
    """Opening hours by name, for the `numbers` that keep them."""
    max_calls: Annotated[int | None, Field(ge=1)] = None
    """Calls that agents may carry at once, all numbers and workers together."""
    max_calls_per_worker: Annotated[int | None, Field(ge=1)] = None
    """Calls that agents may carry at once in one process."""
    shed_lag_ms: Annotated[float, Field(gt=0)] = 200
    """Milliseconds by which work may begin late: where more than one look in twenty within five seconds finds it later
    than that, new calls get `overflow`, before those that are going on can be heard to suffer."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that share the port, one for each core; 1 does without a parent. See `--workers`."""
    run_folder: str = ""
    """Folder of the sockets by which workers find each other; unset takes `$RUNTIME_DIRECTORY`, `$XDG_RUNTIME_DIR` or
    a folder of this user's beside the temporary files. All versions that share a port must have the same."""
    tariffs: File = ""
    """YAML file with what models and carrier cost; unset knows no prices."""
    http_tools: dict[str, HttpToolSettings] = {}
    """HTTP endpoints as functions, by name; agents name them `http:<name>`."""
    mcp: dict[str, McpServerSettings] = {}
    """Servers of the Model Context Protocol, by name; agents name them `mcp:<name>` or `mcp:<name>/<tool>`."""
    dialling: DiallingSettings = DiallingSettings()
    model_list: list[ModelEntry] = []
    """The realtime models, in LiteLLM's format."""
    provide: list[str] = []
    """What opens what tools are given besides their arguments, such as a database: `module:function` each."""
    router_settings: RouterSettings = RouterSettings()
    general_settings: GeneralSettings = GeneralSettings()
    gateway: GatewaySettings = GatewaySettings()
    """Who may use the models through `/v1/realtime`; `serve` offers it once there is a key."""

    @property
    def callback_url(self) -> str:
        """Where sockets and callbacks of our calls are to come."""
        return self.instance_url or self.public_url
