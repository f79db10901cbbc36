"""Every knob: its default, its unit, a sentence. Only `runtime` reads the environment and files into these."""

from telephony.settings.agents import AUDIO_FORMATS, AgentSettings, Fallback, Limits, ToolEntry, TurnDetection
from telephony.settings.api import ApiKey, ApiSettings, Scope
from telephony.settings.base import File, Group, Seconds
from telephony.settings.dialling import Allowance, Contact, DiallingSettings, MessageRules, NumberType
from telephony.settings.encryption import EncryptionSettings
from telephony.settings.models import (
    GatewayKey,
    GatewaySettings,
    GeneralSettings,
    LiteLLMParams,
    ModelEntry,
    RouterSettings,
)
from telephony.settings.numbers import Consent, NumberSettings, OpeningHours, Route
from telephony.settings.outbound import OutboundPolicy, OutboundSettings
from telephony.settings.process import CassetteSettings, Settings, TwilioSettings
from telephony.settings.resolved import CallSettings, Clips, Prologue, Ran, SessionConfig, ToolSpec
from telephony.settings.tariffs import ModelTariff, Tariffs
from telephony.settings.tools import HttpToolSettings, McpServerSettings

__all__ = [
    "AUDIO_FORMATS",
    "AgentSettings",
    "Allowance",
    "ApiKey",
    "ApiSettings",
    "CallSettings",
    "CassetteSettings",
    "Clips",
    "Consent",
    "Contact",
    "DiallingSettings",
    "EncryptionSettings",
    "Fallback",
    "File",
    "GatewayKey",
    "GatewaySettings",
    "GeneralSettings",
    "Group",
    "HttpToolSettings",
    "Limits",
    "LiteLLMParams",
    "McpServerSettings",
    "MessageRules",
    "ModelEntry",
    "ModelTariff",
    "NumberSettings",
    "NumberType",
    "OpeningHours",
    "OutboundPolicy",
    "OutboundSettings",
    "Prologue",
    "Ran",
    "Route",
    "RouterSettings",
    "Scope",
    "Seconds",
    "SessionConfig",
    "Settings",
    "Tariffs",
    "ToolEntry",
    "ToolSpec",
    "TurnDetection",
    "TwilioSettings",
]
