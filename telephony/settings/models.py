"""The realtime models, in LiteLLM's own format, and who may use them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from telephony.settings.base import Group, Seconds


class LiteLLMParams(BaseModel):
    """`litellm_params` of a deployment, as LiteLLM writes them; keys we do not know are kept."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True, frozen=True)

    model: str
    """Provider and model, such as `xai/grok-voice-latest`."""
    api_key: SecretStr | None = None
    """The key itself or `os.environ/NAME`; unset uses the provider's own variable."""
    api_base: str | None = None
    """Where the deployment is, if not at the provider: `ws://…`, `wss://…`, `http://…` or `https://…`."""
    weight: Annotated[float, Field(ge=0)] | None = None
    """Its share among the deployments of its name, 1 if unset; 0 is asked only when no other can be."""
    order: int = 0
    """Deployments of a lower order are asked first, those of a higher one when none of them can be."""
    max_parallel_requests: Annotated[int, Field(ge=1)] | None = None
    """Sessions it may hold at once; `model_info.max_sessions` says the same. Unset is 10 for xAI's own address, which
    allows about that many for each team, and no limit elsewhere."""
    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds it has to open a session, if not those of `router_settings.timeout`."""


class ModelEntry(BaseModel):
    """One deployment in LiteLLM's own format."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True, frozen=True, protected_namespaces=())

    model_name: str
    """What agents call it. Several entries may share a name."""
    litellm_params: LiteLLMParams
    model_info: dict[str, Any] = {}
    """LiteLLM's notes on the model; kept as they are."""


class GeneralSettings(Group):
    """`general_settings` of LiteLLM: what applies here."""

    master_key: SecretStr | None = None
    """`LITELLM_MASTER_KEY`: the key that clients of the realtime gateway must show."""


class RouterSettings(Group):
    """`router_settings` of LiteLLM: what applies to sessions. The same keys are read from `litellm_settings`, too."""

    routing_strategy: Literal["least-busy", "simple-shuffle"] = "least-busy"
    """How deployments of one name share its sessions: to whoever has fewest for its weight, or in turn by weight."""
    fallbacks: list[dict[str, list[str]]] = []
    """`[{grok-voice: [gpt-voice]}]`: names to go on with when no deployment of a name can be had; `*` is any name."""
    default_fallbacks: list[str] = []
    """Names to go on with for any name, after its own `fallbacks`."""
    cooldown_time: Seconds = 30
    """Seconds a deployment that failed is passed over while there is another. A wrong key or name costs ten minutes."""
    allowed_fails: Annotated[int, Field(ge=0)] = 0
    """Failures within a minute that are forgiven first. Each of them is a caller who had to wait."""
    num_retries: Annotated[int, Field(ge=0)] = 1
    """How often the whole list is gone through again, as far as there is hope and time."""
    timeout: Annotated[float, Field(gt=0)] = 4
    """Seconds one deployment has to open a session before the next is tried."""


class GatewayKey(Group):
    """What the holder of one key may do at the gateway."""

    key: SecretStr = SecretStr("")
    """The key itself or `os.environ/NAME`. Better give its `sha256`: then the file holds nothing to steal."""
    sha256: str = ""
    """SHA-256 of the key, in hexadecimal; `telephony gateway --new-key NAME` makes a key and shows it."""
    models: list[str] = []
    """The models it may use, by `model_name`; empty for all."""
    max_sessions: Annotated[int | None, Field(ge=1)] = None
    """Sessions it may have at once."""
    minutes_per_day: Annotated[float | None, Field(gt=0)] = None
    """Minutes of session it may use in any 24 hours, all sessions together. Counted in memory, from the start on."""


class GatewaySettings(Group):
    """The realtime gateway, `/v1/realtime`: other programs' way to the models."""

    keys: dict[str, GatewayKey] = {}
    """Clients' own keys, by the name of whoever holds one. `general_settings.master_key` may do everything."""
