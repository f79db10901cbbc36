"""Whom an agent may call or text. A pure policy: a wish goes in, a number to dial or a refusal comes out."""

from telephony.dialling.check import Problem, problems
from telephony.dialling.policy import Allowed, DialPolicy, Refused, Tally

__all__ = ["Allowed", "DialPolicy", "Problem", "Refused", "Tally", "problems"]
