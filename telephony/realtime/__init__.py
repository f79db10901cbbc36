"""Realtime dialects: how each provider spells a spoken conversation. Text in, events out; commands in, text out."""

from __future__ import annotations

from telephony.realtime.base import Dialect, Traits
from telephony.realtime.registry import DIALECTS, dialect

__all__ = ["DIALECTS", "Dialect", "Traits", "dialect"]
