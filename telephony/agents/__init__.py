"""Who answers the phone: agents, which number leads to which, and what is wrong with them."""

from telephony.agents.agent import Agent, ToolLike, call_settings
from telephony.agents.check import Finding, check, check_agent
from telephony.agents.directory import Directory
from telephony.agents.numbers import normal

__all__ = ["Agent", "Directory", "Finding", "ToolLike", "call_settings", "check", "check_agent", "normal"]
