"""Where the models are: entries of `model_list` resolved into deployments, one picked, and a session there."""

from __future__ import annotations

from telephony.upstream.balancer import Balancer, Lease
from telephony.upstream.deployment import Deployment, deployments, realtime_only, resolve
from telephony.upstream.failures import Failure
from telephony.upstream.pool import Upstream
from telephony.upstream.session import Session

__all__ = [
    "Balancer",
    "Deployment",
    "Failure",
    "Lease",
    "Session",
    "Upstream",
    "deployments",
    "realtime_only",
    "resolve",
]
